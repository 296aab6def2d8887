"""The asynchronous driver of a fetch: its steps in worker threads, its waits on the loop.

The caller of a fetch may leave at any moment. A call that has begun is paid for, so it goes on to its end; no other call
follows, a failure is booked, and a claim that was not sent is returned.
"""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from contextvars import Context
from functools import partial

from ..domain.result import ChartApiResult
from .fetch import Steps, Stop
from .workers import Worklike

__all__ = ["Flight"]


class Flight:
    """One fetch under way.

    Args:
        steps: the work of the fetch.
        stop: ends the fetch early.
        workers: carry out the steps.
        context: the caller's context variables, in which the steps are carried out.

    Attributes:
        task: ends with the result. Nobody but the end of the loop cancels it.
    """

    def __init__(
        self, steps: Steps[ChartApiResult], stop: threading.Event, workers: Worklike, context: Context
    ) -> None:
        self._advance = partial(context.run, _advance, steps, stop)
        self._stop = stop
        self._workers = workers
        self._left = asyncio.Event()
        self.task = asyncio.get_running_loop().create_task(self._run())

    def give_up(self) -> None:
        """Make no further call, and end the wait."""
        self._stop.set()
        self._left.set()

    async def _run(self) -> ChartApiResult:
        under_way = False
        try:
            while True:
                under_way = True
                step = await self._workers.run(self._advance)
                under_way = False
                if not isinstance(step, float):
                    return step
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._left.wait(), step)
        except asyncio.CancelledError:  # the loop ends
            self._stop.set()
            if not under_way:
                self._workers.run(self._advance)  # a claim may have to be returned
            raise


def _advance(steps: Steps[ChartApiResult], stop: Stop) -> float | ChartApiResult:
    """Carry out *steps* up to the next wait, and return its seconds, or up to the end, and return the result."""
    try:
        while True:
            seconds = next(steps)
            if not stop.is_set():
                return float(seconds)
    except StopIteration as end:
        result: ChartApiResult = end.value
        return result
