"""The export: fetch many charts into a folder, with a manifest of the end of each."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from errno import EILSEQ, EINVAL, EISDIR, ENAMETOOLONG
from pathlib import Path
from typing import Final

import attrs

from ..codec import dump
from ..domain.chart import ChartRequest
from ..domain.check.catalog import Catalog
from ..domain.check.picture import duplicate_of, mean_the_same
from ..domain.errors import ConfigError, StoreUnavailable
from ..domain.events import PictureDoubtful
from ..domain.faults import FaultKind
from ..domain.ports import Listener
from ..domain.reply.png import Picture, inspect
from ..domain.result import ChartApiResult
from ..files import write_atomically
from .listeners import Listeners
from .manifest import (
    INTERRUPTED,
    MANIFEST_NAME,
    STORE_UNAVAILABLE,
    WRITE_FAILED,
    ExportEnd,
    ExportFailure,
    ExportItem,
    Manifest,
    picture_names,
)

__all__ = ["Export", "Fetch"]

_REWRITE_SECONDS: Final = 1.0
_OF_ONE_FILE: Final = frozenset({EILSEQ, EINVAL, EISDIR, ENAMETOOLONG})
"""Errors of a name. Any other failure to write belongs to the folder, and the next picture would meet it, too."""
_ADVICE: Final = "make the folder writable or name another"

Fetch = Callable[[ChartRequest], ChartApiResult]


@attrs.define(eq=False)
class _SamePicture:
    """Requests that produced the same picture: the first, and the first with a different body."""

    first: ChartRequest
    other: ChartRequest | None = None


class Export:
    """Fetches *requests* into the folder *out*, *jobs* at once.

    The manifest is on disk from the start and is rewritten while charts arrive. In it, a chart without an end counts as
    interrupted. So a run that is killed leaves a true manifest. After a failure of the folder no new chart is begun.

    Args:
        fetch: returns the result of one request; called from several threads.
        requests: the charts; equal requests are fetched once.
        out: the folder; made if it does not exist.
        jobs: charts in flight at once.
        on_end: called with the end of each chart, from several threads.
        listener: notified of each picture that equals the picture of another chart.
        rules: returns the catalog that decides which bodies mean the same; called only if two bodies give one picture.
        end_waits: ends the waits of charts in flight; called when no new chart is to be begun.

    Attributes:
        abandoned: whether the run was interrupted twice, so that calls may still be in flight.
        failure: the failure of the folder, or of that of the fixtures, that stopped the run.
        saved: whether the manifest of the end is on disk.
    """

    def __init__(
        self,
        fetch: Fetch,
        requests: Iterable[ChartRequest],
        out: Path,
        *,
        jobs: int,
        on_end: Callable[[ExportEnd], None],
        listener: Listener,
        rules: Callable[[], Catalog],
        end_waits: Callable[[], None] = lambda: None,
    ) -> None:
        self._fetch = fetch
        self._out = out
        self._jobs = jobs
        self._on_end = on_end
        self._listener = Listeners((listener,))
        self._rules = rules
        self._end_waits = end_waits
        self._requests = tuple(dict.fromkeys(requests))
        self._names = picture_names(self._requests)
        self._created_at = datetime.now(UTC)
        self._ends: dict[ChartRequest, ExportEnd] = {}
        self._same_pictures: dict[str, _SamePicture] = {}  # key: digest of the picture
        self._unmarked: dict[ChartRequest, _SamePicture] = {}  # ended before another body gave the same picture
        self._lock = threading.Lock()
        self._waiting = deque(self._requests)
        self._in_flight = 0
        self._ended: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._stopping = False
        self._written = 0.0
        self.abandoned = False
        self.failure: str | None = None
        self.saved = False

    def run(self) -> Manifest:
        """Fetch all charts. A KeyboardInterrupt, or a failure of the folder, stops new charts.

        A second KeyboardInterrupt leaves those in flight.

        Raises:
            OSError: before the first fetch, if the folder, a picture or the manifest can't be written.
        """
        self._out.mkdir(parents=True, exist_ok=True)
        self._refuse_folders()
        self._write()
        try:
            for number in range(min(self._jobs, len(self._requests))):
                threading.Thread(target=self._work, name=f"chartimg-export-{number}", daemon=True).start()
            self._follow()
        except KeyboardInterrupt:
            self._stopping = True
            try:
                self._end_waits()
                self._follow()
            except KeyboardInterrupt:
                self.abandoned = True
        self.saved = self._rewrite()
        return self.manifest()

    def manifest(self) -> Manifest:
        """Return the manifest as of now; all charts with the same picture are marked."""
        with self._lock:
            ends = [self._end(request) for request in self._requests]
        return Manifest(
            self._created_at,
            len(self._requests),
            tuple(end for end in ends if isinstance(end, ExportItem)),
            tuple(end for end in ends if isinstance(end, ExportFailure)),
        )

    def _end(self, request: ChartRequest) -> ExportEnd:
        """Return the end of a chart, with the warning of a duplicate that came later."""
        end, same = self._ends.get(request), self._unmarked.get(request)
        if end is None:
            why = "the export ended before this chart"
            if self.failure is not None and not self.abandoned:
                why = f"it was not begun, since {self.failure}"
            return ExportFailure.of(request, INTERRUPTED, f"{why}; run it again")
        if isinstance(end, ExportItem) and same is not None and same.other is not None:
            return attrs.evolve(end, warnings=(*end.warnings, duplicate_of(same.other)))
        return end

    def _refuse_folders(self) -> None:
        """Raise if a folder has the name of a picture, before the picture is paid for."""
        for name in self._names.values():
            if (self._out / name).is_dir():
                raise IsADirectoryError(EISDIR, "a folder is in the place of a picture", str(self._out / name))

    def _follow(self) -> None:
        """Wait for the end of the run, and keep the manifest fresh.

        An interrupt may raise anywhere in here. So the lock is held for moments only, and released by ``with``.
        """
        while self._is_busy():
            with contextlib.suppress(queue.Empty):
                self._ended.get(timeout=_REWRITE_SECONDS)
            if time.monotonic() - self._written >= _REWRITE_SECONDS:
                self._rewrite()

    def _is_busy(self) -> bool:
        with self._lock:
            return self._in_flight > 0 or (bool(self._waiting) and not self._stopping)

    def _work(self) -> None:
        """Fetch one request after another until all are taken or the run is interrupted."""
        while (request := self._take()) is not None:
            try:
                self._one(request)
            finally:
                with self._lock:
                    self._in_flight -= 1
                self._ended.put(None)

    def _take(self) -> ChartRequest | None:
        with self._lock:
            if self._stopping or not self._waiting:
                return None
            self._in_flight += 1
            return self._waiting.popleft()

    def _write(self) -> None:
        self._written = time.monotonic()
        write_atomically(self._out / MANIFEST_NAME, dump(self.manifest()).encode())

    def _rewrite(self) -> bool:
        """Write the manifest; return False, and stop new charts, if it can't be written."""
        try:
            self._write()
        except OSError as error:
            self._stop(f"{_reason(error)}; {_ADVICE}")
            return False
        return True

    def _stop(self, failure: str) -> None:
        """Begin no new chart: the folder has failed."""
        with self._lock:
            self.failure = self.failure or failure
            self._stopping = True
        self._end_waits()

    def _one(self, request: ChartRequest) -> None:
        """Fetch and save one chart; any exception becomes a failure."""
        end: ExportEnd
        try:
            end = self._save(request, self._fetch(request))
        except StoreUnavailable as error:
            end = ExportFailure.of(request, STORE_UNAVAILABLE, str(error))
        except Exception as error:
            if self._stopping and isinstance(error, ConfigError):
                return  # the waits were ended before it began
            logging.getLogger("chartimg").exception("%s failed", request.key)
            end = ExportFailure.of(request, "UNEXPECTED", type(error).__name__)
        with self._lock:
            self._ends[request] = end
        try:
            self._on_end(end)
        except Exception:
            logging.getLogger("chartimg").exception("the end of %s could not be reported", request.key)

    def _save(self, request: ChartRequest, result: ChartApiResult) -> ExportEnd:
        """Save the picture of *result*, or return its failure."""
        if result.error is not None:
            if result.error.kind is FaultKind.NOT_SENT and result.fixture_path is not None:
                self._stop(result.error.message)  # the recording refused the call
            return ExportFailure.of_error(request, result.error, len(result.attempts), result.warnings)
        picture = result.unwrap()
        name = self._names[request]
        try:
            write_atomically(self._out / name, picture)
        except OSError as error:
            if error.errno not in _OF_ONE_FILE:
                self._stop(f"{_reason(error)}; {_ADVICE}")
            return attrs.evolve(ExportFailure.of(request, WRITE_FAILED, _reason(error)), calls=len(result.attempts))
        size = inspect(picture)
        width, height = (size.width, size.height) if isinstance(size, Picture) else (0, 0)
        digest = hashlib.sha256(picture).hexdigest()
        duplicate = self._duplicate(request, digest)
        found = () if duplicate is None else (duplicate_of(duplicate),)
        if found:
            self._listener.notify(PictureDoubtful(str(request.key), result.account_id, found))
        return ExportItem(
            request.symbol,
            request.timeframe,
            request.chart_template_id,
            name,
            len(picture),
            digest,
            width,
            height,
            result.from_fixture,
            result.account_id,
            len(result.attempts),
            (*result.warnings, *found),
        )

    def _duplicate(self, request: ChartRequest, digest: str) -> ChartRequest | None:
        """Return a request with the same picture and a different body.

        If such a request comes later, the manifest marks *request* then.
        """
        with self._lock:
            same = self._same_pictures.setdefault(digest, _SamePicture(request))
        first = same.first
        alike = request.encoded == first.encoded or mean_the_same(request, first, self._rules().parameters)
        with self._lock:
            if not alike:
                same.other = same.other or request
                return first
            if same.other is None:
                self._unmarked[request] = same
            return same.other


def _reason(error: OSError) -> str:
    return f"{error.filename} can't be written: {error.strerror}"
