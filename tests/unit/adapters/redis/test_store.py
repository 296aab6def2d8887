"""Account books on a Redis server: real servers that are stopped, frozen, cut off and restarted."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import socketserver
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
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
from command import eventually, run_loaded, run_python
from patience import LONG, with_patience
from redis_server import Proxy, RedisServer, free_port, redis_server, redis_url, unique_prefix
from rows import for_each

__all__ = ["redis_url"]  # the fixture

KEY = "canary-key-4b1e/+x"
PASSWORD = "canary-pass-77"
MIDNIGHT = datetime(2026, 1, 5, tzinfo=UTC)
ODD_IDS = ("ü 🚀", "a\x00b", "line\r\nbreak", '"', "{x}", "}{", "*", " ", "a:swaps", "half \ud800", "-" * 5000)


def snapshot(account_id: str = "a", version: int = 0, reason: str = "") -> AccountSnapshot:
    """Return a snapshot."""
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


@pytest.fixture
def prefix(redis_url: str) -> Iterator[str]:
    """Yield an unused prefix on the shared server."""
    with unique_prefix(redis_url) as own:
        yield own


@pytest.fixture(scope="module")
def module_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """Yield a server of this module."""
    with redis_server(tmp_path_factory.mktemp("redis")) as started:
        yield started


@pytest.fixture
def server(module_server: RedisServer) -> RedisServer:
    """Return an empty server of the test, to be held up, but not stopped."""
    with module_server.client() as client:
        client.flushall()
        client.script_flush()
    return module_server


@pytest.fixture
def proxy(server: RedisServer) -> Iterator[Proxy]:
    """Yield a proxy that can lose commands and answers; the server behind it knows the scripts already."""
    with opened(server.url) as store:
        store.replace(None, snapshot("another"))
        store.read(["another"])
    with Proxy(server.port) as between:
        yield between


def opened(
    server: str | redis.Redis | RedisCluster, timeout: float = LONG
) -> AbstractContextManager[RedisAccountStore]:
    """Open a store for the length of a ``with`` block."""
    return closing(RedisAccountStore(server, timeout=timeout))


def through(proxy: Proxy) -> str:
    """Return the address of the server behind *proxy*."""
    return f"redis://127.0.0.1:{proxy.port}"


def books(server: RedisServer, account_id: str = "a") -> str:
    """Return the key of an account."""
    return f"{{chartimg}}:v1:account:{account_id}"


# What is kept, and where


@given(first=SNAPSHOTS, second=SNAPSHOTS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_any_snapshot_is_kept_as_it_is(redis_url: str, first: AccountSnapshot, second: AccountSnapshot) -> None:
    """Every field is kept, with any text and to the microsecond, and a swap from the kept snapshot succeeds."""
    second = attrs.evolve(second, account_id=first.account_id)
    with unique_prefix(redis_url) as prefix:
        store = RedisAccountStore(redis_url, prefix=prefix)
        assert store.replace(None, first)
        assert (first,) == store.read([first.account_id])
        assert store.replace(first, second)
        assert (second,) == store.read([first.account_id])
        store.close()


def test_a_prefix_keeps_two_hosts_apart(server: RedisServer) -> None:
    """Two hosts with different prefixes share no books, even if one prefix begins with the other."""
    stores = [RedisAccountStore(server.url, prefix=prefix) for prefix in ("chartimg", "chartimg:v1", "ch*rtimg", "ü")]
    for version, each in enumerate(stores):
        assert each.replace(None, snapshot(version=version))
    for version, each in enumerate(stores):
        assert (snapshot(version=version),) == each.read(["a"])
        each.close()


@for_each("prefix", ["", "{", "}", "a{b}", "a\nb", "\x00"])
def test_a_prefix_that_would_break_the_hash_tag_is_refused(prefix: str) -> None:
    """A prefix with braces or control characters is a ConfigError before any connection."""
    with pytest.raises(ConfigError, match="prefix"):
        RedisAccountStore("redis://127.0.0.1:1", prefix=prefix)


@pytest.mark.parametrize("timeout", [0.0, -1.0, float("nan"), float("inf")])
def test_a_timeout_is_a_time(timeout: float) -> None:
    """A timeout must be a finite number above zero."""
    with pytest.raises(ConfigError, match="timeout"):
        RedisAccountStore("redis://127.0.0.1:1", timeout=timeout)


def test_a_value_is_the_snapshot_as_json_and_has_no_expiry(server: RedisServer) -> None:
    """A value is JSON that a person can read, and Redis never drops it."""
    with opened(server.url) as store, server.client() as client:
        store.replace(None, snapshot())

        assert dump(snapshot()) == client.get(books(server))
        assert -1 == client.ttl(books(server))


def test_what_is_remembered_of_swaps_is_bounded(server: RedisServer) -> None:
    """The server remembers the last 64 swaps of an account."""
    with opened(server.url) as store, server.client() as client:
        store.replace(None, snapshot())
        for version in range(100):
            assert store.replace(snapshot(version=version), snapshot(version=version + 1))

        assert {books(server), "{chartimg}:v1:swaps:a"} == set(client.keys())
        assert 64 == client.llen("{chartimg}:v1:swaps:a")


def test_the_same_books_in_other_words_are_the_same(server: RedisServer) -> None:
    """A swap compares snapshots and not texts: another version may order, indent or leave out fields."""
    with opened(server.url) as store, server.client() as client:
        value = json.loads(dump(snapshot()))
        del value["told"]
        client.set(books(server), json.dumps(dict(reversed(value.items()))))

        assert (snapshot(),) == store.read(["a"])
        assert not store.replace(snapshot(version=1), snapshot(version=2))
        assert not store.replace(None, snapshot(version=2))
        assert store.replace(snapshot(), snapshot(version=1))
        assert (snapshot(version=1),) == store.read(["a"])


# Many at once


def test_of_many_who_want_the_same_one_gets_it(redis_url: str, prefix: str) -> None:
    """If several machines put the very same snapshot at once, one of them succeeds."""
    stores = [RedisAccountStore(redis_url, prefix=prefix) for _ in range(4)]
    with ThreadPoolExecutor(16) as threads:
        for version in range(20):
            old, new = snapshot(version=version) if version else None, snapshot(version=version + 1)
            wants = [threads.submit(store.replace, old, new) for store in stores * 4]

            assert 1 == sum(want.result() for want in wants)
    for store in stores:
        store.close()


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
    """After a fork, parent and child each get the answers to their own commands."""
    done = run_loaded(FORK, redis_url, prefix, cwd=tmp_path)

    assert ("0\n", "") == (done.stdout, done.stderr)


# Time


def test_time_is_that_of_the_server(server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock returns the server's time, also on a machine that is three hours late."""
    monkeypatch.setattr(time, "time", lambda real=time.time: real() - 3 * 3600)
    with opened(server.url) as store, server.client() as client:
        clock: Clock = store.clock
        before = client.time()
        now = clock.now().timestamp()
        after = client.time()

    assert before[0] + before[1] / 1e6 - 0.01 <= now <= after[0] + after[1] / 1e6 + 0.01


