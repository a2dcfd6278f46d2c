"""Messages that lean on what was said before: "and for the blue one?", "what about helmets?", "how much is it?"."""

import re

from core.dialog.routing.features import words
from core.memory import Conversation, Exchange

SHORT = 3
"""Words up to which a message is searched for together with the one before it."""

ELLIPTICAL = 8
"""Words up to which a message that begins like a follow-up is one."""

ANAPHORIC = 6
"""Words up to which a pronoun is taken to point back into the conversation."""

_OPENERS = re.compile(
    r"^\W*(and|or|but|then|also|same|what about|how about|what if"
    r"|und|oder|aber|auch|was ist mit|wie ist es mit|et|ou|mais|y|pero)\b",
    re.IGNORECASE,
)
_POINTERS = re.compile(
    r"\b(it|its|that|this|those|these|they|them|their|he|him|she|her|ones?|same|such|else"
    r"|dies|diese[rsn]?|ihn|ihm|dafür|damit|davon|dazu|dort)\b",
    re.IGNORECASE,
)
_BACK = 3  # earlier messages that are looked at for one that stands alone


def carries_on(text: str) -> bool:
    """Whether a message cannot be understood alone: short and opening like a follow-up, or shorter still with a pronoun."""
    tokens = words(text)
    if len(tokens) <= ELLIPTICAL and _OPENERS.match(text):
        return True
    return len(tokens) <= ANAPHORIC and bool(_POINTERS.search(text))


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
