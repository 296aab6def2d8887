"""Account books on a Redis server: real servers, which are stopped, frozen, cut off and restarted."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import socketserver
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import attrs
import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.backoff import NoBackoff
from redis.cluster import RedisCluster
from redis.retry import Retry
from redis.sentinel import Sentinel

from chartimg import Account, AccountPool, ConfigError, StoreUnavailable
from chartimg.adapters.redis import RedisAccountStore
from chartimg.codec import dump
from chartimg.domain.account import AccountSnapshot, AccountState
from chartimg.domain.errors import StoreBusy
from chartimg.domain.plan import ChartLimits
from chartimg.domain.ports import AccountStore, Clock
from chartimg.testing import AccountStoreContract
from command import eventually, run_python
from redis_server import Proxy, RedisServer, free_port, redis_server, shared_redis, unique_prefix

KEY = "canary-key-4b1e/+x"
PASSWORD = "canary-pass-77"
MIDNIGHT = datetime(2026, 1, 5, tzinfo=UTC)
ODD_IDS = ("ü 🚀", "a\x00b", "line\r\nbreak", '"', "{x}", "}{", "*", " ", "a:swaps", "half \ud800", "-" * 5000)


def snapshot(account_id: str = "a", version: int = 0, reason: str = "") -> AccountSnapshot:
    """Make one."""
    return AccountSnapshot(account_id, MIDNIGHT, MIDNIGHT, "digest", version=version, used=version, reason=reason)


SNAPSHOTS = st.builds(
    AccountSnapshot,
    st.text(st.characters()),
    st.datetimes(timezones=st.just(UTC)),
    st.datetimes(timezones=st.just(UTC)),
    st.text(st.characters()),
    version=st.integers(),
    state=st.sampled_from(AccountState),
    used=st.integers(),
    until=st.none() | st.datetimes(timezones=st.just(UTC)),
    reason=st.text(st.characters()),
    spent=st.booleans(),
    refunded=st.frozensets(st.integers()),
    serial=st.integers(),
    epoch=st.integers(),
    full_at=st.datetimes(timezones=st.just(UTC)),
    learned_limits=st.builds(ChartLimits, *[st.none() | st.integers()] * 3, st.none() | st.booleans()),
)


@pytest.fixture(scope="module")
def redis_url() -> Iterator[str]:
    """The address of a server that others may use, too."""
    with shared_redis() as url:
        yield url


@pytest.fixture
def prefix(redis_url: str) -> Iterator[str]:
    """A prefix of the test's own on the server that is shared."""
    with unique_prefix(redis_url) as own:
        yield own


@pytest.fixture
def store(redis_url: str, prefix: str) -> Iterator[RedisAccountStore]:
    """A store on the server that is shared."""
    made = RedisAccountStore(redis_url, prefix=prefix)
    yield made
    made.close()


@pytest.fixture(scope="module")
def module_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A server of this module's own."""
    with redis_server(tmp_path_factory.mktemp("redis")) as started:
        yield started


@pytest.fixture
def server(module_server: RedisServer) -> RedisServer:
    """A server of the test's own, empty, which it may hold up, but not stop."""
    with module_server.client() as client:
        client.flushall()
        client.script_flush()
    return module_server


@pytest.fixture
def proxy(server: RedisServer) -> Iterator[Proxy]:
    """A way to the server, which knows the scripts already, on which commands and answers get lost."""
    with opened(server.url) as store:
        store.replace(None, snapshot("another"))
        store.read(["another"])
    with Proxy(server.port) as between:
        yield between


@contextmanager
def opened(server: str | redis.Redis | RedisCluster, timeout: float = 5.0) -> Iterator[RedisAccountStore]:
    """Open a store for the length of a ``with`` block."""
    store = RedisAccountStore(server, timeout=timeout)
    try:
        yield store
    finally:
        store.close()


def through(proxy: Proxy) -> str:
    """Give the address of the server by way of *proxy*."""
    return f"redis://127.0.0.1:{proxy.port}"


def books(server: RedisServer, account_id: str = "a") -> str:
    """Name the key of an account."""
    return f"{{chartimg}}:v1:account:{account_id}"


# What is kept, and where


@given(first=SNAPSHOTS, second=SNAPSHOTS)
@settings(
    max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None
)
def test_any_snapshot_is_kept_as_it_is(redis_url: str, first: AccountSnapshot, second: AccountSnapshot) -> None:
    """Every field, with any text and to the microsecond; also as what a swap starts from."""
    second = attrs.evolve(second, account_id=first.account_id)
    with unique_prefix(redis_url) as prefix:
        store = RedisAccountStore(redis_url, prefix=prefix)
        assert store.replace(None, first)
        assert (first,) == store.read([first.account_id])
        assert store.replace(first, second)
        assert (second,) == store.read([first.account_id])
        store.close()


