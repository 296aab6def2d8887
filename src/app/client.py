"""The client: one chart request over the routes of a mode."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Self

import attrs

from ..domain.chart import DEFAULT_TIMEZONE, ChartRequest
from ..domain.classification import classify
from ..domain.events import MockMissing
from ..domain.faults import ChartApiError, FaultKind
from ..domain.ports import Clock, Listener, Transport
from ..domain.result import ChartApiResult
from ..domain.retry import RetryPolicy
from .fetch import fetch
from .pool import Pool

__all__ = ["Route", "RoutedClient"]


@attrs.frozen
class Route:
    """One way to an answer: a transport, and the pool its calls are paid from; without a pool they are free."""

    transport: Transport
    pool: Pool | None = None


class RoutedClient:
    """Tries *routes* in order until one has an answer; only a missing fixture sends a request to the next.

    A mode is such a tuple: real is (http), mock is (fixtures), record is (fixtures, recording(http)).
    Safe from many threads.
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
        default_timezone: str = DEFAULT_TIMEZONE,
    ) -> None:
        self._routes = tuple(routes)
        self._policy = policy
        self._clock = clock
        self._chance = chance
        self._listener = listener
        self._resources = resources
        self._default_timezone = default_timezone

    def fetch(self, request: ChartRequest) -> ChartApiResult:
        """Fetch one chart. What goes wrong is in the result.

        Raises:
            StoreUnavailable: the account store can't be reached, so no call may be made.
        """
        if problems := request.problems():
            return ChartApiResult(error=ChartApiError.invalid(problems))
        request = request.with_timezone(self._default_timezone)
        result = ChartApiResult()
        for route in self._routes:
            if route.pool is None:
                result = self._replay(request, route.transport)
            else:
                result = self._call(request, route.transport, route.pool)
            if not _is_missing(result.error):
                return result
        self._listener.notify(MockMissing(str(request.key), str(result.fixture_path)))
        return result

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
            listener=self._listener,
        )

    def _replay(self, request: ChartRequest, transport: Transport) -> ChartApiResult:
        """Ask a free transport once: a recorded answer doesn't change by asking again."""
        outcome = transport.send(request, None)
        return ChartApiResult.of(outcome, classify(outcome, now=self._clock.now()))


def _is_missing(error: ChartApiError | None) -> bool:
    """Whether a route had nothing to say, rather than an answer or a recorded error."""
    return error is not None and error.kind is FaultKind.FIXTURE_MISSING
