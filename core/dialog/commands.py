"""`turnout ask`: the dialog from the command line."""

import asyncio
import secrets
import sys
import time

import click
import msgspec

from core import embedded, keys, settings
from core.bus import Bus
from core.bus_nats import connect
from core.errors import Unavailable
from core.records import Event, Live, Turn, decode, encode

CHANNEL = "ask"


@click.command()
@click.argument("question")
@click.option("--session", default="", help="Carry on a conversation: the same name, the same memory.")
@click.option("--why", is_flag=True, help="Also say which way the answer came.")
@click.option("--json", "as_json", is_flag=True, help="Print the whole committed turn as JSON.")
@click.option("--timeout", default=100.0, show_default=True, help="Seconds to wait for the answer.")
def ask(question: str, session: str, why: bool, as_json: bool, timeout: float) -> None:
    """Ask one question and print the answer."""
    live = not as_json and sys.stdout.isatty()
    turn = asyncio.run(_ask(question, session or secrets.token_hex(8), live=live, timeout=timeout))
    if as_json:
        click.echo(msgspec.json.format(encode(turn), indent=2).decode())
        return
    if live:
        click.echo("\n")
    click.echo(turn.text)
    for citation in turn.citations:
        click.echo(f"  [{citation.n}] {citation.title} ({citation.source})")
    if why:
        click.echo(f"\n{turn.track}: {turn.why}")


async def _ask(question: str, session: str, *, live: bool, timeout: float) -> Turn:
    config = settings.load()
    servers = await embedded.wait(config)
    names = keys.Keys(config.secret_key())
    lane = names.lane(CHANNEL, "", session)
    event = Event(
        id=names.event(CHANNEL, session, secrets.token_hex(8)),
        channel=CHANNEL,
        lane=lane,
        text=question,
        at=time.time(),
        group="",
    )
    async with connect(servers.nats_url, name=CHANNEL) as bus:
        last = await bus.last("LOG", keys.log(CHANNEL, lane))
        showing = asyncio.create_task(_show(bus, keys.live(CHANNEL, lane))) if live else None
        await bus.publish(keys.into(CHANNEL, lane), encode(event), id=event.id)
        try:
            async with asyncio.timeout(timeout):
                return await _answer_to(bus, event, last.seq if last else 0)
        except TimeoutError:
            raise Unavailable(f"no answer in {timeout:.0f} s: is the core running? `turnout check` tells") from None
        finally:
            if showing:
                showing.cancel()


async def _answer_to(bus: Bus, event: Event, after: int) -> Turn:
    async with bus.follow("LOG", keys.log(event.channel, event.lane), after) as turns:
        async for stored in turns:
            turn = decode(Turn, stored.data)
            if event.id in turn.events:
                return turn
    raise Unavailable("the log ended")


async def _show(bus: Bus, subject: str) -> None:
    """The answer while it is made; whoever looks at a terminal sees it grow."""
    async with bus.listen(subject) as pieces:
        async for piece in pieces:
            click.echo(decode(Live, piece.data).text, nl=False)
