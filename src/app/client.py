"""The synchronous client, which fetches in the caller's thread, and what it shares with the asynchronous one."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Event, Lock
from types import TracebackType
from typing import Self

from ..domain.argument import require
from ..domain.chart import ChartRequest, ListRequest, PictureRequest, Request
from ..domain.chart.freshness import Freshness
from ..domain.chart.leeway import NO_LEEWAY, Leeway
from ..domain.chart.storage import StorageRequest
from ..domain.errors import ConfigError
from ..domain.listing import ExchangesResult, SymbolsResult
from ..domain.ports import Listener
from ..domain.result import ChartApiResult, FetchResult, pictured
from ..domain.stored import StoreResult, stored
from ..fork import begin_in_children
from .fetch import run
from .flights import Waiter
from .lists import FOR_A_DAY
from .pool import Pool
from .routes import Routes

__all__ = ["Client", "SyncClient", "list_request"]


class Client:
    """What the synchronous and the asynchronous client have in common."""

    def __init__(self, routes: Routes) -> None:
        self._routes = routes

    @property
    def accounts(self) -> Pool | None:
        """The accounts of the client, their status and their forecast; None if no account pays, as in mock mode.

        The methods of the pool block for the store.
        """
        return self._routes.pool

    @property
    def routes(self) -> Routes:
        """The routes to a picture, for the rest of the library."""
        return self._routes

    @property
    def listener(self) -> Listener:
        """Notified of every event, in the thread where it happens."""
        return self._routes.listener

    def request(self, symbol: str, timeframe: str, *, template: str, **changes: object) -> ChartRequest:
        """Return the request for a chart in the look of a template.

        Args:
            symbol: ``BINANCE:BTCUSDT``; one without an exchange gets that of the template's pattern, unless it is evidently
                listed elsewhere. Then the fetch fails before a call, and the finding names the exchanges that list it.
            timeframe: the interval, ``1h``.
            template: the id of a template of the host's own, or of one that ships.
            changes: fields of the body, laid over those of the template: ``width=640, theme="light"``.

        Raises:
            ConfigError: there is no such template (the message names the nearest), or its file can't be used.
        """
        return self._routes.request(symbol, timeframe, template, changes)


def list_request(exchange: str, search: str) -> ListRequest:
    """Return the request for the symbols of *exchange*.

    Raises:
        ConfigError: an argument has a wrong type.
    """
    require("exchange", exchange, str)
    require("search", search, str)
    return ListRequest(exchange)


class SyncClient(Client):
    """Fetches over *routes*, in the caller's thread. Safe from many threads."""

    def __init__(self, routes: Routes) -> None:
        super().__init__(routes)
        self._stop = Event()
        self.begin()
        begin_in_children(self)

    def begin(self) -> None:
        """Have no fetch under way: at first, and in a forked child."""
        self._lock = Lock()
        self._waiters: set[Waiter] = set()

    def fetch(
        self,
        request: PictureRequest,
        *,
        deadline: float | None = None,
        fresh: Freshness | str | float | None = None,
        on_invalid_symbol: Sequence[str] | None = None,
        fit: str | None = None,
    ) -> ChartApiResult:
        """Fetch one chart. A failure is part of the result. The call may block for *deadline* seconds.

        Args:
            request: the chart, or the layout. A chart without a payload is the template that its id names, if there is one.
            deadline: seconds for the whole fetch; by default that of the policy.
            fresh: a kept picture will do if it was drawn so many seconds ago, or if no candle has closed since (``candle``).
                ``off`` asks for a new one. By default that of the settings.
            on_invalid_symbol: exchanges where the ticker is tried, in order, after the provider has refused the symbol. Each try
                is one of the calls of the policy. What was right is asked for first the next time.
            fit: ``plan`` makes a chart that no account's plan allows as small as the largest of them takes: its size first, then
                its studies from the end.

        Raises:
            ConfigError: an argument has a wrong type, the client is closed, or the template's file can't be used.
            StoreUnavailable: the account store can't be reached, so no call may be made.
        """
        require("request", request, PictureRequest)
        leeway = Leeway.of(on_invalid_symbol, fit)
        if deadline is None and fresh is None and leeway is NO_LEEWAY and not self._stop.is_set():
            replayed = self._routes.replay(request)
            if replayed is not None:
                return pictured(replayed)
        return self.fetch_for(Waiter(self._stop), request, deadline=deadline, fresh=fresh, leeway=leeway)

    def store(self, request: PictureRequest, *, deadline: float | None = None) -> StoreResult:
        """Let the provider store the picture of *request*, and return its address. A failure is part of the result.

        **The address is public**: whoever has it sees the picture, until it expires. It costs a call, like a picture, and is not
        kept: each call makes a new address.

        Args:
            request: the chart, or the layout.
            deadline: seconds for the whole call; by default that of the policy.

        Raises:
            ConfigError, StoreUnavailable: as for :meth:`fetch`.
        """
        require("request", request, PictureRequest)
        waiter = Waiter(self._stop)
        return stored(self.answer_for(waiter, StorageRequest(request), deadline=deadline), self._routes.clock.now())

    def exchanges(self, *, deadline: float | None = None) -> ExchangesResult:
        """Return the exchanges that the provider lists. A list is kept for a day, so a new one costs a call a day.

        Args:
            deadline: seconds for the whole fetch; by default that of the policy.

        Raises:
            ConfigError: an argument has a wrong type, or the client is closed.
            StoreUnavailable: the account store can't be reached, so no call may be made.
        """
        return self._routes.lists.exchanges(self._list(ListRequest(), deadline))

    def symbols(self, exchange: str, *, search: str = "", deadline: float | None = None) -> SymbolsResult:
        """Return the symbols of an exchange that the provider lists. A list is kept for a day, and serves each search.

        Args:
            exchange: the id of the exchange, in any case.
            search: a part of the ticker or of the description, in any case; the nearest symbol comes first.
            deadline: seconds for the whole fetch; by default that of the policy.

        Raises:
            ConfigError: an argument has a wrong type, or the client is closed.
            StoreUnavailable: the account store can't be reached, so no call may be made.
        """
        request = list_request(exchange, search)
        return self._routes.lists.symbols(str(request.exchange), self._list(request, deadline), search)

    def _list(self, request: ListRequest, deadline: float | None) -> FetchResult:
        return self.answer_for(Waiter(self._stop), request, deadline=deadline, fresh=FOR_A_DAY)

    def fetch_for(
        self,
        waiter: Waiter,
        request: Request,
        *,
        deadline: float | None = None,
        fresh: Freshness | str | float | None = None,
        leeway: Leeway = NO_LEEWAY,
    ) -> ChartApiResult:
        """Fetch one chart for *waiter*, who may leave at any moment: for the rest of the library."""
        return pictured(self.answer_for(waiter, request, deadline=deadline, fresh=fresh, leeway=leeway))

    def answer_for(
        self,
        waiter: Waiter,
        request: Request,
        *,
        deadline: float | None = None,
        fresh: Freshness | str | float | None = None,
        leeway: Leeway = NO_LEEWAY,
    ) -> FetchResult:
        """Get the answer of any endpoint for *waiter*."""
        fetching = self._routes.begin(request, deadline, waiter, fresh, leeway)
        with self._lock:
            if self._stop.is_set():
                raise ConfigError("the client is closed; make another one")
            self._waiters.add(waiter)
        try:
            return run(fetching.steps, self._routes.clock, waiter.stop)
        finally:
            self._leave(waiter)

    def close(self) -> None:
        """End all waits, and close the connections and files that the client opened itself. Idempotent, and at once.

        A fetch that waits in another thread ends with the error of its last call or STOPPED. A call under way in another
        thread goes on to its end, is booked, and the last one closes what the client opened.
        """
        self._stop.set()
        with self._lock:
            waiters = tuple(self._waiters)
        for waiter in waiters:
            waiter.stop.set()
        self._routes.flights.wake()
        if self.accounts is not None:
            self.accounts.watch.wake()
        self._leave()

    def _leave(self, *waiters: Waiter) -> None:
        """End the fetches of *waiters*. The last one of a closed client closes its resources."""
        with self._lock:
            self._waiters.difference_update(waiters)
            is_last = self._stop.is_set() and not self._waiters
        if is_last:
            self._routes.resources.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
