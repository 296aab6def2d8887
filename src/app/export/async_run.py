"""The asynchronous driver of an export: fetches on the loop, files in the client's threads."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial

from ...domain.chart import Request
from ...domain.result import ChartApiResult
from ..flights import Waiter
from ..listeners import WITNESS
from ..workers import Worklike
from .export import Export
from .manifest import ExportEnd
from .source import Asked

__all__ = ["async_ends"]

AsyncFetch = Callable[[Waiter, Request], Awaitable[ChartApiResult]]


async def async_ends(work: Export, fetch: AsyncFetch, workers: Worklike, *, jobs: int) -> AsyncIterator[ExportEnd]:
    """Fetch the charts of *work*, *jobs* at once, and yield the end of each.

    If the caller leaves or is cancelled, no further call is made. Calls under way are awaited, and their pictures saved. If it
    is cancelled once more, they are given up.
    """

    async def one(asked: Asked) -> tuple[ExportEnd, ...]:
        WITNESS.set(asked)  # in the context of this task alone
        outcome: ChartApiResult | Exception
        try:
            outcome = await fetch(asked.waiter, asked.request)
        except Exception as error:  # noqa: BLE001 (it is the end of this chart alone)
            outcome = error
        WITNESS.set(None)
        ends = await workers.run(partial(work.end, asked, outcome))
        work.leave(asked)
        return ends

    tasks: set[asyncio.Task[tuple[ExportEnd, ...]]] = set()
    for end in await workers.run(lambda: list(work.begin())):
        yield end
    try:
        while True:
            while len(tasks) < jobs and (asked := work.take()) is not None:
                tasks.add(asyncio.create_task(one(asked)))
            if not tasks:
                break
            done, tasks = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                for end in task.result():
                    yield end
    finally:
        work.stop()
        try:
            if tasks:
                await asyncio.wait(tasks)
        finally:
            await workers.run(partial(work.finish, give_up=any(not task.done() for task in tasks)))
