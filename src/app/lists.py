"""The provider's lists that a client has read, or that its cache keeps: each for a day."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final, NamedTuple, TypeVar

import attrs

from ..domain.chart import ListRequest
from ..domain.chart.candle import SETTLE
from ..domain.chart.freshness import Freshness
from ..domain.chart.listing import Exchange, Rows, Symbol, matching, read_exchanges, read_symbols
from ..domain.check.listed import NO_LISTS, KeptLists
from ..domain.check.symbol import exchanges_of, off_exchange
from ..domain.listing import ExchangesResult, Listing, SymbolsResult
from ..domain.ports import Clock
from ..domain.result import ChartApiFailure, FetchResult, JsonSuccess, Success
from ..fork import begin_in_children

__all__ = ["FOR_A_DAY", "Lists"]

_DAY: Final = timedelta(days=1)
FOR_A_DAY: Final = Freshness(_DAY.total_seconds())
_REST_SECONDS: Final = 600.0  # between two looks at the cache for one list
_MAX_EXCHANGES: Final = 1_000
T = TypeVar("T")


class _Kept(NamedTuple):
    """A list: the reply with it, the moment (UTC) when it came, and its exchanges or tickers."""

    answer: JsonSuccess
    taken_at: datetime
    names: frozenset[str]


class Lists:
    """Remembers lists for a day, and looks for those that another process has put into the cache. Safe from many threads.

    Looking costs no call. The cache is asked for a list once in ten minutes at most; one that can't be used is as one without
    lists.

    Args:
        peek: returns what the cache keeps for a request, and may raise any exception; None if there is no cache.
        clock: time.
        known: returns the exchanges that the check knows.
    """

    def __init__(
        self,
        peek: Callable[[ListRequest], Success | None] | None,
        clock: Clock,
        known: Callable[[], Iterable[str]],
    ) -> None:
        self._peek = peek
        self._clock = clock
        self._known = known
        self._kept: Mapping[str | None, _Kept] = {}
        self._lists = NO_LISTS
        self._ends: datetime | None = None  # of the day of the oldest list
        self._looked: dict[str | None, float] = {}
        self._asked: dict[str | None, float] = {}  # symbols, when all lists about them were looked for
        self._rests_until = float("-inf")
        self.begin()
        begin_in_children(self)

    def begin(self) -> None:
        """Make the lock, also in a forked child."""
        self._lock = threading.Lock()

    def find(self, request: ListRequest) -> JsonSuccess | None:
        """Return the reply with the list of *request* if it came in the last day."""
        self._forget()
        kept = self._kept.get(request.exchange)
        return None if kept is None else kept.answer

    def exchanges(self, result: FetchResult) -> ExchangesResult:
        """Return the exchanges in the *result* of a request for them, and remember them."""
        if isinstance(result, ChartApiFailure):
            return result
        assert isinstance(result, JsonSuccess)  # noqa: S101 (a picture is no answer to the request)
        rows = _readable(read_exchanges(result.body))
        self._remember(None, result, rows)
        return Listing.of(result, rows)

    def symbols(self, exchange: str, result: FetchResult, search: str) -> SymbolsResult:
        """Return the symbols of *exchange* in the *result* of a request for them, and remember all; only those of a *search*."""
        if isinstance(result, ChartApiFailure):
            return result
        assert isinstance(result, JsonSuccess)  # noqa: S101 (a picture is no answer to the request)
        rows = _readable(read_symbols(result.body, exchange))
        self._remember(exchange, result, rows)
        return Listing.of(result, attrs.evolve(rows, rows=matching(rows.rows, search)) if search.strip() else rows)

    def about(self, symbol: str | None) -> KeptLists:
        """Return the lists that can tell of *symbol*: those of its exchanges, or all if it is not on its exchange.

        For None it is the list of the exchanges.
        """
        if self._peek is None and not self._kept:
            return NO_LISTS
        now = self._clock.monotonic()
        if now - self._asked.get(symbol, float("-inf")) < _REST_SECONDS:
            return self._current()
        if len(self._asked) >= _MAX_EXCHANGES:
            self._asked = {}
        self._asked[symbol] = now
        exchanges = () if symbol is None else exchanges_of(symbol)
        self._look((None, *(() if isinstance(exchanges, str) else exchanges)))
        if symbol is not None and (isinstance(exchanges, str) or self._is_elsewhere(symbol)):
            self._look((*self._known(), *(self._lists.exchanges or ())))
        return self._current()

    def _is_elsewhere(self, symbol: str) -> bool:
        """Return whether the exchange of *symbol* does not list it: by its list, or evidently; or is not known."""
        listed, exchange = self._lists.has(symbol), symbol.partition(":")[0]
        if not (self._lists.has_exchange(exchange) or exchange in self._known()):
            return True
        return not (listed or (listed is None and off_exchange(symbol) is None))

    def _current(self) -> KeptLists:
        self._forget()
        return self._lists

    def _look(self, exchanges: Iterable[str | None]) -> None:
        """Look in the cache for the lists that are not remembered, unless that was done a short time ago."""
        now = self._clock.monotonic()
        if self._peek is None or now < self._rests_until:
            return
        for exchange in dict.fromkeys(exchanges):
            if exchange in self._kept or now - self._looked.get(exchange, float("-inf")) < _REST_SECONDS:
                continue
            if len(self._looked) >= _MAX_EXCHANGES:
                self._looked, self._asked = {}, {}
            self._looked[exchange] = now
            request = ListRequest(exchange)
            try:
                answer = None if request.problems else self._peek(request)
                rows = request.read(answer.body) if isinstance(answer, JsonSuccess) else ""
                if isinstance(answer, JsonSuccess) and not isinstance(rows, str):
                    self._remember(exchange, answer, rows)
            except Exception:  # noqa: BLE001 (a cache of the host's own may raise any; the check goes on without its lists)
                self._rests_until = now + _REST_SECONDS
                return

    def _remember(self, exchange: str | None, answer: JsonSuccess, rows: Rows[Exchange] | Rows[Symbol]) -> None:
        """Remember a list in place of an older one; that of a fixture without a date is of now.

        One that is remembered already changes nothing, so that the check need not look at its requests again.
        """
        if (known := self._kept.get(exchange)) is not None and known.answer.body is answer.body:
            return
        names = frozenset(row.ticker if isinstance(row, Symbol) else row.id for row in rows.rows)
        kept = _Kept(answer, answer.taken_at or self._clock.now(), names)
        with self._lock:
            self._hold({**self._kept, exchange: kept})

    def _forget(self) -> None:
        """Forget the lists that are a day old."""
        if self._ends is not None and self._clock.now() >= self._ends:
            with self._lock:
                self._hold(self._kept)

    def _hold(self, kept: Mapping[str | None, _Kept]) -> None:
        """Keep those of the lists that are of the last day, and not of the future, and make of them what the check takes."""
        now = self._clock.now()
        kept = {name: each for name, each in kept.items() if now - _DAY < each.taken_at <= now + SETTLE}
        exchanges = (
            kept[None].names or None if None in kept else None
        )  # one that the provider has not made yet is empty
        tickers = {name: each.names for name, each in kept.items() if name is not None and each.names}
        self._kept, self._lists = kept, KeptLists(exchanges, tickers) if kept else NO_LISTS
        self._ends = min((each.taken_at + _DAY for each in kept.values()), default=None)


def _readable(rows: Rows[T] | str) -> Rows[T]:
    """Return *rows*: a reply without them is a failure, and no kept list."""
    assert not isinstance(rows, str)  # noqa: S101 (see Request.problem_of)
    return rows
