"""The folder of fixtures: which file stands for which chart, and what happens to it while the folder changes."""

from __future__ import annotations

import hashlib
import os
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from chartimg.adapters.fixture_folder import FixtureFolder, FixtureMeta
from chartimg.domain.chart import ChartKey
from chartimg.domain.errors import ConfigError
from chartimg.testing import picture

KEY = ChartKey("BINANCE:BTCUSDT", "1h", "price_v1")
STEM = "BINANCE_BTCUSDT__1h__price_v1"
PNG, OTHER = picture(3, 3), picture(4, 4)
LONG_AGO = (1_600_000_000, 1_600_000_000)


def meta(key: ChartKey, content: bytes) -> FixtureMeta:
    """Describe *content* as the recorder does."""
    return FixtureMeta(
        key.symbol,
        key.timeframe,
        key.chart_template_id,
        file="",
        body_sha256="0" * 64,
        content_sha256=hashlib.sha256(content).hexdigest(),
        recorded_at=datetime(2026, 1, 5, tzinfo=UTC),
        origin="recorded",
        library_version="1",
    )


def settle(folder: Path, later: int = 0) -> None:
    """Make a folder and its files look as if nobody had touched them for long."""
    for entry in (*folder.iterdir(), folder):
        os.utime(entry, (LONG_AGO[0] + later, LONG_AGO[1] + later))


def content(folder: FixtureFolder, key: ChartKey = KEY) -> bytes | None:
    """Give what is found for *key*."""
    found = folder.find(key)
    return None if found is None else found.content


@pytest.mark.parametrize("settled", [False, True])
def test_a_file_by_the_documented_name_is_found(settled: bool, tmp_path: Path) -> None:  # noqa: FBT001
    """A folder that has just changed and one that has not for long give the same answer."""
    (tmp_path / f"{STEM}.png").write_bytes(PNG)
    if settled:
        settle(tmp_path)
    folder = FixtureFolder(tmp_path)
    found = folder.find(KEY)

    assert found is not None
    assert (tmp_path / f"{STEM}.png", PNG, None) == (found.path, found.content, found.meta)
    assert settled is (found.signature is not None)
    assert found.path == folder.path_of(KEY)


@pytest.mark.parametrize("settled", [False, True])
def test_what_is_not_there_is_none(settled: bool, tmp_path: Path) -> None:  # noqa: FBT001
    """Other charts' files, and files that are no fixtures, are not this chart's."""
    for name in (
        "BINANCE_BTCUSDT__1H__price_v1.png",
        f"{STEM}.jpg",
        f"{STEM}__bad.json",
        f"{STEM}.json",
        f"{STEM}2.png",
    ):
        (tmp_path / name).write_bytes(PNG)
    if settled:
        settle(tmp_path)

    assert FixtureFolder(tmp_path).find(KEY) is None


def test_a_folder_that_is_missing_holds_nothing(tmp_path: Path) -> None:
    """It is found empty, and looking into it does not make it."""
    folder = FixtureFolder(tmp_path / "nowhere")

    assert folder.find(KEY) is None
    assert () == folder.stems()
    assert not (tmp_path / "nowhere").exists()


def test_a_file_that_appears_in_a_known_folder_is_found_at_once(tmp_path: Path) -> None:
    """The list of names that is kept never hides a new file, nor shows one that has gone."""
    (tmp_path / "other.png").write_bytes(PNG)
    settle(tmp_path)
    folder = FixtureFolder(tmp_path)
    for round_, name in enumerate((f"{STEM}.png", f"{STEM}__422_BAD.json")):
        assert content(folder) is None
        assert content(folder) is None
        (tmp_path / name).write_bytes(PNG)
        assert PNG == content(folder)
        settle(tmp_path, 10 * round_ + 1)
        assert PNG == content(folder) == content(folder)
        (tmp_path / name).unlink()
        assert content(folder) is None
        settle(tmp_path, 10 * round_ + 2)


