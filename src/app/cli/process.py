"""A command as a process: exit codes, complaints, files that options name, and an orderly end."""

from __future__ import annotations

import os
import signal
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import typer

from ... import files
from ...domain.errors import ConfigError

__all__ = [
    "COME_BACK",
    "FAILED",
    "MISUSED",
    "STORE_GONE",
    "complain",
    "refuse_unwritable",
    "refuse_unwritable_file",
    "terminable",
    "write",
]

FAILED: Final = 1
MISUSED: Final = 2
STORE_GONE: Final = 69  # EX_UNAVAILABLE of sysexits.h
COME_BACK: Final = 75  # EX_TEMPFAIL of sysexits.h


def complain(*lines: str) -> None:
    """Write *lines* to standard error, each with the name of the command."""
    for line in lines:
        typer.echo(f"chartimg: {line}", err=True)


def refuse_unwritable(folder: Path) -> None:
    """Raise ConfigError if *folder* can't be made or written, before a call is paid for."""
    try:
        files.refuse_unwritable(folder)
    except FileExistsError:
        raise ConfigError(f"--out: {folder} is not a folder; name a folder") from None
    except OSError as error:
        raise ConfigError(f"--out: the folder {folder} can't be written: {error.strerror}") from None


def refuse_unwritable_file(out: Path) -> None:
    """Raise ConfigError if the file *out* can't be written, before a call is paid for."""
    try:
        mode = out.stat().st_mode
    except FileNotFoundError:
        mode = stat.S_IFREG
    except OSError as error:
        raise _unwritable(out, error) from None
    if stat.S_ISDIR(mode):
        raise ConfigError(f"--out: {out} is a folder; name a file in it")
    if stat.S_ISREG(mode):
        refuse_unwritable(_real(out).parent)


def write(out: Path, content: bytes) -> None:
    """Write the file that --out names.

    Raises:
        ConfigError: it can't be written; the file of before is still there.
    """
    try:
        if out.exists() and not out.is_file():  # a pipe or a device is written to, not replaced
            out.write_bytes(content)
        else:
            files.write_atomically(_real(out), content)
    except OSError as error:
        raise _unwritable(out, error) from None


def _unwritable(out: Path, error: OSError) -> ConfigError:
    return ConfigError(f"--out: {out} can't be written: {error.strerror}")


def _real(path: Path) -> Path:
    """Follow links, so that the target of a link is replaced and the link stays."""
    return Path(os.path.realpath(path))


@contextmanager
def terminable() -> Iterator[None]:
    """Treat a SIGTERM like a Ctrl-C, so that the run still ends in order."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
