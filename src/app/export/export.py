"""The export: the charts of a folder, their order, and the end of each. It makes no call; its drivers do.

One file because every change of the state of a chart is under one lock.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Iterator, Sequence
from datetime import datetime
from errno import EILSEQ, EINVAL, EISDIR, ENAMETOOLONG
from pathlib import Path
from typing import Final

import attrs

from ...domain.chart import PictureRequest, Request
from ...domain.chart.candle import SETTLE, Candle, Grid, candle_at
from ...domain.chart.freshness import Freshness
from ...domain.chart.leeway import NO_LEEWAY, Leeway
from ...domain.check.picture import is_duplicate
from ...domain.classification import refuses_symbol
from ...domain.errors import ConfigError, StoreUnavailable
from ...domain.events import PictureDoubtful
from ...domain.faults import ChartApiError, FaultKind
from ...domain.reply.png import Picture, inspect
from ...domain.result import ChartApiResult, ChartApiSuccess, Source
from .charts import ExportCharts
from .folder import ExportFolder, is_whole, known_items
from .manifest import (
    INTERRUPTED,
    STORE_UNAVAILABLE,
    WRITE_FAILED,
    ExportEnd,
    ExportFailure,
    ExportItem,
    Manifest,
)
from .order import ChartOrder
from .pictures import SamePictures
from .source import Asked, ChartSource

__all__ = ["Export"]

_OF_ONE_FILE: Final = frozenset({EILSEQ, EINVAL, EISDIR, ENAMETOOLONG})
"""Errors of a name. Any other failure to write belongs to the folder, and the next picture would meet it, too."""
_ADVICE: Final = "make the folder writable or name another"
_MAX_PROBLEMS: Final = 20
_ANY_GRID: Final = Grid()


class Export:
    """Charts for the folder *out*. Safe from many threads.

    From :meth:`begin` to :meth:`finish` no other export can use the folder. In a manifest, a chart without an end counts as
    interrupted. After a failure of the folder no new chart is begun.

    Args:
        source: the client, as far as it knows of charts.
        requests: the charts; equal ones are one. A long sequence may make each when it is asked for.
        out: the folder; made if it does not exist.
        resume: whether pictures of earlier runs are kept if they are proved: by the digest of the file, and of the body.
        fresh: how recently a picture that is kept must have been drawn; None for any age.
        leeway: the parts of a request that a fetch may change.

    Attributes:
        failure: the failure of the folder, or of that of the fixtures, that stopped the run.
        saved: whether the manifest of the end is on disk.
        unsaved: why it could not be written; the journal is there.
    """

    def __init__(
        self,
        source: ChartSource,
        requests: Sequence[PictureRequest],
        out: Path,
        *,
        resume: bool = False,
        fresh: Freshness | None = None,
        leeway: Leeway = NO_LEEWAY,
    ) -> None:
        self._source = source
        self._charts = ExportCharts(source, requests, leeway)
        self._folder = ExportFolder(out)
        self._resume = resume
        self._fresh = fresh
        self._created_at = source.clock.now()
        self._ends: dict[int, ExportEnd] = {}
        self._others: dict[str, ExportItem] = {}
        self._order = ChartOrder(())
        self._under_way: dict[int, Asked] = {}
        self._candles: dict[Candle, Candle] = {}  # one object for all pictures of a candle
        self._substituted: dict[int, Request] = {}  # sent with another symbol
        self._pictures = SamePictures(self._sent, lambda: source.rules)
        self._lock = threading.Lock()
        self._has_begun = False
        self._is_stopping = False
        self._is_given_up = False
        self._is_finished = False
        self.failure: str | None = None
        self.saved = False
        self.unsaved: str | None = None

    def begin(self) -> Iterator[ExportEnd]:
        """Take the folder, and return the charts that are kept.

        Raises:
            ConfigError: a chart would be refused before its call, the folder is in use, or its manifest can't be read.
            OSError: the folder, a picture or the manifest can't be written.
        """
        self.survey()
        self._folder.begin()
        try:
            self._folder.refuse_folders(frozenset(self._charts.names))
            self.keep()
            self._folder.write(self.manifest())
            self._folder.open_journal()
            self._has_begun = True
        except BaseException:
            self._folder.end()
            raise
        return iter(list(self._ends.values()))

    def survey(self) -> None:
        """List the charts, each once.

        Raises:
            ConfigError: with one line for each reason to refuse a chart.
        """
        self._charts.survey()

    def keep(self) -> None:
        """Find the charts with proved and fresh pictures."""
        known = dict(known_items(self._folder.path)) if self._resume else {}
        for number, name in enumerate(self._charts.names):
            item = known.get(name)
            if item is None or not self._is_proved(number, item):
                known.pop(name, None)
            elif self._is_fresh(item):
                self._ends[number] = self._kept(number, known.pop(name))
        self._others = known
        self._order = ChartOrder(self._charts.symbols, frozenset(self._ends))

    def __len__(self) -> int:
        """Return the number of charts."""
        return len(self._charts)

    @property
    def waiting(self) -> Iterator[Request]:
        """The requests of charts without an end."""
        return (self._charts.request(number) for number in range(len(self)) if number not in self._ends)

    @property
    def is_busy(self) -> bool:
        """Whether charts are under way, or will be."""
        with self._lock:
            return bool(self._under_way) or (len(self._order) > 0 and not self._is_stopping)

    @property
    def calling(self) -> tuple[Asked, ...]:
        """The charts with a call under way."""
        with self._lock:
            return tuple(asked for asked in self._under_way.values() if asked.is_calling)

    def take(self) -> Asked | None:
        """Take the next chart; None if all are taken, or wait for the trial of their symbol."""
        with self._lock:
            number = None if self._is_stopping else self._order.take()
            if number is None:
                return None
            asked = self._under_way[number] = Asked(number, self._charts.request(number))
            return asked

    def stop(self, failure: str | None = None) -> None:
        """Begin no new chart and no further call: the run was interrupted, or the folder has a *failure*."""
        with self._lock:
            self.failure = self.failure or failure
            self._is_stopping = True
            under_way = tuple(self._under_way.values())
        for asked in under_way:
            self._source.flights.leave(asked.waiter)

    def end(self, asked: Asked, outcome: ChartApiResult | BaseException) -> tuple[ExportEnd, ...]:
        """Save the picture of a chart, and return its end, and those of charts that are not asked for in consequence.

        A chart that was stopped before its call has no end. An exception becomes a failure. The chart counts as under way
        until :meth:`leave`.
        """
        if self._is_finished:
            return ()  # it was given up
        end = self._end(asked, outcome)
        error = outcome.error if not isinstance(outcome, BaseException) else None
        is_refused = (
            error is not None and not error.retriable and refuses_symbol(error)
        )  # with exchanges left it may be retried
        with self._lock:
            if end is not None:
                self._ends[asked.number] = end
            others = self._order.end(asked.number, is_refused=is_refused)
            skipped = {} if error is None else {number: self._skipped(number, error) for number in others}
            self._ends.update(skipped)
        ends = (*(() if end is None else (end,)), *skipped.values())
        self._note(ends)
        return ends

    def leave(self, asked: Asked) -> None:
        """Take note that the end of a chart was handed on."""
        with self._lock:
            self._under_way.pop(asked.number, None)

    def finish(self, *, give_up: bool = False) -> Manifest:
        """Write the manifest of the end, and let others use the folder; *give_up*, although calls are under way.

        Idempotent. An export that has not begun leaves the folder as it is.
        """
        with self._lock:
            self._is_stopping = True
            is_first, self._is_finished = not self._is_finished, True
            self._is_given_up = self._is_given_up or give_up
        manifest = self.manifest()
        if is_first and self._has_begun:
            try:
                self._folder.fold(manifest)
                self.saved = True
            except OSError as error:
                self.unsaved = f"{_reason(error)}; {_ADVICE}"
            finally:
                self._folder.end()
        return manifest

    def manifest(self) -> Manifest:
        """Return the manifest as of now; all charts with the same picture are marked."""
        with self._lock:
            ends = [self._marked(number) for number in range(len(self._charts))]
            others = tuple(self._others.values())
        return Manifest(
            self._created_at,
            len(self._charts),
            tuple(end for end in ends if isinstance(end, ExportItem)),
            tuple(end for end in ends if isinstance(end, ExportFailure)),
            others=others,
        )

    def _is_proved(self, number: int, item: ExportItem) -> bool:
        """Return whether *item* is the chart of a body that may be sent today, and its file is whole."""
        if item.key != self._charts.key(number):
            return False
        sent = next((each for each in self._charts.possible(number) if each.body_digest == item.body_sha256), None)
        if sent is None or not is_whole(self._folder.path / item.file, item):
            return False
        self._note_sent(number, sent)
        return True

    def _note_sent(self, number: int, sent: Request) -> None:
        """Remember the request of a picture that is that of another symbol."""
        if sent.symbol != self._charts.key(number).symbol:
            self._substituted[number] = sent

    def _sent(self, number: int) -> Request:
        """Return the request of the picture of a chart."""
        return self._substituted.get(number) or next(self._charts.possible(number))

    def _is_fresh(self, item: ExportItem) -> bool:
        """Return whether the picture of *item* was drawn recently enough."""
        if self._fresh is None:
            return True
        now = self._source.clock.now()
        if item.taken_at is None or item.taken_at - now > SETTLE:
            return False
        if self._fresh.by_candle:
            return item.candle is not None and now < item.candle.closes
        return self._fresh.allows(item.taken_at, now, item.timeframe or "", _ANY_GRID)

    def _kept(self, number: int, item: ExportItem) -> ExportItem:
        """Return the item of this run for a picture of an earlier one."""
        warnings = tuple(each for each in item.warnings if not is_duplicate(each))
        found = self._pictures.add(number, bytes.fromhex(item.sha256))
        return attrs.evolve(item, calls=0, kept=True, warnings=(*warnings, *found))

    def _marked(self, number: int) -> ExportEnd:
        """Return the end of a chart, with the warning of a duplicate that came later."""
        end = self._ends.get(number)
        if end is None:
            return self._interrupted(number)
        if isinstance(end, ExportItem) and (later := self._pictures.later(number)):
            return attrs.evolve(end, warnings=(*end.warnings, *later))
        return end

    def _interrupted(self, number: int) -> ExportFailure:
        """Return the failure of a chart without an end."""
        asked = self._under_way.get(number)
        calls = 0 if asked is None else asked.calls
        why = "the export ended before this chart"
        if self._is_given_up and asked is not None and asked.is_calling:
            why = "the export was given up during its call, which stays charged"
        elif self.failure is not None and not self._is_given_up:
            why = f"it was not begun, since {self.failure}"
        return ExportFailure.of(self._charts.key(number), INTERRUPTED, f"{why}; run it again to resume", calls)

    def _skipped(self, number: int, error: ChartApiError) -> ExportFailure:
        """Return the failure of a chart after its symbol was refused in another chart."""
        message = f"not asked for, since the symbol was refused for another chart: {error.message}"
        return ExportFailure.of_error(self._charts.key(number), attrs.evolve(error, message=message), 0)

    def _end(self, asked: Asked, outcome: ChartApiResult | BaseException) -> ExportEnd | None:
        request = asked.request
        if not isinstance(outcome, BaseException):
            try:
                return self._saved(asked, outcome)
            except Exception as error:  # noqa: BLE001 (it is the end of this chart alone)
                outcome = error
        if isinstance(outcome, StoreUnavailable):
            return ExportFailure.of(request.key, STORE_UNAVAILABLE, str(outcome), asked.calls)
        if self._is_stopping and isinstance(outcome, ConfigError):
            return None  # the waits were ended before it began
        logging.getLogger("chartimg").error("%s failed", request.key, exc_info=outcome)
        return ExportFailure.of(request.key, "UNEXPECTED", type(outcome).__name__, asked.calls)

    def _saved(self, asked: Asked, result: ChartApiResult) -> ExportEnd | None:
        """Save the picture of *result*, or return its failure."""
        request, calls = asked.request, len(result.attempts)
        if result.error is not None:
            if result.error.kind is FaultKind.NOT_SENT and result.fixture_path is not None:
                self.stop(result.error.message)  # the recording refused the call
            if self._is_stopping and result.error.kind is FaultKind.STOPPED and not calls:
                return None
            return ExportFailure.of_error(request.key, result.error, calls, result.warnings)
        item = self._item(asked, result)
        try:
            with self._folder.saving(item, result.png_bytes, paid=calls > 0) as put:
                put()
        except OSError as error:
            if error.errno not in _OF_ONE_FILE:
                self.stop(f"{_reason(error)}; {_ADVICE}")
            return ExportFailure.of(request.key, WRITE_FAILED, _reason(error), calls)
        with self._lock:
            self._others.pop(item.file, None)
        return item

    def _item(self, asked: Asked, result: ChartApiSuccess) -> ExportItem:
        """Return the item of a picture."""
        request, picture = asked.waiter.sent or asked.request, result.png_bytes
        self._note_sent(asked.number, request)
        size = inspect(picture)
        width, height = (size.width, size.height) if isinstance(size, Picture) else (0, 0)
        digest = hashlib.sha256(picture)
        found = self._pictures.add(asked.number, digest.digest())
        if found:
            self._source.listener.notify(PictureDoubtful(str(asked.request.key), result.account_id, found))
        key = self._charts.key(asked.number)
        return ExportItem(
            key.symbol,
            key.timeframe,
            key.chart_template_id,
            self._charts.names[asked.number],
            len(picture),
            digest.hexdigest(),
            width,
            height,
            result.from_fixture,
            result.account_id,
            len(result.attempts),
            (*result.warnings, *found),
            request.body_digest,
            result.taken_at,
            self._candle(request, result),
            layout_id=key.layout_id,
        )

    def _candle(self, request: Request, result: ChartApiSuccess) -> Candle | None:
        """Return the candle that the picture of *result* shows at least."""
        drawn_at: datetime | None = result.taken_at
        if result.attempts:
            drawn_at = result.attempts[-1].started_at
        elif not (result.from_fixture or (result.source is Source.CACHE and self._fresh and self._fresh.by_candle)):
            return None  # another fetch called for it, at an unknown moment before it was taken
        if drawn_at is None:
            return None
        candle = candle_at(drawn_at - SETTLE, request.timeframe or "", self._source.grid_of(request.symbol))
        return candle and self._candles.setdefault(candle, candle)

    def _note(self, ends: Sequence[ExportEnd]) -> None:
        """Write failures to the journal; items are there before their pictures."""
        try:
            for end in ends:
                if isinstance(end, ExportFailure):
                    self._folder.note(end)
        except OSError as error:
            self.stop(f"{_reason(error)}; {_ADVICE}")


def _reason(error: OSError) -> str:
    return f"{error.filename} can't be written: {error.strerror}"
