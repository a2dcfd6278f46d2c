"""The command line's part of the channels."""

import asyncio
import getpass
import logging
import os
import sys
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import click


@click.command()
@click.option("--as", "name", default=getpass.getuser, show_default="your login", help="Who you are: a name, a conversation.")
def chat(name: str) -> None:
    """Talk to the running Turnout in this terminal."""
    import structlog

    from bots.console import Console, lane_of
    from bots.kit.service import serve
    from core import logs, settings
    from core.cli import run_until_told
    from core.keys import Keys

    loaded = settings.load()
    logs.configure("console", loaded)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    lane = lane_of(Keys(loaded.secret_key()), name)
    run_until_told(partial(serve, loaded, partial(Console, name=name), lane=lane))


@click.group()
def channel() -> None:
    """Make a channel of one's own, and prove a channel against the contract."""


@channel.command()
@click.argument("name")
@click.option("--in", "folder", type=click.Path(path_type=Path), show_default="./NAME", help="Where to write it.")
def new(name: str, folder: Path | None) -> None:
    """Write a channel to start from: NAME.py, its test and sample payloads. NAME becomes its id."""
    from bots.kit import template

    folder = folder or Path(name)
    try:
        written = template.write(name, folder)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="NAME") from None
    except OSError as error:
        raise click.ClickException(f"{error.filename}: {error.strerror}") from None
    click.echo("\n".join(f"wrote {path}" for path in written))
    made = template.class_of(name)
    click.echo(f"\nIn {folder}:\n  turnout channel prove test_{name}:rig\n  turnout up {name}:{made}")


@channel.command()
@click.argument("target")
def prove(target: str) -> None:
    """Run the proof kit. TARGET is package.module:function, a function that makes the channel's rig (see docs/channels.md)."""
    from bots.kit.proof import failures
    from bots.kit.proof import prove as run

    results = asyncio.run(run(_load(target)))
    for result in results:
        click.echo(f"{result.state:7} {result.name}{f': {result.why}' if result.why else ''}")
    if broken := failures(results):
        raise click.ClickException(f"{len(broken)} of {len(results)} proofs failed")


def _load(target: str) -> Any:
    module, _, attribute = target.partition(":")
    sys.path.insert(0, os.getcwd())
    try:
        return getattr(import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise click.BadParameter(f"{target!r}: {error}; it is package.module:function", param_hint="TARGET") from None
