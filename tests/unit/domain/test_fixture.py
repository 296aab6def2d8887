"""A fixture in its folder, as a value."""

from __future__ import annotations

import pytest

from chartimg.domain.chart import ChartKey
from chartimg.domain.fixture import FixtureEntry, FixtureKind, FixtureProblem, no_fixtures

KEY = ChartKey("A:B", "1h", "t")
PICTURE = FixtureEntry("A_B__1h__t", FixtureKind.PICTURE, "A_B__1h__t.png", size=1_500)


def test_a_finding_is_one_line() -> None:
    """A finding is written as the file, a colon and the problem."""
    assert "a.png: it is broken" == str(FixtureProblem("a.png", "it is broken"))


@pytest.mark.parametrize(("key", "name"), [(None, "A_B__1h__t"), (KEY, "A:B 1h t")])
def test_a_fixture_is_named_by_its_key_where_that_is_known(key: ChartKey | None, name: str) -> None:
    """A fixture is named by its key if a meta file states it, else by its stem."""
    assert name == FixtureEntry("A_B__1h__t", FixtureKind.PICTURE, "A_B__1h__t.png", key).chart


def test_findings_are_added_to_a_new_value() -> None:
    """A new entry has one more finding at the end, and the old entry stays unchanged."""
    first = PICTURE.with_finding("one", "bad")
    second = first.with_finding("two", "worse")

    assert () == PICTURE.findings
    assert (FixtureProblem("one", "bad"), FixtureProblem("two", "worse")) == second.findings


def test_kinds_and_defaults_are_those_of_the_json() -> None:
    """The kinds are the words of ``fixtures list --json``, and a file alone has no size, key, status or findings."""
    bare = FixtureEntry("notes.txt", FixtureKind.OTHER, "notes.txt")

    assert ["picture", "error", "answer", "other"] == list(FixtureKind)
    assert FixtureEntry("notes.txt", FixtureKind.OTHER, "notes.txt", None, None, None, 0, None, None) == bare
    assert (None, None, ()) == (bare.recorded_at, bare.origin, bare.findings)


def test_a_folder_that_does_not_exist_is_one_error_with_its_setting() -> None:
    """The error of a missing folder names the folder and the setting."""
    assert "the fixtures folder f does not exist; set CHARTS_FIXTURES_DIR to one that does" == str(no_fixtures("f"))
