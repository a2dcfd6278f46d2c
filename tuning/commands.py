"""The `turnout tune` commands."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import click

from core import assistant, settings, tokens
from tuning import dataset, turns


@click.group()
def tune() -> None:
    """Make training data of conversations."""


@tune.command("dataset")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="The folder to write.")
@click.option("--since", type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]), help="Only turns from this day on (UTC).")
@click.option("--min-turns", type=click.IntRange(1), default=1, show_default=True, help="Leave shorter conversations out.")
@click.option(
    "--validation", type=click.IntRange(0, 50), default=10, show_default=True, help="Per cent of conversations kept aside."
)
@click.option("--max-tokens", type=click.IntRange(64), default=16_384, show_default=True, help="The most of one row.")
@click.option(
    "--model", default="", help="The model to be trained, whose tokens are counted.  [default: that of TURNOUT_MODEL]"
)
@click.option("--keep-personal-data", is_flag=True, help="Do not take e-mail addresses, phone, card and bank numbers out.")
@click.option("--force", is_flag=True, help="Replace a data set that stands in the folder.")
def dataset_command(
    out: Path, since: datetime | None, min_turns: int, validation: int, max_tokens: int, **more: str | bool
) -> None:
    """Write the log's conversations as chat-format JSONL, ready for fine-tuning."""
    given = settings.load()
    dataset.check_free(out, force=bool(more["force"]))
    model = str(more["model"]) or given.model or "gpt-4.1-mini"
    choices = dataset.Choices(
        system=assistant.read(given.assistant).about.persona,
        model=model,
        since=since.replace(tzinfo=UTC).timestamp() if since else 0.0,
        min_turns=min_turns,
        validation=validation / 100,
        max_tokens=max_tokens,
        keep_personal_data=bool(more["keep_personal_data"]),
    )
    reading = asyncio.run(_read(given, choices.since))
    made = dataset.make(reading, choices, tokens.for_model(model, given.data).count)
    dataset.write(made, choices, out.absolute(), force=bool(more["force"]))
    click.echo(dataset.summary(made, choices, out))


async def _read(given: settings.Settings, since: float) -> turns.Reading:
    from core.bus_nats import connect
    from core.embedded import locate

    async with connect(locate(given).nats_url, name="tune") as bus:
        return await turns.read(bus, since=since)