def test_any_id_names_an_account_of_its_own(store: RedisAccountStore) -> None:
    """Whatever characters it has, those with a meaning in keys among them."""
    kept = [snapshot(each, number) for number, each in enumerate(ODD_IDS)]
    for each in kept:
        assert store.replace(None, each)
        assert store.replace(each, attrs.evolve(each, spent=True))

    assert tuple(attrs.evolve(each, spent=True) for each in kept) == store.read(ODD_IDS)


def test_a_prefix_keeps_two_hosts_apart(server: RedisServer) -> None:
    """Even where one is how the other begins; each has books of its own for the same account."""
    stores = [RedisAccountStore(server.url, prefix=prefix) for prefix in ("chartimg", "chartimg:v1", "ch*rtimg", "ü")]
    for version, each in enumerate(stores):
        assert each.replace(None, snapshot(version=version))
    for version, each in enumerate(stores):
        assert (snapshot(version=version),) == each.read(["a"])
        each.close()


@pytest.mark.parametrize("prefix", ["", "{", "}", "a{b}", "a\nb", "\x00"])
def test_a_prefix_that_would_break_the_hash_tag_is_refused(prefix: str) -> None:
    """Before anything is connected."""
    with pytest.raises(ConfigError, match="prefix"):
        RedisAccountStore("redis://127.0.0.1:1", prefix=prefix)


@pytest.mark.parametrize("timeout", [0.0, -1.0, float("nan"), float("inf")])
def test_a_timeout_is_a_time(timeout: float) -> None:
    """Neither none at all nor for ever."""
    with pytest.raises(ConfigError, match="timeout"):
        RedisAccountStore("redis://127.0.0.1:1", timeout=timeout)


def test_a_value_is_the_snapshot_as_json_and_has_no_expiry(server: RedisServer) -> None:
    """A person can read it, and Redis never drops it."""
    with opened(server.url) as store, server.client() as client:
        store.replace(None, snapshot())

        assert dump(snapshot()) == client.get(books(server))
        assert -1 == client.ttl(books(server))


def test_what_is_remembered_of_swaps_is_bounded(server: RedisServer) -> None:
    """The last 64 of an account, however many there were."""
    with opened(server.url) as store, server.client() as client:
        store.replace(None, snapshot())
        for version in range(100):
            assert store.replace(snapshot(version=version), snapshot(version=version + 1))

        assert {books(server), "{chartimg}:v1:swaps:a"} == set(client.keys())
        assert 64 == client.llen("{chartimg}:v1:swaps:a")


def test_the_same_books_in_other_words_are_the_same(server: RedisServer) -> None:
    """Another version of the library may order or indent them otherwise; a swap compares what they say."""
    with opened(server.url) as store, server.client() as client:
        client.set(books(server), json.dumps(dict(reversed(json.loads(dump(snapshot())).items()))))

        assert (snapshot(),) == store.read(["a"])
        assert not store.replace(snapshot(version=1), snapshot(version=2))
        assert not store.replace(None, snapshot(version=2))
        assert store.replace(snapshot(), snapshot(version=1))
        assert (snapshot(version=1),) == store.read(["a"])


def test_books_of_a_version_that_did_not_learn_limits_are_read_and_replaced(server: RedisServer) -> None:
    """What is not in them was not told."""
    old = json.loads(dump(snapshot()))
    del old["told"]
    with opened(server.url) as store, server.client() as client:
        client.set(books(server), json.dumps(old))

        assert (snapshot(),) == store.read(["a"])
        assert store.replace(snapshot(), attrs.evolve(snapshot(), learned_limits=ChartLimits(800, 600, 3)))
        assert {"maxWidth": 800, "maxHeight": 600, "maxParameters": 3, "customWatermark": None} == json.loads(
            str(client.get(books(server)))
        )["told"]


# Many at once


def test_of_many_who_want_the_same_one_gets_it(redis_url: str, prefix: str) -> None:
    """Two machines that claim at once may well make the very same snapshot; only one of them may call for it."""
    stores = [RedisAccountStore(redis_url, prefix=prefix) for _ in range(4)]
    with ThreadPoolExecutor(16) as threads:
        for version in range(20):
            old, new = snapshot(version=version) if version else None, snapshot(version=version + 1)
            wants = [threads.submit(store.replace, old, new) for store in stores * 4]

            assert 1 == sum(want.result() for want in wants)
    for store in stores:
        store.close()


CLAIM = """
import sys
from chartimg import Account, AccountPool
from chartimg.adapters.redis import RedisAccountStore
from chartimg.domain.account.turn import Granted
from chartimg.testing import VirtualClock
url, prefix, key = sys.argv[1:]
account = Account("a", key, daily_limit=50, requests_per_second=1e6, burst=1000)
pool = AccountPool([account], RedisAccountStore(url, prefix=prefix), VirtualClock())
sys.stdin.read()
granted = 0
while isinstance(pool.claim(), Granted):
    granted += 1
pool.close()
print(granted)
"""


