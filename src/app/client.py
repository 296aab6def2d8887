"""The client: one chart request over the routes of a mode."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Final, Self

import attrs

from ..domain.argument import require
from ..domain.chart import DEFAULT_TIMEZONE, ChartRequest
from ..domain.check.picture import picture_warnings
from ..domain.classification import classify
from ..domain.events import MockMissing, PictureDoubtful, RequestDoubtful, RequestRefused
from ..domain.faults import ErrorCode, FaultKind
from ..domain.finding import Finding
from ..domain.ports import Clock, Listener, RecordedTransport, Transport
from ..domain.reply.secret import scrub_findings
from ..domain.result import ChartApiResult
from ..domain.retry import RetryPolicy
from .checking import Checker
from .fetch import fetch
from .pool import Pool

__all__ = ["Route", "RoutedClient"]

_MAX_FINDINGS_PER_EVENT: Final = 50
_MAX_REPORTED_FINDINGS: Final = 1_000  # remembered, so that a client reports each of them once


@attrs.frozen
class Route:
    """One way to a picture.

    Attributes:
        transport: answers requests.
        pool: pays for the calls; None if they are free.
        recorded: whether all answers are recorded ones; they stand even if the check refuses the request.
    """

    transport: Transport
    pool: Pool | None = None
    recorded: bool = attrs.field(kw_only=True)

    @recorded.default
    def _is_recorded(self) -> bool:
        return isinstance(self.transport, RecordedTransport) and self.transport.recorded


class RoutedClient:
    """Tries *routes* in order until one has an answer; only a missing fixture sends a request to the next.

    A mode is a tuple of routes: real is (http), mock is (fixtures), record is (fixtures, recording(http)).
    Safe from many threads.

    A request is checked first. If the check refuses it, no call is made. A recorded answer is returned all the same,
    since it costs nothing.

    Attributes:
        listener: notified of every event.
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
        self._checker = checker
        self._default_timezone = default_timezone
        self._reported: set[Finding] = set()

    def fetch(self, request: ChartRequest) -> ChartApiResult:
        """Fetch one chart. A failure is part of the result.

        Raises:
            StoreUnavailable: the account store can't be reached, so no call may be made.
        """
        require("request", request, ChartRequest)
        if problems := request.problems:
            return self._refuse(request, self._scrubbed(problems))
        request = request.with_timezone(self._default_timezone)
        findings = self._scrubbed(self._checker(request))
        refused = self._checker.refuses(findings)
        result = None
        for route in self._routes:
            if refused and not route.recorded:
                break
            result = self._ask(route, request)
            if result.error is None or result.error.kind is not FaultKind.FIXTURE_MISSING:
                return self._with_warnings(request, result, findings)
        if refused or result is None:
            return self._refuse(request, findings)
        self.listener.notify(MockMissing(str(request.key), str(result.fixture_path)))
        return self._with_warnings(request, result, findings)

    def close(self) -> None:
        """Close the connections and files that the client opened itself. Idempotent."""
        self._resources.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _ask(self, route: Route, request: ChartRequest) -> ChartApiResult:
        """Ask a free route once; ask a metered one with claims, retries and a deadline."""
        if route.pool is None:
            outcome = route.transport.send(request, None)
            return ChartApiResult.of(outcome, classify(outcome, now=self._clock.now()))
        return fetch(
            request,
            transport=route.transport,
            pool=route.pool,
            policy=self._policy,
            clock=self._clock,
            chance=self._chance,
            listener=self.listener,
        )

    def _with_warnings(
        self, request: ChartRequest, result: ChartApiResult, findings: tuple[Finding, ...]
    ) -> ChartApiResult:
        """Add *findings* about the request, and warnings about the picture, to *result*, and report them.

        A validation error is already reported; return it unchanged.
        """
        if result.error is not None and result.error.code is ErrorCode.VALIDATION_FAILED:
            return result
        doubtful = () if result.png_bytes is None else picture_warnings(result.png_bytes, request)
        if not findings and not doubtful:
            return result  # with the warnings of its transport
        if new := tuple(each for each in findings if each not in self._reported):
            if len(self._reported) < _MAX_REPORTED_FINDINGS:
                self._reported.update(new)
            self.listener.notify(RequestDoubtful(str(request.key), new[:_MAX_FINDINGS_PER_EVENT]))
        if doubtful:
            self.listener.notify(PictureDoubtful(str(request.key), result.account_id, doubtful))
        return attrs.evolve(result, warnings=(*findings, *result.warnings, *doubtful))

    def _refuse(self, request: ChartRequest, findings: tuple[Finding, ...]) -> ChartApiResult:
        """End a request before any call, and report its *findings*."""
        self.listener.notify(RequestRefused(str(request.key), findings[:_MAX_FINDINGS_PER_EVENT]))
        return ChartApiResult.refused(findings)

    def _scrubbed(self, findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
        """Mask the keys of all accounts in *findings*."""
        if not findings:
            return ()
        pools = (route.pool for route in self._routes if route.pool is not None)
        return scrub_findings(findings, (account.api_key for pool in pools for account in pool.accounts))