def test_a_file_that_goes_while_it_is_listed_is_missing(tmp_path: Path) -> None:
    """A name in the list whose file has gone is passed over, be it a picture, an error or a meta file."""
    for suffix in (".png", "__422_BAD.json", ".meta.json"):
        (tmp_path / f"{STEM}{suffix}").write_bytes(PNG)
    settle(tmp_path)
    folder = FixtureFolder(tmp_path)
    with pytest.raises(ConfigError):
        folder.find(KEY)
    for entry in tmp_path.iterdir():
        entry.unlink()
    os.utime(tmp_path, LONG_AGO)

    assert folder.find(KEY) is None


def test_ten_thousand_other_files_change_nothing(tmp_path: Path) -> None:
    """The right one is found among them, a missing one is missing, and once the names are known it takes no time."""
    for number in range(10_000):
        (tmp_path / f"X_{number}__1h__t.png").touch()
    (tmp_path / f"{STEM}.png").write_bytes(PNG)
    settle(tmp_path)
    folder = FixtureFolder(tmp_path)

    assert PNG == content(folder)
    started = time.perf_counter()
    for number in range(200):
        assert PNG == content(folder)
        assert content(folder, ChartKey(f"Y:{number}", "1h", "t")) is None
    assert time.perf_counter() - started < 0.5
    assert 10_001 == len(folder.stems())


def test_the_picture_wins_over_errors_and_the_first_error_by_name_over_others(tmp_path: Path) -> None:
    """Where a chart has several files, which one counts does not depend on the file system."""
    folder = FixtureFolder(tmp_path)
    for suffix in ("__500.json", "__422_B.json", "__422_A.json"):
        (tmp_path / f"{STEM}{suffix}").write_bytes(suffix.encode())

    assert b"__422_A.json" == content(folder)
    (tmp_path / f"{STEM}.png").write_bytes(PNG)
    assert PNG == content(folder)
    assert (STEM,) == folder.stems()


def test_what_is_written_is_found_with_its_meta(tmp_path: Path) -> None:
    """The folder is made when it is first needed, the plain name is used, and nothing else is left behind."""
    folder = FixtureFolder(tmp_path / "a" / "b")
    path = folder.write(KEY, ".png", PNG, meta(KEY, PNG))
    found = folder.find(KEY)

    assert tmp_path / "a" / "b" / f"{STEM}.png" == path
    assert found is not None
    assert found.meta is not None
    assert (KEY, path.name, 1) == (found.meta.key, found.meta.file, found.meta.schema_version)
    assert {f"{STEM}.png", f"{STEM}.meta.json"} == {entry.name for entry in path.parent.iterdir()}


def test_writing_again_replaces_whatever_was_there(tmp_path: Path) -> None:
    """An error that is now a picture, or another error, leaves no trace; other charts' files stay."""
    folder = FixtureFolder(tmp_path)
    other = ChartKey("BINANCE:BTCUSDT", "1h", "price_v1__422")
    folder.write(other, "__422_X.json", b"{}", meta(other, b"{}"))
    for suffix in (".png", "__422_ONE.json", "__404.json", ".png"):
        folder.write(KEY, suffix, PNG, meta(KEY, PNG))
        mine = {f"{STEM}{suffix}", f"{STEM}.meta.json"}
        assert {*mine, f"{STEM}__422__422_X.json", f"{STEM}__422.meta.json"} == {e.name for e in tmp_path.iterdir()}
        assert PNG == content(folder)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (ChartKey("CME_MINI:NQ1!", "1h", "t"), ChartKey("CME:MINI_NQ1!", "1h", "t")),
        (ChartKey("A:B", "1m", "t"), ChartKey("A:B", "1M", "t")),
        (ChartKey("A:B", "1m", "t"), ChartKey("a:b", "1m", "T")),
        (ChartKey("A", "1h__x", "t"), ChartKey("A__1h", "x", "t")),
    ],
)
def test_charts_that_share_a_name_have_files_of_their_own(first: ChartKey, second: ChartKey, tmp_path: Path) -> None:
    """Neither reads the other's, in whichever order they are written, and the names differ when case is ignored."""
    for folder_name, (one, two) in (("ab", (first, second)), ("ba", (second, first))):
        folder = FixtureFolder(tmp_path / folder_name)
        folder.write(one, ".png", PNG, meta(one, PNG))
        assert content(folder, two) is None
        folder.write(two, ".png", OTHER, meta(two, OTHER))

        assert (PNG, OTHER) == (content(folder, one), content(folder, two))
        names = [entry.name.casefold() for entry in folder.directory.iterdir()]
        assert 4 == len(set(names)) == len(names)


