"""How far a command is."""

import sys

import click


def line(text: str) -> None:
    """One line on standard error that is written over, "" to clear it; nothing where nobody watches."""
    if sys.stderr.isatty():
        click.echo(f"\r\x1b[K{text}", nl=False, err=True)
