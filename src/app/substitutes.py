"""Symbols in place of refused ones: the same ticker at the next exchange, if the caller of a fetch allows it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final, TypeVar

import attrs

from ..domain.account.window import window_of
from ..domain.chart import Request
from ..domain.chart.leeway import Leeway
from ..domain.classification import refuses_symbol
from ..domain.faults import FaultKind
from ..domain.finding import Finding, Severity
from ..domain.ports import Clock
from ..domain.result import Attempt, ChartApiFailure, FetchResult, Source
from ..domain.retry import RetryPolicy
from ..fork import begin_in_children
from .fetch import Steps
from .flights import Flights, Waiter

__all__ = ["MAX_REMEMBERED_SYMBOLS", "Substitutes"]

MAX_REMEMBERED_SYMBOLS: Final = 1_000
_NOT_AGAIN: Final = Finding(
    "symbol",
    Severity.WARNING,
    "not sent again: the provider has refused this symbol today; change it, or use a new client",
)
T = TypeVar("T")
Ask = Callable[[Request, RetryPolicy], Steps[FetchResult]]


class Substitutes:
    """Asks for a refused symbol's ticker at other exchanges, and remembers the answers. Safe from many threads.

    A symbol that the provider refused is not asked for again on this day, whatever the chart. A symbol that was drawn in place
    of another one is asked for first, as long as the client lives. The oldest leave if there are more than a thousand.

    Args:
        clock: time.
        flights: the fetches under way.
        tell: reports the warning that another symbol was asked for.
    """

    def __init__(self, clock: Clock, flights: Flights, tell: Callable[[Request, tuple[Finding, ...]], None]) -> None:
        self._clock = clock
        self._tell = tell
        self._flights = flights
        self._window: datetime | None = None
        self._refused: dict[str, ChartApiFailure] = {}
        self._drawn: dict[str, str] = {}
        self.begin()
        begin_in_children(self)

    def begin(self) -> None:
        """Make the lock, also in a forked child."""
        self._lock = threading.Lock()

    def steps(
        self, request: Request, leeway: Leeway, waiter: Waiter, policy: RetryPolicy, ask: Ask
    ) -> Steps[FetchResult]:
        """Fetch *request*, or the same chart of the first symbol within *leeway* that the provider does not refuse.

        A ticker without an exchange is asked for at those of the leeway alone.

        All calls together are at most those of *policy*, and are the attempts of the result. A WARNING names the exchange that drew
        the picture.
        """
        own, others = request.symbol, leeway.symbols(request.symbol)
        if own is None or not others:
            return (yield from ask(request, policy))
        attempts = tuple[Attempt, ...]()
        refusals, untried = dict[str, ChartApiFailure](), list[str]()
        for symbol in self._order(own, (own, *others) if leeway.is_sent(own) else others):
            if (known := self._known(symbol)) is not None:
                refusals[symbol] = known
                continue
            calls_left = policy.max_attempts - len(attempts)
            if not calls_left or (refusals and waiter.stop.is_set()):
                untried.append(symbol)
                continue
            waiter.sent = request if symbol == own else request.with_symbol(symbol)
            result = yield from ask(waiter.sent, attrs.evolve(policy, max_attempts=calls_left))
            attempts += result.attempts
            match result:
                case ChartApiFailure(error=error) if error.kind is FaultKind.INVALID_BEFORE_CALL and symbol != own:
                    continue  # the check refuses the ticker at this exchange
                case ChartApiFailure(error=error) if refuses_symbol(error):
                    self._flights.told(waiter)  # it may wait for another flight now
                    self._remember_refused(symbol, result)
                    refusals[symbol] = result
                case _:
                    self._remember_drawn(own, symbol, result)
                    return self._with_exchange(request, symbol, attrs.evolve(result, attempts=attempts))
        if not refusals:
            return (yield from ask(request, policy))  # the check refuses it at each exchange, and says why
        return _refusal(own, refusals, untried, attempts, waiter.fetch_id)

    def _with_exchange(self, request: Request, symbol: str, result: FetchResult) -> FetchResult:
        """Say in *result* that it is that of another symbol than the one of *request*."""
        if symbol == request.symbol:
            return result
        verb = "drawn" if result.ok else "asked for"
        own = request.symbol or ""
        reason = f"the provider refused {own}" if ":" in own else f"{own} has no exchange"
        message = f"{verb} at {symbol.partition(':')[0]}, as {symbol}, since {reason}"
        warning = Finding("symbol", Severity.WARNING, message, symbol if result.ok else None)
        self._tell(request, (warning,))
        return result.with_warnings((warning,))

    def _order(self, own: str, symbols: Sequence[str]) -> tuple[str, ...]:
        """Return the *symbols* to try: first the one that was right before for *own*, if there was one."""
        right = self._drawn.get(own)
        return tuple(dict.fromkeys((*((right,) if right in symbols else ()), *symbols)))

    def _known(self, symbol: str) -> ChartApiFailure | None:
        """Return the refusal of *symbol*, if it was refused today."""
        if not self._refused:
            return None
        with self._lock:
            self._begin_window()
            return self._refused.get(symbol)

    def _remember_refused(self, symbol: str, result: ChartApiFailure) -> None:
        """Remember a refusal of the provider. That of a fixture costs nothing, and its file may change."""
        if result.source is Source.FIXTURE:
            return
        kept = attrs.evolve(
            result, source=Source.CACHE, account_id=None, attempts=(), warnings=(*result.warnings, _NOT_AGAIN)
        )
        with self._lock:
            self._begin_window()
            _keep(self._refused, symbol, kept)

    def _remember_drawn(self, own: str, symbol: str, result: FetchResult) -> None:
        """Remember which symbol was right."""
        if result.ok and self._drawn.get(own, own) != symbol:
            with self._lock:
                _keep(self._drawn, own, symbol)

    def _begin_window(self) -> None:
        """Forget the refusals of another day."""
        if (window := window_of(self._clock.now())) != self._window:
            self._window, self._refused = window, {}


def _keep(kept: dict[str, T], name: str, value: T) -> None:
    """Keep a *value* as the newest of a thousand."""
    kept.pop(name, None)
    kept[name] = value
    if len(kept) > MAX_REMEMBERED_SYMBOLS:
        del kept[next(iter(kept))]


def _refusal(
    own: str,
    refusals: dict[str, ChartApiFailure],
    untried: Sequence[str],
    attempts: tuple[Attempt, ...],
    fetch_id: str,
) -> ChartApiFailure:
    """Return the failure of a symbol that was refused at all exchanges, or at as many as there were calls for.

    With exchanges left, the same request may succeed later: a refused symbol costs nothing again.
    """
    *_, last = refusals.values()
    failure = refusals.get(own, last)
    parts = [failure.error.message]
    if others := [symbol for symbol in refusals if symbol != own]:
        parts.append(f"{' and '.join(others)} {'was' if len(others) == 1 else 'were'} refused, too")
    if untried:
        parts.append(
            f"{' and '.join(untried)} {'was' if len(untried) == 1 else 'were'} not tried within the calls of one fetch"
        )
    error = attrs.evolve(failure.error, message="; ".join(parts), retriable=bool(untried))
    return attrs.evolve(
        failure,
        error=error,
        attempts=attempts,
        account_id=attempts[-1].account_id if attempts else None,
        source=Source.HTTP if attempts else failure.source,
        fetch_id=fetch_id,
    )