def test_time_costs_no_round_trip_of_its_own(server: RedisServer) -> None:
    """Each verb brings the time with it; only a clock without any answer asks, once."""

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


# A server that comes and goes


def test_a_server_that_forgot_the_scripts_is_reported_them_again(server: RedisServer) -> None:
    """After SCRIPT FLUSH, as after a restart, every verb works as before."""
    with opened(server.url) as store, server.client() as client:
        store.replace(None, snapshot())
        client.script_flush()
        assert (snapshot(),) == store.read(["a"])
        client.script_flush()
        assert store.replace(snapshot(), snapshot(version=1))


def test_a_stopped_server_is_unavailable_and_serves_again_once_started(tmp_path: Path) -> None:
    """A stopped server is reported at once by its address, and the same store works after it is started again."""
    with redis_server(tmp_path) as server, opened(server.url) as store:
        store.replace(None, snapshot())
        server.save()
        server.stop()
        for verb in VERBS.values():
            started = time.monotonic()
            with pytest.raises(StoreUnavailable, match=re.escape(f"{server.place} can't be reached")) as failure:
                verb(store)
            assert time.monotonic() - started < LONG / 2
            assert "\n" not in str(failure.value)
        server.start()

        assert (snapshot(),) == store.read(["a"])
        assert store.replace(snapshot(), snapshot(version=1))


