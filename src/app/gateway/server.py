"""The gateway as an ASGI application, and the process that serves it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from typing import Final, TypeAlias

import attrs
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ...address import may_be_rebound
from ...codec import dump
from ...domain.chart import PictureRequest
from ...domain.chart.endpoint import ADVANCED_CHART, LAYOUT_CHART
from ...domain.errors import ConfigError, StoreUnavailable
from ...domain.result import ChartApiResult, ChartApiSuccess
from ...domain.stored import StoredChart, StoreResult
from ..async_bootstrap import AsyncChartClient
from ..bootstrap import open_pool, templates
from ..config import WorkerConfig
from ..mode import ApiMode
from . import answers
from .asking import (
    AskedWrongError,
    named_after_template,
    read_chart,
    read_fresh,
    read_layout,
    read_wish,
    refuse_session,
)
from .callers import Callers, DaySpent
from .openapi import description
from .protocol import HeadLimit
from .settings import Caller, read_callers

__all__ = ["Gateway", "from_env"]

_MAX_BODY_BYTES: Final = 1024 * 1024
_MAX_AT_ONCE: Final = 1000
_BODY_SECONDS: Final = 30
_STORE_SECONDS: Final = "5"  # after which a caller may ask a store again
_UNITS_SECONDS: Final = 1.0  # for which a number of units is shown
_GONE: Final = 499  # read by nobody
_FORBIDDEN: Final = "Forbidden"
_UNAVAILABLE: Final = "Service Unavailable"
_LOGGER: Final = logging.getLogger("chartimg.gateway")
_LOGGER.addHandler(logging.NullHandler())

Answer: TypeAlias = ChartApiResult | StoreResult
Ask: TypeAlias = Callable[[], Coroutine[None, None, Answer]]
Handler: TypeAlias = Callable[[Request, "Caller | None"], Awaitable[Response]]


class Gateway:
    """Answers callers over *client*.

    Args:
        client: fetches the charts; closed with the gateway.
        config: the settings of the client.
        callers: those who may ask.
    """

    def __init__(self, client: AsyncChartClient, config: WorkerConfig, callers: Callers) -> None:
        self._client = client
        self._config = config
        self._callers = callers
        self._templates = templates({"CHARTS_TEMPLATES_DIR": str(config.templates_dir or "")})
        self._at_once = 0
        self._units: tuple[float, int | None] = (-_UNITS_SECONDS, None)

    def app(self) -> Starlette:
        """Return the application."""
        get = "/charts/{symbol:path}/{timeframe}/{template}.png"  # BMV:CEMEX/CPO is a symbol
        routes = [
            Route(ADVANCED_CHART.path, self._guarded(self._post), methods=["POST"]),
            Route(f"{ADVANCED_CHART.path}/storage", self._guarded(self._store), methods=["POST"]),
            Route(f"{LAYOUT_CHART.path}/{{layout}}", self._guarded(self._post), methods=["POST"]),
            Route(f"{LAYOUT_CHART.path}/storage/{{layout}}", self._guarded(self._store), methods=["POST"]),
            Route(get, self._guarded(self._get), methods=["GET"]),
            Route("/accounts", self._guarded(self._accounts), methods=["GET"]),
            Route("/healthz", self._healthz, methods=["GET"]),
            Route("/openapi.json", self._description, methods=["GET"]),
        ]
        missing = {404: _not_found, 405: _not_found}
        limits = [Middleware(HeadLimit)]
        app = Starlette(routes=routes, lifespan=self._lifespan, exception_handlers=missing, middleware=limits)
        app.router.redirect_slashes = False
        return app

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        yield
        await self._client.aclose()
        await run_in_threadpool(self._callers.close)

    def _guarded(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        """Answer only those who may ask, so many at once, and a store that can't be reached."""

        async def guarded(request: Request) -> Response:
            caller = self._callers.known(request.headers.get("x-api-key", ""))
            if not self._admits(request, caller):
                return answers.message(403, _FORBIDDEN)
            if self._at_once >= _MAX_AT_ONCE:
                return answers.message(503, _UNAVAILABLE, {"retry-after": "1"})
            self._at_once += 1
            try:
                return await handler(request, caller)
            except AskedWrongError as wrong:
                return answers.message(wrong.status, wrong.message, wrong.headers)
            except ClientDisconnect:
                return Response(status_code=_GONE)
            except StoreUnavailable as error:
                _LOGGER.error("%s", error)  # noqa: TRY400 (one line)
                return answers.message(503, "the account store can't be reached", {"retry-after": _STORE_SECONDS})
            except asyncio.CancelledError:  # the server is told to end at once
                return answers.message(503, _UNAVAILABLE, {"retry-after": "1"})
            except DaySpent as spent:
                return answers.message(429, "Limit Exceeded", {"retry-after": str(spent.seconds)})
            finally:
                self._at_once -= 1

        return guarded

    def _admits(self, request: Request, caller: Caller | None) -> bool:
        """Return whether a caller may ask. Where everybody may, a page of another site must not spend units."""
        return caller is not None or (self._callers.is_open and not _is_of_another_site(request))

    async def _post(self, request: Request, caller: Caller | None) -> Response:
        """Answer the provider's paths of a chart and of a layout."""
        fresh = read_wish(request.headers)
        chart = await self._posted(request)
        return await self._answer(request, caller, partial(self._client.fetch, chart, fresh=fresh))

    async def _store(self, request: Request, caller: Caller | None) -> Response:
        """Answer the siblings of these paths, which store the picture and return its address."""
        if read_wish(request.headers) not in {None, "off"}:
            raise AskedWrongError(422, "each address is new; leave out x-chartimg-fresh")
        return await self._answer(request, caller, partial(self._client.store, await self._posted(request)))

    async def _posted(self, request: Request) -> PictureRequest:
        """Return the chart or the layout that is posted."""
        body = await _body(request)
        if (layout_id := request.path_params.get("layout")) is not None:
            return read_layout(layout_id, body)
        chart = read_chart(body)
        return chart if self._config.mode is ApiMode.REAL else named_after_template(chart, self._templates)

    async def _get(self, request: Request, caller: Caller | None) -> Response:
        """Answer ``GET /charts/SYMBOL/TIMEFRAME/TEMPLATE.png``."""
        named, fresh = request.path_params, read_fresh(request.query_params.multi_items())
        try:
            chart = self._client.request(named["symbol"], named["timeframe"], template=named["template"])
        except ConfigError as error:
            return answers.message(404, str(error))
        if request.method == "HEAD":
            return Response(
                media_type="image/png", headers={"cache-control": "no-cache"}
            )  # only a picture costs a unit
        return await self._answer(request, caller, partial(self._client.fetch, chart, fresh=fresh))

    async def _answer(self, request: Request, caller: Caller | None, ask: Ask) -> Response:
        """Ask the client on behalf of a caller, who may leave."""
        if self._config.mode is not ApiMode.MOCK:  # there no session is read, and none is sent
            refuse_session(request.headers, self._config.tradingview_session)
        claim = None
        if caller is not None and self._callers.limits(caller):
            claim = await run_in_threadpool(self._callers.spend, caller)
        paid = True
        try:
            result = await _unless_gone(request, ask())
            paid = result is None or bool(result.attempts)
        except ConfigError as error:
            paid = False
            return answers.message(422, str(error))
        finally:
            if claim is not None and not paid:
                await run_in_threadpool(self._callers.give_back, claim)
        if result is None:
            return Response(status_code=_GONE)
        left, now = await self._units_left(called=bool(result.attempts)), datetime.now(UTC)
        match result:
            case ChartApiSuccess():
                known = request.headers.get("if-none-match") if request.method == "GET" else None
                return answers.picture(result, now, units_left=left, if_none_match=known)
            case StoredChart():
                return answers.address(result, units_left=left)
        return answers.failure(result, now, units_left=left)

    async def _units_left(self, *, called: bool) -> int | None:
        """Return the units that all accounts have left today; None without accounts.

        They are those after the call if one was *called*, and else as of a second ago at most.
        """
        pool, asked = self._client.accounts, time.monotonic()
        if pool is not None and (called or asked - self._units[0] >= _UNITS_SECONDS):
            self._units = asked, self._units[1]  # others don't ask meanwhile
            with suppress(StoreUnavailable):
                self._units = asked, sum(each.left for each in await run_in_threadpool(pool.status))
        return self._units[1]

    async def _accounts(self, _: Request, __: Caller | None) -> Response:
        """Answer ``GET /accounts``."""
        pool = self._client.accounts
        statuses = () if pool is None else await run_in_threadpool(pool.status)
        service = None if pool is None else pool.service()
        return Response(dump({"accounts": statuses, "service": service}), media_type="application/json")

    async def _healthz(self, request: Request) -> Response:
        """Answer ``GET /healthz``: that the gateway answers, and to those who may ask whether it can take claims."""
        pool, caller = self._client.accounts, self._callers.known(request.headers.get("x-api-key", ""))
        try:
            if pool is not None and self._admits(request, caller):
                await run_in_threadpool(pool.status)
        except StoreUnavailable:
            return JSONResponse({"status": "the account store can't be reached"}, 503)
        return JSONResponse({"status": "ok", "mode": self._config.mode.value})

    async def _description(self, _: Request) -> Response:
        """Answer ``GET /openapi.json``."""
        return Response(description(), media_type="application/json")


