"""One fetch on a loop: steps in threads, waits on the loop."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from contextvars import ContextVar, copy_context
from typing import TypeVar

import pytest

from chartimg.app.async_fetch import CallersFetch
from chartimg.app.fetch import Steps
from chartimg.app.flights import Waiter
from chartimg.app.workers import Workers
from chartimg.domain.result import ChartApiSuccess, FetchResult, Source
from command import eventually, holds
from patience import LONG
from rows import for_each

T = TypeVar("T")
RESULT = ChartApiSuccess(png_bytes=b"png", source=Source.HTTP)
NAME: ContextVar[str] = ContextVar("name", default="nobody")


def fetch_of(steps: Callable[[threading.Event], Steps[FetchResult]]) -> CallersFetch:
    """Begin a fetch of these *steps*."""
    fetch = CallersFetch(Waiter(threading.Event()))
    fetch.begin(steps(fetch.waiter.stop), Workers(4), copy_context())
    return fetch


def test_steps_run_in_threads_in_the_context_of_the_caller_and_waits_are_on_the_loop() -> None:
    """Each step sees the caller's context variables and those that earlier steps set, and no thread waits between them."""
    seen: list[tuple[bool, str]] = []
    here = threading.get_ident()

    def steps(_: threading.Event) -> Steps[FetchResult]:
        seen.append((threading.get_ident() == here, NAME.get()))
        NAME.set("fetch")
        yield 0.01
        seen.append((threading.get_ident() == here, NAME.get()))
        yield 0
        return RESULT

    async def _main() -> FetchResult:
        NAME.set("caller")
        result = await fetch_of(steps).task
        assert "caller" == NAME.get()
        return result

    assert RESULT is asyncio.run(_main())
    assert [(False, "caller"), (False, "fetch")] == seen


def test_a_wait_takes_its_seconds() -> None:
    """A wait is over after its seconds, and not before."""

    def steps(_: threading.Event) -> Steps[FetchResult]:
        yield 0.05
        return RESULT

    async def _main() -> None:
        await fetch_of(steps).task

    started = time.monotonic()
    asyncio.run(_main())

    assert 0.049 <= time.monotonic() - started < LONG


def test_a_fetch_that_is_given_up_waits_no_longer() -> None:
    """Giving a fetch up ends its wait and all further ones; its steps learn of it, and the result is theirs."""
    waits: list[bool] = []

    def steps(stop: threading.Event) -> Steps[FetchResult]:
        for _ in range(3):
            waits.append(stop.is_set())
            yield 1_000.0
        return RESULT

    async def _main() -> FetchResult:
        fetch = fetch_of(steps)
        await holds(lambda: bool(waits))
        fetch.give_up()
        fetch.give_up()
        return await asyncio.wait_for(fetch.task, LONG)

    assert RESULT is asyncio.run(_main())
    assert [False, True, True] == waits


@pytest.mark.parametrize("error", [ValueError, MemoryError])
def test_an_error_of_a_step_is_that_of_the_fetch(error: type[Exception]) -> None:
    """An exception of a step ends the fetch with that exception."""

    def steps(_: threading.Event) -> Steps[FetchResult]:
        yield 0.0
        raise error

    async def _main() -> None:
        await fetch_of(steps).task

    with pytest.raises(error):
        asyncio.run(_main())


@for_each("later", range(6))
def test_the_end_of_the_loop_ends_the_steps(later: int) -> None:
    """Whenever the loop ends, at a wait, in a step or between them, the steps come to their end, and so return a claim."""
    ended, gate = threading.Event(), threading.Event()

    def steps(stop: threading.Event) -> Steps[FetchResult]:
        try:
            gate.set()
            while not stop.is_set():
                yield 1_000.0
        finally:
            ended.set()
        return RESULT

    async def _main() -> CallersFetch:
        fetch = fetch_of(steps)
        await holds(gate.is_set, pause=0.0)
        for _ in range(later):
            await asyncio.sleep(0)
        return fetch

    for _ in range(20):  # threads differ
        ended.clear()
        gate.clear()
        fetch = asyncio.run(_main())
        assert fetch.task.cancelled()
        del fetch
        eventually(ended.is_set)


def test_a_step_that_ended_just_before_the_loop_is_followed_by_the_end_of_the_steps() -> None:
    """If a thread has come to a wait, and the loop ends before it hears of that, the steps still come to their end."""
    stops: list[threading.Event] = []
    ended = threading.Event()

    class Unheard:
        """Carries out work at once; the loop does not hear of the first outcome."""

        def run(self, work: Callable[[], T], *, soon: bool = False) -> asyncio.Future[T]:
            """Carry out *work*."""
            future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
            outcome = work()
            if soon:
                future.set_result(outcome)
            return future

        async def close(self, last: Callable[[], object], seconds: float) -> None:
            """Do nothing."""

    def steps() -> Steps[FetchResult]:
        try:
            while not stops[0].is_set():
                yield 1_000.0
        finally:
            ended.set()
        return RESULT

    async def _main() -> None:
        fetch = CallersFetch(Waiter(threading.Event()))
        stops.append(fetch.waiter.stop)
        fetch.begin(steps(), Unheard(), copy_context())
        await asyncio.sleep(0)
        fetch.task.cancel()
        await asyncio.wait({fetch.task})

    asyncio.run(_main())

    assert ended.is_set()
