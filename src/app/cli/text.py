"""Text and tables for people: one style for all commands, and only what a terminal prints as it stands."""

from __future__ import annotations

from typing import Final

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

__all__ = ["ROOM_FOR_ALL", "add_row", "counted", "printable", "standard_output", "table"]

ROOM_FOR_ALL: Final = 110
"""Columns; a narrower terminal gets tables without their least important columns."""
_PIPE_WIDTH: Final = 10_000  # columns: a row stays one line where no terminal is


def printable(text: str) -> str:
    r"""Escape characters that break a line, steer a terminal or have no encoding: a line break becomes ``\n``."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: ``1 chart``, ``2,000 charts``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def standard_output() -> Console:
    """Return standard output, as wide as its terminal; a pipe is wide enough for any row."""
    console = Console()
    return console if console.is_terminal else Console(width=_PIPE_WIDTH)


def table(*headings: str, title: str | None = None) -> Table:
    """Return an empty table; its first column is never folded."""
    made = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, title=title, title_justify="left")
    for number, heading in enumerate(headings):
        made.add_column(heading, no_wrap=number == 0, overflow="fold")
    return made


def add_row(rows: Table, *cells: str) -> None:
    """Add a row of plain text: square brackets and escapes in it have no effect."""
    rows.add_row(*(Text(printable(cell)) for cell in cells))
