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
from .fetch import Steps, Stop
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
        self._advance = partial(context.run, _advance, steps, stop)
        self._stop = stop
        self._workers = workers
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
        work = self._workers.run(self._advance)
        try:
            while isinstance(step := await work, float):
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._left.wait(), step)
                work = self._workers.run(self._advance, soon=True)  # late calls would come all at once
        except asyncio.CancelledError:  # the loop ends
            self._stop.set()
            if not work.cancelled():  # no thread is at work, and a claim may have to be returned
                await asyncio.wait({self._workers.run(self._advance, soon=True)}, timeout=_END_SECONDS)
            raise
        finally:
            self.wake()  # sooner than the task would
        return step


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
