"""Text and tables that all commands share."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartimg.app.cli.text import counted, printable


@given(text=st.text(st.characters()))
def test_printable_text_stays_on_its_line_and_can_be_encoded(text: str) -> None:
    """No line break, escape sequence or lone surrogate is left in any text, and harmless text stays as it is."""
    shown = printable(text)

    assert shown.isprintable()
    assert shown.encode().decode() == shown
    assert (text == shown) is text.isprintable()


@pytest.mark.parametrize(
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