def swap(store: AccountStore) -> object:
    """Replace the snapshot that most tests put first."""
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
    """A server that hangs is reported within one timeout, and the store works after it goes on."""

    def check(timeout: float) -> None:
        with opened(server.url, timeout=timeout) as store:
            if warm:
                store.read(["a"])
            server.freeze()
            try:
                started = time.monotonic()
                with pytest.raises(StoreUnavailable, match=re.escape(f"{server.place} did not answer in time")):
                    VERBS[verb](store)
                assert time.monotonic() - started < 2 * timeout
            finally:
                server.thaw()
            VERBS[verb](store)

    with_patience(check)


def test_a_connection_that_was_closed_while_idle_is_not_noticed(server: RedisServer) -> None:
    """A connection that was closed while idle is opened again without an error."""
    with opened(server.url) as store, server.client() as client:
        store.replace(None, snapshot())
        for version in range(5):
            client.client_kill_filter(_type="normal", skipme=True)
            assert store.replace(snapshot(version=version), snapshot(version=version + 1))
            client.client_kill_filter(_type="normal", skipme=True)
            assert (snapshot(version=version + 1),) == store.read(["a"])


def test_connections_that_are_killed_all_the_time_lose_no_swap(server: RedisServer) -> None:
    """While connections are cut all the time, each swap is made once, and reported as made if its answer comes."""
    made, done = 0, threading.Event()

    def kill() -> None:
        while not done.wait(0.001):
            client.client_kill_filter(_type="normal", skipme=True)

    with opened(server.url) as store, server.client() as client, ThreadPoolExecutor(1) as threads, ExitStack() as end:
        store.replace(None, snapshot())
        threads.submit(kill)
        end.callback(done.set)
        until = time.monotonic() + LONG
        while made < 20 and time.monotonic() < until:
            with contextlib.suppress(
                StoreUnavailable
            ):  # two in a row were killed; what is kept says whether it was made
                (kept,) = store.read(["a"])
                assert kept in {snapshot(version=made), snapshot(version=made + 1)}
                made += kept != snapshot(version=made)
                assert store.replace(kept, snapshot(version=made + 1))
                made += 1

    assert made >= 20


# An answer that is lost


@pytest.mark.parametrize("lost", ["command", "answer"])
@pytest.mark.parametrize("old", [None, snapshot()])
def test_a_swap_is_made_once_whatever_is_lost(lost: str, old: AccountSnapshot | None, proxy: Proxy) -> None:
    """If a command or its answer is lost, the swap is sent again and made once."""
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
    """A swap with a lost answer counts as made, even if others have replaced its snapshot since."""
    with opened(through(proxy)) as store, opened(server.url) as other:

        def go_on() -> None:
            for version in range(10):
                assert other.replace(snapshot(version=version), snapshot(version=version + 1))

        proxy.lose("answer", go_on)

        assert store.replace(None, snapshot())
        assert (snapshot(version=10),) == store.read(["a"])


def test_a_swap_that_got_lost_is_not_made_because_another_put_the_same(proxy: Proxy, server: RedisServer) -> None:
    """A lost swap is not reported as made if another client has put the same snapshot."""
    with opened(through(proxy)) as store, opened(server.url) as other:
        proxy.lose("command", lambda: other.replace(None, snapshot()))

        assert not store.replace(None, snapshot())
        assert (snapshot(),) == store.read(["a"])


def test_a_swap_whose_answers_are_lost_twice_is_not_known_to_be_made(proxy: Proxy) -> None:
    """If the answer is lost twice, the store is unavailable."""
    with opened(through(proxy)) as store:
        proxy.lose("answer")
        proxy.lose("answer")
        with pytest.raises(StoreUnavailable, match="can't be reached"):
            store.replace(None, snapshot())

        assert (snapshot(),) == store.read(["a"])


