"""Whether an answer declines: says that it does not know, cannot help, or found nothing."""

import re
from collections.abc import Iterable

from core.assistant import Assistant
from core.evaluation.judging.wording import plain

EARLY = 240
"""A refusal stands at the beginning; what is said of the unknown later on belongs to an answer."""

_REFUSES = re.compile(
    r"\bi (?:do not|don't|cannot|can't|could not|couldn't|am not able to|am unable to|have no|found no)\b.{0,40}"
    r"\b(?:know|find|answer|help|information|say|tell|provide|anything|documents?)\b"
    r"|\b(?:no information|nothing about|not (?:mentioned|covered|stated|in the (?:documents|passages|sources)))\b"
    r"|\b(?:do(?:es)? not|don't|doesn't) (?:say|mention|contain|cover|include|state)\b"
    r"|\boutside (?:of )?what i\b|\bi only know\b"
    r"|\b(?:weiß ich (?:leider )?nicht|kann ich (?:leider )?nicht|keine (?:information|angabe)(?:en|n)?)\b"
    r"|\b(?:nichts (?:dazu|darüber)|nicht gefunden)\b"
    r"|\b(?:no (?:lo sé|puedo|tengo información|encuentro)|je ne (?:sais|peux|trouve) pas|aucune information)\b",
)


def declines(text: str, sayings: Iterable[str]) -> bool:
    """Whether a text is one of the assistant's own `sayings` of that kind, or a refusal in other words."""
    told = plain(text)
    return any(plain(saying) in told for saying in sayings) or _REFUSES.search(told[:EARLY]) is not None


def sayings(assistant: Assistant) -> tuple[str, ...]:
    about = assistant.about
    return (about.nothing_found, about.no_answer, about.out_of_scope)
