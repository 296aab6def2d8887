"""The asynchronous client with real threads and a real loop: callers who leave, its end, and a fork."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

import attrs
import pytest

from chartimg import (
    Account,
    AccountPool,
    AsyncChartClient,
    ChartApiResult,
    ChartRequest,
    ConfigError,
    FaultKind,
    RetryPolicy,
    StoreUnavailable,
)
from chartimg.adapters.memory import MemoryAccountStore
from chartimg.adapters.sqlite import SqliteAccountStore
from chartimg.app.pool import Pool
from chartimg.domain.account import AccountSnapshot, AccountState
from chartimg.domain.events import CallStarted, Event, FetchFinished, PictureKept
from chartimg.domain.ports import AccountStore
from chartimg.domain.reply import Reply
from chartimg.domain.result import Source
from chartimg.testing import Answer, EventLog, Outcome, ScriptedTransport, picture
from command import eventually, holds
from loopback import serving, stall
from patience import LONG
from rows import for_each

LOOK = {"width": 640, "height": 480}
REQUEST = ChartRequest("BINANCE:BTCUSDT", "1h", "price_v1", LOOK)
EQUAL = attrs.evolve(REQUEST, chart_template_id="price_v2")
PNG, LATER = picture(640, 480), picture(640, 481)
QUICK = Account("a", "key-of-a", daily_limit=9, requests_per_second=100.0, burst=9)
BASIC = Account("a", "key-of-a", plan="BASIC")
WIDE = attrs.evolve(REQUEST, payload={"width": 1000, "height": 750})
SLOW = attrs.evolve(QUICK, requests_per_second=0.01, burst=1)
POLICY = RetryPolicy(max_attempts=3, base_delay=0.001, max_delay=0.001, deadline=1_000.0)


def different(number: int) -> ChartRequest:
    """Return a request with a body of its own."""
    return attrs.evolve(REQUEST, payload={**LOOK, "shiftRight": 1 + number})


class Gate:
    """A place where a worker thread stops until it may go on."""

    def __init__(self) -> None:
        """Be closed."""
        self.reached, self.opened = threading.Event(), threading.Event()

    def __call__(self) -> None:
        """Stop here."""
        self.reached.set()
        assert self.opened.wait(LONG)

    async def met(self) -> None:
        """Wait for a thread, on the loop."""
        await holds(self.reached.is_set)

    def answer(self, outcome: Outcome) -> Answer:
        """Return an answer that stops here."""

        def answered(*_: object) -> Outcome:
            self()
            return outcome

        return answered


class GatedStore(MemoryAccountStore):
    """Books in memory, with a gate before the reads or the swaps that a test chooses."""

    def __init__(self) -> None:
        """Have no gate."""
        super().__init__()
        self.before: dict[str, Callable[[], None]] = {}

    def read(self, account_ids: Sequence[str]) -> tuple[AccountSnapshot | None, ...]:
        """Pass the gate, and read."""
        self.before.get("read", bool)()
        return super().read(account_ids)

    def replace(self, old: AccountSnapshot | None, new: AccountSnapshot) -> bool:
        """Pass the gate, and swap."""
        self.before.get("replace", bool)()
        return super().replace(old, new)


async def gone(task: asyncio.Task[ChartApiResult], times: int) -> None:
    """Cancel *task* so often, and check that it is gone at once."""
    for _ in range(times):
        task.cancel()
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await task


def client_of(
    *script: Outcome | Answer, account: Account = QUICK, store: AccountStore | None = None, log: EventLog | None = None
) -> tuple[AsyncChartClient, ScriptedTransport, Pool]:
    """Make a client with one account."""
    transport, listener = ScriptedTransport(script), EventLog() if log is None else log
    pool = AccountPool([account], store or MemoryAccountStore(), listener=listener)
    return AsyncChartClient(transport=transport, accounts=pool, policy=POLICY, listener=listener), transport, pool


# Callers who leave


@for_each("cancels", [1, 2])
@for_each("stage", ["taken", "waited for", "confirmed"])
def test_a_claim_whose_caller_leaves_is_given_back(stage: str, cancels: int) -> None:
    """If the caller leaves while the claim is taken, waited for or confirmed, no call follows, and no unit is spent."""

    async def _main() -> None:
        gate, store = Gate(), GatedStore()
        account = QUICK if stage == "taken" else attrs.evolve(SLOW, requests_per_second=20.0)
        client, transport, pool = client_of(
            Reply(200, body=PNG), account=SLOW if stage == "waited for" else account, store=store
        )
        if stage != "taken":
            assert await client.fetch(REQUEST)
        sent = len(transport.calls)
        if stage == "taken":
            store.before["replace"] = gate
        task = asyncio.create_task(client.fetch(REQUEST))
        if stage != "taken":
            await holds(lambda: pool.status()[0].used == sent + 1)
        if stage == "confirmed":
            store.before["read"] = gate
        if stage != "waited for":
            await gate.met()
        await gone(task, cancels)
        store.before.clear()
        gate.opened.set()
        await client.aclose()

        assert (sent, sent) == (len(transport.calls), pool.status()[0].used)

    asyncio.run(_main())


@pytest.mark.parametrize("cancels", [1, 2])
def test_a_picture_whose_caller_leaves_is_kept_for_the_next_equal_request(cancels: int) -> None:
    """If the caller leaves during the call, it goes on, is told, and the next equal request gets its picture once."""

    async def _main() -> None:
        gate, log = Gate(), EventLog()
        client, transport, pool = client_of(gate.answer(Reply(200, body=PNG)), Reply(200, body=LATER), log=log)
        async with client:
            task = asyncio.create_task(client.fetch(REQUEST))
            await gate.met()
            await gone(task, cancels)
            gate.opened.set()
            await holds(lambda: bool(log.of(PictureKept)))
            again, later = await client.fetch(EQUAL), await client.fetch(EQUAL)

        assert (PNG, Source.CACHE, (), "a") == (again.png_bytes, again.source, again.attempts, again.account_id)
        assert (LATER, Source.HTTP) == (later.png_bytes, later.source)
        (kept,) = log.of(PictureKept)
        assert (str(REQUEST.key), "a", len(PNG)) == (kept.chart, kept.account_id, kept.size)
        assert log.of(CallStarted)[0].fetch_id == kept.fetch_id != again.fetch_id
        assert (2, 2) == (len(transport.calls), pool.status()[0].used)

    asyncio.run(_main())


@for_each("cancels", [1, 2])
@for_each(
    ("reply", "state"),
    [
        (Reply(503), AccountState.AVAILABLE),
        (Reply(429, body=b'{"message":"Limit Exceeded"}'), AccountState.EXHAUSTED),
        (Reply(403, body=b'{"message":"Forbidden"}'), AccountState.SUSPENDED),
    ],
)
def test_a_failure_whose_caller_leaves_is_booked_and_ends_the_fetch(
    reply: Reply, state: AccountState, cancels: int
) -> None:
    """If the caller leaves during a call that fails, the failure is booked, the unit stays spent, and no call follows."""

    async def _main() -> None:
        gate, log = Gate(), EventLog()
        client, transport, pool = client_of(gate.answer(reply), log=log)
        task = asyncio.create_task(client.fetch(REQUEST))
        await gate.met()
        await gone(task, cancels)
        gate.opened.set()
        await client.aclose()

        (status,) = pool.status()
        assert (1, state) == (len(transport.calls), status.state)
        assert status.used == (QUICK.daily_limit if state is AccountState.EXHAUSTED else 1)
        assert [] == log.of(PictureKept)

    asyncio.run(_main())


@for_each("later", range(8))
def test_a_picture_is_returned_or_kept_whenever_the_caller_leaves_at_the_end(later: int) -> None:
    """From the end of the call up to the caller's own next step, a cancellation loses no picture."""

    async def _main() -> None:
        loop, tasks = asyncio.get_running_loop(), list[asyncio.Task[ChartApiResult]]()

        def leave(iterations: int) -> None:
            if iterations:
                loop.call_soon(leave, iterations - 1)
            else:
                tasks[0].cancel()

        class AtTheEnd(EventLog):
            """Lets the caller leave some iterations of the loop after the fetch has ended in its thread."""

            def notify(self, event: Event) -> None:
                """Look for the end."""
                super().notify(event)
                if isinstance(event, FetchFinished):
                    loop.call_soon_threadsafe(leave, later)

        log = AtTheEnd()
        client, _, _ = client_of(Reply(200, body=PNG), log=log)
        tasks.append(asyncio.create_task(client.fetch(REQUEST)))
        with suppress(asyncio.CancelledError):
            assert PNG == (await tasks[0]).png_bytes
        await client.aclose()

        assert 1 == len(log.of(PictureKept)) + (not tasks[0].cancelled())

    for _ in range(20):  # threads differ
        asyncio.run(_main())