def test_retries_of_the_hosts_own_client_make_a_swap_once(proxy: Proxy) -> None:
    """Retries by the host's own client make a swap once and report it as made."""
    client = redis.Redis.from_url(through(proxy), retry=Retry(NoBackoff(), 3))
    with opened(client) as store:
        for version in range(3):
            proxy.lose("answer")
            assert store.replace(snapshot(version=version) if version else None, snapshot(version=version + 1))
    client.close()


# A failover


@pytest.fixture
def failover(tmp_path: Path, server: RedisServer) -> Iterator[tuple[Proxy, RedisServer]]:
    """Yield one address with the primary behind it, and the server that will be the next primary."""
    with redis_server(tmp_path / "other") as other, Proxy(server.port) as proxy:
        yield proxy, other
        server.client().replicaof("NO", "ONE")
        server.client().config_set("replica-serve-stale-data", "yes")
        server.client().flushall()


CLIENTS: dict[str, Callable[[str], str | redis.Redis]] = {
    "address": str,
    "client": redis.Redis.from_url,
    "waiting client": lambda url: redis.Redis(connection_pool=redis.BlockingConnectionPool.from_url(url)),
}


@pytest.mark.parametrize("client", CLIENTS)
def test_a_failover_behind_one_address_is_not_noticed(
    client: str, failover: tuple[Proxy, RedisServer], server: RedisServer
) -> None:
    """If another server becomes the primary behind the address, every thread's swap is made there, on new connections."""
    (proxy, other), threads = failover, 8
    with opened(CLIENTS[client](through(proxy))) as store:
        together = threading.Barrier(threads)

        def swap(number: int) -> bool:
            """Use a connection, wait for the failover, and swap."""
            store.read(["a"])
            together.wait(LONG)
            if number == 0:
                server.client().replicaof("127.0.0.1", other.port)
                proxy.target = other.port
            together.wait(LONG)
            return store.replace(None, snapshot(str(number)))

        with ThreadPoolExecutor(threads) as pool:
            swapped = list(pool.map(swap, range(threads)))

    assert [True] * threads == swapped
    with opened(other.url) as store:
        assert None not in store.read([str(number) for number in range(threads)])


@pytest.mark.parametrize("verb", ["read", "replace"])
def test_a_replica_that_lost_its_primary_is_left_for_the_server_behind_the_address(
    verb: str, failover: tuple[Proxy, RedisServer], server: RedisServer
) -> None:
    """MASTERDOWN is not damage of a value: the connection is dropped, and the new one leads to the primary."""
    proxy, _ = failover
    with opened(through(proxy)) as store:
        store.read(["a"])
        server.client().config_set("replica-serve-stale-data", "no")
        server.client().replicaof("127.0.0.1", free_port())
        with pytest.raises(StoreUnavailable, match="name the primary"):
            VERBS[verb](store)
        proxy.target = failover[1].port

        VERBS[verb](store)


WRONG = {
    "LOADING": b"-LOADING Redis is loading the dataset in memory\r\n",
    "NOAUTH": b"-NOAUTH Authentication required.\r\n",
    "NOREPLICAS": b"-NOREPLICAS Not enough good replicas to write.\r\n",
    "an old READONLY": b"-ERR Error running script (call to f_x): -READONLY You can't write against a read only replica.\r\n",
}


@pytest.mark.parametrize("case", WRONG)
def test_an_answer_that_proves_the_connection_wrong_is_asked_for_again_on_a_new_one(case: str) -> None:
    """After such an answer the same question goes out once more, on a new connection with its own handshake."""
    right = b"*3\r\n$1\r\n1\r\n$1\r\n2\r\n*1\r\n$-1\r\n"
    with saying(*HANDSHAKE, WRONG[case], *HANDSHAKE, right) as url, opened(url) as store:
        assert (None,) == store.read(["a"])


# What else may be wrong with it


