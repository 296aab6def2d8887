"""Answers that came after their caller had gone."""

from __future__ import annotations

import threading
from bisect import insort
from collections.abc import Callable
from operator import itemgetter
from typing import Final

from ..domain.chart import Request
from ..domain.result import Success
from ..fork import begin_in_children

__all__ = ["KEPT_SECONDS", "LateAnswers"]

KEPT_SECONDS: Final = 60.0
_MAX_BYTES: Final = 64 * 1024 * 1024


class LateAnswers:
    """Keeps paid answers for a minute, each for the next request with the same body. Safe from many threads.

    The oldest ones leave if all together are larger than 64 MiB.
    """

    def __init__(self) -> None:
        self._pictures: list[tuple[float, str, Success]] = []  # oldest first: when it came, its body's digest
        self.begin()
        begin_in_children(self)

    def begin(self) -> None:
        """Make the lock, also in a forked child."""
        self._lock = threading.Lock()

    def keep(self, request: Request, result: Success, came: float) -> None:
        """Keep the picture of *request*, which *came* at this moment (monotonic seconds)."""
        with self._lock:
            insort(self._pictures, (came, request.body_digest, result), key=itemgetter(0))
            while sum(each.size for _, _, each in self._pictures) > _MAX_BYTES:
                del self._pictures[0]

    def take(self, request: Request, now: float, suits: Callable[[Success], bool] = bool) -> Success | None:
        """Return the newest picture of the same body that *suits*, once; None if none came in the last minute."""
        if not self._pictures:
            return None
        with self._lock:
            self._pictures = [kept for kept in self._pictures if now - kept[0] < KEPT_SECONDS]
            for place, (_, digest, result) in reversed(list(enumerate(self._pictures))):
                if digest == request.body_digest and suits(result):
                    del self._pictures[place]
                    return result
        return None
