"""Bodies that the provider has refused for good today."""

from __future__ import annotations

import threading
from datetime import datetime
from typing import Final

import attrs

from ..domain.account.window import window_of
from ..domain.chart import Request
from ..domain.classification import refuses_body
from ..domain.faults import FaultKind
from ..domain.finding import Finding, Severity
from ..domain.result import ChartApiFailure, FetchResult, Source
from ..fork import begin_in_children

__all__ = ["MAX_REFUSALS", "Refusals"]

MAX_REFUSALS: Final = 1_000


@attrs.frozen
class _Refusal:
    """The refusals of one body.

    Attributes:
        account_ids: the accounts that refused it because of their plan.
        final: the failure, if no account would serve the body.
    """

    account_ids: frozenset[str] = frozenset()
    final: ChartApiFailure | None = None


class Refusals:
    """Remembers the refused bodies of the provider's day, so that none is paid for again. Safe from many threads.

    The oldest leave if there are more than a thousand.
    """

    def __init__(self) -> None:
        self._window: datetime | None = None
        self._refusals: dict[str, _Refusal] = {}
        self.begin()
        begin_in_children(self)

    def begin(self) -> None:
        """Make the lock, also in a forked child."""
        self._lock = threading.Lock()

    @property
    def any(self) -> bool:
        """Whether there are some, perhaps of yesterday."""
        return bool(self._refusals)

    def remember(self, request: Request, result: FetchResult, now: datetime) -> None:
        """Remember the refusals in the *result* of *request*, if there are some."""
        by_plan = {each.account_id for each in result.attempts if each.kind is FaultKind.PLAN_LIMIT}
        final = result if isinstance(result, ChartApiFailure) and _is_final(result) else None
        if not by_plan and final is None:
            return
        digest = request.body_digest
        with self._lock:
            self._begin_window(now)
            before = self._refusals.pop(digest, _Refusal())
            self._refusals[digest] = _Refusal(before.account_ids | by_plan, final)
            if len(self._refusals) > MAX_REFUSALS:
                del self._refusals[next(iter(self._refusals))]

    def final(self, request: Request, fetch_id: str, now: datetime) -> ChartApiFailure | None:
        """Return the failure of *request* again, if its body was refused for good today."""
        known = self._find(request, now)
        if known is None or known.final is None:
            return None
        warning = Finding(
            "",
            Severity.WARNING,
            "not sent again: the provider has refused this body today; change the request, or send it with a new client",
        )
        warnings = (*known.final.warnings, warning)
        return attrs.evolve(
            known.final, source=Source.CACHE, account_id=None, attempts=(), warnings=warnings, fetch_id=fetch_id
        )

    def by_plan(self, request: Request, now: datetime) -> frozenset[str]:
        """Return the ids of the accounts that have refused the body of *request* today because of their plan."""
        known = self._find(request, now)
        return frozenset() if known is None else known.account_ids

    def _find(self, request: Request, now: datetime) -> _Refusal | None:
        with self._lock:
            self._begin_window(now)
            return self._refusals.get(request.body_digest)

    def _begin_window(self, now: datetime) -> None:
        """Forget the refusals of another day."""
        if (window := window_of(now)) != self._window:
            self._window, self._refusals = window, {}


def _is_final(failure: ChartApiFailure) -> bool:
    """Return whether the provider has refused the body itself."""
    is_of_plan = failure.error.kind is FaultKind.PLAN_LIMIT  # which another account may allow
    return failure.source is Source.HTTP and refuses_body(failure.error) and not is_of_plan
