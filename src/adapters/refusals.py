"""Refusals of calls in a file, one line of JSON each."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ..codec import dump_line, load
from ..domain.errors import ConfigError
from ..domain.refusal import Refusal
from ..file_lock import FileLock

__all__ = ["RefusalFile"]

_MAX_BYTES: Final = 256 * 1024
_OWNER_ONLY: Final = 0o600  # bodies are the host's own


class RefusalFile:
    """The refusals in the file *path* and in the one before it, ``<path>.1``. Safe from many threads and processes.

    A full file becomes the one before, so that both together stay within half a megabyte. A file that can't be written costs no
    fetch: a warning is logged, once.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._before = path.with_name(f"{path.name}.1")
        self._has_failed = False

    def note(self, refusal: Refusal) -> None:
        """Add *refusal* as a line."""
        try:
            self._add(dump_line(refusal).encode())
        except OSError as error:
            if not self._has_failed:
                self._has_failed = True
                logging.getLogger("chartimg").warning("refusals can't be kept in %s: %s", self.path, error.strerror)

    def read(self) -> Iterator[Refusal]:
        """Return the refusals, from the oldest to the newest. A line that can't be read is skipped: it was half written.

        Raises:
            ConfigError: a file exists, and can't be read.
        """
        for path in (self._before, self.path):
            try:
                lines = path.read_bytes().splitlines()
            except FileNotFoundError:
                continue
            except OSError as error:
                raise ConfigError(f"the refusals in {path} can't be read: {error.strerror}") from None
            for line in lines:
                with contextlib.suppress(ConfigError):
                    yield load(line.decode("utf-8", "replace"), Refusal, where="a line")

    def _add(self, line: bytes) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._make_room(len(line))
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, _OWNER_ONLY)
        try:
            os.write(descriptor, line)  # one write, so that lines of other processes stay whole
        finally:
            os.close(descriptor)

    def _make_room(self, size: int) -> None:
        """Move a full file away, if no other process is at it."""
        if not self._is_full(size):
            return
        lock = FileLock.take(self.path.with_name(f"{self.path.name}.lock"))
        if lock is None:
            return
        try:
            if self._is_full(size):
                self.path.replace(self._before)
        finally:
            lock.release()

    def _is_full(self, size: int) -> bool:
        try:
            return self.path.stat().st_size + size > _MAX_BYTES
        except FileNotFoundError:
            return False
