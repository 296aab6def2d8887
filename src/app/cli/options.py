"""How every command is asked: the options that several share, the groups, and the choice between JSON and tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from ...codec import dump

__all__ = ["Fresh", "Json", "emit", "group"]

Json = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]

Fresh = Annotated[
    str | None,
    typer.Option(
        metavar="off|candle|SECONDS",
        help="A kept picture will do if no candle has closed since it was drawn, or if it is so many seconds old.",
    ),
]


def group(text: str, *, epilog: str | None = None, no_args_is_help: bool = True) -> typer.Typer:
    """Return an empty group of commands with the help *text*."""
    return typer.Typer(
        add_completion=False,
        no_args_is_help=no_args_is_help,
        pretty_exceptions_enable=False,  # they show local variables, and so keys
        rich_markup_mode=None,
        help=text,
        epilog=epilog,
    )


def emit(value: object, show: Callable[[], None], *, as_json: bool) -> None:
    """Print *value* as JSON, or else call *show* to print it for people."""
    if as_json:
        typer.echo(dump(value), nl=False)
    else:
        show()
