"""The doors by which messages come in: what is not stored is refused, and what comes twice is stored once."""

import pytest

from bots.kit.admission import Admission
from bots.kit.contract import Accept
from bots.kit.service import hooks
from core import keys
from core.bus_memory import MemoryBus
from core.errors import Full, Unavailable
from core.records import Event, HookRequest, HookResponse, decode, encode
from tests.fakes.platform import Toy

EVENT = Event(id="x", channel="toy", lane="l1", text="hello")


class Hooked(Toy):
    """A platform that calls us."""

    async def hook(self, request: HookRequest, accept: Accept) -> HookResponse:
        await accept(EVENT)
        return HookResponse(status=200)


async def called(accept: Accept) -> int:
    answer = hooks(Hooked(frozenset({"hook"})), accept)[keys.hook("toy")]
    response = decode(HookResponse, await answer(encode(HookRequest(path="/toy", headers={}, body=b""))))
    return response.status


@pytest.mark.parametrize(("fault", "status"), [(None, 200), (Unavailable(), 503), (Full(), 503), (ZeroDivisionError(), 500)])
async def test_a_call_is_answered_with_200_only_when_its_event_is_stored(fault: Exception | None, status: int) -> None:
    async def accept(event: Event) -> None:
        if fault is not None:
            raise fault

    assert await called(accept) == status


async def test_a_call_that_comes_again_is_stored_once() -> None:
    bus = MemoryBus()
    accept = Admission(bus, lambda: 10)
    assert [await called(accept), await called(accept)] == [200, 200]
    stored = await bus.read("IN", 1)
    assert stored is not None
    assert decode(Event, stored.data) == EVENT
    assert await bus.read("IN", 2) is None
