"""How every command is asked: the options that several share, the groups, and the choice between JSON and tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Annotated

import typer

from ...codec import dump
from ...domain.chart.leeway import Leeway
from ...domain.errors import ConfigError

__all__ = ["Exchanges", "Fit", "Fresh", "Json", "emit", "group", "leeway_of", "split"]

Json = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]

Fresh = Annotated[
    str | None,
    typer.Option(
        metavar="off|candle|SECONDS",
        help="A kept picture will do if no candle has closed since it was drawn, or if it is so many seconds old.",
    ),
]

Exchanges = Annotated[
    list[str] | None,
    typer.Option(
        "--on-invalid-symbol",
        metavar="LIST",
        help="Exchanges, such as NASDAQ,NYSE, where the ticker is tried if the provider refuses the symbol.",
    ),
]

Fit = Annotated[
    str | None,
    typer.Option(
        metavar="plan", help="plan makes a chart that no account's plan allows as small as the largest takes."
    ),
]


def leeway_of(exchanges: Sequence[str] | None, fit: str | None) -> Leeway:
    """Return what a fetch may change in its request.

    Raises:
        ConfigError: an option is wrong.
    """
    asked = None if exchanges is None else split("--on-invalid-symbol", exchanges)
    return Leeway.of(asked, fit, where=("--on-invalid-symbol", "--fit"))


def split(option: str, values: Iterable[str]) -> list[str]:
    """Split a list that is given with commas, several times, or both; keep each part once.

    Raises:
        ConfigError: a part is empty.
    """
    given = list(values)
    parts = [part.strip() for value in given for part in value.split(",")]
    if "" in parts:
        raise ConfigError(f"{option} has an empty part: {','.join(given)!r}")
    return list(dict.fromkeys(parts))


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