@pytest.mark.parametrize("text", ["", "{", "{}", "[]", '{"accountId": "a"}', "\udcff", "null"])
def test_a_damaged_value_is_unavailable_and_left_as_it_is(text: str, server: RedisServer) -> None:
    """A damaged value is not taken for an account without books; its key is named, and the value stays unchanged."""
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
    """Among many values the damaged one is named, and the others can be read."""
    host = server.client(decode_responses=True)
    with opened(host) as store, server.client(decode_responses=False) as client:
        store.replace(None, snapshot())
        client.set(books(server, "b"), b"\xff\xfe")
        with pytest.raises(StoreUnavailable, match="account:b' is not text"):
            store.read(["a", "b", "c"])
        assert (snapshot(), None) == store.read(["a", "c"])


def test_the_value_of_another_account_is_damage(server: RedisServer) -> None:
    """A value that was copied from the key of another account is damaged."""
    with opened(server.url) as store, server.client() as client:
        client.set(books(server, "b"), dump(snapshot("a")))
        with pytest.raises(StoreUnavailable, match="that of another account"):
            store.read(["b"])


@pytest.mark.parametrize("key", ["account", "swaps"])
def test_a_key_of_another_type_is_unavailable_and_nothing_is_written(key: str, server: RedisServer) -> None:
    """If a key holds another type, neither half of a swap is made."""
    with opened(server.url) as store, server.client() as client:
        client.hset(f"{{chartimg}}:v1:{key}:a", "field", "value")
        with pytest.raises(StoreUnavailable, match="wrong kind of value"):
            store.replace(None, snapshot())

        assert [f"{{chartimg}}:v1:{key}:a"] == client.keys()
        if key == "account":
            with pytest.raises(StoreUnavailable, match="account:a'"):
                store.read(["b", "a"])


def test_a_wrong_password_is_said_and_never_shown(tmp_path: Path) -> None:
    """A wrong or missing password is reported, and no message shows a password."""
    with redis_server(tmp_path, "--requirepass", PASSWORD) as server:
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


def test_a_user_who_may_not_is_reported_what_the_store_needs(server: RedisServer) -> None:
    """A user without enough rights is reported with the rights that the store needs."""
    with server.client() as client:
        client.acl_setuser("narrow", enabled=True, passwords=[f"+{PASSWORD}"], commands=["+get"], keys=["*"])
        with opened(f"redis://narrow:{PASSWORD}@127.0.0.1:{server.port}") as store:
            with pytest.raises(StoreUnavailable, match=re.escape("keys like {chartimg}:v1:*")) as failure:
                store.read(["a"])
            assert PASSWORD not in str(failure.value)
        client.acl_deluser("narrow")


def test_a_server_without_memory_left_is_unavailable(server: RedisServer) -> None:
    """A server without memory is reported, and the books stay unchanged."""
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
    """A replica is reported, and the message asks for its primary."""
    with opened(server.url) as store, server.client() as client:
        client.replicaof("127.0.0.1", free_port())
        try:
            with pytest.raises(StoreUnavailable, match="name the primary"):
                store.replace(None, snapshot())
        finally:
            client.replicaof("NO", "ONE")


def test_a_server_held_up_by_a_script_is_busy(server: RedisServer) -> None:
    """A server that runs a long script is busy, and serves again after the script ends."""
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
    """Return whether the server runs a long script."""
    try:
        client.ping()
    except redis.ResponseError:
        return True
    return False


@contextmanager
def saying(*answers: bytes) -> Iterator[str]:
    """Yield the address of a server that sends *answers* one after the other, without regard to the commands."""
    left = list(answers)

    class Handler(socketserver.BaseRequestHandler):
        """One connection."""

        def handle(self) -> None:
            """Send the next answer after each command."""
            with contextlib.suppress(OSError):
                while self.request.recv(65536) and left:
                    answer = left.pop(0) if len(left) > 1 else left[0]
                    if answer == b"RESET":
                        return
                    self.request.sendall(answer)

    class Server(socketserver.ThreadingTCPServer):
        """A server that does not wait for its connections."""

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


