"""How the fixtures of a folder look."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import attrs
import pytest

from chartimg.adapters.templates import load_templates
from chartimg.app.cli.fixtures_view import show_fixtures, sum_up_fixtures
from chartimg.domain.chart import ChartKey
from chartimg.domain.fixture import FixtureEntry, FixtureKind
from command import lines
from rows import for_each

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
PICTURE = FixtureEntry("A_B__1h__t", FixtureKind.PICTURE, "A_B__1h__t.png", size=1_500)
ERROR = FixtureEntry("A_B__4h__t", FixtureKind.ERROR, "A_B__4h__t__422.json", size=500)
STRAY = FixtureEntry("notes.txt", FixtureKind.OTHER, "notes.txt", size=9_999_999)


@pytest.mark.parametrize(
    ("age", "shown"),
    [
        (timedelta(seconds=59), " now "),
        (timedelta(minutes=59, seconds=59), " 59 min "),
        (timedelta(hours=23), " 23 h "),
        (timedelta(days=1_234), " 1,234 d "),
        (timedelta(seconds=-1), " in the future "),
    ],
)
def test_an_age_is_said_in_the_largest_unit(age: timedelta, shown: str, capsys: pytest.CaptureFixture[str]) -> None:
    """An age is rounded down to the largest unit, and a date in the future is called so."""
    show_fixtures(
        [FixtureEntry("s", FixtureKind.PICTURE, "s.png", width=1, height=1, recorded_at=NOW, origin="o")], NOW + age
    )

    assert shown in capsys.readouterr().out


def test_what_can_not_be_replayed_is_listed_all_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    """A damaged picture, a damaged error and a stray file have rows, and escapes in them are shown as text."""
    entries = [
        FixtureEntry("one", FixtureKind.PICTURE, "one.png"),
        FixtureEntry("two", FixtureKind.ERROR, "two__422.json", origin="\x1b[31m"),
        FixtureEntry("three", FixtureKind.OTHER, None, ChartKey("A\n:B", "1h", "t")).with_finding("f", "p"),
    ]
    show_fixtures(entries, NOW)
    shown = capsys.readouterr().out
    rows = {line.split()[0]: line for line in shown.splitlines()[3:]}

    assert "picture, damaged" in rows["one"]
    assert "error, damaged" in rows["two"]
    assert r"\x1b[31m" in rows["two"]
    assert [r"A\n:B", "1h", "t", "none", "1"] == rows[r"A\n:B"].split()
    assert "\x1b" not in shown


@for_each(
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
    """A folder is summed up by pictures, errors, size and findings; a stray file adds no size."""
    assert words == sum_up_fixtures(entries)


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize("width", [80, 120])
def test_a_shipped_fixture_is_one_line_on_a_terminal(
    width: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a terminal a picture of a shipped template is one line with its whole name, its size and its age."""
    monkeypatch.setenv("COLUMNS", str(width))
    keys = [ChartKey("BINANCE:BTCUSDT", "1h", name) for name in load_templates()]
    entries = [
        FixtureEntry(
            "s", FixtureKind.PICTURE, "s.png", key, size=77_000, width=800, height=600, recorded_at=NOW, origin="o" * 40
        )
        for key in keys
    ]
    show_fixtures(
        [*entries, attrs.evolve(entries[0], kind=FixtureKind.ERROR, http_status=429, message="Limit Exceeded")], NOW
    )
    *_, error = shown = lines(capsys.readouterr().out)

    assert [f"{key} 800x600 77.0 now" for key in keys] == [" ".join(line.split()) for line in shown[3:-1]]
    assert f"{keys[0]} 429 Limit Exceeded 77.0 now" == " ".join(error.split())
