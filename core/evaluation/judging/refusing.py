"""Whether an answer declines: says that it does not know, cannot help, or found nothing."""

import re
from collections.abc import Iterable

from core.assistant import Assistant
from core.evaluation.judging.wording import plain

_POLITE = re.compile(
    r"^(?:hello|hi|hallo|hola|bonjour|thank|danke|gracias|merci|i am sorry|i'm sorry|sorry|es tut mir leid)\b[^,]*$"
)
_SENTENCE = re.compile(r"(?<=[.!?;])\s+")

_REFUSES = re.compile(
    r"\bi (?:do not|don't|cannot|can't|could not|couldn't|am not able to|am unable to|have no|found no)\b.{0,40}"
    r"\b(?:know|find|answer|help|information|say|tell|provide|anything|documents?)\b"
    r"|\b(?:no information|nothing about|not (?:mentioned|covered|stated|in the (?:documents|passages|sources)))\b"
    r"|\b(?:do(?:es)? not|don't|doesn't) (?:say|mention|contain|cover|include|state)\b"
    r"|\boutside (?:of )?what i\b|\bi only know\b"
    r"|\b(?:weiss ich (?:leider )?nicht|ich weiss (?:es |das )?(?:leider )?nicht|kann ich (?:leider )?nicht)\b"
    r"|\bkeine (?:information|angabe)(?:en|n)?\b"
    r"|\b(?:nichts (?:dazu|darüber)|nicht gefunden)\b"
    r"|\b(?:no (?:lo sé|puedo|tengo información|encuentro)|je ne (?:sais|peux|trouve) pas|aucune information)\b",
)


def declines(text: str, sayings: Iterable[str]) -> bool:
    """Whether a text is one of the assistant's own `sayings` of that kind, or begins, courtesies apart, with a refusal in other
    words: what is said of the unknown later on belongs to an answer."""
    told = plain(text)
    first = next((sentence for sentence in _SENTENCE.split(told) if not _POLITE.match(sentence)), told)
    return any(plain(saying) in told for saying in sayings) or _REFUSES.search(first) is not None


def sayings(assistant: Assistant) -> tuple[str, ...]:
    about = assistant.about
    return (about.nothing_found, about.no_answer, about.out_of_scope)