@pytest.mark.parametrize("refusals", [0, 1])
def test_a_picture_that_was_changed_is_kept_for_the_same_request(refusals: int) -> None:
    """A caller who leaves during the call of a cut chart, at another exchange, leaves its picture to the next equal fetch."""

    async def _main() -> None:
        gate, log = Gate(), EventLog()
        script = [Reply(422, body=b'{"message":"Invalid Symbol"}')] * refusals
        client, transport, _ = client_of(*script, gate.answer(Reply(200, body=picture())), account=BASIC, log=log)
        async with client:
            fetch = partial(client.fetch, WIDE, fit="plan", on_invalid_symbol=["BYBIT"])
            task = asyncio.create_task(fetch())
            await gate.met()
            await gone(task, 1)
            gate.opened.set()
            await holds(lambda: bool(log.of(PictureKept)))
            result = await fetch()

        assert (picture(), Source.CACHE, ()) == (result.png_bytes, result.source, result.attempts)
        assert ["symbol", "width"][1 - refusals :] == sorted(each.path for each in result.warnings)
        assert 1 + refusals == len(transport.calls)

    asyncio.run(_main())


def test_no_other_exchange_is_asked_for_a_caller_who_has_gone() -> None:
    """If the caller leaves during the call that is refused, no call at another exchange follows."""

    async def _main() -> None:
        gate, log = Gate(), EventLog()
        client, transport, _ = client_of(gate.answer(Reply(422, body=b'{"message":"Invalid Symbol"}')), log=log)
        task = asyncio.create_task(client.fetch(REQUEST, on_invalid_symbol=["BYBIT"]))
        await gate.met()
        await gone(task, 1)
        gate.opened.set()
        await client.aclose()

        assert 1 == len(transport.calls) == len(log.of(FetchFinished))

    asyncio.run(_main())


