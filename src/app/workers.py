"""Threads for work that blocks, on behalf of an event loop."""

from __future__ import annotations

import asyncio
import queue
import threading
import weakref
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, Final, Protocol, TypeVar

from ..fork import begin_in_children

__all__ = ["Workers", "Worklike"]

T = TypeVar("T")
_POLL_SECONDS: Final = 0.005
Job = Callable[[], None]


class Worklike(Protocol):
    """Carries out work that blocks, and ends a wait on the loop with its outcome."""

    def run(self, work: Callable[[], T], *, soon: bool = False) -> asyncio.Future[T]:
        """Return the outcome of *work*, to be awaited; carry it out before other work if it has to be *soon*."""
        ...

    async def close(self, last: Callable[[], object], seconds: float) -> None:
        """Let the threads end within *seconds*, then carry out *last*, within as many."""
        ...


class Workers:
    """At most *limit* daemon threads. Each begins when there is work for it, and none holds the process.

    ``concurrent.futures`` is not used, since it joins its threads before the process ends: a call of a minute would hold it.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._is_closed = False
        self.begin()
        begin_in_children(self)

    def begin(self) -> None:
        """Have no thread and no work: at first, and in a forked child."""
        self._jobs = _Jobs()
        self._threads: list[threading.Thread] = []
        self._pending = 0
        self._ended: deque[tuple[asyncio.Future[Any], Callable[[], None]]] = deque()
        self._woken: asyncio.AbstractEventLoop | None = None
        weakref.finalize(self, self._jobs.end)

    def run(self, work: Callable[[], T], *, soon: bool = False) -> asyncio.Future[T]:
        """Carry out *work* in a thread, and return its outcome, to be awaited. If nobody waits, it is carried out all the same."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def job() -> None:
            try:
                self._ended.append((future, partial(future.set_result, work())))
            except BaseException as error:  # noqa: BLE001 (it is raised where the outcome is awaited)
                self._ended.append((future, partial(future.set_exception, error)))
            if self._woken is not loop:  # one call wakes it for all work that has ended
                self._woken = loop
                with suppress(RuntimeError):  # the loop has ended, and with it everyone who waited
                    loop.call_soon_threadsafe(self._finish)

        if self._is_closed:
            self._begin_thread(job)
        else:
            if len(self._threads) < min(self._pending + 1, self._limit):
                self._begin_thread(self._jobs.carry_out)
            self._jobs.put(job, soon=soon)
        self._pending += 1
        return future

    def _finish(self) -> None:
        """End the waits for work that has ended."""
        self._woken = None
        while self._ended:
            future, finish = self._ended.popleft()
            self._pending -= 1
            if not (future.done() or future.get_loop().is_closed()):
                finish()

    async def close(self, last: Callable[[], object], seconds: float) -> None:
        """Let all threads end within *seconds*, then carry out *last*, within as many. Later work has a thread of its own."""
        self._is_closed = True
        self._jobs.end()
        await self._all_ended(seconds)
        closed = self.run(last)
        await asyncio.wait({closed}, timeout=seconds)
        if closed.done():
            await self._all_ended(seconds)
            closed.result()

    async def _all_ended(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        ends = loop.time() + seconds
        while any(thread.is_alive() for thread in self._threads) and loop.time() < ends:  # noqa: ASYNC110 (threads tell nobody)
            await asyncio.sleep(_POLL_SECONDS)

    def _begin_thread(self, target: Job) -> None:
        thread = threading.Thread(target=target, name=f"chartimg-worker-{len(self._threads) + 1}", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # the system has no further thread
            if self._is_closed or not self._threads:
                raise
        else:
            self._threads.append(thread)


class _Jobs:
    """Jobs that wait for a thread, in the order in which they came; those that have to be soon go first."""

    def __init__(self) -> None:
        self._soon: deque[Job] = deque()
        self._later: deque[Job] = deque()
        self._tokens: queue.SimpleQueue[int] = queue.SimpleQueue()  # 1 for each job, 0 for the end

    def put(self, job: Job, *, soon: bool) -> None:
        """Add *job*."""
        (self._soon if soon else self._later).append(job)
        self._tokens.put(1)

    def end(self) -> None:
        """Let all threads end after the jobs that wait."""
        self._tokens.put(0)

    def carry_out(self) -> None:
        """Carry out jobs until the end."""
        while self._tokens.get():
            try:
                job = self._soon.popleft()
            except IndexError:
                job = self._later.popleft()
            job()
            del job  # not to hold the caller's objects during the wait
        self.end()  # the next thread, too
