"""The routes of a client: one chart request over the ways of a mode to a picture."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Final

import attrs

from ..domain.argument import require
from ..domain.chart import DEFAULT_TIMEZONE, ChartRequest
from ..domain.chart.freshness import Freshness
from ..domain.check.picture import picture_warnings
from ..domain.classification import classify
from ..domain.events import (
    FetchFinished,
    FetchStarted,
    MockMissing,
    PictureDoubtful,
    PictureKept,
    RequestDoubtful,
    RequestRefused,
)
from ..domain.faults import ErrorCode, FaultKind
from ..domain.fetch import Fetch, Moment
from ..domain.finding import Finding
from ..domain.ports import Clock, Listener, RecordedTransport, Transport
from ..domain.reply.secret import scrub_findings
from ..domain.result import ChartApiResult, ChartApiSuccess, Source, refused, result_of
from ..domain.retry import RetryPolicy
from .cache import CacheRoute
from .checking import Checker, template_named
from .fetch import Steps, Stop, fetch_steps
from .kept import Kept
from .listeners import FETCH_ID, Doubts
from .pool import Pool

__all__ = ["Fetching", "Route", "Routes"]

_OFF: Final = Freshness()
_MAX_FINDINGS_PER_EVENT: Final = 50
_MAX_REMEMBERED_CALLS: Final = 9
_MIN_REMEMBERED_CALLS: Final = 5
_MAX_REPORTED_FINDINGS: Final = 1_000  # remembered, so that a client reports each of them once


@attrs.frozen
class Route:
    """One way to a picture.

    Attributes:
        transport: answers requests.
        pool: pays for the calls; None if they are free.
        cut_off: ends the calls under way, if the client opened the transport.
        cache: pictures that were fetched on this route before.
        recorded: whether all answers are recorded ones; they stand even if the check refuses the request.
    """

    transport: Transport
    pool: Pool | None = None
    cut_off: Callable[[], object] = attrs.field(default=tuple, kw_only=True)
    cache: CacheRoute | None = attrs.field(default=None, kw_only=True)
    recorded: bool = attrs.field(kw_only=True)

    @recorded.default
    def _is_recorded(self) -> bool:
        return isinstance(self.transport, RecordedTransport) and self.transport.recorded


@attrs.frozen
class Fetching:
    """A fetch that has begun.

    Attributes:
        fetch_id: its name in events and in its result.
        deadline: seconds from its beginning.
        steps: its work (see :mod:`chartimg.app.fetch`).
    """

    fetch_id: str
    deadline: float
    steps: Steps[ChartApiResult]


class Routes:
    """Tries routes in order until one has an answer; only a missing fixture sends a request to the next.

    A mode is a tuple of routes: real is (http), mock is (fixtures), record is (fixtures, recording(http)).
    Safe from many threads.

    A request is checked first. If the check refuses it, no call is made. A recorded answer is returned all the same,
    since it costs nothing.

    Attributes:
        routes: the ways to a picture.
        policy: the limits of the calls and the time of one request.
        clock: time.
        chance: returns random numbers in [0, 1).
        listener: notified of every event.
        checker: the check of requests; knows the templates.
        resources: closed with the client.
        default_timezone: for requests without a time zone.
        fresh: how recently a picture must have been drawn, if a fetch does not ask for another freshness.
    """

    def __init__(  # noqa: PLR0913 (all that a client is made of)
        self,
        routes: Sequence[Route],
        *,
        policy: RetryPolicy,
        clock: Clock,
        chance: Callable[[], float],
        listener: Listener,
        resources: ExitStack,
        checker: Checker,
        default_timezone: str = DEFAULT_TIMEZONE,
        fresh: Freshness = _OFF,
    ) -> None:
        self.routes = tuple(routes)
        self.policy = policy
        self.clock = clock
        self.listener = listener
        self.resources = resources
        self._chance = chance
        self._checker = checker
        self._default_timezone = default_timezone
        self._fresh = fresh
        self._reported: set[Finding] = set()
        self._kept = Kept()
        self._durations: deque[float] = deque(maxlen=_MAX_REMEMBERED_CALLS)

    @property
    def pool(self) -> Pool | None:
        """The accounts that pay; None if every answer is free."""
        return next((route.pool for route in self.routes if route.pool is not None), None)

    def request(self, symbol: str, timeframe: str, template: str, changes: Mapping[str, object]) -> ChartRequest:
        """Return the request for a symbol in the look of a template, with *changes* of its payload.

        Raises:
            ConfigError: an argument has a wrong type, there is no such template, or its file can't be used.
        """
        for argument, value in (("symbol", symbol), ("timeframe", timeframe), ("template", template)):
            require(argument, value, str)
        request = template_named(template, self._checker.templates).request(symbol, timeframe)
        return attrs.evolve(request, payload={**request.payload, **changes}) if changes else request

    def begin(
        self, request: ChartRequest, deadline: float | None, stop: Stop, fresh: Freshness | str | float | None = None
    ) -> Fetching:
        """Begin a fetch, which ends *deadline* seconds from now, or when *stop* is set. A *fresh* picture needs no call.

        Raises:
            ConfigError: an argument has a wrong type.
        """
        require("request", request, ChartRequest)
        policy = self.policy
        if deadline is not None:
            require("deadline", deadline, float)
            policy = attrs.evolve(policy, deadline=deadline)
        asked = self._fresh if fresh is None else Freshness.of(fresh, where="fresh")
        fetch_id = f"{int(self._chance() * 2**48):012x}"
        steps = self._answer(request, fetch_id, policy, stop, self.clock.monotonic(), asked)
        return Fetching(fetch_id, policy.deadline, self._framed(request, fetch_id, steps))

    def keep(self, request: ChartRequest, result: ChartApiSuccess) -> PictureKept | None:
        """Keep a paid picture whose caller has gone, for the next request with the same body, and return the event.

        Return None for a picture that was free, and for one that was kept before: it stays for the rest of its minute.
        """
        again = result.source is Source.CACHE
        if not (result.attempts or again):
            return None
        now = self.clock.now()
        age = max(0.0, (now - (result.taken_at or now)).total_seconds())
        self._kept.keep(self._completed(request), result, self.clock.monotonic() - age)
        size = len(result.png_bytes)
        return None if again else PictureKept(str(request.key), result.account_id, size, fetch_id=result.fetch_id)

    def cut_off(self) -> None:
        """End the calls under way over connections of the client's own."""
        for route in self.routes:
            route.cut_off()

    def _framed(self, request: ChartRequest, fetch_id: str, steps: Steps[ChartApiResult]) -> Steps[ChartApiResult]:
        """Report the start and the end of a fetch, and name it in all events between them."""
        outer, started, chart = FETCH_ID.get(), self.clock.monotonic(), str(request.key)
        FETCH_ID.set(fetch_id)
        self.listener.notify(FetchStarted(chart, fetch_id=fetch_id))
        result = None
        try:
            result = yield from steps
        finally:
            kind = None if result is None or result.error is None else result.error.kind
            seconds, calls = self.clock.monotonic() - started, 0 if result is None else len(result.attempts)
            source = None if result is None else result.source
            ok = result is not None and result.ok
            self.listener.notify(FetchFinished(chart, seconds, calls, ok, source, kind, fetch_id=fetch_id))
            if FETCH_ID.get() == fetch_id:  # abandoned steps end in any thread
                FETCH_ID.set(outer)
        return result

    def _answer(
        self,
        request: ChartRequest,
        fetch_id: str,
        policy: RetryPolicy,
        stop: Stop,
        started: float,
        fresh: Freshness,
    ) -> Steps[ChartApiResult]:
        request = self._completed(request)
        if problems := request.problems:
            return self._refuse(request, self._scrubbed(problems), fetch_id)
        if (kept := self._kept.take(request, started, partial(self._is_fresh, request, fresh))) is not None:
            return attrs.evolve(kept, source=Source.CACHE, attempts=(), fetch_id=fetch_id)
        findings = self._scrubbed(self._checker(request))
        is_refused = self._checker.refuses(findings)
        doubts = Doubts(self.listener, partial(self._doubt, request, findings))
        result = None
        for route in self.routes:
            if is_refused and not route.recorded:
                break
            if route.pool is None:
                outcome, now = route.transport.send(request, None), self.clock.now()
                result = result_of(outcome, classify(outcome, now=now), taken_at=now, fetch_id=fetch_id)
            else:
                call = partial(
                    self._call, request, route.transport, route.pool, policy, fetch_id, stop, started, doubts
                )
                if (cache := route.cache) is None:
                    result = yield from call()
                elif (result := cache.find(request, fresh, fetch_id)) is None:
                    ends = started + policy.deadline
                    result = yield from cache.alone(request, fresh, call, fetch_id=fetch_id, ends=ends, stop=stop)
                    result = cache.instead_of(result, request)
            if result.error is None or result.error.kind is not FaultKind.FIXTURE_MISSING:
                return self._with_warnings(request, result, findings, doubts)
        if is_refused or result is None:
            return self._refuse(request, findings, fetch_id)
        self.listener.notify(MockMissing(str(request.key), str(result.fixture_path)))
        return self._with_warnings(request, result, findings, doubts)

    def _call(
        self,
        request: ChartRequest,
        transport: Transport,
        pool: Pool,
        policy: RetryPolicy,
        fetch_id: str,
        stop: Stop,
        started: float,
        doubts: Listener,
    ) -> Steps[ChartApiResult]:
        """Fetch a picture from the provider."""
        moment = Moment(self.clock.now(), self.clock.monotonic() - started, self._chance())
        result = yield from fetch_steps(
            Fetch.begin(request, policy, moment, fetch_id, call_seconds=self._call_seconds()),
            transport=transport,
            pool=pool,
            clock=self.clock,
            chance=self._chance,
            listener=doubts,
            stop=stop,
            started=started,
        )
        if result.ok:
            self._durations.append(result.attempts[-1].duration)
        return result

    def _is_fresh(self, request: ChartRequest, fresh: Freshness, kept: ChartApiSuccess) -> bool:
        """Return whether a picture that came after its caller had gone is fresh. Without a wish for freshness it is."""
        now = self.clock.now()
        drawn_at = kept.attempts[-1].started_at if kept.attempts else kept.taken_at or now
        grid = self._checker.grid_of(request.symbol)
        return fresh.is_off or fresh.allows(drawn_at, now, request.timeframe, grid)

    def _completed(self, request: ChartRequest) -> ChartRequest:
        """Return the request to send: that of its template, in the default time zone. One with problems stays as it is.

        Raises:
            ConfigError: the file of the template can't be used.
        """
        return request if request.problems else self._checker.completed(request).with_timezone(self._default_timezone)

    def _call_seconds(self) -> float:
        """Return half the median of the last pictures' seconds: nine calls of ten take longer. 0 before five pictures."""
        known = sorted(self._durations)
        return known[len(known) // 2] / 2 if len(known) >= _MIN_REMEMBERED_CALLS else 0.0

    def _with_warnings(
        self, request: ChartRequest, result: ChartApiResult, findings: tuple[Finding, ...], doubts: Doubts
    ) -> ChartApiResult:
        """Add *findings* about the request, and warnings about the picture, to *result*, and report them.

        A validation error is already reported; return it unchanged.
        """
        if result.error is not None and result.error.code is ErrorCode.VALIDATION_FAILED:
            return result
        doubtful = () if result.png_bytes is None else picture_warnings(result.png_bytes, request)
        if not findings and not doubtful:
            return result  # it has the warnings of its transport
        doubts.tell()
        if doubtful:
            self.listener.notify(PictureDoubtful(str(request.key), result.account_id, doubtful))
        return attrs.evolve(result, warnings=(*findings, *result.warnings, *doubtful))

    def _doubt(self, request: ChartRequest, findings: tuple[Finding, ...]) -> None:
        """Report those *findings* of a request that were not reported before."""
        if new := tuple(each for each in findings if each not in self._reported):
            if len(self._reported) < _MAX_REPORTED_FINDINGS:
                self._reported.update(new)
            self.listener.notify(RequestDoubtful(str(request.key), new[:_MAX_FINDINGS_PER_EVENT]))

    def _refuse(self, request: ChartRequest, findings: tuple[Finding, ...], fetch_id: str) -> ChartApiResult:
        """End a request before any call, and report its *findings*."""
        self.listener.notify(RequestRefused(str(request.key), findings[:_MAX_FINDINGS_PER_EVENT]))
        return refused(findings, fetch_id)

    def _scrubbed(self, findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
        """Mask the keys of all accounts in *findings*."""
        if not findings:
            return ()
        pools = (route.pool for route in self.routes if route.pool is not None)
        return scrub_findings(findings, (account.api_key for pool in pools for account in pool.accounts))