def test_a_kept_picture_is_kept_again_if_its_next_caller_leaves_too() -> None:
    """A kept picture that is on its way to a caller who leaves stays for the next one, and is told once."""

    async def _main() -> None:
        gate, log = Gate(), EventLog()

        class Stopping(EventLog):
            """Stops the thread at the end of the second fetch."""

            def notify(self, event: Event) -> None:
                """Look for the picture that was kept."""
                log.notify(event)
                if isinstance(event, FetchFinished) and event.source is Source.CACHE and not gate.reached.is_set():
                    gate()

        first = Gate()
        client, transport, _ = client_of(first.answer(Reply(200, body=PNG)), log=Stopping())
        async with client:
            for each in (first, gate):
                task = asyncio.create_task(client.fetch(REQUEST))
                await each.met()
                await gone(task, 1)
                each.opened.set()
                await holds(lambda: bool(log.of(PictureKept)))
            await holds(lambda: len(log.of(FetchFinished)) == 2)
            await asyncio.sleep(0.05)

            assert PNG == (await client.fetch(REQUEST)).png_bytes
        assert (1, 1) == (len(transport.calls), len(log.of(PictureKept)))

    asyncio.run(_main())


def test_an_error_of_the_store_reaches_its_caller_and_no_one_else() -> None:
    """A store that fails raises in the fetch, and where the caller has left it is no error of the loop."""

    class Broken(GatedStore):
        """Fails after its gate."""

        def read(self, account_ids: Sequence[str]) -> tuple[AccountSnapshot | None, ...]:
            """Fail."""
            super().read(account_ids)
            raise StoreUnavailable("gone")

    async def _main() -> None:
        problems: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: problems.append(context))
        gate, store = Gate(), Broken()
        client, transport, _ = client_of(store=store)
        async with client:
            with pytest.raises(StoreUnavailable, match="gone"):
                await client.fetch(REQUEST)
            store.before["read"] = gate
            task = asyncio.create_task(client.fetch(REQUEST))
            await gate.met()
            await gone(task, 1)
            gate.opened.set()

        assert ([], []) == (transport.calls, problems)

    asyncio.run(_main())


