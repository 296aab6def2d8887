"""Threads for work that blocks, on behalf of an event loop."""

from __future__ import annotations

import asyncio
import queue
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Final, Protocol, TypeVar

from ..fork import begin_in_children

__all__ = ["Workers", "Worklike"]

T = TypeVar("T")
_POLL_SECONDS: Final = 0.005
Job = Callable[[], None]


class Worklike(Protocol):
    """Carries out work that blocks, and ends a wait on the loop with its outcome."""

    def run(self, work: Callable[[], T]) -> asyncio.Future[T]:
        """Return the outcome of *work*, to be awaited."""
        ...

    async def close(self, last: Callable[[], None], seconds: float) -> None:
        """Carry out *last*, then let the threads end, within *seconds*."""
        ...


class Workers:
    """At most *limit* daemon threads. Each begins when there is work for it, and none holds the process.

    ``concurrent.futures`` is not used, since it joins its threads before the process ends: a call of a minute would hold it.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.begin()
        begin_in_children(self)

    def begin(self) -> None:
        """Have no thread and no work: at first, and in a forked child."""
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._pending = 0
        weakref.finalize(self, _end, self._jobs, self._limit)

    def run(self, work: Callable[[], T]) -> asyncio.Future[T]:
        """Carry out *work* in a thread, and return its outcome, to be awaited. If nobody waits, it is carried out all the same."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def finish(outcome: Future[T]) -> None:
            self._pending -= 1
            if future.done():
                return
            if (error := outcome.exception()) is not None:
                future.set_exception(error)
            else:
                future.set_result(outcome.result())

        def job() -> None:
            outcome: Future[T] = Future()
            try:
                outcome.set_result(work())
            except BaseException as error:  # noqa: BLE001 (it is raised where the outcome is awaited)
                outcome.set_exception(error)
            with suppress(RuntimeError):  # the loop has ended, and with it everyone who waited
                loop.call_soon_threadsafe(finish, outcome)

        self._pending += 1
        if len(self._threads) < min(self._pending, self._limit):
            self._begin_thread(_work, self._jobs)
        self._jobs.put(job)
        return future

    async def close(self, last: Callable[[], None], seconds: float) -> None:
        """Carry out *last* in a thread of its own, then let all threads end, within *seconds*."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + seconds
        self._begin_thread(last)
        _end(self._jobs, self._limit)
        while any(thread.is_alive() for thread in self._threads) and loop.time() < ends:  # noqa: ASYNC110 (threads tell nobody)
            await asyncio.sleep(_POLL_SECONDS)

    def _begin_thread(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args, name=f"chartimg-{len(self._threads) + 1}", daemon=True)
        self._threads.append(thread)
        thread.start()


def _work(jobs: queue.SimpleQueue[Job | None]) -> None:
    """Carry out jobs until there is a None."""
    while (job := jobs.get()) is not None:
        job()


def _end(jobs: queue.SimpleQueue[Job | None], threads: int) -> None:
    """Let so many threads end after the jobs that wait."""
    for _ in range(threads):
        jobs.put(None)
