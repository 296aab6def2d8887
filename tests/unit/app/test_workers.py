"""Threads for work that blocks, on behalf of an event loop."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import time
import weakref
from collections.abc import Callable
from typing import NoReturn

import pytest

from chartimg.app.workers import Workers
from command import eventually
from patience import LONG


class OddError(BaseException):
    """Not even an Exception."""


def alive(name: str = "chartimg-worker-") -> int:
    """Return how many worker threads there are."""
    return sum(thread.name.startswith(name) for thread in threading.enumerate())


@pytest.fixture(autouse=True)
def no_thread_is_left() -> None:
    """Begin without the threads of other tests."""
    gc.collect()
    eventually(lambda: not alive())


def test_the_outcome_of_work_is_awaited() -> None:
    """A result is returned and an error of any kind is raised where the work is awaited, and the thread goes on."""

    def fail(error: BaseException) -> NoReturn:
        raise error

    async def _main() -> None:
        workers = Workers(1)
        for error in (ValueError("no"), OddError(), asyncio.CancelledError()):
            with pytest.raises(type(error)):
                await workers.run(lambda error=error: fail(error))  # type: ignore[misc]
            assert 7 == await workers.run(lambda: 7)
        assert 1 == alive()

    asyncio.run(_main())


def test_threads_begin_as_work_needs_them_up_to_the_limit() -> None:
    """Work one after the other needs one thread; a crowd needs no more than the limit, and all daemons."""

    async def _main() -> None:
        workers, gate = Workers(3), threading.Event()
        for _ in range(5):
            await workers.run(int)
        assert 1 == alive()
        crowd = [workers.run(lambda: gate.wait(LONG)) for _ in range(20)]
        assert 3 == alive()
        assert all(thread.daemon for thread in threading.enumerate() if thread.name.startswith("chartimg-worker-"))
        gate.set()
        assert [True] * 20 == await asyncio.gather(*crowd)

    asyncio.run(_main())


def test_work_that_has_to_be_soon_goes_first() -> None:
    """Work is begun in the order in which it came, but for work that has to be soon, which goes before all other."""
    begun: list[int] = []
    gate = threading.Event()

    async def _main() -> None:
        workers = Workers(1)
        workers.run(lambda: gate.wait(LONG))
        crowd = [workers.run(lambda n=n: begun.append(n), soon=n in {2, 4}) for n in range(6)]  # type: ignore[misc]
        gate.set()
        await asyncio.gather(*crowd)

    asyncio.run(_main())

    assert [2, 4, 0, 1, 3, 5] == begun


def test_work_is_carried_out_for_nobody() -> None:
    """Work whose caller has gone, or whose loop has ended, is carried out all the same, without an error."""
    done: list[int] = []
    gate = threading.Event()

    async def _main() -> Workers:
        workers = Workers(1)
        workers.run(lambda: done.append(1)).cancel()
        await workers.run(lambda: done.append(2))
        workers.run(lambda: done.append(gate.wait(LONG) + 2))
        return workers

    workers = asyncio.run(_main())
    gate.set()
    eventually(lambda: [1, 2, 3] == done)
    assert 1 == asyncio.run(_run_on(workers, lambda: 1)), "the next loop can use them"


async def _run_on(workers: Workers, work: Callable[[], int]) -> int:
    return await workers.run(work)


def test_threads_end_with_their_owner() -> None:
    """The threads of workers that are no longer in use end, and an idle one holds no object of its last work."""

    class Held:
        """An object of a caller."""

        def use(self) -> None:
            """Do nothing."""

    async def _main() -> weakref.ref[Held]:
        workers, held = Workers(2), Held()
        await workers.run(held.use)
        reference = weakref.ref(held)
        del held
        gc.collect()
        await asyncio.sleep(0)
        eventually(lambda: reference() is None)
        return reference

    asyncio.run(_main())
    gc.collect()
    eventually(lambda: not alive())


def test_closing_ends_all_threads_and_then_does_the_last_work() -> None:
    """The last work is done after all other work; then no thread is left, and later work has a thread that ends."""
    done: list[str] = []

    def work() -> None:
        time.sleep(0.01)
        done.append("work")

    async def _main() -> None:
        workers = Workers(2)
        crowd = [workers.run(work) for _ in range(6)]
        await workers.close(lambda: done.append("last"), LONG)
        assert 0 == alive()
        await asyncio.gather(*crowd)
        assert 7 == await asyncio.wait_for(workers.run(lambda: 7), LONG)

    asyncio.run(_main())

    assert [*["work"] * 6, "last"] == done
    eventually(lambda: not alive())


def test_closing_raises_the_error_of_the_last_work() -> None:
    """An error of the last work is raised where the workers are closed."""

    def fail() -> NoReturn:
        raise OSError("disk full")

    async def _main() -> None:
        await Workers(1).close(fail, LONG)

    with pytest.raises(OSError, match="disk full"):
        asyncio.run(_main())


def test_closing_does_not_wait_for_ever() -> None:
    """Work that does not end, and last work that does not, are waited for as long as was said."""
    gate = threading.Event()

    async def _main() -> float:
        workers = Workers(1)
        workers.run(lambda: gate.wait(LONG))
        started = time.monotonic()
        await workers.close(lambda: gate.wait(LONG), 0.05)
        return time.monotonic() - started

    took = asyncio.run(_main())
    gate.set()

    assert 0.1 <= took < LONG / 2


def test_a_system_without_a_further_thread_does_with_those_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no further thread begins, the others do all the work; without any, the caller gets the error, and can try again."""

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    async def _main() -> None:
        workers = Workers(4)
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", refuse)
            with pytest.raises(RuntimeError, match="can't start"):
                workers.run(int)
        assert 0 == await workers.run(int)
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", refuse)
            assert [0] * 9 == await asyncio.gather(*(workers.run(int) for _ in range(9)))
        assert 1 == alive()
        await workers.close(int, LONG)
        assert 0 == alive()

    asyncio.run(_main())


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_child_has_threads_of_its_own() -> None:
    """A child that is forked while all threads of its parent work carries out work of its own."""
    gate = threading.Event()

    async def _main() -> int:
        workers = Workers(1)
        parents = workers.run(lambda: gate.wait(LONG))
        pid = os.fork()
        if not pid:
            asyncio.set_event_loop(None)
            failed = True
            try:
                failed = asyncio.run(_run_on(workers, lambda: 7)) != 7
            finally:
                os._exit(failed)
        gate.set()
        await parents
        return pid

    assert 0 == os.waitstatus_to_exitcode(os.waitpid(asyncio.run(_main()), 0)[1])


def test_any_number_of_threads_may_be_allowed() -> None:
    """If many more threads are allowed than there is work, only those that work begin, and all of them end."""

    async def main() -> list[str]:
        """Do three things, and close."""
        workers = Workers(10**12)
        names = await asyncio.gather(*(workers.run(lambda: threading.current_thread().name) for _ in range(3)))
        await workers.close(bool, LONG)
        return names

    assert len(set(asyncio.run(main()))) <= 3
    Workers(10**12)
    gc.collect()
