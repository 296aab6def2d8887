"""Files are written whole or not at all, without a trace of a failed write."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import cast

import pytest

from chartimg.domain.errors import ConfigError
from chartimg.files import read_text, refuse_unwritable, write_atomically
from limits import small_files


def names(folder: Path) -> list[str]:
    """List a folder with its hidden files."""
    return [entry.name for entry in folder.iterdir()]


def test_a_new_file_holds_the_content(tmp_path: Path) -> None:
    """A new file holds the whole content and is the only one."""
    write_atomically(tmp_path / "x.png", b"content")

    assert b"content" == (tmp_path / "x.png").read_bytes()
    assert ["x.png"] == names(tmp_path)


@pytest.mark.parametrize("new", [b"", b"new", b"much longer than what was there"])
def test_an_old_file_is_replaced(new: bytes, tmp_path: Path) -> None:
    """A replaced file keeps nothing of its old content."""
    path = tmp_path / "x.png"
    path.write_bytes(b"old content")
    write_atomically(path, new)

    assert new == path.read_bytes()
    assert ["x.png"] == names(tmp_path)


def test_a_file_may_be_written_in_pieces_under_a_name_that_a_killed_writer_has_left(tmp_path: Path) -> None:
    """Pieces make one file, and the rest of an earlier attempt under the same temporary name is replaced."""
    rest = tmp_path / "rest"
    rest.write_bytes(b"longer than what is written now")
    write_atomically(tmp_path / "x.png", iter([b"con", b"", b"tent"]), temporary=rest)

    assert b"content" == (tmp_path / "x.png").read_bytes()
    assert ["x.png"] == names(tmp_path)


def test_a_reader_sees_the_old_or_the_new(tmp_path: Path) -> None:
    """A reader sees a whole content while another thread writes."""
    path, contents = tmp_path / "x", [bytes([number]) * 100_000 for number in range(2)]
    write_atomically(path, contents[0])
    seen: set[bytes] = set()
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            seen.add(path.read_bytes())

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for number in range(40):
            write_atomically(path, contents[number % 2])
    finally:
        done.set()
        reader.join()

    assert seen <= set(contents)
    assert seen


def test_many_threads_may_write_one_file(tmp_path: Path) -> None:
    """If many threads write one file, one content is kept whole."""
    path, contents = tmp_path / "x", [bytes([number]) * 1000 for number in range(8)]
    writers = [threading.Thread(target=write_atomically, args=(path, content)) for content in contents]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    assert path.read_bytes() in contents
    assert ["x"] == names(tmp_path)


FULL = """
import resource, sys
from pathlib import Path
from chartimg.domain.errors import ConfigError
from chartimg.files import read_text, write_atomically
most = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, most[1]))
try:
    write_atomically(Path(sys.argv[1]), b"x" * 100_000)
except OSError as error:
    print(error.strerror)
resource.setrlimit(resource.RLIMIT_FSIZE, most)
"""


def test_a_disk_that_is_full_leaves_the_old_content(tmp_path: Path) -> None:
    """A write that fails half way is an OSError and leaves no temporary file."""
    path = tmp_path / "x"
    path.write_bytes(b"old")
    done = subprocess.run([sys.executable, "-c", FULL, str(path)], capture_output=True, text=True, check=False)

    assert (0, "File too large\n", "") == (done.returncode, done.stdout, done.stderr)
    assert b"old" == path.read_bytes()
    assert ["x"] == names(tmp_path)


def test_content_that_is_none_leaves_the_old_content(tmp_path: Path) -> None:
    """A write that fails for any other reason leaves no temporary file, either."""
    path = tmp_path / "x"
    path.write_bytes(b"old")
    with pytest.raises(TypeError):
        write_atomically(path, cast("bytes", "text"))

    assert b"old" == path.read_bytes()
    assert ["x"] == names(tmp_path)


def test_a_directory_in_place_of_the_file_is_left_as_it_is(tmp_path: Path) -> None:
    """A folder in place of the file stays, and the temporary file is deleted."""
    path = tmp_path / "x"
    path.mkdir()
    (path / "inside").write_bytes(b"old")
    with pytest.raises(OSError, match="x"):
        write_atomically(path, b"new")

    assert (["x"], ["inside"]) == (names(tmp_path), names(path))


def test_a_folder_that_is_missing_is_not_made(tmp_path: Path) -> None:
    """A missing folder is not created."""
    with pytest.raises(FileNotFoundError):
        write_atomically(tmp_path / "nowhere" / "x", b"new")

    assert [] == names(tmp_path)


@pytest.mark.parametrize(
    ("umask", "asked", "mode"), [(0o022, 0o666, 0o644), (0o077, 0o666, 0o600), (0o002, 0o666, 0o664), (0, 0o600, 0o600)]
)
def test_the_umask_is_respected(umask: int, asked: int, mode: int, tmp_path: Path) -> None:
    """A new file has the mode that was asked for, less the umask."""
    before = os.umask(umask)
    try:
        write_atomically(tmp_path / "x", b"content", asked)
    finally:
        os.umask(before)

    assert mode == stat.S_IMODE((tmp_path / "x").stat().st_mode)


@pytest.mark.parametrize("name", ["x" * 255, "ü 🚀.png", ".hidden", "-rf"])
def test_any_name_the_system_takes_is_taken(name: str, tmp_path: Path) -> None:
    """Any name that the file system accepts is written, also the longest."""
    write_atomically(tmp_path / name, b"content")

    assert [name] == names(tmp_path)


def test_text_that_can_not_be_read_is_a_mistake_in_the_settings(tmp_path: Path) -> None:
    """A file that is missing, not UTF-8 or a pipe is a ConfigError of one line with its path."""
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    os.mkfifo(tmp_path / "pipe")
    for name, reason in (
        ("none", "No such file or directory"),
        ("binary", "it is not UTF-8"),
        ("pipe", "it is not a regular file"),
    ):
        with pytest.raises(ConfigError) as caught:
            read_text(str(tmp_path / name), what="list")

        assert f"list {tmp_path / name} can't be read: {reason}" == str(caught.value)


def test_a_folder_is_made_and_tried_without_a_trace(tmp_path: Path) -> None:
    """A missing folder is created and left empty; a file in its place is an OSError."""
    refuse_unwritable(tmp_path / "new" / "deeper")
    (tmp_path / "file").touch()

    assert [] == list((tmp_path / "new" / "deeper").iterdir())
    with pytest.raises(OSError, match="file"):
        refuse_unwritable(tmp_path / "file")


def test_a_folder_without_room_for_a_byte_is_refused(tmp_path: Path) -> None:
    """A folder in which a file can be made but not filled is not writable, and no file stays."""
    with small_files(0), pytest.raises(OSError, match="File too large"):
        refuse_unwritable(tmp_path)

    assert [] == names(tmp_path)