def test_four_processes_share_a_day_of_fifty(redis_url: str, prefix: str) -> None:
    """Together they are granted every unit once."""
    children = [
        subprocess.Popen(
            [sys.executable, "-c", CLAIM, redis_url, prefix, KEY],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for child in children:
        assert child.stdin is not None
        child.stdin.close()
        child.stdin = None
    outputs = [child.communicate(timeout=60) for child in children]

    assert [""] * 4 == [complaint for _, complaint in outputs]
    assert 50 == sum(int(granted) for granted, _ in outputs)


FORK = """
import os, sys
import attrs
from chartimg.adapters.redis import RedisAccountStore
from chartimg.domain.account import LONG_AGO, AccountSnapshot
store = RedisAccountStore(sys.argv[1], prefix=sys.argv[2])
kept = AccountSnapshot("a", LONG_AGO, LONG_AGO, "digest")
assert store.replace(None, kept)
child = os.fork()
mine = AccountSnapshot("child" if child == 0 else "parent", LONG_AGO, LONG_AGO, "digest")
assert store.replace(None, mine)
for version in range(200):
    new = attrs.evolve(mine, version=version + 1)
    assert store.replace(mine, new)
    assert store.read(["a", new.account_id]) == (kept, new)
    mine = new
store.clock.now()
if child == 0:
    os._exit(0)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_store_may_be_used_on_both_sides_of_a_fork(redis_url: str, prefix: str, tmp_path: Path) -> None:
    """A server of web pages forks its workers; no side gets the answers of the other."""
    done = run_python(FORK, redis_url, prefix, cwd=tmp_path)

    assert ("0\n", "") == (done.stdout, done.stderr)


# Time


def test_time_is_that_of_the_server(server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also on a machine that is three hours late: two such machines agree on the day."""
    monkeypatch.setattr(time, "time", lambda real=time.time: real() - 3 * 3600)
    with opened(server.url) as store, server.client() as client:
        clock: Clock = store.clock
        before = client.time()
        now = clock.now().timestamp()
        after = client.time()

    assert before[0] + before[1] / 1e6 - 0.01 <= now <= after[0] + after[1] / 1e6 + 0.01


def test_time_costs_no_round_trip_of_its_own(server: RedisServer) -> None:
    """Each verb brings it along; without one the first look asks, and no other."""

    def calls() -> int:
        found: dict[str, dict[str, int]] = client.info("commandstats")
        return sum(found.get(f"cmdstat_{name}", {"calls": 0})["calls"] for name in ("evalsha", "eval", "time"))

    with server.client() as client:
        client.config_resetstat()
        with opened(server.url) as store:
            store.read(["a"])  # one by digest, one by text, and TIME inside
            after_read = calls()
            for _ in range(50):
                store.clock.now()
            assert after_read == calls()
        with opened(server.url) as store:
            for _ in range(50):
                store.clock.now()
            assert after_read + 2 == calls()


def test_time_goes_on_without_the_server(tmp_path: Path) -> None:
    """Once it is known; before that there is none, and this machine's is not put in its place."""
    with redis_server(tmp_path) as server, opened(server.url) as store, opened(server.url) as late:
        known = store.clock.now()
        server.stop()

        assert timedelta() < store.clock.now() - known < timedelta(seconds=10)
        with pytest.raises(StoreUnavailable, match=re.escape(server.place)):
            late.clock.now()


# A server that comes and goes


@pytest.mark.parametrize("verb", ["read", "replace"])
def test_a_server_that_forgot_the_scripts_is_told_them_again(verb: str, server: RedisServer) -> None:
    """After SCRIPT FLUSH, as after a restart; nothing is noticed of it."""
    with opened(server.url) as store, server.client() as client:
        store.replace(None, snapshot())
        client.script_flush()
        if verb == "read":
            assert (snapshot(),) == store.read(["a"])
        else:
            assert store.replace(snapshot(), snapshot(version=1))


def test_a_stopped_server_is_unavailable_and_serves_again_once_started(tmp_path: Path) -> None:
    """At once, naming the server; the same store goes on with what the server has."""
    with redis_server(tmp_path) as server, opened(server.url) as store:
        store.replace(None, snapshot())
        server.save()
        server.stop()
        for verb in VERBS.values():
            started = time.monotonic()
            with pytest.raises(StoreUnavailable, match=re.escape(f"{server.place} can't be reached")) as failure:
                verb(store)
            assert time.monotonic() - started < 2
            assert "\n" not in str(failure.value)
        server.start()

        assert (snapshot(),) == store.read(["a"])
        assert store.replace(snapshot(), snapshot(version=1))


def test_a_server_that_lost_the_last_writes_does_not_take_what_is_newer(tmp_path: Path) -> None:
    """A swap that starts from what was lost is refused; what is left is read."""
    with redis_server(tmp_path) as server, opened(server.url) as store:
        store.replace(None, snapshot())
        server.save()
        store.replace(snapshot(), snapshot(version=1))
        server.stop()
        server.start()

        assert not store.replace(snapshot(version=1), snapshot(version=2))
        assert (snapshot(),) == store.read(["a"])


def swap(store: AccountStore) -> object:
    """Replace what most tests put first."""
    return store.replace(snapshot(), snapshot(version=1))


VERBS: dict[str, Callable[[AccountStore], object]] = {
    "read": lambda store: store.read(["a"]),
    "replace": lambda store: store.replace(None, snapshot()),
}


@pytest.mark.parametrize("warm", [True, False])
@pytest.mark.parametrize("verb", VERBS)
def test_a_server_that_does_not_answer_is_unavailable_within_the_timeout(
    verb: str, server: RedisServer, *, warm: bool
) -> None:
    """Whether it was connected before or not; it is not asked twice, and serves again when it is back."""
    with opened(server.url, timeout=0.15) as store:
        if warm:
            store.read(["a"])
        server.freeze()
        try:
            started = time.monotonic()
            with pytest.raises(StoreUnavailable, match=re.escape(f"{server.place} did not answer in time")):
                VERBS[verb](store)
            assert time.monotonic() - started < 1
        finally:
            server.thaw()
        VERBS[verb](store)


def test_a_paused_server_is_unavailable_for_as_long(server: RedisServer) -> None:
    """``CLIENT PAUSE``, as a failover uses it; what was given up is then made, once, or not at all."""
    with opened(server.url, timeout=0.1) as store, server.client() as client:
        store.replace(None, snapshot())
        client.client_pause(250)
        with pytest.raises(StoreUnavailable, match="did not answer in time"):
            store.replace(snapshot(), snapshot(version=1))
        client.client_unpause()
        (kept,) = store.read(["a"])

        assert kept in {snapshot(), snapshot(version=1)}
        assert store.replace(kept, snapshot(version=2))


def test_a_connection_that_was_closed_while_idle_is_not_noticed(server: RedisServer) -> None:
    """Servers, and what is between, close those that are idle for long."""
    with opened(server.url) as store, server.client() as client:
        store.replace(None, snapshot())
        for version in range(5):
            client.client_kill_filter(_type="normal", skipme=True)
            assert store.replace(snapshot(version=version), snapshot(version=version + 1))
            client.client_kill_filter(_type="normal", skipme=True)
            assert (snapshot(version=version + 1),) == store.read(["a"])


@contextmanager
def killing(server: RedisServer) -> Iterator[None]:
    """Cut all connections again and again, for the length of a ``with`` block."""
    done = threading.Event()

    def kill() -> None:
        with server.client() as client:
            while not done.wait(0.001):
                client.client_kill_filter(_type="normal", skipme=True)

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def test_connections_that_are_killed_all_the_time_lose_no_swap(server: RedisServer) -> None:
    """Nobody else swaps, so every swap must be made, and said to be."""
    made = 0
    with opened(server.url) as store:
        store.replace(None, snapshot())
        with killing(server):
            end = time.monotonic() + 0.7
            while time.monotonic() < end:
                try:
                    assert store.replace(snapshot(version=made), snapshot(version=made + 1))
                    made += 1
                except StoreUnavailable:  # two in a row were killed; what is kept says whether the swap was made
                    made = last(store, made)
        (kept,) = store.read(["a"])

    assert snapshot(version=made) == kept
    assert made > 20


def last(store: AccountStore, known: int) -> int:
    """Read the version that is kept, however often it takes: *known*, or the one after it."""
    while True:
        with contextlib.suppress(StoreUnavailable):
            (kept,) = store.read(["a"])
            assert kept in {snapshot(version=known), snapshot(version=known + 1)}
            return known if kept == snapshot(version=known) else known + 1


# An answer that is lost


@pytest.mark.parametrize("lost", ["command", "answer"])
@pytest.mark.parametrize("old", [None, snapshot()])
def test_a_swap_is_made_once_whatever_is_lost(lost: str, old: AccountSnapshot | None, proxy: Proxy) -> None:
    """The command on its way there, or its answer on the way back: the swap is asked for again, and was made."""
    with opened(through(proxy)) as store:
        if old is not None:
            store.replace(None, old)
        proxy.lose(lost)

        assert store.replace(old, snapshot(version=1))
        assert (snapshot(version=1),) == store.read(["a"])
        proxy.lose(lost)
        assert not store.replace(old, snapshot(version=2))
        proxy.lose(lost)
        assert (snapshot(version=1),) == store.read(["a"])


def test_a_swap_whose_answer_was_lost_was_made_even_if_others_went_on_from_it(
    proxy: Proxy, server: RedisServer
) -> None:
    """What is kept then is not what was put; the unit was taken all the same, and is neither lost nor given twice."""
    with opened(through(proxy)) as store, opened(server.url) as other:

        def go_on() -> None:
            for version in range(10):
                assert other.replace(snapshot(version=version), snapshot(version=version + 1))

        proxy.lose("answer", go_on)

        assert store.replace(None, snapshot())
        assert (snapshot(version=10),) == store.read(["a"])


def test_a_swap_that_got_lost_is_not_made_because_another_put_the_same(proxy: Proxy, server: RedisServer) -> None:
    """What is kept then is what was to be put, by another who has called for it: here it must not be said to be ours."""
    with opened(through(proxy)) as store, opened(server.url) as other:
        proxy.lose("command", lambda: other.replace(None, snapshot()))

        assert not store.replace(None, snapshot())
        assert (snapshot(),) == store.read(["a"])


def test_a_swap_whose_answers_are_lost_twice_is_not_known_to_be_made(proxy: Proxy) -> None:
    """The store is unavailable; it is not asked for ever."""
    with opened(through(proxy)) as store:
        proxy.lose("answer")
        proxy.lose("answer")
        with pytest.raises(StoreUnavailable, match="can't be reached"):
            store.replace(None, snapshot())

        assert (snapshot(),) == store.read(["a"])


def test_retries_of_the_hosts_own_client_make_a_swap_once(proxy: Proxy) -> None:
    """Redis-py retries by itself unless it is told not to; that must not turn a made swap into a refused one."""
    client = redis.Redis.from_url(through(proxy), retry=Retry(NoBackoff(), 3))
    with opened(client) as store:
        for version in range(3):
            proxy.lose("answer")
            assert store.replace(snapshot(version=version) if version else None, snapshot(version=version + 1))
    client.close()


# What else may be wrong with it


@pytest.mark.parametrize("text", ["", "{", "{}", "[]", '{"accountId": "a"}', "\udcff", "null"])
def test_a_damaged_value_is_unavailable_and_left_as_it_is(text: str, server: RedisServer) -> None:
    """It is not taken for an account without books, whose day would begin anew; its key is named, its content is not."""
    raw = text.encode("utf-8", "surrogateescape")
    with opened(server.url) as store, server.client(decode_responses=False) as client:
        client.set(books(server), raw)
        for verb in (*VERBS.values(), swap):
            with pytest.raises(StoreUnavailable, match=re.escape(f"'{books(server)}'")) as failure:
                verb(store)
            assert "damaged" in str(failure.value)
            assert "\n" not in str(failure.value)
        assert raw == client.get(books(server))


def test_of_many_values_the_damaged_one_is_named(server: RedisServer) -> None:
    """Also on a client that reads text, which bytes that are none must not confuse for good."""
    host = server.client(decode_responses=True)
    with opened(host) as store, server.client(decode_responses=False) as client:
        store.replace(None, snapshot())
        client.set(books(server, "b"), b"\xff\xfe")
        with pytest.raises(StoreUnavailable, match="account:b' is not text"):
            store.read(["a", "b", "c"])
        assert (snapshot(), None) == store.read(["a", "c"])


def test_the_value_of_another_account_is_damage(server: RedisServer) -> None:
    """A key that was copied by hand does not give an account the day of another."""
    with opened(server.url) as store, server.client() as client:
        client.set(books(server, "b"), dump(snapshot("a")))
        with pytest.raises(StoreUnavailable, match="that of another account"):
            store.read(["b"])


@pytest.mark.parametrize("key", ["account", "swaps"])
def test_a_key_of_another_type_is_unavailable_and_nothing_is_written(key: str, server: RedisServer) -> None:
    """Neither half of a swap is made."""
    with opened(server.url) as store, server.client() as client:
        client.hset(f"{{chartimg}}:v1:{key}:a", "field", "value")
        with pytest.raises(StoreUnavailable, match="wrong kind of value"):
            store.replace(None, snapshot())

        assert [f"{{chartimg}}:v1:{key}:a"] == client.keys()
        if key == "account":
            with pytest.raises(StoreUnavailable, match="account:a'"):
                store.read(["b", "a"])


@contextmanager
def guarded(folder: Path) -> Iterator[RedisServer]:
    """Start a server that wants a password."""
    with redis_server(folder, "--requirepass", PASSWORD) as server:
        yield server


def test_a_wrong_password_is_said_and_never_shown(tmp_path: Path) -> None:
    """Neither the wrong one nor the right one; one that is missing is told in the same words."""
    with guarded(tmp_path) as server:
        host = f"127.0.0.1:{server.port}"
        for address in (f"redis://:wrong-{PASSWORD}@{host}", f"redis://user:{PASSWORD}@{host}", f"redis://{host}"):
            with opened(address) as store, pytest.raises(StoreUnavailable, match="user name and password") as failure:
                store.read(["a"])
            assert f"{host}/0" in str(failure.value)
            assert PASSWORD not in repr(failure.value)
            assert failure.value.__cause__ is None
        with opened(f"redis://:{PASSWORD}@{host}") as store:
            assert store.replace(None, snapshot())
        server.stop()
        with opened(f"redis://:{PASSWORD}@{host}") as store, pytest.raises(StoreUnavailable) as failure:
            store.read(["a"])
        assert PASSWORD not in str(failure.value)


def test_a_user_who_may_not_is_told_what_the_store_needs(server: RedisServer) -> None:
    """The rights of a user on a server that is shared are for somebody else to give."""
    with server.client() as client:
        client.acl_setuser("narrow", enabled=True, passwords=[f"+{PASSWORD}"], commands=["+get"], keys=["*"])
        with opened(f"redis://narrow:{PASSWORD}@127.0.0.1:{server.port}") as store:
            with pytest.raises(StoreUnavailable, match=re.escape("keys like {chartimg}:v1:*")) as failure:
                store.read(["a"])
            assert PASSWORD not in str(failure.value)
        client.acl_deluser("narrow")


def test_a_server_without_memory_left_is_unavailable(server: RedisServer) -> None:
    """Nothing is written over in its place."""
    with opened(server.url) as store, server.client() as client:
        store.replace(None, snapshot())
        client.config_set("maxmemory", "1")
        try:
            with pytest.raises(StoreUnavailable, match="no memory left"):
                store.replace(snapshot(), snapshot(version=1))
            assert (snapshot(),) == store.read(["a"])
        finally:
            client.config_set("maxmemory", "0")


def test_a_replica_is_not_written(server: RedisServer) -> None:
    """The address of a replica is a slip; its primary is asked for."""
    with opened(server.url) as store, server.client() as client:
        client.replicaof("127.0.0.1", free_port())
        try:
            with pytest.raises(StoreUnavailable, match="name its primary"):
                store.replace(None, snapshot())
        finally:
            client.replicaof("NO", "ONE")


def test_a_server_held_up_by_a_script_is_busy(server: RedisServer) -> None:
    """It is worth asking again: nothing was done, and it serves as soon as the script ends."""
    with opened(server.url) as store, server.client() as client, ThreadPoolExecutor(1) as threads:
        store.read(["a"])
        client.config_set("busy-reply-threshold", "1")
        endless = threads.submit(lambda: server.client().eval("while true do end", 0))
        try:
            eventually(lambda: is_busy(client))
            for verb in VERBS.values():
                with pytest.raises(StoreBusy, match=re.escape(server.place)):
                    verb(store)
        finally:
            client.script_kill()
            eventually(lambda: not is_busy(client))
            client.config_set("busy-reply-threshold", "5000")
        assert isinstance(endless.exception(), redis.ResponseError)
        assert (None,) == store.read(["a"])


def is_busy(client: redis.Redis) -> bool:
    """Whether the server runs a script for long."""
    try:
        client.ping()
    except redis.ResponseError:
        return True
    return False


@contextmanager
def saying(*answers: bytes) -> Iterator[str]:
    """Start something that has one answer after the other to whatever it is asked; give its address."""
    left = list(answers)

    class Handler(socketserver.BaseRequestHandler):
        """One connection."""

        def handle(self) -> None:
            """Answer, whatever is said."""
            with contextlib.suppress(OSError):
                while self.request.recv(65536) and left:
                    answer = left.pop(0) if len(left) > 1 else left[0]
                    if answer == b"RESET":
                        return
                    self.request.sendall(answer)

    class Server(socketserver.ThreadingTCPServer):
        """Connections that a test need not close."""

        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield f"redis://:{PASSWORD}@127.0.0.1:{server.server_address[1]}/3"
        server.shutdown()
        thread.join()


HANDSHAKE = (b"+OK\r\n",) * 4  # password, name and version of the library, database
ANSWERS = {
    "loading": (b"-LOADING Redis is loading the dataset in memory\r\n", "loading its data"),
    "moved": (b"-MOVED 3999 127.0.0.1:1\r\n", "give the store a redis.cluster.RedisCluster"),
    "misconf": (b"-MISCONF Errors writing to the AOF file\r\n", "error: MISCONF Errors writing to the AOF file"),
    "an array": (b"*1\r\n+what\r\n", "is not a Redis server"),
    "text": (b"+what\r\n", "is not a Redis server"),
    "too few": (b"*3\r\n$1\r\n1\r\n$1\r\n2\r\n*0\r\n", "is not a Redis server"),
    "http": (b"HTTP/1.1 400 Bad Request\r\n\r\n", "error: Protocol Error"),
    "echo": (
        f"-ERR unknown command 'X', with args beginning with: '{PASSWORD}'\r\n".encode(),
        "error: unknown command 'X'",
    ),
    "plain echo": (f"-ERR what is {PASSWORD}?\r\n".encode(), "error: what is [secret]?"),
}


@pytest.mark.parametrize("case", ANSWERS)
def test_any_other_answer_is_told_in_one_line_without_the_password(case: str) -> None:
    """What answers may be in trouble, or be no Redis server at all."""
    answer, told = ANSWERS[case]
    with saying(*HANDSHAKE, answer) as url, opened(url, timeout=0.5) as store:
        with pytest.raises(StoreUnavailable, match=re.escape(told)) as failure:
            store.read(["a"])
        assert "/3" in str(failure.value)
        assert PASSWORD not in str(failure.value)
        assert "\n" not in str(failure.value)


def test_busy_after_a_lost_answer_is_not_taken_for_a_swap_that_was_not_made() -> None:
    """The first try may have been made; only a server that says nothing else can be asked again lightly."""
    busy = b"-BUSY Redis is busy running a script.\r\n"
    with saying(*HANDSHAKE, b"RESET", *HANDSHAKE, busy) as url, opened(url, timeout=0.5) as store:
        with pytest.raises(StoreUnavailable, match="BUSY") as failure:
            store.replace(None, snapshot())
        assert not isinstance(failure.value, StoreBusy)


# Addresses and clients


@pytest.mark.parametrize(
    "address",
    [
        "",
        "redis",
        "redis:",
        "redis://",
        "redis:///0",
        "redis://:secret@",
        "REDIS://:secret@host",
        "http://:secret@host",
        "redis+tls://:secret@host",
        "redis://:secret@host:port",
        "redis://:secret@host:99999",
        "redis://:secret@host/books",
        "redis://:secret@host/0/1",
        "redis://:secret@host/-1",
        "redis://:sec#secret@host",
        "redis://:sec/secret@host",
        "redis://:1/secret@host",
        "redis://:1?secret@host",
        "redis://host?secret=1",
        "redis://:secret@host?db=secret",
        "redis://:secret@host?socket_timeout=secret",
        "redis://:secret@host?retry_on_error=secret",
        "redis://:secret@host?ssl_cert_reqs=none",
        "rediss://:secret@host?ssl_cert_reqs=secret",
        "redis://:secret@[::1",
        "unix://secret/redis.sock",
        "unix://:secret@",
        "unix://:secret@/",
        "unix://user:se/secret@/redis.sock",
    ],
)
def test_a_wrong_address_is_refused_and_not_repeated(address: str) -> None:
    """It may hold a password anywhere, by a slip; nothing is connected for finding that out."""
    with pytest.raises(ConfigError, match="address of the Redis store") as failure:
        RedisAccountStore(address)

    assert "secret" not in str(failure.value)
    assert failure.value.__cause__ is None


@pytest.mark.parametrize(
    "address",
    [
        "redis://127.0.0.1:1",
        "redis://127.0.0.1:1/",
        "redis://127.0.0.1:1/0",
        "redis://user:p%40ss@127.0.0.1:1/0?db=0&socket_timeout=1&client_name=x",
        "rediss://:p@127.0.0.1:1?ssl_cert_reqs=none&ssl_check_hostname=false",
        "rediss://127.0.0.1:1",
    ],
)
def test_an_address_is_connected_when_it_is_needed(address: str) -> None:
    """Not before, so that a host can be built where the server is not."""
    with opened(address) as store, pytest.raises(StoreUnavailable, match=re.escape("127.0.0.1:1/0 can't be reached")):
        store.read(["a"])


def test_a_store_may_be_reached_by_a_socket_with_a_password() -> None:
    """``unix://``, with the number of a database; the path is named when it is gone."""
    with tempfile.TemporaryDirectory(prefix="c") as folder:
        path = Path(folder) / "s"
        with redis_server(Path(folder) / "redis", "--requirepass", PASSWORD, socket_path=path) as server:
            for address in (f"unix://:{PASSWORD}@{path}?db=3", f"unix://{path}?password={PASSWORD}&db=3"):
                with opened(address) as store:
                    store.replace(None, snapshot())
                    assert (snapshot(),) == store.read(["a"])
            server.stop()
            with opened(f"unix://:{PASSWORD}@{path}?db=3") as store:
                with pytest.raises(StoreUnavailable, match=re.escape(f"{path}/3 can't be reached")) as failure:
                    store.read(["a"])
                assert PASSWORD not in str(failure.value)


def test_a_store_closes_what_it_opened_and_nothing_else(server: RedisServer) -> None:
    """A client of the host's goes on after the store is closed; and a closed store opens again when it is used."""
    with server.client() as client:

        def connected() -> int:
            return sum(each["name"] == "mine" for each in client.client_list())

        store = RedisAccountStore(f"{server.url}?client_name=mine")
        assert 0 == connected()
        store.read(["a"])
        assert 1 == connected()
        store.close()
        eventually(lambda: connected() == 0)
        store.close()
        assert (None,) == store.read(["a"])
        store.close()
        host = server.client(client_name="mine")
        host.ping()
        RedisAccountStore(host).close()
        assert 1 == connected()


@pytest.mark.parametrize(
    "options", [{"decode_responses": True}, {"protocol": 3}, {"protocol": 3, "encoding": "latin-1"}]
)
def test_a_client_of_the_host_may_be_set_to_anything(options: dict[str, object], server: RedisServer) -> None:
    """To text or bytes, in either version of the protocol."""
    host = server.client(**options)
    with opened(host) as store:
        assert (None,) == store.read(["a"])
        for each in ODD_IDS:
            assert store.replace(None, snapshot(each))
            assert not store.replace(None, snapshot(each, 1))
            assert (snapshot(each),) == store.read([each])
        assert abs(store.clock.now() - datetime.now(UTC)) < timedelta(seconds=60)


def test_a_server_that_sentinels_find_is_called_by_its_name() -> None:
    """Its address is theirs to know, and none is made up."""
    sentinels = Sentinel([("127.0.0.1", free_port())])  # type: ignore[no-untyped-call]
    host = sentinels.master_for("the-books", db=2)  # type: ignore[no-untyped-call]
    with opened(host) as store, pytest.raises(StoreUnavailable, match="the account store the-books/2 can't be reached"):
        store.read(["a"])
    host.close()


# A cluster


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A cluster of one node."""
    options = ("--cluster-enabled", "yes", "--cluster-port", str(free_port()))
    with redis_server(tmp_path_factory.mktemp("cluster"), *options) as started:
        with started.client() as client:
            client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
            eventually(lambda: "cluster_state:ok" in str(client.execute_command("CLUSTER", "INFO")))
        yield started


class TestOneNodeCluster(AccountStoreContract):
    """A cluster takes several keys in one command only if they are in one slot."""

    @pytest.fixture(autouse=True)
    def _place(self, cluster: RedisServer) -> Iterator[None]:
        with cluster.client() as client:
            client.flushall()
        self.clients: list[RedisCluster] = []
        self.port = cluster.port
        yield
        for client in self.clients:
            client.close()

    def open(self) -> AccountStore:
        """Open it over a client of the host's."""
        self.clients.append(RedisCluster("127.0.0.1", self.port))
        return RedisAccountStore(self.clients[-1])


def test_all_keys_are_in_one_slot(cluster: RedisServer) -> None:
    """Whatever the ids, and whatever braces are in them."""
    with opened(cluster.url) as store, cluster.client(decode_responses=False) as client:
        client.flushall()
        for each in ODD_IDS:
            store.replace(None, snapshot(each))
        slots = {client.execute_command("CLUSTER", "KEYSLOT", key) for key in client.scan_iter()}

        assert 2 * len(ODD_IDS) == client.dbsize()
        assert {client.execute_command("CLUSTER", "KEYSLOT", "chartimg")} == slots


def test_a_cluster_that_does_not_answer_is_unavailable(cluster: RedisServer) -> None:
    """And named, as a single server is."""
    host = RedisCluster("127.0.0.1", cluster.port, retry=Retry(NoBackoff(), 0), socket_timeout=0.2)
    with opened(host) as store:
        cluster.freeze()
        try:
            with pytest.raises(StoreUnavailable, match=re.escape(f"the account store {cluster.place} ")):
                store.read(["a"])
        finally:
            cluster.thaw()
        store.read(["a"])
    host.close()


# Secrets, and who loads what


def test_no_key_reaches_the_server(server: RedisServer) -> None:
    """Not in a command, a key or a value, whatever happens to the account."""
    with socket.create_connection(("127.0.0.1", server.port)) as monitor, server.client() as client:
        monitor.settimeout(10)
        monitor.sendall(b"MONITOR\r\n")
        seen = monitor.recv(100)
        pool = AccountPool([Account("a", KEY, burst=10)], RedisAccountStore(server.url))
        pool.claim()
        pool.suspend("a", "refused")
        pool.reinstate("a")
        pool.mark_account_exhausted("a")
        pool.status()
        pool.close()
        client.echo("the end")
        while b"the end" not in seen:
            seen += monitor.recv(1 << 20)
        kept = [client.get(books(server)), *client.lrange("{chartimg}:v1:swaps:a", 0, -1)]

    assert b"EVALSHA" in seen
    assert b"keyDigest" in seen
    assert b"canary" not in seen
    assert "canary" not in str(kept)


def test_without_the_extra_the_command_that_installs_it_is_named(tmp_path: Path) -> None:
    """Not a traceback about a module; and only who needs the store is told."""
    done = run_python(
        textwrap.dedent("""
            import sys
            sys.modules["redis"] = None
            import chartimg
            from chartimg.adapters.redis import RedisAccountStore
            try:
                RedisAccountStore("redis://:secret@127.0.0.1:1")
            except chartimg.ConfigError as error:
                print(error)
        """),
        cwd=tmp_path,
    )

    assert ("", 0) == (done.stderr, done.returncode)
    assert "the Redis store needs the extra redis; in a clone of chartimg, run: pip install '.[redis]'\n" == done.stdout


def test_a_host_that_needs_no_redis_never_loads_it(tmp_path: Path) -> None:
    """Not with the library, not in mock mode, and not for books in memory or in a file."""
    done = run_python(
        textwrap.dedent("""
            import sys
            import chartimg
            from chartimg.adapters.redis import RedisAccountStore
            for name in chartimg.__all__:
                getattr(chartimg, name)
            with chartimg.ChartClient.from_env({"CHARTS_API_MODE": "mock"}) as client:
                client.fetch(chartimg.ChartRequest("A:A", "1h", "t"))
            accounts = '[{"id": "a", "apiKey": "some-key"}]'
            for store in ("memory://", "sqlite:///books.sqlite3"):
                environ = {"CHART_IMG_ACCOUNTS_JSON": accounts, "CHARTS_ACCOUNT_STORE": store}
                chartimg.ChartClient.from_env(environ).close()
            print(sorted(name for name in sys.modules if name.partition(".")[0] == "redis"))
        """),
        cwd=tmp_path,
    )

    assert ("[]\n", "", 0) == (done.stdout, done.stderr, done.returncode)
