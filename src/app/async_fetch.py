"""The asynchronous driver of a fetch: its steps in worker threads, its waits on the loop.

The caller of a fetch may leave at any moment. A fetch that others wait for (see :mod:`chartimg.app.flights`) goes on. Else a
call that has begun is paid for, so it goes on to its end; no other call follows, a failure is booked, and a claim that was not
sent is returned.
"""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from contextvars import Context
from functools import partial
from typing import Final

from ..domain.result import FetchResult
from .fetch import Steps, Until
from .flights import Waiter
from .workers import Worklike

__all__ = ["CallersFetch"]

_END_SECONDS: Final = 1.0  # for a claim to be returned when the loop ends


class CallersFetch:
    """The fetch of one caller, under way.

    Args:
        waiter: the caller.

    Attributes:
        waiter: the caller.
        over: wakes the caller when the task has come to its end; the caller may cancel it.
        task: ends with the result. Nobody but the end of the loop cancels it.
    """

    def __init__(self, waiter: Waiter) -> None:
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._is_waiting = False
        self._woken = asyncio.Event()
        self.waiter = waiter
        waiter.wake = self._wake_steps
        self.over: asyncio.Future[None] = self._loop.create_future()
        self.task: asyncio.Task[FetchResult]

    def begin(self, steps: Steps[FetchResult], workers: Worklike, context: Context) -> None:
        """Let *workers* carry out *steps* in *context*, with the caller's context variables."""
        self._steps, self._workers, self._context = steps, workers, context
        self.task = self._loop.create_task(self._run())

    def wake(self) -> None:
        """Wake the caller."""
        if not self.over.done():
            self.over.set_result(None)

    def give_up(self) -> None:
        """Make no further call, and end the wait, although others may wait for this fetch."""
        self.waiter.stop.set()
        self._woken.set()

    def _wake_steps(self) -> None:
        """End the wait of the steps, from any thread."""
        with suppress(RuntimeError):  # the loop has ended, and with it the wait
            self._loop.call_soon_threadsafe(self._woken.set)

    async def _run(self) -> FetchResult:
        try:
            step = await self._go_on()
            while isinstance(step, float | Until):
                if isinstance(step, Until):
                    step.happening.then(self._wake_steps)
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._woken.wait(), step.seconds if isinstance(step, Until) else step)
                self._woken.clear()
                step = await self._go_on(soon=True)  # late calls would come all at once
        except asyncio.CancelledError:  # the loop ends
            with self._lock:
                self.waiter.stop.set()
            if self._is_waiting:  # else a thread is at work, and goes on to the end
                await asyncio.wait({self._go_on(soon=True)}, timeout=_END_SECONDS)  # a claim may have to be returned
            raise
        finally:
            self.wake()  # sooner than the task would
            self.waiter.wake = tuple  # no cycle of objects holds the picture
        return step

    def _go_on(self, *, soon: bool = False) -> asyncio.Future[float | Until | FetchResult]:
        self._is_waiting = False
        return self._workers.run(partial(self._context.run, self._advance), soon=soon)

    def _advance(self) -> float | Until | FetchResult:
        """Carry out the steps up to the next wait, and return it, or up to the end, and return the result."""
        try:
            while True:
                wait = next(self._steps)
                with self._lock:
                    if not self.waiter.stop.is_set():
                        self._is_waiting = True
                        return wait if isinstance(wait, Until) else float(wait)
        except StopIteration as end:
            result: FetchResult = end.value
            return result