# Threads


def test_a_fetch_without_a_free_thread_ends_in_time() -> None:
    """If all threads are busy up to the deadline, the fetch fails with NO_ACCOUNT, and says what to raise."""

    async def _main() -> None:
        gate = Gate()
        transport = ScriptedTransport([gate.answer(Reply(200, body=PNG))])
        pool = AccountPool([QUICK])
        async with AsyncChartClient(transport=transport, accounts=pool, in_flight=1, policy=POLICY) as client:
            first = asyncio.create_task(client.fetch(REQUEST))
            await gate.met()
            result = await client.fetch(EQUAL, deadline=0.01)
            gate.opened.set()

            assert result.error is not None
            assert FaultKind.NO_ACCOUNT is result.error.kind
            assert "raise in_flight" in result.error.message
            assert await first
        assert (1, 1) == (len(transport.calls), pool.status()[0].used)

    asyncio.run(_main())


def test_events_come_from_worker_threads_and_each_has_the_name_of_its_fetch() -> None:
    """No event is told on the loop, and events of fetches at once, with the store's and the kept pictures', are told apart."""
    told: list[tuple[int, Event]] = []

    class Where:
        """Keeps the thread of each event."""

        def notify(self, event: Event) -> None:
            """Keep it."""
            told.append((threading.get_ident(), event))

    async def _main() -> list[ChartApiResult]:
        spent = Reply(429, body=b'{"message":"Limit Exceeded"}')
        gate = Gate()
        transport = ScriptedTransport(
            [spent, Reply(200, body=PNG), Reply(200, body=PNG), gate.answer(Reply(200, body=PNG))]
        )
        accounts = [QUICK, attrs.evolve(QUICK, id="b", api_key="key-of-b")]
        async with AsyncChartClient(transport=transport, accounts=accounts, policy=POLICY, listener=Where()) as client:
            results = list(await asyncio.gather(client.fetch(REQUEST), client.fetch(different(0))))
            task = asyncio.create_task(client.fetch(REQUEST))
            await gate.met()
            await gone(task, 1)
            gate.opened.set()
        return results

    results = asyncio.run(_main())

    assert threading.get_ident() not in {thread for thread, _ in told}
    names = {event.fetch_id for _, event in told}
    assert 3 == len(names)
    assert {result.fetch_id for result in results} < names
    for result in results:
        calls = [event for _, event in told if isinstance(event, CallStarted) and event.fetch_id == result.fetch_id]
        assert len(result.attempts) == len(calls)


# The end


def test_a_closed_client_raises_at_once() -> None:
    """A client that is closed, or closing, refuses a fetch; closing it again does nothing."""

    async def _main() -> None:
        gate = Gate()
        client, _, _ = client_of(gate.answer(Reply(200, body=PNG)))
        task = asyncio.create_task(client.fetch(REQUEST))
        await gate.met()
        closing = asyncio.create_task(client.aclose())
        await asyncio.sleep(0)
        with pytest.raises(ConfigError, match="the client is closed"):
            await client.fetch(REQUEST)
        gate.opened.set()
        await asyncio.gather(closing, client.aclose())
        assert PNG == (await task).png_bytes
        await client.aclose()
        with pytest.raises(ConfigError, match="the client is closed"):
            await client.fetch(REQUEST)

    asyncio.run(_main())


