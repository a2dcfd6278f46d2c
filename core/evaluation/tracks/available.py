"""Which tracks can be asked, with what model behind each; and of the others why not."""

from collections.abc import Iterator, Sequence

from core.assistant import Assistant
from core.dialog import models
from core.dialog.models.extractive import NAME as EXTRACTIVE
from core.errors import ConfigError
from core.evaluation.tracks.records import Case, Track
from core.settings import Settings

PERSON = "person"


def available(assistant: Assistant, settings: Settings, only: Sequence[str] = ()) -> list[Track]:
    """Every track of the assistant, or those named. Raises ConfigError for a name that no track has."""
    found = {track.name: track for track in _all(assistant, settings)}
    if unknown := [name for name in only if name not in found]:
        raise ConfigError(f"no track is called {unknown[0]!r}: known are {', '.join(found)}")
    return [found[name] for name in only or found]


def asked(tracks: Sequence[Track]) -> list[Track]:
    return [track for track in tracks if not (track.left_out or track.assumed or track.filed)]


def suits(track: str, case: Case, assistant: Assistant) -> bool:
    """Whether a case is a question for a track: words of its own only some intents have."""
    if track != "template" or not (case.intent or case.out_of_scope):
        return True
    return any(intent.name == case.intent and intent.template for intent in assistant.intents)


def _all(assistant: Assistant, settings: Settings) -> Iterator[Track]:
    general = models.default_name(assistant.models, settings)
    tuned = models.tuned_name(assistant.models, settings)
    strong = models.strong_name(assistant.models, settings)
    templates = any(intent.template for intent in assistant.intents)
    yield Track(name="template", left_out="" if templates else "no intent has a template")
    yield Track(name="prompt", model=general, left_out="no language model is configured" if general == EXTRACTIVE else "")
    yield Track(name="rag", model=general)
    for name in ("tuned", "hybrid"):
        yield Track(name=name, model=tuned, left_out="" if tuned else "no tuned model is configured (models.tuned)")
    yield Track(name="stronger", model=strong, left_out="" if strong else "no stronger model is configured (models.strong)")
    yield from (Track(name=name, model=name) for name in assistant.tracks)
    if assistant.measure.person:
        yield Track(name=PERSON, assumed=True)
    else:
        yield Track(name=PERSON, left_out="nobody says what a person costs and takes ([measure.person])")
