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
from typing import Final

from ..domain.result import ChartApiResult
from .fetch import Steps
from .workers import Worklike

__all__ = ["Flight"]

_END_SECONDS: Final = 1.0  # for a claim to be returned when the loop ends


class Flight:
    """One fetch under way.

    Args:
        steps: the work of the fetch.
        stop: ends the fetch early.
        workers: carry out the steps.
        context: the caller's context variables, in which the steps are carried out.

    Attributes:
        task: ends with the result. Nobody but the end of the loop cancels it.
        over: wakes the caller when the task has come to its end; the caller may cancel it.
    """

    def __init__(
        self, steps: Steps[ChartApiResult], stop: threading.Event, workers: Worklike, context: Context
    ) -> None:
        self._steps = steps
        self._stop = stop
        self._workers = workers
        self._context = context
        self._lock = threading.Lock()
        self._is_waiting = False
        self._left = asyncio.Event()
        loop = asyncio.get_running_loop()
        self.over: asyncio.Future[None] = loop.create_future()
        self.task = loop.create_task(self._run())

    def wake(self) -> None:
        """Wake the caller."""
        if not self.over.done():
            self.over.set_result(None)

    def give_up(self) -> None:
        """Make no further call, and end the wait."""
        self._stop.set()
        self._left.set()

    async def _run(self) -> ChartApiResult:
        try:
            step = await self._go_on()
            while isinstance(step, float):
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._left.wait(), step)
                step = await self._go_on(soon=True)  # late calls would come all at once
        except asyncio.CancelledError:  # the loop ends
            with self._lock:
                self._stop.set()
            if self._is_waiting:  # else a thread is at work, and goes on to the end
                await asyncio.wait({self._go_on(soon=True)}, timeout=_END_SECONDS)  # a claim may have to be returned
            raise
        finally:
            self.wake()  # sooner than the task would
        return step

    def _go_on(self, *, soon: bool = False) -> asyncio.Future[float | ChartApiResult]:
        self._is_waiting = False
        return self._workers.run(partial(self._context.run, self._advance), soon=soon)

    def _advance(self) -> float | ChartApiResult:
        """Carry out the steps up to the next wait, and return its seconds, or up to the end, and return the result."""
        try:
            while True:
                seconds = next(self._steps)
                with self._lock:
                    if not self._stop.is_set():
                        self._is_waiting = True
                        return float(seconds)
        except StopIteration as end:
            result: ChartApiResult = end.value
            return result