def test_a_second_chart_keeps_its_own_name_when_it_is_written_again(tmp_path: Path) -> None:
    """The name of its own is stable, so nothing piles up."""
    folder = FixtureFolder(tmp_path)
    first, second = ChartKey("A:B_C", "1h", "t"), ChartKey("A_B:C", "1h", "t")
    folder.write(first, ".png", PNG, meta(first, PNG))
    paths = {folder.write(second, ".png", OTHER, meta(second, OTHER)) for _ in range(3)}

    assert 1 == len(paths)
    assert 4 == len(list(tmp_path.iterdir()))


def test_what_can_not_be_written_leaves_what_was_there(tmp_path: Path) -> None:
    """A directory in the place of the file is an OSError, no half file, and no temporary one."""
    (tmp_path / f"{STEM}.png").mkdir()
    folder = FixtureFolder(tmp_path)
    with pytest.raises(OSError, match=STEM):
        folder.write(KEY, ".png", PNG, meta(KEY, PNG))

    assert [f"{STEM}.png"] == [entry.name for entry in tmp_path.iterdir()]


def test_a_folder_that_can_be_written_is_made_and_left_empty(tmp_path: Path) -> None:
    """Trying it out leaves nothing behind."""
    FixtureFolder(tmp_path / "new").refuse_unwritable()

    assert [] == list((tmp_path / "new").iterdir())


@pytest.mark.parametrize("below", ["", "/sub"])
def test_a_file_in_place_of_the_folder_is_refused(below: str, tmp_path: Path) -> None:
    """The message names the folder and says what to do."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ConfigError, match="CHARTS_FIXTURES_DIR") as refusal:
        FixtureFolder(f"{tmp_path}/file{below}").refuse_unwritable()

    assert f"{tmp_path}/file{below}" in str(refusal.value)


def test_the_meta_is_read_again_when_it_has_changed(tmp_path: Path) -> None:
    """Also when it was known for long."""
    folder = FixtureFolder(tmp_path)
    folder.write(KEY, ".png", PNG, meta(KEY, PNG))
    settle(tmp_path)
    first, again = folder.find(KEY), folder.find(KEY)
    assert first is not None
    assert again is not None
    assert first.meta is not None
    assert first.meta is again.meta
    file = tmp_path / f"{STEM}.meta.json"
    file.write_text(file.read_text().replace('"recorded"', '"by hand"'))
    changed = folder.find(KEY)

    assert changed is not None
    assert changed.meta is not None
    assert ("recorded", "by hand") == (first.meta.origin, changed.meta.origin)


@pytest.mark.parametrize("suffix", [".png", "__422.json", ".meta.json"])
def test_a_pipe_in_place_of_a_file_is_not_waited_for(suffix: str, tmp_path: Path) -> None:
    """Nobody may ever write to it; it is told as what it is."""
    os.mkfifo(tmp_path / f"A_B__1h__t{suffix}")
    with pytest.raises(OSError, match="no regular file"):
        FixtureFolder(tmp_path).find(ChartKey("A:B", "1h", "t"))
