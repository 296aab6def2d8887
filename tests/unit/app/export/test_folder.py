"""The folder of an export: its lock, its journal, and the proof of a picture."""

from __future__ import annotations

import errno
import hashlib
from pathlib import Path

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartimg import ConfigError
from chartimg.app.export.folder import JOURNAL_NAME, ExportFolder, FolderInUse, is_whole, known_items
from chartimg.app.export.manifest import MANIFEST_NAME, ExportItem
from chartimg.file_lock import FileLock
from chartimg.testing import picture
from limits import small_files

PNG = picture(8, 6)
ITEM = ExportItem(
    *("A:B", "1h", "price_v1", "A_B__1h__price_v1.png", len(PNG), hashlib.sha256(PNG).hexdigest(), 8, 6),
    from_fixture=False,
    account_id="main",
    calls=1,
)


def test_a_second_export_is_refused_while_the_first_one_lives(tmp_path: Path) -> None:
    """The folder belongs to one export, to its end."""
    first, second = ExportFolder(tmp_path / "new"), ExportFolder(tmp_path / "new")
    first.begin()
    with pytest.raises(FolderInUse, match=r"another export writes to .*new now"):
        second.begin()
    first.end()
    second.begin()
    second.end()

    assert [] == list((tmp_path / "new").iterdir())


def test_what_a_killed_export_had_half_written_is_removed(tmp_path: Path) -> None:
    """The rest of a picture and of a manifest are removed, and no file of others."""
    others = {".chartimg-0123456789abcdef.tmp", "x.part", "A.png"}
    for name in (*others, ".chartimg-A.png.part", f".chartimg-{MANIFEST_NAME}.part"):
        (tmp_path / name).touch()
    folder = ExportFolder(tmp_path)
    folder.begin()
    folder.end()

    assert others == {path.name for path in tmp_path.iterdir()}


@given(cut=st.integers(0, 1_000))
def test_a_journal_that_is_cut_has_all_its_whole_lines(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    """Wherever a journal ends, the items of its whole lines are known, and no other."""
    path = tmp_path_factory.mktemp("out")
    folder = ExportFolder(path)
    folder.begin()
    folder.open_journal()
    items = [attrs.evolve(ITEM, file=f"{number}.png") for number in range(3)]
    for item in items:
        folder.note(item)
    folder.end()
    whole = (path / JOURNAL_NAME).read_bytes()
    (path / JOURNAL_NAME).write_bytes(whole[:cut])

    complete = sum(line in whole.splitlines() for line in whole[:cut].splitlines())
    assert {item.file: item for item in items[:complete]} == known_items(path)


def test_the_last_line_of_a_chart_counts(tmp_path: Path) -> None:
    """A chart that was saved twice is known as it was saved last."""
    folder = ExportFolder(tmp_path)
    folder.begin()
    folder.open_journal()
    folder.note(ITEM)
    folder.note(attrs.evolve(ITEM, calls=2))
    folder.end()

    assert {ITEM.file: attrs.evolve(ITEM, calls=2)} == known_items(tmp_path)


def test_a_file_is_whole_if_its_bytes_are_those_of_the_item(tmp_path: Path) -> None:
    """A file that is missing, cut, longer, changed or a folder is not whole."""
    file = tmp_path / ITEM.file
    assert not is_whole(file, ITEM)
    for content in (PNG[:-1], PNG + b"x", PNG[:-1] + b"x"):
        file.write_bytes(content)
        assert not is_whole(file, ITEM)
    file.write_bytes(PNG)
    assert is_whole(file, ITEM)
    file.unlink()
    file.mkdir()
    assert not is_whole(file, ITEM)


def test_a_manifest_that_can_not_be_read_is_a_mistake_and_no_reason_to_pay(tmp_path: Path) -> None:
    """A folder, or other bytes, in the place of the manifest are a ConfigError that names it."""
    place = tmp_path / MANIFEST_NAME
    place.write_bytes(b"\xff")
    with pytest.raises(ConfigError, match=r"manifest\.json can't be read: it is not UTF-8"):
        known_items(tmp_path)
    place.unlink()
    place.mkdir()
    with pytest.raises(ConfigError, match=r"manifest\.json can't be read: Is a directory"):
        known_items(tmp_path)


def test_a_folder_without_locks_is_used_without_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where a file system has no locks, an export goes on; any other failure of the lock is that of the folder."""
    codes = iter([errno.ENOLCK, errno.EACCES])

    def take(path: Path) -> None:
        raise OSError(next(codes), "no", str(path))

    monkeypatch.setattr(FileLock, "take", take)
    folder = ExportFolder(tmp_path)
    folder.begin()
    folder.end()
    with pytest.raises(PermissionError):
        ExportFolder(tmp_path).begin()


def test_a_journal_without_room_is_a_failure_with_its_name(tmp_path: Path) -> None:
    """A line that can't be written is an OSError that names the journal; after the end no line is written."""
    folder = ExportFolder(tmp_path)
    folder.begin()
    folder.open_journal()
    with small_files(100), pytest.raises(OSError, match=r"manifest\.jsonl") as caught:
        folder.note(ITEM, flushed=True)
    folder.end()
    folder.note(ITEM)

    assert str(tmp_path / JOURNAL_NAME) == caught.value.filename
    assert {} == known_items(tmp_path)


def test_a_picture_or_a_journal_that_can_not_be_read_is_a_mistake(tmp_path: Path) -> None:
    """A failure to read is told, since a chart that may be there must not be paid for again."""
    (tmp_path / JOURNAL_NAME).mkdir()
    with pytest.raises(ConfigError, match=r"manifest\.jsonl can't be read: Is a directory"):
        known_items(tmp_path)
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(ConfigError, match=r"loop can't be read: Too many levels"):
        is_whole(tmp_path / "loop", ITEM)
