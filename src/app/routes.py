"""The routes of a client: one chart request over the ways of a mode to a picture.

One file because a fetch, and what is foretold of it, go the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from itertools import takewhile
from typing import Final

import attrs

from ..domain.argument import require
from ..domain.chart import DEFAULT_TIMEZONE, ChartRequest, ListRequest, Request, TradingViewSession
from ..domain.chart.candle import Grid
from ..domain.chart.endpoint import Answer
from ..domain.chart.freshness import Freshness
from ..domain.chart.leeway import NO_LEEWAY, Leeway
from ..domain.check.catalog import Catalog
from ..domain.check.picture import picture_warnings
from ..domain.classification import classify, refused_paths, refuses_body, refuses_symbol
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
from ..domain.finding import Finding, Severity
from ..domain.plan.fit import fit_to_largest
from ..domain.ports import Clock, LastingTransport, Listener
from ..domain.refusal import Refusal
from ..domain.reply.secret import scrub_findings
from ..domain.result import Attempt, ChartApiSuccess, FetchResult, Source, Success, refused, result_of
from ..domain.retry import RetryPolicy
from .checking import Checker, template_named
from .fetch import Steps
from .flights import Flights, Waiter
from .late import LateAnswers
from .listeners import FETCHES, Doubts, hearing
from .lists import Lists
from .metered import Metered, Order
from .pool import Pool
from .replays import Replays, is_answer
from .route import Route
from .substitutes import Substitutes

__all__ = ["Fetching", "Routes"]

_OFF: Final = Freshness()
_MAX_FINDINGS_PER_EVENT: Final = 50
_MAX_REPORTED_FINDINGS: Final = 1_000  # remembered, so that a client reports each of them once


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
    steps: Steps[FetchResult]


class Routes:
    """Tries routes in order until one has an answer; only a missing fixture sends a request to the next.

    A mode is a tuple of routes: real is (http), mock is (fixtures), record is (fixtures, recording(http)).
    Safe from many threads.

    Recorded answers come first, since they cost nothing. Then the request is checked. If the check refuses it, no call is
    made.

    Args:
        routes: the ways to a picture.
        policy: the limits of the calls and the time of one request.
        clock: time.
        chance: returns random numbers in [0, 1).
        listener: notified of every event.
        resources: closed with the client.
        checker: the check of requests; knows the templates.
        default_timezone: for requests without a time zone.
        fresh: how recently a picture must have been drawn, if a fetch does not ask for another freshness.
        lists: the provider's lists that were read.
        session: the TradingView session that goes with each request; it is shown in no finding.

    Attributes:
        flights: the metered fetches under way.
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
        lists: Lists | None = None,
        session: TradingViewSession | None = None,
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
        self.lists = Lists(None, clock, tuple) if lists is None else lists
        self._secrets = () if session is None else session.secrets
        self._reported: set[Finding] = set()
        self.flights = Flights()
        self._late = LateAnswers()
        self._substitutes = Substitutes(clock, self.flights, self._doubt)
        self._metered = Metered(self.flights, clock, chance, checker.grid_of)
        self._recorded = [route for route in self.routes if route.recorded]
        self._live = [route for route in self.routes if not route.recorded]
        self._replays = Replays(clock, self._warned)
        first = self._recorded[0].transport if self._recorded else None
        self._lasting = first if isinstance(first, LastingTransport) else None
        self._hears = hearing(listener)

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
        request = attrs.evolve(request, payload={**request.payload, **changes}) if changes else request
        if (
            self._checker.is_elsewhere(symbol, request.symbol)
            and self.free(self._completed(request), _OFF) is not Source.FIXTURE
        ):
            return attrs.evolve(request, symbol=symbol)  # a finding about it says where it is listed
        return request

    def begin(
        self,
        request: Request,
        deadline: float | None,
        waiter: Waiter,
        fresh: Freshness | str | float | None = None,
        leeway: Leeway = NO_LEEWAY,
    ) -> Fetching:
        """Begin a fetch for *waiter*, which ends *deadline* seconds from now. A *fresh* picture needs no call.

        *leeway* is what the fetch may change in the request.

        Raises:
            ConfigError: an argument has a wrong type.
        """
        policy = self.policy
        if deadline is not None:
            require("deadline", deadline, float)
            policy = attrs.evolve(policy, deadline=deadline)
        asked = self._fresh if fresh is None else Freshness.of(fresh, where="fresh")
        if request.endpoint.answer is Answer.ADDRESS:
            asked = _OFF
        fetch_id = self._new_id()
        waiter.fetch_id, waiter.fresh, waiter.outer = fetch_id, asked, FETCHES.get()
        answer = self._answer if leeway == NO_LEEWAY else partial(self._lenient_answer, leeway)
        steps = answer(request, waiter, policy, self.clock.monotonic(), asked)
        return Fetching(fetch_id, policy.deadline, self._framed(request, fetch_id, steps))

    @property
    def rules(self) -> Catalog:
        """The rules of the check."""
        return self._checker.rules

    @property
    def fresh(self) -> Freshness:
        """How recently a picture must have been drawn, if a fetch does not say."""
        return self._fresh

    def grid_of(self, symbol: str | None) -> Grid:
        """Return the grid of the candles of *symbol*."""
        return self._checker.grid_of(symbol)

    def completed(self, request: Request) -> Request:
        """Return the request that would be sent; one with problems stays as it is.

        Raises:
            ConfigError: the file of the template can't be used.
        """
        return self._completed(request)

    def possible(self, request: Request, leeway: Leeway) -> Iterator[Request]:
        """Return the requests that may be sent for a completed one, in order: the first is *request*, cut for the plan if it may be."""
        first = self._fitted(request, leeway)[0]
        if leeway.is_sent(request.symbol):
            yield first
        yield from map(first.with_symbol, leeway.symbols(request.symbol))

    def errors(self, request: Request, leeway: Leeway = NO_LEEWAY) -> tuple[Finding, ...]:
        """Return the findings for which a completed *request* would not be sent; empty if it would, or has a recorded answer."""
        request = next(self.possible(request, leeway))
        findings = self._scrubbed(self._checker(request))
        if not self._checker.refuses(findings) or self.free(request, _OFF) is not None:
            return ()
        return tuple(each for each in findings if each.severity is Severity.ERROR)

    def free(self, request: Request, fresh: Freshness, leeway: Leeway = NO_LEEWAY) -> Source | None:
        """Return where a completed *request* would be answered from without a call; None if it takes one."""
        source: Source | None = None
        for each in self.possible(request, leeway):
            source, is_refused = self._free_answer(each, fresh)
            if not is_refused:
                break
        return source

    def _free_answer(self, request: Request, fresh: Freshness) -> tuple[Source | None, bool]:
        """Return where *request* itself would be answered from without a call, and whether the answer refuses its symbol."""
        for route in self.routes:
            if route.recorded:
                result = self._free(route, request, "")
                if is_answer(result):
                    return Source.FIXTURE, result.error is not None and refuses_symbol(result.error)
            elif route.cache is not None and route.cache.find(request, fresh, "") is not None:
                return Source.CACHE, False
        return None, False

    def keep(self, request: Request, result: Success) -> PictureKept | None:
        """Keep a paid answer whose caller has gone, for the next request with the same body, and return the event.

        Return None for a picture that was free, and for one that was kept before: it stays for the rest of its minute.
        """
        again = result.source is Source.CACHE
        if not (result.attempts or again or result.source is Source.SHARED):
            return None
        now = self.clock.now()
        age = max(0.0, (now - (result.taken_at or now)).total_seconds())
        self._late.keep(self._completed(request), result, self.clock.monotonic() - age)
        kept = PictureKept(str(request.key), result.account_id, result.size, fetch_id=result.fetch_id)
        return None if again else kept

    def cut_off(self) -> None:
        """End the calls under way over connections of the client's own."""
        for route in self.routes:
            route.cut_off()

    def replay(self, request: Request) -> FetchResult | None:
        """Return a recorded answer at once, if it is known to stand and nobody hears of the fetch: thousands of tests ask so.

        Return None if *request* wants a whole fetch.
        """
        if self._lasting is None or request.problems or self._hears(FetchStarted) or self._hears(FetchFinished):
            return None
        return self._replays.again(request, self._lasting, self._new_id())

    def _new_id(self) -> str:
        """Return a name for a fetch."""
        return f"{int(self._chance() * 2**48):012x}"

    def _recorded_answer(self, request: Request, fetch_id: str) -> FetchResult | None:
        """Return the answer of the first route that has recorded one; else the failure of the last one, or None without any."""
        result = None
        for route in self._recorded:
            result = self._replays.answer(request, route.transport, fetch_id)
            if is_answer(result):
                break
        return result

    def _framed(self, request: Request, fetch_id: str, steps: Steps[FetchResult]) -> Steps[FetchResult]:
        """Report the start and the end of a fetch, and name it in all events between them."""
        outer, started = FETCHES.get(), self.clock.monotonic()
        FETCHES.set((*outer, fetch_id))
        if self._hears(FetchStarted):
            self.listener.notify(FetchStarted(str(request.key), fetch_id=fetch_id))
        result = None
        try:
            result = yield from steps
        finally:
            if self._hears(FetchFinished):
                kind = None if result is None or result.error is None else result.error.kind
                seconds, calls = self.clock.monotonic() - started, 0 if result is None else len(result.attempts)
                source = None if result is None else result.source
                ok = result is not None and result.ok
                chart = str(request.key)
                self.listener.notify(FetchFinished(chart, seconds, calls, ok, source, kind, fetch_id=fetch_id))
            if FETCHES.get() == (*outer, fetch_id):  # abandoned steps end in any thread
                FETCHES.set(outer)
        return result

    def _answer(
        self, request: Request, waiter: Waiter, policy: RetryPolicy, started: float, fresh: Freshness
    ) -> Steps[FetchResult]:
        fetch_id = waiter.fetch_id
        request = self._completed(request)
        if problems := request.problems:
            return self._refuse(request, self._scrubbed(problems), fetch_id)
        result = self._recorded_answer(request, fetch_id)
        if result is not None and is_answer(result):
            return result
        if (kept := self._late.take(request, started, partial(self._is_fresh, request, fresh))) is not None:
            return attrs.evolve(kept, source=Source.CACHE, attempts=(), fetch_id=fetch_id)
        if isinstance(request, ListRequest) and (kept := self.lists.find(request)) is not None:
            return attrs.evolve(kept, source=Source.CACHE, attempts=(), fetch_id=fetch_id)
        findings = self._scrubbed(self._checker(request))
        if self._checker.refuses(findings):
            return self._refuse(request, findings, fetch_id)
        doubts = Doubts(self.listener, partial(self._doubt, request, findings))
        for route in self._live:
            if route.pool is None:
                result = self._free(route, request, fetch_id)
            else:
                look = partial(self._look_again, route, request, fetch_id)
                listener = doubts if findings else self.listener
                order = Order(route, route.pool, request, waiter, policy, started, fresh, listener, look)
                result = yield from self._metered.fetch(order)
                self._note_refusal(route, request, result)
            if is_answer(result):
                return self._with_warnings(request, result, findings, doubts.tell)
        if result is None:
            return self._refuse(request, findings, fetch_id)
        self.listener.notify(MockMissing(str(request.key), str(result.fixture_path)))
        return self._with_warnings(request, result, findings, doubts.tell)

    def _lenient_answer(
        self,
        leeway: Leeway,
        request: Request,
        waiter: Waiter,
        policy: RetryPolicy,
        started: float,
        fresh: Freshness,
    ) -> Steps[FetchResult]:
        """Answer a request that may be changed, and say what was changed."""

        def ask(sent: Request, policy: RetryPolicy) -> Steps[FetchResult]:
            return self._answer(sent, waiter, policy, started, fresh)

        request, attempts = self._completed(request), tuple[Attempt, ...]()
        while True:
            sent, changes = self._fitted(request, leeway)
            waiter.sent = sent
            left = policy.max_attempts - len(attempts)
            result = yield from self._substitutes.steps(
                sent, leeway, waiter, attrs.evolve(policy, max_attempts=left), ask
            )
            attempts += result.attempts
            is_over_plan = result.error is not None and result.error.kind is FaultKind.PLAN_LIMIT
            may_ask = is_over_plan and len(attempts) < policy.max_attempts and not waiter.stop.is_set()
            if not may_ask or self._fitted(request, leeway)[0] == sent:
                break
            self.flights.told(waiter)  # the refusal has stated a limit, so a smaller chart may be drawn
        if result.error is not None and result.error.code is ErrorCode.VALIDATION_FAILED:
            return result
        if changes:
            self._doubt(request, changes)
        return attrs.evolve(result, attempts=attempts).with_warnings(changes)

    def _fitted(self, request: Request, leeway: Leeway) -> tuple[Request, tuple[Finding, ...]]:
        """Return *request* as small as the largest account allows, if it may be cut, and a WARNING for each cut."""
        if not leeway.fits or self.pool is None or request.problems:
            return request, ()
        payload, cuts = fit_to_largest(request.payload, request.demand, self.pool.chart_limits())
        return (request.with_payload(payload), self._scrubbed(cuts)) if cuts else (request, ())

    def _warned(self, request: Request, result: FetchResult) -> FetchResult:
        """Add to a recorded answer the warnings about the request and the picture, and report them."""
        findings = self._scrubbed(self._checker(request))
        return self._with_warnings(request, result, findings, partial(self._doubt, request, findings))

    def _is_fresh(self, request: Request, fresh: Freshness, kept: Success) -> bool:
        """Return whether a picture that came after its caller had gone is fresh. Without a wish for freshness it is."""
        now = self.clock.now()
        drawn_at = kept.attempts[-1].started_at if kept.attempts else kept.taken_at or now
        grid = self._checker.grid_of(request.symbol)
        return fresh.is_off or fresh.allows(drawn_at, now, request.timeframe or "", grid)

    def _free(self, route: Route, request: Request, fetch_id: str) -> FetchResult:
        """Ask a *route* that costs nothing."""
        outcome, now = route.transport.send(request, None), self.clock.now()
        error = classify(outcome, now=now, request=request)
        return result_of(outcome, error, taken_at=now, fetch_id=fetch_id, answer=request.endpoint.answer)

    def _look_again(self, metered: Route, request: Request, fetch_id: str) -> FetchResult | None:
        """Return the answer of a route before the *metered* one, if another thread or process has put one there meanwhile."""
        for route in takewhile(lambda each: each is not metered, self.routes):
            result = self._free(route, request, fetch_id)
            if is_answer(result):
                return result
        return None

    def _completed(self, request: Request) -> Request:
        """Return the request to send: that of its template, in the default time zone. One with problems stays as it is.

        Raises:
            ConfigError: the file of the template can't be used.
        """
        return request if request.problems else self._checker.completed(request).with_timezone(self._default_timezone)

    def _with_warnings(
        self,
        request: Request,
        result: FetchResult,
        findings: tuple[Finding, ...],
        tell_findings: Callable[[], None],
    ) -> FetchResult:
        """Add *findings* about the request, and warnings about the picture, to *result*, and report them.

        A validation error is already reported; return it unchanged.
        """
        if result.error is not None and result.error.code is ErrorCode.VALIDATION_FAILED:
            return result
        doubtful = picture_warnings(result.png_bytes, request) if isinstance(result, ChartApiSuccess) else ()
        if not findings and not doubtful:
            return result  # it has the warnings of its transport
        tell_findings()
        if doubtful:
            self.listener.notify(PictureDoubtful(str(request.key), result.account_id, doubtful))
        return attrs.evolve(result, warnings=(*findings, *result.warnings, *doubtful))

    def _doubt(self, request: Request, findings: tuple[Finding, ...]) -> None:
        """Report those *findings* of a request that were not reported before."""
        if new := tuple(each for each in findings if each not in self._reported):
            if len(self._reported) < _MAX_REPORTED_FINDINGS:
                self._reported.update(new)
            self.listener.notify(RequestDoubtful(str(request.key), new[:_MAX_FINDINGS_PER_EVENT]))

    def _refuse(self, request: Request, findings: tuple[Finding, ...], fetch_id: str) -> FetchResult:
        """End a request before any call, and report its *findings*."""
        self.listener.notify(RequestRefused(str(request.key), findings[:_MAX_FINDINGS_PER_EVENT]))
        return refused(findings, fetch_id)

    def _note_refusal(self, route: Route, request: Request, result: FetchResult) -> None:
        """Keep a final refusal of a call of this fetch, for people. A list has no body to learn from."""
        error = None if request.endpoint.answer is Answer.LISTING else result.error
        if error is None or route.refusals is None or not result.attempts or not refuses_body(error):
            return
        paths, now = refused_paths(error), self.clock.now()
        route.refusals.note(Refusal.of(request, error, paths, now=now, secrets=self._all_secrets()))

    def _scrubbed(self, findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
        """Mask the keys of all accounts, and the session, in *findings*."""
        return scrub_findings(findings, self._all_secrets()) if findings else ()

    def _all_secrets(self) -> tuple[str, ...]:
        """Return the keys of all accounts, and the session."""
        pools = (route.pool for route in self.routes if route.pool is not None)
        return (*(account.api_key for pool in pools for account in pool.accounts), *self._secrets)
