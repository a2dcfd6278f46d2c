"""How far a canary is, as the cores see it: read from the log, changing nothing."""

from core.assistant import Assistant
from core.bus import Bus
from core.policy.canary import ALPHA, MEASURES, Canary
from core.policy.routes import Routes
from core.routes import history
from core.routes.trial import promised, trial_of

NAMES = {"unserved": "not served", "passed_on": "passed on", "down": "thumbs down", "late": "late", "dear": "dear"}


async def progress(bus: Bus, version: Routes, file: Assistant) -> list[str]:
    """Counted turns at this step, what went wrong on either side, and how strong the evidence is."""
    trial = await trial_of(bus, version, file)
    canary, met = Canary(version.share, promised([version], version.limits, trial.new)), 0
    async for turn in history.turns(bus, version.log):
        met += trial.show(canary, turn) and turn.routes == version.number
    return [
        f"{met} of {version.pace.turns} counted turns at this step, {_evidence(canary)}",
        f"canaries (others): {_sides(canary)}",
    ]


def _evidence(canary: Canary) -> str:
    return f"strongest evidence against it {canary.worst:.1f}, at {len(MEASURES) / ALPHA:.0f} it is taken back"


def _sides(canary: Canary) -> str:
    seen = canary.evidence
    return ", ".join(
        f"{NAMES[name]} {seen[name].worse} of {seen[name].of} ({seen[name].others_worse} of {seen[name].others_of})"
        for name in MEASURES
    )