def from_env() -> Starlette:
    """Return the application with the settings of the process's environment.

    Raises:
        ConfigError: with one line for every mistake in the settings.
    """
    config, known = WorkerConfig.from_env(), read_callers()
    client = AsyncChartClient(config)
    callers = Callers(known, lambda account: open_pool(attrs.evolve(config, accounts=(account,))))
    return Gateway(client, config, callers).app()


def _is_of_another_site(request: Request) -> bool:
    """Return whether a browser asks for a page of another site, which may have bound its own name to this address."""
    return request.headers.get("sec-fetch-site") == "cross-site" or may_be_rebound(request.headers.get("host", ""))


async def _body(request: Request) -> bytes:
    """Return the posted body.

    Raises:
        AskedWrongError: it is too large, or too slow.
        ClientDisconnect: the caller has left.
    """
    parts, size = [], 0
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            async for part in request.stream():
                size += len(part)
                if size > _MAX_BODY_BYTES:
                    raise AskedWrongError(413, f"the body is larger than {_MAX_BODY_BYTES:,} bytes")
                parts.append(part)
    except TimeoutError:
        slow = f"the body took longer than {_BODY_SECONDS} seconds"
        raise AskedWrongError(408, slow, {"connection": "close"}) from None
    return b"".join(parts)


async def _unless_gone(request: Request, fetching: Coroutine[None, None, Answer]) -> Answer | None:
    """Return the result of a fetch; cancel it and return None if the caller leaves."""
    fetch, gone = asyncio.ensure_future(fetching), asyncio.ensure_future(_gone(request))
    try:
        await asyncio.wait({fetch, gone}, return_when=asyncio.FIRST_COMPLETED)
        if fetch.done():
            return fetch.result()
        return None
    finally:
        for task in (fetch, gone):
            task.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await fetch
        with suppress(asyncio.CancelledError):
            await gone


async def _gone(request: Request) -> None:
    """Return when the caller has left."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _not_found(_: Request, __: Exception) -> Response:
    return answers.message(404, "Route not found.")
