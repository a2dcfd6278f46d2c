"""The channel host: one channel in one process, wired to the bus. `turnout serve telegram` ends up here."""

import asyncio
from collections.abc import Callable

import structlog

from bots.kit.admission import Admission
from bots.kit.contract import Accept, Channel, Hooks, Reports
from bots.kit.delivery import Delivery
from bots.kit.pace import Pace
from bots.kit.preview import Previews
from bots.kit.standing import Standing, done
from core import embedded, keys
from core.assistant import ChannelPolicy, Watched
from core.audience import MembersRequest
from core.bus import Bus, Handler
from core.bus_nats import connect
from core.errors import Full, Unavailable
from core.lane import Line
from core.lanes import Lanes
from core.leases import Leases
from core.records import Health, HookRequest, HookResponse, decode, encode
from core.redis_store import connect as connect_redis
from core.settings import Settings
from core.vitals import vitals

DEATHS = 10  # over one answer: it is more likely to wait for its platform than to kill who sends it

log = structlog.get_logger()


async def serve(settings: Settings, make_channel: Callable[[Settings], Channel], *, lane: str = "*") -> None:
    """Run a channel until cancelled, or until its `run` returns. With `lane`, only that lane's answers are delivered here."""
    channel = make_channel(settings)
    watched = Watched(settings.assistant)
    name = channel.manifest.id
    servers = await embedded.wait(settings)
    try:
        async with connect(servers.nats_url, name=name) as bus, connect_redis(servers.redis_url) as store:
            await host(bus, store.leases, channel, policy=lambda: watched.current().policy(name), lane=lane)
    finally:
        await channel.close()


async def host(bus: Bus, leases: Leases, channel: Channel, *, policy: Callable[[], ChannelPolicy], lane: str = "*") -> None:
    """Receive, preview and deliver on a bus, until the channel's `run` returns or this is cancelled."""
    name = channel.manifest.id
    pace = Pace(channel.manifest.limits)
    previews = Previews(channel, leases, pace, streams=lambda: policy().stream, standing=Standing(bus, name))
    delivery = Delivery(channel, policy, pace, previews)
    lanes = Lanes(bus, leases, line(name, lane), work=delivery.work, give_up=delivery.give_up)
    accept = Admission(bus, lambda: policy().backlog)

    async def ready() -> Health:
        if away := channel.away if isinstance(channel, Reports) else "":
            return Health(service=name, ready=False, detail=f"{channel.manifest.title} cannot be reached: {away}")
        return Health(service=name, ready=True, detail=f"{lanes.busy} lanes in hand")

    async with (
        vitals(bus, name, ready),
        bus.serve(f"{name}-hooks", hooks(channel, accept) | members(channel)),
        bus.listen(keys.live(name, lane)) as lives,
        asyncio.TaskGroup() as group,
    ):
        side = [group.create_task(lanes.run(), name="delivery"), group.create_task(previews.run(lives), name="previews")]
        await channel.run(accept)
        for task in side:
            task.cancel()


def line(channel: str, lane: str = "*") -> Line:
    """The delivery line of a channel: from the log to its receipts."""
    return Line(
        source="LOG",
        subject=keys.log(channel, lane),
        durable=f"deliver-{channel}" if lane == "*" else f"deliver-{channel}-{lane}",
        sink="SENT",
        sink_subject=keys.sent,
        done=done,
        deaths=DEATHS,
    )


def hooks(channel: Channel, accept: Accept) -> dict[str, Handler]:
    """What answers webhook calls that the web service received; 503 when the event could not be stored."""
    if "hook" not in channel.manifest.capabilities:
        return {}
    name = channel.manifest.id

    async def answer(data: bytes) -> bytes:
        response = await _answer(channel, decode(HookRequest, data), accept)  # type: ignore[arg-type]
        return encode(response)

    return {keys.hook(name): answer}


def members(channel: Channel) -> dict[str, Handler]:
    """What says who is in a group, for the core to know who reads an answer there."""
    if "members" not in channel.manifest.capabilities:
        return {}

    async def answer(data: bytes) -> bytes:
        return encode(await channel.members(decode(MembersRequest, data)))  # type: ignore[attr-defined]

    return {keys.members(channel.manifest.id): answer}


async def _answer(channel: Hooks, request: HookRequest, accept: Accept) -> HookResponse:
    try:
        return await channel.hook(request, accept)
    except (Unavailable, Full) as error:
        log.warning("webhook not accepted", reason=str(error))
        return HookResponse(status=503, headers={"retry-after": "5"}, body=b"try again")
    except Exception as error:  # the boundary to whoever calls our address; anything but 2xx is sent again
        log.error("webhook failed", exc_info=error)
        return HookResponse(status=500)