def test_closing_wakes_whoever_waits() -> None:
    """A fetch that waits for pace ends at once with STOPPED when the client closes, and its unit is returned."""

    async def _main() -> None:
        client, transport, pool = client_of(Reply(200, body=PNG), account=SLOW)
        assert await client.fetch(REQUEST)
        waiting = [asyncio.create_task(client.fetch(different(number))) for number in range(3)]
        await holds(lambda: pool.status()[0].used == 4)
        await client.aclose()
        results = await asyncio.gather(*waiting)

        assert [FaultKind.STOPPED] * 3 == [result.error.kind for result in results if result.error is not None]
        assert (1, 1) == (len(transport.calls), pool.status()[0].used)

    asyncio.run(_main())


def workers() -> int:
    """Return how many threads of clients there are."""
    return sum(thread.name.startswith("chartimg-worker-") for thread in threading.enumerate())


@pytest.mark.parametrize("cancels", [0, 1, 2])
def test_no_call_outlives_the_drain(cancels: int, tmp_path: Path) -> None:
    """A call that the drain does not see end is cut off and booked; no thread is left, though the closing caller leaves."""
    with serving(otherwise=stall()) as server:
        environ = {
            "CHARTS_API_BASE_URL": server.url,
            "CHART_IMG_API_KEY": "key-of-main",
            "CHARTS_ACCOUNT_STORE": f"sqlite:///{tmp_path}/books",
        }

        async def _main() -> ChartApiResult:
            client = AsyncChartClient.from_env(environ)
            task = asyncio.create_task(client.fetch(REQUEST))
            await holds(lambda: bool(server.requests))
            closing = asyncio.create_task(client.aclose(drain=0.05))
            for _ in range(cancels):
                await asyncio.sleep(0.01)
                closing.cancel()
            with suppress(asyncio.CancelledError):
                await closing
            await client.aclose()
            await holds(lambda: not workers())
            return await task

        result = asyncio.run(_main())

    assert result.error is not None
    assert (FaultKind.NETWORK, 1) == (result.error.kind, len(result.attempts))
    pool = AccountPool([Account("main", "key-of-main")], SqliteAccountStore(tmp_path / "books"))
    assert 1 == pool.status()[0].used
    pool.close()


def test_the_end_of_the_loop_during_the_drain_closes_all_the_same(tmp_path: Path) -> None:
    """If the loop ends while a client closes, its calls are cut off, and no thread is left."""
    with serving(otherwise=stall()) as server:
        environ = {
            "CHARTS_API_BASE_URL": server.url,
            "CHART_IMG_API_KEY": "key-of-main",
            "CHARTS_ACCOUNT_STORE": "memory://",
        }

        async def _main() -> AsyncChartClient:
            client = AsyncChartClient.from_env(environ)
            asyncio.get_running_loop().create_task(client.fetch(REQUEST)).add_done_callback(lambda _: None)
            await holds(lambda: bool(server.requests))
            closing = asyncio.create_task(client.aclose(drain=LONG))
            await asyncio.wait({closing}, timeout=0.01)
            return client

        client = asyncio.run(_main())

        eventually(lambda: not workers())
        asyncio.run(client.aclose())


def test_the_end_of_the_loop_returns_claims_that_wait(tmp_path: Path) -> None:
    """If the loop ends without the client being closed, claims that wait for pace are returned before the loop is over."""
    store = SqliteAccountStore(tmp_path / "books")

    async def _main() -> None:
        client, _, pool = client_of(Reply(200, body=PNG), account=SLOW, store=store)
        assert await client.fetch(REQUEST)
        for number in range(3):
            asyncio.get_running_loop().create_task(client.fetch(different(number))).add_done_callback(lambda _: None)
        await holds(lambda: pool.status()[0].used == 4)

    asyncio.run(_main())

    assert 1 == AccountPool([SLOW], store).status()[0].used
    store.close()


