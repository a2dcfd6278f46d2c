"""Tracks: the ways of answering a turn. Each is one function (`contract.Track`) that answers or raises CannotServe.

`template` says the intent's fixed words, `prompt` asks the model alone, `rag` the model with passages, `tuned` and `hybrid` the
same with the tuned model, `stronger` a stronger one with passages. `runnable` makes a track of any LangChain Runnable that
`[tracks]` of the assistant file names.

    tracks = load(assistant)
    answer = await tracks["rag"](ask, means, say)

`finding` asks retrieval for what may be read; `messages` builds what a model is sent, from the texts in `prompts/`; `writing`
streams its answer; `citing` keeps the citations that are true, with the `support` of passages and their `amounts`.
"""

from functools import partial

from core.assistant import Assistant
from core.dialog.tracks import hybrid, prompt, rag, runnable, stronger, template, tuned
from core.dialog.tracks.contract import Track, Tracks


def load(assistant: Assistant) -> Tracks:
    """Every track the assistant may route to. Raises ConfigError for a `[tracks]` entry that cannot be imported."""
    knowledge = assistant.knowledge
    built_in: dict[str, Track] = {
        "template": template.answer,
        "prompt": prompt.answer,
        "rag": partial(rag.answer, knowledge=knowledge),
        "tuned": tuned.answer,
        "hybrid": partial(hybrid.answer, knowledge=knowledge),
        "stronger": partial(stronger.answer, knowledge=knowledge),
    }
    limit = assistant.models.whole_answer_seconds
    own = {name: runnable.track(name, path, knowledge=knowledge, seconds=limit) for name, path in assistant.tracks.items()}
    return {**built_in, **own}
