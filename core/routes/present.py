"""What routes are held against: what the assistant, its models and its documents are now."""

import time

from core.assistant import Assistant
from core.bus import Bus
from core.errors import BusError
from core.evaluation.tracks.available import available
from core.evaluation.tracks.fingerprints import made_with
from core.policy.routes import Routes
from core.routes.proposals import known_tracks
from core.routes.staleness import Present, names
from core.settings import Settings


async def present(bus: Bus, given: Settings, file: Assistant, routes: Routes) -> Present:
    """As `turnout eval tracks` would find it now; without fingerprints where retrieval does not answer, and none are taken
    where `routes` hold no evidence."""
    prints: dict[str, str] | None = {}
    try:
        if any(route.evidence for route in routes.routes):
            prints = await made_with(bus, file, given)
    except BusError:
        prints = None
    return Present(time.time(), prints, known_tracks(file), names(file))


def left_out(given: Settings, file: Assistant) -> dict[str, str]:
    """The tracks that cannot run now, with why."""
    return {track.name: track.left_out for track in available(file, given) if track.left_out}