# A fork


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_child_leaves_the_fetches_of_its_parent_alone(tmp_path: Path) -> None:
    """A child fetches and closes for itself; it neither waits for its parent's fetches nor returns their units."""

    async def _work(client: AsyncChartClient) -> bool:
        failure = await client.fetch(EQUAL, deadline=LONG)
        await client.aclose(drain=LONG)
        return failure.error is not None and failure.error.kind is FaultKind.NO_ACCOUNT

    async def _main() -> tuple[int, int, bool]:
        client, _, pool = client_of(Reply(200, body=PNG), account=SLOW, store=SqliteAccountStore(tmp_path / "books"))
        assert await client.fetch(REQUEST)
        task = asyncio.create_task(client.fetch(REQUEST))
        await holds(lambda: pool.status()[0].used == 2)
        child = os.fork()
        if not child:
            failed = True
            try:
                failed = not asyncio.run(asyncio.wait_for(_work(client), LONG / 2))
            finally:
                os._exit(failed)
        code = await asyncio.to_thread(lambda: os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        used = pool.status()[0].used
        await client.aclose()
        pool.close()
        return code, used, (await task).ok

    assert (0, 2, False) == asyncio.run(_main())


@pytest.mark.parametrize("drain", [-1, float("nan"), float("inf"), 10**200])
def test_a_time_to_drain_that_no_clock_can_wait_is_refused(drain: float) -> None:
    """Seconds below zero or above a day are a ConfigError, and the client stays open."""

    async def main() -> None:
        """Close a client with a mistake, use it, and close it."""
        client, _, _ = client_of(Reply(200, body=picture()))
        with pytest.raises(ConfigError, match="drain must be a number of seconds from 0 to a day"):
            await client.aclose(drain=drain)
        assert (await client.fetch(REQUEST)).ok
        await client.aclose(drain=0)

    asyncio.run(main())


# Lists


def test_a_list_whose_caller_leaves_is_kept_for_the_day() -> None:
    """A list is paid for like a picture: the call goes on without its caller, and serves those who ask later."""

    async def _main() -> None:
        gate, log = Gate(), EventLog()
        client, transport, _ = client_of(gate.answer(Reply(200, body=b'{"payload": ["NASDAQ"]}')), log=log)
        async with client:
            first, second = (asyncio.create_task(client.exchanges()) for _ in range(2))
            await gate.met()
            first.cancel()
            with pytest.raises(asyncio.CancelledError):
                await first
            second.cancel()
            with pytest.raises(asyncio.CancelledError):
                await second
            gate.opened.set()
            await holds(lambda: bool(log.of(PictureKept)))
            later, again = await client.exchanges(), await client.exchanges()

        assert [["NASDAQ"]] * 2 == [[each.id for each in listed] for listed in (later, again) if listed.ok]
        assert ([Source.CACHE] * 2, 1) == ([later.source, again.source], len(transport.calls))

    asyncio.run(_main())


def test_equal_lists_at_one_moment_share_a_call() -> None:
    """All who ask for a list while it comes get it, for one unit."""

    async def _main() -> None:
        gate = Gate()
        client, transport, pool = client_of(gate.answer(Reply(200, body=b'{"payload": [{"symbol": "AAPL"}]}')))
        async with client:
            asked = [asyncio.create_task(client.symbols("NASDAQ", search=text)) for text in ("", "aap", "x")]
            await gate.met()
            await asyncio.sleep(0)
            gate.opened.set()
            lists = await asyncio.gather(*asked)

        assert [1, 1, 0] == [len(listed) for listed in lists if listed.ok]
        assert (1, 1) == (len(transport.calls), pool.status()[0].used)

    asyncio.run(_main())


def test_a_list_without_a_free_thread_is_read_after_the_client_is_closed() -> None:
    """A client that is closed while its caller has not gone on yet still hands on the list."""

    async def _main() -> None:
        gate = Gate()
        client, _, _ = client_of(gate.answer(Reply(200, body=b'{"payload": ["NASDAQ"]}')))
        asked = asyncio.create_task(client.exchanges())
        await gate.met()
        closing = asyncio.create_task(client.aclose())
        await asyncio.sleep(0)
        gate.opened.set()
        await closing

        assert (await asked).ok

    asyncio.run(_main())
