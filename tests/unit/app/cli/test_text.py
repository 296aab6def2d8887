"""Text and tables that all commands share."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Sequence
from contextlib import redirect_stdout
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartimg.app.cli.text import add_row, counted, is_terminal, printable, show_table, table
from command import plain
from rows import for_each

if TYPE_CHECKING:
    from rich.table import Table

WORDS = st.text("abc", min_size=1, max_size=30)
CELLS = st.lists(WORDS, min_size=1, max_size=4).map(" ".join)
ROWS = st.lists(st.tuples(WORDS, CELLS, CELLS), min_size=1, max_size=4)


class Terminal(io.StringIO):
    """Standard output that is a terminal."""

    def isatty(self) -> bool:
        """Return true."""
        return True


def shown(stream: io.StringIO, *forms: Table, **variables: str) -> str:
    """Return what *stream* gets of a table, with its colours."""
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(stream):
        for name in ("COLUMNS", "FORCE_COLOR", "NO_COLOR"):
            patch.delenv(name, raising=False)
        for name, value in ({"TERM": "xterm"} | variables).items():
            patch.setenv(name, value)
        show_table(*forms)
    return stream.getvalue()


def form(rows: Sequence[tuple[str, ...]], columns: int) -> Table:
    """Return a table of the first *columns* of *rows*; the last of three columns may be folded."""
    made = table(*("id", "state", "text")[:columns], folding=("text",))
    for row in rows:
        add_row(made, *row[:columns])
    return made


@given(text=st.text(st.characters()))
def test_printable_text_stays_on_its_line_and_can_be_encoded(text: str) -> None:
    """No line break, escape sequence or lone surrogate is left in any text, and harmless text stays as it is."""
    shown = printable(text)

    assert shown.isprintable()
    assert shown.encode().decode() == shown
    assert (text == shown) is text.isprintable()


@for_each(
    ("text", "shown"),
    [("a\nb", r"a\nb"), ("\x1b[31m", r"\x1b[31m"), ("\udcff", r"\udcff"), ("\u202e", r"\u202e"), ("ü 漢", "ü 漢")],
)
def test_unprintable_characters_are_written_as_escapes(text: str, shown: str) -> None:
    """A line break, a terminal's escape, a lone surrogate and a change of direction can be seen."""
    assert shown == printable(text)


@pytest.mark.parametrize(
    ("number", "words"), [(0, "0 charts"), (1, "1 chart"), (2, "2 charts"), (1_000, "1,000 charts")]
)
def test_a_noun_agrees_with_its_number(number: int, words: str) -> None:
    """One thing is singular, any other number plural, and thousands are parted by commas."""
    assert words == counted(number, "chart")


@given(rows=ROWS, width=st.integers(20, 130))
def test_no_cell_of_a_table_is_ever_cut(rows: Sequence[tuple[str, ...]], width: int) -> None:
    """At any width each line fits the terminal, no line ends in blanks, and each letter of each row is there."""
    out = plain(shown(Terminal(), form(rows, 3), form(rows, 2), COLUMNS=str(width)))
    heading, _, listed = out.partition("─")
    columns = 3 if re.search("t.*e.*x.*t.*$", heading.replace("state", ""), re.DOTALL) else 2

    assert all(len(line) <= width and line == line.rstrip() for line in out.splitlines())
    assert Counter("".join("".join(row[:columns]) for row in rows).replace(" ", "")) == Counter(
        re.findall("[abc]", listed)
    )


@given(rows=ROWS)
def test_a_row_is_one_whole_line_in_a_pipe(rows: Sequence[tuple[str, ...]]) -> None:
    """In a pipe the widest form is printed, one line for each row, without blanks at its end and without colours."""
    out = shown(io.StringIO(), form(rows, 3), form(rows, 2), COLUMNS="20")

    assert [" ".join(row) for row in rows] == [" ".join(line.split()) for line in out.splitlines()[2:]]
    assert all(line == line.rstrip() for line in out.splitlines())
    assert "\x1b" not in out


def test_colour_is_not_width() -> None:
    """FORCE_COLOR adds colours to a pipe; the lines are those of a pipe without colours."""
    rows = [("a" * 60, "b" * 60, "c " * 60)]
    bare = shown(io.StringIO(), form(rows, 3), COLUMNS="80")
    coloured = shown(io.StringIO(), form(rows, 3), COLUMNS="80", FORCE_COLOR="1")

    assert bare != coloured
    assert bare == plain(coloured)


@pytest.mark.parametrize(("stream", "terminal"), [(None, False), (io.StringIO(), False), (Terminal(), True)])
def test_a_closed_stream_is_not_a_terminal(stream: io.StringIO | None, *, terminal: bool) -> None:
    """A stream that is closed is not a terminal, like a pipe."""
    assert terminal is is_terminal(stream)
