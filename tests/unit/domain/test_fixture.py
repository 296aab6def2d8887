"""What is known of a fixture, said in words that fit on a line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartimg.domain.chart import ChartKey
from chartimg.domain.fixture import FixtureEntry, FixtureKind, FixtureProblem, printable, sum_up

KEY = ChartKey("A:B", "1h", "t")
PICTURE = FixtureEntry("A_B__1h__t", FixtureKind.PICTURE, "A_B__1h__t.png", size=1_500)
ERROR = FixtureEntry("A_B__4h__t", FixtureKind.ERROR, "A_B__4h__t__422.json", size=500)
STRAY = FixtureEntry("notes.txt", FixtureKind.OTHER, "notes.txt", size=9_999_999)


@given(text=st.text(st.characters()))
def test_what_is_printable_stays_on_its_line_and_can_be_encoded(text: str) -> None:
    """No line break, no escape sequence and no half character is left, whatever the text; what is harmless stays."""
    shown = printable(text)

    assert shown.isprintable()
    assert shown.encode().decode() == shown
    assert (text == shown) is text.isprintable()


@pytest.mark.parametrize(
    ("text", "shown"),
    [("a\nb", r"a\nb"), ("\x1b[31m", r"\x1b[31m"), ("\udcff", r"\udcff"), ("\u202e", r"\u202e"), ("ü 漢", "ü 漢")],
)
def test_what_can_not_be_printed_is_written_as_an_escape(text: str, shown: str) -> None:
    """A line break, a terminal's escape, half a character and a change of direction can be seen."""
    assert shown == printable(text)


def test_a_finding_is_one_line() -> None:
    """The file, a colon, the problem; the exact name of the file is kept beside it."""
    finding = FixtureProblem("a\nb.png", "it is\nbroken")

    assert r"a\nb.png: it is\nbroken" == str(finding)
    assert ("a\nb.png", r"it is\nbroken") == (finding.file, finding.problem)


@pytest.mark.parametrize(
    ("key", "name"), [(None, "A_B__1h__t"), (KEY, "A:B 1h t"), (ChartKey("A\n:B", "1h", "t"), r"A\n:B 1h t")]
)
def test_a_fixture_is_named_by_its_key_where_that_is_known(key: ChartKey | None, name: str) -> None:
    """Nothing is guessed from the stem, and the name can be printed."""
    assert name == FixtureEntry("A_B__1h__t", FixtureKind.PICTURE, "A_B__1h__t.png", key).chart


def test_findings_are_added_to_a_new_value() -> None:
    """The entry they are added to stays as it is, and the order is kept."""
    first = PICTURE.with_finding("one", "bad")
    second = first.with_finding("two", "worse")

    assert () == PICTURE.findings
    assert (FixtureProblem("one", "bad"), FixtureProblem("two", "worse")) == second.findings


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ([], "0 pictures, 0 errors, 0 KB, 0 findings"),
        ([PICTURE, ERROR], "1 picture, 1 error, 2 KB, 0 findings"),
        ([PICTURE, STRAY.with_finding("notes.txt", "strange")], "1 picture, 0 errors, 2 KB, 1 finding"),
        ([PICTURE, PICTURE.with_finding("a", "b").with_finding("c", "d")], "2 pictures, 0 errors, 3 KB, 2 findings"),
        ([PICTURE] * 2_000, "2,000 pictures, 0 errors, 3.0 MB, 0 findings"),
    ],
)
def test_a_folder_is_summed_up_in_a_phrase(entries: list[FixtureEntry], words: str) -> None:
    """Pictures, errors, their size and the findings; a file that is no fixture adds no size."""
    assert words == sum_up(entries)
