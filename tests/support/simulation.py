"""An event loop with virtual time and a seeded order, and worker threads of which one runs at a time.

A run depends on its seed alone. So a schedule that fails is found again by its seed.
"""

from __future__ import annotations

import asyncio
import queue
import random
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextvars import Context
from datetime import datetime, timedelta
from typing import TypeVar

import async_solipsism  # type: ignore[import-untyped]

from samples import NOON

__all__ = ["SimulatedClock", "SimulatedWorkers", "simulate"]

T = TypeVar("T")


class _Loop(async_solipsism.EventLoop):  # type: ignore[misc]  # without types
    """Runs what is ready in a random order. A worker may wake it: it stands still while one has its turn."""

    def __init__(self, chance: random.Random) -> None:
        super().__init__()
        self._chance = chance

    def _run_once(self) -> None:
        ready = list(self._ready)
        self._chance.shuffle(ready)
        self._ready.clear()
        self._ready.extend(ready)
        super()._run_once()

    def call_soon_threadsafe(
        self, callback: Callable[..., object], *args: object, context: Context | None = None
    ) -> asyncio.Handle:
        handle: asyncio.Handle = self.call_soon(callback, *args, context=context)
        return handle


def simulate(main: Callable[[random.Random], Coroutine[object, object, T]], seed: int) -> T:
    """Run *main* in virtual time, in the order of *seed*."""
    random.seed(seed)  # of the pauses of an outage
    chance = random.Random(seed)
    loop = _Loop(chance)
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(main(chance))


class SimulatedWorkers:
    """Carries out work in threads that take turns; each turn begins and ends at a random moment of at most *latency* seconds."""

    def __init__(self, chance: random.Random, latency: float = 0.0) -> None:
        self._chance, self._latency = chance, latency
        self._turns: queue.SimpleQueue[float | None] = queue.SimpleQueue()
        self._mine = threading.local()
        self._pending = 0

    def sleep(self, seconds: float) -> None:
        """Let virtual time pass for the work that calls this."""
        self._turns.put(seconds)
        self._mine.turn.get()

    def run(self, work: Callable[[], T], *, soon: bool = False) -> asyncio.Future[T]:
        """Carry out *work*."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        outcome: Future[T] = Future()
        turn: queue.SimpleQueue[None] = queue.SimpleQueue()

        def body() -> None:
            self._mine.turn = turn
            try:
                outcome.set_result(work())
            except BaseException as error:  # noqa: BLE001 (it is raised where the outcome is awaited)
                outcome.set_exception(error)
            self._turns.put(None)

        def begin() -> None:
            _in_a_thread(body)
            go_on()

        def advance() -> None:
            turn.put(None)
            go_on()

        def go_on() -> None:
            if (seconds := self._turns.get()) is None:
                loop.call_later(self._delay(), finish)
            else:
                loop.call_later(seconds, advance)

        def finish() -> None:
            self._pending -= 1
            if not future.done():
                error = outcome.exception()
                future.set_result(outcome.result()) if error is None else future.set_exception(error)

        self._pending += 1
        loop.call_later(self._delay(), begin)
        return future

    async def close(self, last: Callable[[], object], seconds: float) -> None:
        """Carry out *last* after all other work."""
        while self._pending:  # noqa: ASYNC110 (in virtual time)
            await asyncio.sleep(seconds)
        last()

    def _delay(self) -> float:
        return self._chance.uniform(0, self._latency)


_idle: list[queue.SimpleQueue[Callable[[], None]]] = []
"""Threads without work, which begin much quicker than new ones."""


def _in_a_thread(body: Callable[[], None]) -> None:
    """Carry *body* out in a thread of its own until it ends."""
    if _idle:
        return _idle.pop().put(body)
    given: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()

    def serve() -> None:
        while True:
            given.get()()
            _idle.append(given)

    given.put(body)
    return threading.Thread(target=serve, daemon=True).start()


class SimulatedClock:
    """The time of the loop, also in its workers."""

    def __init__(self, workers: SimulatedWorkers) -> None:
        self._loop, self._workers = asyncio.get_running_loop(), workers

    def now(self) -> datetime:
        """Return the date and time: noon when the loop began."""
        return NOON + timedelta(seconds=self._loop.time())

    def monotonic(self) -> float:
        """Return the seconds since the loop began."""
        return self._loop.time()

    def sleep(self, seconds: float) -> None:
        """Let *seconds* pass for the work that calls this."""
        self._workers.sleep(seconds)
