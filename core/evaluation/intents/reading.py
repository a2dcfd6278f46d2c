"""What the assistant reads of a message: its words, or its meaning too, by whatever embeds for the running Turnout."""

import asyncio
from collections.abc import Sequence

from core.assistant import Assistant
from core.bus import Bus
from core.connecting import connected
from core.dialog.sensing import NoEmbedder, Senses, Taught
from core.errors import CannotServe, ConfigError
from core.settings import Settings

ABSENT = "the assistant reads meaning too, by the retrieval service: start it with `turnout up`, or judge by --words"


def taught(given: Settings, file: Assistant, texts: Sequence[str]) -> Taught | None:
    """The vectors of all texts, None where words alone decide. Raises ConfigError where they should come and do not."""
    return None if file.about.intents == "words" else asyncio.run(_taught(given, file, texts))


async def taught_by(bus: Bus, given: Settings, file: Assistant, texts: Sequence[str]) -> Taught | None:
    """The same for who is connected already; where no vectors come, words alone decide, as they would in service."""
    if file.about.intents == "words":
        return None
    try:
        return await Senses(bus, given.data / "routing").taught(texts)
    except CannotServe:
        return None


async def _taught(given: Settings, file: Assistant, texts: Sequence[str]) -> Taught | None:
    async with connected(given, name="eval intents", absent=ABSENT) as bus:
        try:
            return await Senses(bus, given.data / "routing").taught(texts)
        except NoEmbedder:
            if file.about.intents == "auto":
                return None
            raise
        except CannotServe as error:
            raise ConfigError(f"{ABSENT} ({error})") from None
