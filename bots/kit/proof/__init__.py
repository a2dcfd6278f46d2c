"""The proof kit: a channel keeps its promises, or the proof says which one it breaks.

A channel's author supplies a `Rig`, the channel wired to a double of its platform, as a function that is an async context
manager. `prove(rig)` runs every proof of `base`, which all channels need, and of `extras` the one of each declared capability.
A capability whose proof has nothing to work with (the rig lacks the method) is declared and not proven: it fails.

    async def test_my_channel_is_proven():
        assert failures(await prove(my_rig)) == []
"""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from bots.kit.proof import base, extras
from bots.kit.proof.rig import Failed, NotApplicable, NotSupplied, Rig
from core.errors import TurnoutError

__all__ = ["Failed", "NotApplicable", "NotSupplied", "Result", "Rig", "failures", "prove"]

MakeRig = Callable[[], AbstractAsyncContextManager[Rig]]
Proof = Callable[[Rig], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Result:
    """`state`: `proven`, `failed`, or `n/a` where the platform cannot get into that situation; `why` for the latter two."""

    name: str
    state: str
    why: str = ""


async def prove(make: MakeRig) -> list[Result]:
    """Every proof on a fresh rig of its own."""
    results = [await _run(make, name, proof) for name, proof in base.PROOFS.items()]
    async with make() as rig:
        declared = sorted(rig.channel.manifest.capabilities)
    return results + [await _run(make, f"capability {name}", extras.PROOFS[name]) for name in declared]


def failures(results: list[Result]) -> list[str]:
    return [f"{result.name}: {result.why}" for result in results if result.state == "failed"]


async def _run(make: MakeRig, name: str, proof: Proof) -> Result:
    try:
        async with make() as rig:
            await proof(rig)
    except NotApplicable as reason:
        return Result(name, "n/a", str(reason))
    except NotSupplied as missing:
        return Result(name, "failed", f"declared and not proven: the rig has no {missing}")
    except (Failed, TurnoutError, AttributeError, LookupError, TypeError, ValueError, TimeoutError) as error:
        return Result(name, "failed", str(error) if isinstance(error, Failed) else f"{type(error).__name__}: {error}")
    return Result(name, "proven")
