"""The route before the provider: a kept picture that is fresh enough, and one call of all processes for a chart at one moment."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, TypeVar

import attrs

from ..domain.cached import CachedPicture
from ..domain.chart import Request
from ..domain.chart.candle import SETTLE, Grid
from ..domain.chart.endpoint import Answer
from ..domain.chart.freshness import Freshness
from ..domain.errors import CacheUnavailable, ConfigError
from ..domain.events import CacheFailed, PictureDoubtful
from ..domain.faults import ChartApiError, FaultKind
from ..domain.fetch import STOPPED
from ..domain.finding import Finding, Severity
from ..domain.ports import Clock, Listener, PictureCache
from ..domain.reply import OK
from ..domain.reply.secret import SECRET_INSIDE
from ..domain.result import ChartApiFailure, ChartApiSuccess, FetchResult, JsonSuccess, Source, Success
from ..fork import begin_in_children
from .fetch import Steps, Stop

__all__ = ["CachedAnswers"]

_UNUSED: Final = Grid()
_FIRST_WAIT_SECONDS: Final = 0.02
_MAX_WAIT_SECONDS: Final = 0.1
_REST_SECONDS: Final = 30.0
_MAX_NAME: Final = 200
T = TypeVar("T")


class CachedAnswers:
    """Looks for a kept picture, and keeps new ones. Safe from many threads.

    A cache that can't be used stops no fetch. It is reported once, and is not asked for half a minute if reading failed. Each picture
    that could not be kept has a warning.

    Args:
        open_cache: returns the cache; called when it is first needed.
        clock: time.
        listener: notified if the cache can't be used.
        grid_of: returns the grid of the candles of a symbol.
        scope: the address of the provider, if it is not the usual one, and the session: their pictures are others.
        address: the address alone, since lists are the same with any session.
        stale_seconds: how old a picture may be that is returned in place of an error; 0 for no such picture.
    """

    def __init__(
        self,
        open_cache: Callable[[], PictureCache],
        *,
        clock: Clock,
        listener: Listener,
        grid_of: Callable[[str | None], Grid],
        scope: str = "",
        address: str = "",
        stale_seconds: float = 0.0,
    ) -> None:
        self._open_cache = open_cache
        self._clock = clock
        self._listener = listener
        self._grid_of = grid_of
        self._scope = scope
        self._address = address
        self._stale = timedelta(seconds=stale_seconds)
        self._opened: PictureCache | None = None
        self._rests_until = float("-inf")
        self._failure = ""
        self.begin()
        begin_in_children(self)

    def begin(self) -> None:
        """Make the lock, also in a forked child."""
        self._lock = threading.Lock()

    def serves(self, fresh: Freshness) -> bool:
        """Return whether a fetch with this wish may get a kept picture, and so keeps its own."""
        return bool(self._stale) or not fresh.is_off

    def find(self, request: Request, fresh: Freshness, fetch_id: str) -> Success | None:
        """Return the kept picture of *request* if it is fresh enough."""
        return None if fresh.is_off else self._found(request, fresh, fetch_id, None)

    def peek(self, request: Request) -> Success | None:
        """Return what is kept for *request*, of any age. A failure is not reported: nothing has been asked of the cache.

        Raises:
            CacheUnavailable: the cache can't be used; one of the host's own may raise any exception.
        """
        if self._clock.monotonic() < self._rests_until:
            return None
        with self._lock:
            cache = self._opened = self._opened or self._open_cache()
        picture = cache.read(self._digest(request))
        return None if picture is None or request.problem_of(picture.png_bytes) else _result(request, picture, "")

    def alone(
        self,
        request: Request,
        fresh: Freshness,
        call: Callable[[], Steps[FetchResult]],
        *,
        fetch_id: str,
        ends: float,
        stop: Stop,
        waits: bool = True,
    ) -> Steps[FetchResult]:
        """Carry out *call* while no other process does so for the same picture, and keep its picture.

        If another process is at it, wait for its picture up to *ends* (monotonic seconds). If it dies, or fails, one of those who
        wait takes its place. Without *waits* carry out *call* all the same, as for a fetch that a listener began within another one.
        """
        lock, begun, seconds = None, self._clock.now(), _FIRST_WAIT_SECONDS
        try:
            while not fresh.is_off:
                locked = self._try(lambda cache: (cache.lock(self._digest(request)),), writes=True)
                lock = None if locked is None else locked[0]
                if locked is None:
                    break  # the cache can't be used
                if (found := self._found(request, fresh, fetch_id, begun)) is not None:
                    return found
                if lock is not None or not waits:
                    break
                left = ends - self._clock.monotonic()
                if left <= 0 or stop.is_set():
                    return self._in_vain(fetch_id, is_stopped=stop.is_set())
                yield min(seconds, left)
                seconds = min(2 * seconds, _MAX_WAIT_SECONDS)
            result = yield from call()
            return result if isinstance(result, ChartApiFailure) else self._keep(request, result)
        finally:
            if lock is not None:
                lock.release()

    def instead_of(self, result: FetchResult, request: Request) -> FetchResult:
        """Return an older picture in place of an error that time may mend, if the host has opted in; else *result*."""
        if (
            result.error is None
            or result.error.kind is FaultKind.STOPPED
            or not (self._stale and result.error.retriable)
        ):
            return result
        picture = self._read(request)
        if picture is None:
            return result
        age = self._clock.now() - picture.entry.taken_at
        if age > self._stale:
            return result
        message = f"it was taken {age.total_seconds():.0f} s ago, in place of the error {result.error.kind}: "
        warning = Finding("", Severity.WARNING, message + result.error.message)
        self._listener.notify(PictureDoubtful(str(request.key), picture.entry.account_id, (warning,)))
        kept = _result(request, picture, result.fetch_id)
        return attrs.evolve(kept, attempts=result.attempts, warnings=(warning, *result.warnings))

    def close(self) -> None:
        """Close the cache, if it was opened."""
        with self._lock:
            opened, self._opened = self._opened, None
        if opened is not None:
            opened.close()

    def _read(self, request: Request) -> CachedPicture | None:
        """Return what is kept for *request*; None if there is nothing, or if it is no answer to it."""
        picture = self._try(lambda cache: cache.read(self._digest(request)))
        return picture if picture is not None and request.problem_of(picture.png_bytes) is None else None

    def _found(self, request: Request, fresh: Freshness, fetch_id: str, begun: datetime | None) -> Success | None:
        """Return the kept picture if it is fresh, or if its call was under way at *begun*."""
        picture = self._read(request)
        if picture is None:
            return None
        entry, now = picture.entry, self._clock.now()
        of_chart = request.timeframe or "", self._grid_of(request.symbol) if fresh.by_candle else _UNUSED
        is_fresh = fresh.allows(entry.drawn_at, now, *of_chart)
        if begun is not None and entry.taken_at <= now + SETTLE:
            is_fresh = is_fresh or fresh.shares(entry.drawn_at, entry.taken_at, begun, *of_chart)
        return _result(request, picture, fetch_id) if is_fresh else None

    def _keep(self, request: Request, result: Success) -> Success:
        """Keep the picture of *result*, and return it; with a warning if it can't be kept, since its next fetch costs a call."""
        if SECRET_INSIDE in result.warnings or request.endpoint.answer is Answer.ADDRESS:
            return result
        taken_at = result.taken_at or self._clock.now()
        picture = CachedPicture.of(
            result.body if isinstance(result, JsonSuccess) else result.png_bytes,
            body_digest=self._digest(request),
            chart=str(request.key)[:_MAX_NAME],
            taken_at=taken_at,
            drawn_at=result.attempts[-1].started_at if result.attempts else taken_at,
            account_id=result.account_id,
        )

        def keep(cache: PictureCache) -> bool:
            cache.keep(picture)
            return True

        if self._try(keep, writes=True):
            return result
        return result.with_warnings((Finding("", Severity.WARNING, f"it could not be kept: {self._failure}"),))

    def _digest(self, request: Request) -> str:
        """Return the name of the picture of *request* in the cache."""
        scope = self._address if request.endpoint.answer is Answer.LISTING else self._scope
        if not scope:
            return request.body_digest
        return hashlib.sha256(f"{scope}\n{request.body_digest}".encode()).hexdigest()

    def _try(self, use: Callable[[PictureCache], T], *, writes: bool = False) -> T | None:
        """Use the cache. Report the first failure, and return None for each."""
        if self._clock.monotonic() < self._rests_until:
            return None
        try:
            with self._lock:
                cache = self._opened = self._opened or self._open_cache()
            return use(cache)
        except Exception as error:  # noqa: BLE001 (a cache of the host's own may raise any, and the picture may be paid for)
            if not writes:
                self._rests_until = self._clock.monotonic() + _REST_SECONDS
            is_known = isinstance(error, CacheUnavailable | ConfigError)
            reason = str(error) if is_known else f"the cache raised {type(error).__name__}"
            with self._lock:
                is_first, self._failure = not self._failure, reason
            if is_first:
                self._listener.notify(CacheFailed(reason))
            return None

    def _in_vain(self, fetch_id: str, *, is_stopped: bool) -> ChartApiFailure:
        """Return the result of a wait for another process that was too long."""
        message = "another process, for which this one waited, had not got the chart within the deadline"
        error = ChartApiError.of(FaultKind.NO_ACCOUNT, message, available_at=self._clock.now())
        if is_stopped:
            error = ChartApiError.of(FaultKind.STOPPED, STOPPED)
        return ChartApiFailure(error=error, fetch_id=fetch_id)


def _result(request: Request, picture: CachedPicture, fetch_id: str) -> Success:
    entry = picture.entry
    if request.endpoint.answer is not Answer.PICTURE:
        return JsonSuccess(
            body=picture.png_bytes,
            http_status=OK,
            source=Source.CACHE,
            account_id=entry.account_id,
            taken_at=entry.taken_at,
            fetch_id=fetch_id,
        )
    return ChartApiSuccess(
        png_bytes=picture.png_bytes,
        http_status=OK,
        source=Source.CACHE,
        account_id=entry.account_id,
        taken_at=entry.taken_at,
        fetch_id=fetch_id,
    )
