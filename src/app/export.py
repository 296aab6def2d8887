"""The export: a whole grid of charts into a folder, with a manifest in which every request ends exactly once."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from errno import EISDIR
from itertools import chain, count
from pathlib import Path
from typing import Final

import attrs

from ..codec import dump
from ..domain.chart import ChartRequest
from ..domain.chart.file_name import distinct_stem, stem
from ..domain.check.catalog import Catalog
from ..domain.check.picture import mean_the_same, twin_of
from ..domain.errors import StoreUnavailable
from ..domain.events import PictureDoubtful
from ..domain.faults import ChartApiError
from ..domain.finding import Finding
from ..domain.ports import Listener
from ..domain.reply.png import Picture, inspect
from ..domain.result import ChartApiResult
from ..files import write_atomically
from .listeners import Guarded

__all__ = ["MANIFEST_NAME", "STORE_UNAVAILABLE", "Export", "ExportFailure", "ExportItem", "Manifest"]

MANIFEST_NAME: Final = "manifest.json"
_REWRITE_SECONDS: Final = 1.0
_INTERRUPTED: Final = "INTERRUPTED"
STORE_UNAVAILABLE: Final = "STORE_UNAVAILABLE"
"""The code of a chart for which no claim could be taken, since the books can't be reached."""

Fetch = Callable[[ChartRequest], ChartApiResult]


@attrs.frozen
class ExportItem:
    """A chart that is there: the file, relative to the folder, what it holds, and what is doubtful about it."""

    symbol: str
    timeframe: str
    template: str
    file: str
    bytes: int
    sha256: str
    width: int
    height: int
    from_fixture: bool
    account_id: str | None
    calls: int
    warnings: tuple[Finding, ...] = ()


@attrs.frozen
class ExportFailure:
    """A chart that is not there, and why: an error code, or INTERRUPTED, STORE_UNAVAILABLE, WRITE_FAILED, UNEXPECTED."""

    symbol: str
    timeframe: str
    template: str
    code: str
    message: str
    kind: str | None = None
    retriable: bool = True
    http_status: int | None = None
    available_at: datetime | None = None
    calls: int = 0


@attrs.frozen
class Manifest:
    """What became of an export; *requested* is the sum of the items and the failures."""

    created_at: datetime
    requested: int
    items: tuple[ExportItem, ...]
    failures: tuple[ExportFailure, ...]
    schema_version: int = 1


@attrs.define(eq=False)
class _Pair:
    """Of the requests that have brought one picture the first, and the first that asked for something else."""

    first: ChartRequest
    other: ChartRequest | None = None


