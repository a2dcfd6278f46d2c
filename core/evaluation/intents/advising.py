"""Which examples to look at, by line: what is said twice, what looks wrongly placed, which intents are confused or have few."""

from collections import Counter
from collections.abc import Iterator, Sequence

from core.assistant import Assistant
from core.evaluation.intents.judged import OWN, Judged

FEW = 12
SURE = 0.8
OFTEN = 2


def advice(assistant: Assistant, judged: Sequence[Judged]) -> list[str]:
    own = [one for one in judged if one.part == OWN]
    return [*_few(assistant), *_twice(own), *_misplaced(own), *_confused(judged)]


def _few(assistant: Assistant) -> Iterator[str]:
    for intent in assistant.intents:
        if len(intent.examples) < FEW:
            yield f"{intent.name} has {len(intent.examples)} examples: add {FEW - len(intent.examples)} in people's own words"


def _twice(own: Sequence[Judged]) -> Iterator[str]:
    first: dict[str, Judged] = {}
    for one in own:
        other = first.setdefault(" ".join(one.text.casefold().split()), one)
        if other is one:
            continue
        what = "say the same" if other.intent == one.intent else f"say the same for {other.intent} and {one.intent}"
        yield f"lines {other.line} and {one.line} {what}: {one.text!r}; keep one"


def _misplaced(own: Sequence[Judged]) -> Iterator[str]:
    for one in sorted(own, key=lambda one: -one.confidence):
        if not one.right and one.confidence >= SURE:
            yield f"line {one.line}: {one.text!r} of {one.intent} reads like {one.said} ({one.confidence:.2f}): right there?"
    for one in own:
        if one.kind == "out_of_scope":
            yield f"line {one.line}: {one.text!r} of {one.intent} is like no other example: add some like it, or take it out"


def _confused(judged: Sequence[Judged]) -> Iterator[str]:
    wrong = [one for one in judged if one.intent and not one.right]
    for (intent, said), count in Counter((one.intent, one.said) for one in wrong).most_common():
        if count >= OFTEN:
            shown = next(one.text for one in wrong if (one.intent, one.said) == (intent, said))
            yield f"{intent} is taken for {said} {count} times, as in {shown!r}: add examples that tell them apart"