@for_each("case", ANSWERS)
def test_any_other_answer_is_reported_in_one_line_without_the_password(case: str) -> None:
    """Any other answer is reported in one line without the password."""
    answer, told = ANSWERS[case]
    with saying(*HANDSHAKE, answer) as url, opened(url) as store:
        with pytest.raises(StoreUnavailable, match=re.escape(told)) as failure:
            store.read(["a"])
        assert "/3" in str(failure.value)
        assert PASSWORD not in str(failure.value)
        assert "\n" not in str(failure.value)


def test_busy_after_a_lost_answer_is_not_taken_for_a_swap_that_was_not_made() -> None:
    """A busy server after a lost answer is not reported as StoreBusy, since the first try may have been made."""
    busy = b"-BUSY Redis is busy running a script.\r\n"
    with saying(*HANDSHAKE, b"RESET", *HANDSHAKE, busy) as url, opened(url) as store:
        with pytest.raises(StoreUnavailable, match="BUSY") as failure:
            store.replace(None, snapshot())
        assert not isinstance(failure.value, StoreBusy)


# Clients


def test_a_store_closes_what_it_opened_and_nothing_else(server: RedisServer) -> None:
    """Closing a store closes its own connections and leaves a host's client open; a closed store opens again."""
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
    """A host's client may decode answers or not, in either version of the protocol."""
    host = server.client(**options)
    with opened(host) as store:
        assert (None,) == store.read(["a"])
        for each in ODD_IDS:
            assert store.replace(None, snapshot(each))
            assert not store.replace(None, snapshot(each, 1))
            assert (snapshot(each),) == store.read([each])
        assert abs(store.clock.now() - datetime.now(UTC)) < timedelta(seconds=60)


def test_a_server_that_sentinels_find_is_called_by_its_name() -> None:
    """A server behind Sentinels is called by its name, since it has no fixed address."""
    sentinels = Sentinel([("127.0.0.1", free_port())])  # type: ignore[no-untyped-call]
    host = sentinels.master_for("the-books", db=2)  # type: ignore[no-untyped-call]
    with opened(host) as store, pytest.raises(StoreUnavailable, match="the account store the-books/2 can't be reached"):
        store.read(["a"])
    host.close()


# A cluster


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """Yield a cluster of one node."""
    options = ("--cluster-enabled", "yes", "--cluster-port", str(free_port()))
    with redis_server(tmp_path_factory.mktemp("cluster"), *options) as started:
        with started.client() as client:
            client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
            eventually(lambda: "cluster_state:ok" in str(client.execute_command("CLUSTER", "INFO")))
        yield started


class TestOneNodeCluster(AccountStoreContract):
    """The contract holds on a cluster, which takes several keys in one command only if they share a slot."""

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
        """Open a store over a client of the host's."""
        self.clients.append(RedisCluster("127.0.0.1", self.port))
        return RedisAccountStore(self.clients[-1])


def test_a_cluster_that_does_not_answer_is_unavailable(cluster: RedisServer) -> None:
    """A cluster that hangs is reported by its address."""

    def check(timeout: float) -> None:
        host = RedisCluster("127.0.0.1", cluster.port, retry=Retry(NoBackoff(), 0), socket_timeout=timeout)
        with closing(host), opened(host) as store:
            cluster.freeze()
            try:
                with pytest.raises(StoreUnavailable, match=re.escape(f"the account store {cluster.place} ")):
                    store.read(["a"])
            finally:
                cluster.thaw()
            store.read(["a"])

    with_patience(check)


# Secrets, and who loads what


def test_no_key_reaches_the_server(server: RedisServer) -> None:
    """No command, key or value holds an API key."""
    with socket.create_connection(("127.0.0.1", server.port)) as monitor, server.client() as client:
        monitor.settimeout(LONG)
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
    """Without the extra a ConfigError names the command that installs it."""
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


@pytest.mark.gate
def test_a_host_that_needs_no_redis_never_loads_it(tmp_path: Path) -> None:
    """The library, mock mode, and books in memory or in a file never import redis."""
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
