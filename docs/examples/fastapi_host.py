"""Charts by GET from FastAPI. A client that leaves before its call costs nothing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException, Request, Response

from chartimg import AsyncChartClient, ChartApiResult

logging.basicConfig()
logging.getLogger("chartimg").setLevel(logging.INFO)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Open one client for the whole application, with the settings of the environment."""
    async with AsyncChartClient.from_env() as app.state.charts:
        yield


app = FastAPI(lifespan=lifespan)


def charts(request: Request) -> AsyncChartClient:
    """Return the client of the application."""
    client: AsyncChartClient = request.app.state.charts
    return client


async def gone(request: Request) -> None:
    """Wait until the client of a request without a body has closed its connection."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def fetch_or_leave(
    request: Request, fetching: asyncio.Task[ChartApiResult]
) -> ChartApiResult | None:
    """Return the result of a fetch. If the client leaves first, cancel it and return None."""
    leaving = asyncio.create_task(gone(request))
    try:
        await asyncio.wait({fetching, leaving}, return_when=asyncio.FIRST_COMPLETED)
        return fetching.result() if fetching.done() else None
    finally:
        fetching.cancel()
        leaving.cancel()


@app.get("/charts/{symbol}/{timeframe}.png", response_class=Response)
async def chart(
    symbol: str,
    timeframe: str,
    request: Request,
    client: Annotated[AsyncChartClient, Depends(charts)],
) -> Response:
    """Answer with the chart, or with 503 and the reason."""
    asked = client.request(symbol, timeframe, template="price_rsi14_stochrsi_v1")
    result = await fetch_or_leave(
        request, asyncio.create_task(client.fetch(asked, deadline=30.0))
    )
    if result is None:
        return Response(status_code=499)  # nobody reads it
    if not result:
        raise HTTPException(503 if result.error.retriable else 502, result.error.message)
    return Response(result.png_bytes, media_type="image/png")
