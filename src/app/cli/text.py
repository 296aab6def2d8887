"""Text and tables for people: one style for all commands, and only what a terminal prints as it stands."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator, Sequence
from typing import Final, TextIO

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.segment import Segment, Segments
from rich.table import Table
from rich.text import Text

__all__ = ["GAP", "add_row", "counted", "is_terminal", "printable", "show_table", "standard_output", "table"]

_PIPE_WIDTH: Final = 10_000  # columns: a row stays one line where no terminal is
_FOLDED_WIDTH: Final = 16  # columns that are enough for a text in several lines
GAP: Final = 3  # columns between those of a table


def printable(text: str) -> str:
    r"""Escape characters that break a line, steer a terminal or have no encoding: a line break becomes ``\n``."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: ``1 chart``, ``2,000 charts``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def is_terminal(stream: TextIO | None) -> bool:
    """Return whether *stream* is a terminal. ``FORCE_COLOR`` does not make one of a pipe: colour is not width."""
    return stream is not None and stream.isatty()


def standard_output() -> Console:
    """Return standard output, as wide as its terminal; a pipe is wide enough for any row."""
    return Console() if is_terminal(sys.stdout) else Console(width=_PIPE_WIDTH)


def table(
    *headings: str, folding: Collection[str] = (), right: Collection[str] = (), title: str | None = None
) -> Table:
    """Return an empty table. If it has no room, the *folding* columns get several lines; those on the *right* are numbers."""
    made = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, title=title, title_justify="left")
    for heading in headings:
        justify = "right" if heading in right else "left"
        made.add_column(heading, justify=justify, no_wrap=heading not in folding, overflow="fold")  # type: ignore[arg-type]
    return made


def show_table(*forms: Table) -> Table:
    """Print and return the first of *forms* with enough room, the widest first. No line ends in blanks.

    If no form has enough room, the last one is folded in every column: no cell is ever cut.
    """
    console = standard_output()
    shown = next((form for form in forms if _width(console, form) <= console.width), None)
    if shown is None:
        shown = forms[-1]
        for column in shown.columns:
            column.no_wrap = False
    lines = console.render_lines(shown, pad=False)
    console.print(Segments([part for line in lines for part in (*_without_blanks(line), Segment.line())]), end="")
    return shown


def _width(console: Console, rows: Table) -> int:
    """Return the columns that a table needs at least."""
    widths = [max(console.measure(cell).maximum for cell in (each.header, *each.cells)) for each in rows.columns]
    needed = (w if each.no_wrap else min(w, _FOLDED_WIDTH) for w, each in zip(widths, rows.columns, strict=True))
    return sum(needed) + GAP * (len(widths) - 1)


def _without_blanks(line: Sequence[Segment]) -> Iterator[Segment]:
    """Return a line without the blanks at its end."""
    last = max((place for place, part in enumerate(line) if part.text.strip()), default=-1)
    yield from line[: max(last, 0)]
    if last >= 0:
        yield Segment(line[last].text.rstrip(), line[last].style)


def add_row(rows: Table, *cells: str) -> None:
    """Add a row of plain text: square brackets and escapes in it have no effect."""
    rows.add_row(*(Text(printable(cell)) for cell in cells))
