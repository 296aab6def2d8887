"""Pictures that came after their caller had gone."""

from __future__ import annotations

import threading
from typing import Final

from ..domain.chart import ChartRequest
from ..domain.result import ChartApiSuccess
from ..fork import begin_in_children

__all__ = ["KEPT_SECONDS", "Kept"]

KEPT_SECONDS: Final = 60.0
_MAX_BYTES: Final = 64 * 1024 * 1024


class Kept:
    """Keeps paid pictures for a minute, each for the next request with the same body. Safe from many threads.

    The oldest ones leave if all together are larger than 64 MiB.
    """

    def __init__(self) -> None:
        self._pictures: dict[str, tuple[float, ChartApiSuccess]] = {}  # by the digest of the body, oldest first
        self.begin()
        begin_in_children(self)

    def begin(self) -> None:
        """Make the lock, also in a forked child."""
        self._lock = threading.Lock()

    def keep(self, request: ChartRequest, result: ChartApiSuccess, now: float) -> None:
        """Keep the picture of *request*, which came at *now* (monotonic seconds)."""
        with self._lock:
            self._pictures.pop(request.body_digest, None)
            self._pictures[request.body_digest] = now, result
            self._drop_old(now)

    def take(self, request: ChartRequest, now: float) -> ChartApiSuccess | None:
        """Return the picture of the same body, once; None if none was kept in the last minute."""
        if not self._pictures:
            return None
        with self._lock:
            self._drop_old(now)
            _, result = self._pictures.pop(request.body_digest, (0.0, None))
            return result

    def _drop_old(self, now: float) -> None:
        size = sum(len(result.png_bytes) for _, result in self._pictures.values())
        for digest, (at, result) in list(self._pictures.items()):
            if now - at < KEPT_SECONDS and size <= _MAX_BYTES:
                return
            size -= len(result.png_bytes)
            del self._pictures[digest]
