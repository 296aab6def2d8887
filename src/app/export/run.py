"""The synchronous driver of an export: threads that fetch, and the ends of the charts for the caller's thread."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from typing import Final

from ...domain.chart import Request
from ...domain.result import ChartApiResult
from ..flights import Waiter
from ..listeners import WITNESS
from .export import Export
from .manifest import ExportEnd
from .source import Asked

__all__ = ["ExportRun", "Fetch"]

Fetch = Callable[[Waiter, Request], ChartApiResult]
_POLL_SECONDS: Final = 0.5  # for threads that missed a word since the caller was interrupted


class ExportRun:
    """Fetches the charts of *work*, *jobs* at once.

    No new chart is begun while as many ends wait for the caller. So an export whose caller has gone makes no further call.

    A KeyboardInterrupt may be raised at any place of :meth:`next`. The run goes on after it. Locks are held for moments only.
    """

    def __init__(self, work: Export, fetch: Fetch, *, jobs: int) -> None:
        self._work = work
        self._fetch = fetch
        self._jobs = jobs
        self._ended: queue.SimpleQueue[ExportEnd | None] = queue.SimpleQueue()  # None: look again
        self._changed = threading.Condition()
        self._kept: Iterator[ExportEnd] = iter(())

    def begin(self) -> None:
        """Begin the export and its threads.

        Raises:
            ConfigError: a chart would be refused before its call, the folder is in use, or its manifest can't be read.
            OSError: the folder, a picture or the manifest can't be written.
        """
        self._kept = self._work.begin()
        for number in range(min(self._jobs, len(self._work))):
            try:
                threading.Thread(target=self._run, name=f"chartimg-export-{number}", daemon=True).start()
            except RuntimeError:  # the system has no further thread
                if not number:
                    raise
                break

    def next(self) -> ExportEnd | None:
        """Wait for the next end; return None after the last one."""
        if (kept := next(self._kept, None)) is not None:
            return kept
        while True:
            try:
                end = self._ended.get(timeout=_POLL_SECONDS if self._work.is_busy else 0)
            except queue.Empty:
                if not self._work.is_busy and self._ended.empty():
                    return None
                continue
            with self._changed:
                self._changed.notify_all()
            if end is not None:
                return end

    def drain(self) -> None:
        """Wait for the charts under way."""
        while self.next() is not None:
            pass

    def _run(self) -> None:
        """Fetch one chart after another until all are taken, or the export is stopped."""
        while (asked := self._take()) is not None:
            token = WITNESS.set(asked)
            outcome: ChartApiResult | BaseException
            try:
                outcome = self._fetch(asked.waiter, asked.request)
            except BaseException as error:  # noqa: BLE001 (it is the end of this chart alone)
                outcome = error
            finally:
                WITNESS.reset(token)
            for end in self._work.end(asked, outcome):
                self._ended.put(end)
            self._work.leave(asked)
            with self._changed:
                self._changed.notify_all()
            self._ended.put(None)

    def _take(self) -> Asked | None:
        """Wait for a chart to fetch; return None if there will be none."""
        with self._changed:
            while self._work.is_busy:
                if self._ended.qsize() < 2 * self._jobs and (asked := self._work.take()) is not None:
                    return asked
                self._changed.wait(_POLL_SECONDS)
        return None
