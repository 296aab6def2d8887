"""The asynchronous client: the same routes, machine, transports and stores, with all waits on the event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from contextvars import copy_context
from functools import partial
from types import TracebackType
from typing import Final, Self, TypeVar

from ..domain.argument import require
from ..domain.chart import ListRequest, PictureRequest, Request
from ..domain.chart.freshness import Freshness
from ..domain.chart.leeway import NO_LEEWAY, Leeway
from ..domain.chart.storage import StorageRequest
from ..domain.errors import ConfigError
from ..domain.faults import ChartApiError, FaultKind
from ..domain.listing import ExchangesResult, SymbolsResult
from ..domain.result import ChartApiFailure, ChartApiResult, FetchResult, pictured
from ..domain.stored import StoreResult, stored
from ..fork import begin_in_children
from .async_fetch import CallersFetch
from .client import Client, list_request
from .flights import Waiter
from .lists import FOR_A_DAY
from .routes import Routes
from .workers import Worklike

__all__ = ["AsyncClient"]

T = TypeVar("T")
_MAX_DRAIN_SECONDS: Final = 86_400.0
_GRACE_SECONDS: Final = 0.5
_END_SECONDS: Final = 1.0  # for threads to end after their calls were cut off


class AsyncClient(Client):
    """Fetches over *routes* for callers on one event loop. Work that blocks is done by *workers*."""

    def __init__(self, routes: Routes, workers: Worklike) -> None:
        super().__init__(routes)
        self._workers = workers
        self._is_closed = False
        self.begin()
        begin_in_children(self)

    def begin(self) -> None:
        """Have no fetch under way: at first, and in a forked child, which leaves those of its parent alone."""
        self._fetches: set[CallersFetch] = set()
        self._closing: asyncio.Task[None] | None = None

    @property
    def workers(self) -> Worklike:
        """The threads of the client, for the rest of the library."""
        return self._workers

    async def fetch(
        self,
        request: PictureRequest,
        *,
        deadline: float | None = None,
        fresh: Freshness | str | float | None = None,
        on_invalid_symbol: Sequence[str] | None = None,
        fit: str | None = None,
    ) -> ChartApiResult:
        """Fetch one chart, in at most *deadline* seconds. A failure is part of the result.

        If the caller is cancelled, a claim that was not sent is returned. A call under way is paid for: it goes on, and its
        picture is kept for the next equal request within a minute.

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
        waiter = Waiter(threading.Event())
        return await self.fetch_for(waiter, request, deadline=deadline, fresh=fresh, leeway=leeway)

    async def store(self, request: PictureRequest, *, deadline: float | None = None) -> StoreResult:
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
        waiter = Waiter(threading.Event())
        return stored(
            await self.answer_for(waiter, StorageRequest(request), deadline=deadline), self._routes.clock.now()
        )

    async def exchanges(self, *, deadline: float | None = None) -> ExchangesResult:
        """Return the exchanges that the provider lists. A list is kept for a day, so a new one costs a call a day.

        Args:
            deadline: seconds for the whole fetch; by default that of the policy.

        Raises:
            ConfigError: an argument has a wrong type, or the client is closed.
            StoreUnavailable: the account store can't be reached, so no call may be made.
        """
        result = await self._list(ListRequest(), deadline)
        return await self._read(partial(self._routes.lists.exchanges, result))

    async def symbols(self, exchange: str, *, search: str = "", deadline: float | None = None) -> SymbolsResult:
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
        result = await self._list(request, deadline)
        return await self._read(partial(self._routes.lists.symbols, str(request.exchange), result, search))

    async def _read(self, read: Callable[[], T]) -> T:
        """Read a list in a thread, since that of a large exchange takes a while."""
        return read() if self._is_closed else await self._workers.run(read)

    async def _list(self, request: ListRequest, deadline: float | None) -> FetchResult:
        return await self.answer_for(Waiter(threading.Event()), request, deadline=deadline, fresh=FOR_A_DAY)

    async def fetch_for(
        self,
        waiter: Waiter,
        request: Request,
        *,
        deadline: float | None = None,
        fresh: Freshness | str | float | None = None,
        leeway: Leeway = NO_LEEWAY,
    ) -> ChartApiResult:
        """Fetch one chart for *waiter*, who may leave at any moment: for the rest of the library."""
        return pictured(await self.answer_for(waiter, request, deadline=deadline, fresh=fresh, leeway=leeway))

    async def answer_for(
        self,
        waiter: Waiter,
        request: Request,
        *,
        deadline: float | None = None,
        fresh: Freshness | str | float | None = None,
        leeway: Leeway = NO_LEEWAY,
    ) -> FetchResult:
        """Get the answer of any endpoint for *waiter*."""
        if self._is_closed:
            raise ConfigError("the client is closed; make another one")
        fetch = CallersFetch(waiter)
        fetching = self._routes.begin(request, deadline, fetch.waiter, fresh, leeway)
        fetch.begin(fetching.steps, self._workers, copy_context())
        self._fetches.add(fetch)
        fetch.task.add_done_callback(lambda _: self._fetches.discard(fetch))
        late = asyncio.get_running_loop().call_later(fetching.deadline + _GRACE_SECONDS, fetch.wake)
        try:
            await fetch.over
        except asyncio.CancelledError:
            self._leave(request, fetch)
            raise
        finally:
            late.cancel()
        if fetch.task.done():
            self._routes.flights.told(fetch.waiter)
            return fetch.task.result()
        self._leave(request, fetch)
        message = f"no worker was free within the deadline of {fetching.deadline:g} s; raise in_flight"
        error = ChartApiError.of(FaultKind.NO_ACCOUNT, message, available_at=self._routes.clock.now())
        return ChartApiFailure(error=error, fetch_id=fetching.fetch_id)

    def _leave(self, request: Request, fetch: CallersFetch) -> None:
        """Leave a fetch without its caller, and keep its picture unless another caller gets it."""
        self._routes.flights.leave(fetch.waiter)
        fetch.task.add_done_callback(partial(self._keep, request, fetch.waiter))

    def _keep(self, request: Request, waiter: Waiter, task: asyncio.Task[FetchResult]) -> None:
        if task.cancelled() or task.exception() is not None:
            return
        result = task.result()
        if isinstance(result, ChartApiFailure) or not self._routes.flights.is_left_over(waiter):
            return
        if event := self._routes.keep(waiter.sent or request, result):
            self._workers.run(partial(self.listener.notify, event))

    async def aclose(self, drain: float = 5.0) -> None:
        """End all waits, and close the connections and files that the client opened itself. Idempotent.

        Takes as long as the calls under way, at most about *drain* seconds: then they are cut off. Whoever waits for a
        fetch gets the error of its last call or STOPPED.
        """
        require("drain", drain, float)
        if not 0 <= drain <= _MAX_DRAIN_SECONDS:
            raise ConfigError(f"drain must be a number of seconds from 0 to a day, not {drain}")
        self._is_closed = True
        if self._closing is None:
            self._closing = asyncio.get_running_loop().create_task(self._close(drain))
        if not self._closing.done():
            await asyncio.shield(self._closing)

    async def _close(self, drain: float) -> None:
        for fetch in self._fetches:
            fetch.give_up()
        tasks = {fetch.task for fetch in self._fetches}
        try:
            if tasks:
                await asyncio.wait(tasks, timeout=drain)
        finally:  # also when the loop ends
            self._routes.cut_off()
            if tasks:
                await asyncio.wait(tasks, timeout=_END_SECONDS)
            await self._workers.close(self._routes.resources.close, _END_SECONDS)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the client; takes at most about five seconds."""
        await self.aclose()
