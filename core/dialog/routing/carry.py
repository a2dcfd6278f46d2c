"""Messages that lean on what was said before: "and for the blue one?", "what about helmets?", "how much is it?"."""

import re
import unicodedata

from core.dialog.routing.features import words
from core.memory import Conversation, Exchange

SHORT = 3
"""Words up to which a message is searched for together with the one before it."""

ELLIPTICAL = 8
"""Words up to which a message that begins like a follow-up is one."""

ANAPHORIC = 6
"""Words up to which a pronoun is taken to point back into the conversation."""

_OPENERS = {
    "en": r"and|or|but|then|also|same|what about|how about|what if",
    "de": r"und|oder|aber|auch|was ist mit|wie ist es mit",
    "fr": r"et|ou(?! (?:est|sont|en|se|puis)\b)|mais|aussi|alors|sinon|qu['’]en est-il",  # "ou est …" is a "où" in a hurry
    "es": r"y|o(?! rings?\b)|pero|tambi[eé]n|entonces|adem[aá]s|qu[eé] hay de|qu[eé] pasa con",
    "it": r"e(?! (?:bike|mail|book)s?\b)|ma(?= (?:per|con|se|in)\b)|oppure|anche|allora|invece",  # "ma" is French for "my"
    "pt": r"mas(?= (?:e|se|para|com)\b)|tamb[eé]m|ent[aã]o",
}
_POINTERS = {
    "en": r"it|its|that|this|those|these|they|them|their|he|him|she|her|ones?|same|such|else",
    "de": r"dies|diese[rsn]?|ihn|ihm|dafür|damit|davon|dazu|dort",
    "fr": r"ça|cela|cet|cette|ces|celui|celle|ceux|celles|elles?|lui|eux|même",
    "es": r"es[eoa]|es[oa]s|este|est[oa]s|ellos?|ellas?|mism[oa]s?",
    "it": r"quest[oaie]|quell[oai]|ciò|loro|stess[oaie]",
    "pt": r"isso|isto|ess[ea]s?|estes?|aquel[ea]s?|el[ea]s|del[ea]s?|mesm[oa]s?",
}
"""Left out, though they point back too: what is an article (la, il, los), a question (quelle) or a verb without its accent
(esta) in one of the languages."""

_OPENS = re.compile(rf"\W*(?:{'|'.join(_OPENERS.values())})(?![-\w])", re.IGNORECASE)
_POINTS = re.compile(rf"\b(?:{'|'.join(_POINTERS.values())})\b", re.IGNORECASE)
_BACK = 3  # earlier messages that are looked at for one that stands alone


def carries_on(text: str) -> bool:
    """Whether a message cannot be understood alone: short and opening like a follow-up, or shorter still with a pronoun."""
    text = unicodedata.normalize("NFC", text)
    tokens = words(text)
    if len(tokens) <= ELLIPTICAL and _OPENS.match(text):
        return True
    return len(tokens) <= ANAPHORIC and bool(_POINTS.search(text))


def said_before(text: str, conversation: Conversation) -> str:
    """The earlier message that a text is searched for with: the nearest that stands alone, where this one carries on, has at
    most `SHORT` words, or answers a clarification; else ""."""
    if not conversation.exchanges:
        return ""
    leans = len(words(text)) <= SHORT or carries_on(text) or conversation.exchanges[-1].outcome == "clarify"
    return before(conversation).asked if leans else ""


def said_earlier(text: str, conversation: Conversation) -> str:
    """The earlier message that a text which stands alone is searched for with, too: the topic stays more often than it
    changes. "" where `said_before` has one, or nothing was said."""
    return before(conversation).asked if conversation.exchanges and not said_before(text, conversation) else ""


def before(conversation: Conversation) -> Exchange:
    """The nearest exchange whose message stands alone, among the last few; the last one where none does. There must be one."""
    recent = conversation.exchanges[-_BACK:]
    standing = (one for one in reversed(recent) if one.outcome != "noted" and not carries_on(one.asked))
    return next(standing, recent[-1])