class Export:
    """Fetches *requests* into the folder *out*, *jobs* at once.

    The manifest is on disk from the start, where what is not done yet counts as interrupted, and is brought up to date
    as charts arrive: a run that is killed leaves a true one.

    Args:
        fetch: gives the result of one request, from any thread.
        requests: what to fetch; of two equal ones one is left out.
        out: the folder; made when it is missing.
        jobs: charts in flight at once.
        told: is called with each item or failure, from any thread.
        listener: is told of a picture that is that of another chart, from any thread.
        rules: gives the rules that say which bodies mean the same; it is called when two bodies bring one picture.

    Attributes:
        abandoned: the run was interrupted twice, and calls may still be under way.
    """

    def __init__(
        self,
        fetch: Fetch,
        requests: Iterable[ChartRequest],
        out: Path,
        *,
        jobs: int,
        told: Callable[[ExportItem | ExportFailure], None],
        listener: Listener,
        rules: Callable[[], Catalog],
    ) -> None:
        self._fetch = fetch
        self._out = out
        self._jobs = jobs
        self._told = told
        self._listener = Guarded(listener)
        self._rules = rules
        self._requests = tuple(dict.fromkeys(requests))
        self._names = _names(self._requests)
        self._created_at = datetime.now(UTC)
        self._done: dict[ChartRequest, ExportItem | ExportFailure] = {}
        self._pairs: dict[str, _Pair] = {}  # by the digest of the picture
        self._untold: dict[ChartRequest, _Pair] = {}  # those that had no twin when they were told
        self._lock = threading.Lock()
        self._waiting = deque(self._requests)
        self._in_flight = 0
        self._ended: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._stopping = False
        self._written = 0.0
        self.abandoned = False

    @property
    def requested(self) -> int:
        """How many charts are asked for."""
        return len(self._requests)

    def run(self) -> Manifest:
        """Fetch everything; a KeyboardInterrupt stops new charts, and a second one does not wait for those in flight.

        Raises:
            OSError: the folder, a picture's file or the manifest can't be written; found before anything is fetched.
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
                self._follow()
            except KeyboardInterrupt:
                self.abandoned = True
        return self._write()

    def manifest(self) -> Manifest:
        """Say how things stand; what is not done counts as interrupted, and of twins both are marked."""
        with self._lock:
            done, untold = dict(self._done), dict(self._untold)
        ends = [
            _marked(done[request], untold.get(request)) if request in done else _interrupted(request)
            for request in self._requests
        ]
        return Manifest(
            self._created_at,
            len(self._requests),
            tuple(end for end in ends if isinstance(end, ExportItem)),
            tuple(end for end in ends if isinstance(end, ExportFailure)),
        )

    def _refuse_folders(self) -> None:
        """Find a folder in the place of a picture before the picture is paid for."""
        for name in self._names.values():
            if (self._out / name).is_dir():
                raise IsADirectoryError(EISDIR, "a folder is in the place of a picture", str(self._out / name))

    def _follow(self) -> None:
        """Wait for what is to be done, and keep the manifest fresh meanwhile.

        An interrupt may strike at any point of it, so it holds nothing that a worker needs.
        """
        while self._is_busy():
            with contextlib.suppress(queue.Empty):
                self._ended.get(timeout=_REWRITE_SECONDS)
            if time.monotonic() - self._written >= _REWRITE_SECONDS:
                self._write()

    def _is_busy(self) -> bool:
        with self._lock:
            return self._in_flight > 0 or (bool(self._waiting) and not self._stopping)

    def _work(self) -> None:
        """Bring one request after the other to its end, until none is left or the run is interrupted."""
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

    def _write(self) -> Manifest:
        manifest = self.manifest()
        write_atomically(self._out / MANIFEST_NAME, dump(manifest).encode())
        self._written = time.monotonic()
        return manifest

    def _one(self, request: ChartRequest) -> None:
        """Bring one request to its end, whatever happens."""
        try:
            end = self._save(request, self._fetch(request))
        except StoreUnavailable as error:
            end = _failure(request, STORE_UNAVAILABLE, str(error))
        except OSError as error:
            end = _failure(request, "WRITE_FAILED", f"{error.filename}: {error.strerror}")
        except Exception as error:
            logging.getLogger("chartimg").exception("%s failed", request.key)
            end = _failure(request, "UNEXPECTED", type(error).__name__)
        with self._lock:
            self._done[request] = end
        try:
            self._told(end)
        except Exception:
            logging.getLogger("chartimg").exception("the end of %s could not be told", request.key)

    def _save(self, request: ChartRequest, result: ChartApiResult) -> ExportItem | ExportFailure:
        if result.error is not None:
            return _error(request, result.error, len(result.attempts))
        picture = result.unwrap()
        name = self._names[request]
        write_atomically(self._out / name, picture)
        size = inspect(picture)
        width, height = (size.width, size.height) if isinstance(size, Picture) else (0, 0)
        digest = hashlib.sha256(picture).hexdigest()
        twin = self._twin(request, digest)
        found = () if twin is None else (twin_of(twin),)
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

    def _twin(self, request: ChartRequest, digest: str) -> ChartRequest | None:
        """Find a request that has brought the same picture for another body; one look under two names is no twin.

        For those that came before any other body there is none yet; the manifest finds it, should it come.
        """
        with self._lock:
            pair = self._pairs.setdefault(digest, _Pair(request))
        same = request.encoded == pair.first.encoded or mean_the_same(request, pair.first, self._rules().parameters)
        with self._lock:
            if not same:
                pair.other = pair.other or request
                return pair.first
            if pair.other is None:
                self._untold[request] = pair
            return pair.other


def _names(requests: Sequence[ChartRequest]) -> Mapping[ChartRequest, str]:
    """Name the files so that no two are the same, not even where upper and lower case are."""
    taken: set[str] = set()
    names: dict[ChartRequest, str] = {}
    for request in requests:
        numbered = (f"{distinct_stem(request.key)}-{number}" for number in count(2))
        names[request] = next(
            f"{name}.png"
            for name in chain((stem(request.key), distinct_stem(request.key)), numbered)
            if name.casefold() not in taken
        )
        taken.add(names[request].removesuffix(".png").casefold())
    return names


def _marked(end: ExportItem | ExportFailure, pair: _Pair | None) -> ExportItem | ExportFailure:
    """Add the warning of a twin that came later."""
    if pair is None or pair.other is None or isinstance(end, ExportFailure):
        return end
    return attrs.evolve(end, warnings=(*end.warnings, twin_of(pair.other)))


def _failure(request: ChartRequest, code: str, message: str) -> ExportFailure:
    return ExportFailure(request.symbol, request.timeframe, request.chart_template_id, code, message)


def _interrupted(request: ChartRequest) -> ExportFailure:
    return _failure(request, _INTERRUPTED, "the export ended before this chart; run it again")


def _error(request: ChartRequest, error: ChartApiError, calls: int) -> ExportFailure:
    return ExportFailure(
        request.symbol,
        request.timeframe,
        request.chart_template_id,
        str(error.code),
        error.message,
        str(error.kind),
        error.retriable,
        error.http_status,
        error.available_at,
        calls,
    )
