"""Files: written whole or not at all, and read without waiting for a pipe."""

from __future__ import annotations

import atexit
import contextlib
import errno
import os
import secrets
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

from .domain.errors import ConfigError

__all__ = [
    "DATA",
    "json_files",
    "read_text",
    "read_whole",
    "refuse_special",
    "refuse_unwritable",
    "staged",
    "temporary_name",
    "write_atomically",
]


def _on_disk(folder: Traversable) -> Path:
    """Return *folder*; one inside a zip is unpacked until this process ends."""
    if isinstance(folder, Path):
        return folder
    unpacked = Path(tempfile.mkdtemp(prefix="chartimg-"))
    atexit.register(_remove, unpacked, os.getpid())
    _unpack(folder, unpacked / folder.name)
    return unpacked / folder.name


def _remove(folder: Path, owner: int) -> None:
    """Remove *folder*, but not at the end of a forked child of its owner."""
    if os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)


def _unpack(source: Traversable, target: Path) -> None:
    if source.is_file():
        target.write_bytes(source.read_bytes())
        return
    target.mkdir()
    for each in source.iterdir():
        _unpack(each, target / each.name)


DATA: Final = _on_disk(files(__package__) / "data")
"""The folder of the rules and the templates that ship."""


def refuse_unwritable(folder: Path, size: int = 1) -> None:
    """Make *folder* if it does not exist, and check that a file of *size* bytes can be written in it.

    Raises:
        OSError: it can't.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(bytes(size))


def temporary_name(path: Path) -> Path:
    """Return a new name beside *path* for a file that will become it."""
    return path.with_name(f".chartimg-{secrets.token_hex(8)}.tmp")


def write_atomically(
    path: Path, content: bytes | Iterable[bytes], mode: int = 0o666, *, temporary: Path | None = None
) -> None:
    """Write *content*, whole or in pieces, to *path*; a new file gets *mode* less the umask.

    The file is written as *temporary* first, by default under a new name beside *path*. A reader sees the old file or the
    whole new one, also after a crash.

    Raises:
        OSError: the file can't be written; the old one is kept.
    """
    with staged(path, content, mode, temporary=temporary) as put:
        put()


@contextlib.contextmanager
def staged(
    path: Path, content: bytes | Iterable[bytes], mode: int = 0o666, *, temporary: Path | None = None
) -> Iterator[Callable[[], object]]:
    """Write *content* beside *path*, and yield the function that puts it there: most failures come before that.

    A file that exists as *temporary* is the rest of an earlier attempt, and is replaced.

    Raises:
        OSError: the file can't be written; the old one is kept.
    """
    if temporary is None:
        temporary = temporary_name(path)
    else:
        temporary.unlink(missing_ok=True)
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode)
        with os.fdopen(descriptor, "wb") as file:
            file.writelines((content,) if isinstance(content, bytes) else content)
            file.flush()
            os.fsync(file.fileno())
        yield lambda: temporary.replace(path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        if isinstance(error, OSError) and error.filename in {None, os.fspath(temporary)}:
            error.filename, error.filename2 = os.fspath(path), None  # the name that the caller knows
        raise


def read_whole(path: str) -> tuple[bytes, os.stat_result]:
    """Return the content and the status of a regular file.

    Raises:
        OSError: the file can't be read, or is a pipe or a device, which might never end.
    """
    with open(path, "rb", buffering=0, opener=_without_waiting) as file:
        status = os.fstat(file.fileno())
        refuse_special(status, path)
        return file.readall(), status


def json_files(folder: Path, *, what: str, may_be_empty: bool = False) -> list[Path]:
    """List the JSON files of a folder by name; *what* says in a message what the folder is.

    Raises:
        ConfigError: the folder can't be read, or holds no JSON file and must not be empty.
    """
    try:
        found = sorted((file for file in folder.iterdir() if file.suffix == ".json"), key=lambda file: file.stem)
    except OSError as error:
        raise ConfigError(f"the {what} {folder} can't be read: {error.strerror}") from None
    if not found and not may_be_empty:
        raise ConfigError(f"the {what} {folder} holds no JSON file")
    return found


def read_text(path: str, *, what: str, piped: bool = False) -> str:
    """Return the text of a UTF-8 file that the host names; *what* says in a message what the file is.

    Only if *piped*, it may be a pipe, which is read to its end.

    Raises:
        ConfigError: the file can't be read.
    """
    try:
        return (Path(path).read_bytes() if piped else read_whole(path)[0]).decode("utf-8")
    except OSError as error:
        raise ConfigError(f"{what} {path} can't be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{what} {path} can't be read: it is not UTF-8") from None


def refuse_special(status: os.stat_result, path: str) -> None:
    """Check by its *status* that *path* is a regular file.

    Raises:
        OSError: it is not.
    """
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "it is not a regular file", path)


def _without_waiting(path: str, flags: int) -> int:
    """Open a file; do not wait for the writer of a pipe."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
