"""The client: one chart request over the routes of a mode."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Final, Self

import attrs

from ..domain.chart import DEFAULT_TIMEZONE, ChartRequest
from ..domain.check.picture import picture_warnings
from ..domain.classification import classify
from ..domain.events import MockMissing, PictureDoubtful, RequestDoubtful, RequestRefused
from ..domain.faults import ChartApiError, ErrorCode, FaultKind
from ..domain.finding import Finding
from ..domain.ports import Clock, Listener, Transport
from ..domain.reply.secret import scrub_findings
from ..domain.result import ChartApiResult
from ..domain.retry import RetryPolicy
from .checking import Checker
from .fetch import fetch
from .pool import Pool

__all__ = ["Route", "RoutedClient"]

_MOST_AT_ONCE: Final = 50  # findings in one event
_MOST_TOLD: Final = 1_000  # findings; each is told once, as long as they can be remembered


@attrs.frozen
class Route:
    """One way to an answer.

    Attributes:
        transport: who gives it.
        pool: what its calls are paid from; without one they are free.
        recorded: its answers are recorded ones, which stand whatever the check says of the request.
    """

    transport: Transport
    pool: Pool | None = None
    recorded: bool = False


class RoutedClient:
    """Tries *routes* in order until one has an answer; only a missing fixture sends a request to the next.

    A mode is such a tuple: real is (http), mock is (fixtures), record is (fixtures, recording(http)).
    Safe from many threads.

    A request is checked before anything is asked for it. An ERROR ends it before the first call, if the client refuses
    what the provider would; an answer that is recorded already is given all the same, since it costs nothing.

    Attributes:
        listener: is told what happens; what is found out about several charts together is told it, too.
    """

    def __init__(
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
    ) -> None:
        self._routes = tuple(routes)
        self._policy = policy
        self._clock = clock
        self._chance = chance
        self.listener = listener
        self._resources = resources
        self._default_timezone = default_timezone
        self._checker = checker
        self._told: set[Finding] = set()

    def fetch(self, request: ChartRequest) -> ChartApiResult:
        """Fetch one chart. What goes wrong is in the result.

        Raises:
            StoreUnavailable: the account store can't be reached, so no call may be made.
        """
        if problems := request.problems:
            return self._refusal(request, scrub_findings(problems, self._keys()))
        request = request.with_timezone(self._default_timezone)
        found = self._checker(request)
        if found:
            found = scrub_findings(found, self._keys())
        wrong = bool(found) and self._checker.refuses(found)
        result = ChartApiResult()
        for route in self._routes:
            if wrong and not route.recorded:
                return self._refusal(request, found)
            if route.pool is None:
                result = self._replay(request, route.transport)
            else:
                result = self._call(request, route.transport, route.pool)
            if not _is_missing(result.error):
                return self._looked_at(request, result, found)
        if wrong:
            return self._refusal(request, found)
        self.listener.notify(MockMissing(str(request.key), str(result.fixture_path)))
        return self._looked_at(request, result, found)

    def _refusal(self, request: ChartRequest, found: tuple[Finding, ...]) -> ChartApiResult:
        """End a request before any call; whatever was found is told."""
        self.listener.notify(RequestRefused(str(request.key), found[:_MOST_AT_ONCE]))
        return ChartApiResult(error=ChartApiError.invalid(found))

    def _keys(self) -> Iterator[str]:
        """Give the keys of all accounts."""
        return (account.api_key for route in self._routes if route.pool is not None for account in route.pool.accounts)

    def _looked_at(self, request: ChartRequest, result: ChartApiResult, found: tuple[Finding, ...]) -> ChartApiResult:
        """Add to *result* what was *found* about the request and what is doubtful about its picture, and tell it.

        What ended the request, for want of an account whose plan allows it, is in its error and was told.
        """
        if result.error is not None and result.error.code is ErrorCode.VALIDATION_FAILED:
            return result
        doubtful = () if result.png_bytes is None else picture_warnings(result.png_bytes, request)
        if not found and not doubtful:
            return result
        if new := tuple(each for each in found if each not in self._told):
            if len(self._told) < _MOST_TOLD:
                self._told.update(new)
            self.listener.notify(RequestDoubtful(str(request.key), new[:_MOST_AT_ONCE]))
        if doubtful:
            self.listener.notify(PictureDoubtful(str(request.key), result.account_id, doubtful))
        return attrs.evolve(result, warnings=(*found, *doubtful))

    def close(self) -> None:
        """Let go of the connections and files the client opened itself; once is enough."""
        self._resources.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _call(self, request: ChartRequest, transport: Transport, pool: Pool) -> ChartApiResult:
        """Ask a metered transport, with claims, retries and a deadline."""
        return fetch(
            request,
            transport=transport,
            pool=pool,
            policy=self._policy,
            clock=self._clock,
            chance=self._chance,
            listener=self.listener,
        )

    def _replay(self, request: ChartRequest, transport: Transport) -> ChartApiResult:
        """Ask a free transport once: a recorded answer doesn't change by asking again."""
        outcome = transport.send(request, None)
        return ChartApiResult.of(outcome, classify(outcome, now=self._clock.now()))


def _is_missing(error: ChartApiError | None) -> bool:
    """Whether a route had nothing to say, rather than an answer or a recorded error."""
    return error is not None and error.kind is FaultKind.FIXTURE_MISSING
