"""The account store in PostgreSQL: its address, its errors and its connection."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest

from chartimg import Account, AccountPool, ConfigError, StoreUnavailable
from chartimg.adapters.postgresql import PostgresqlAccountStore, schema
from chartimg.domain.errors import StoreBusy
from patience import LONG, with_patience
from postgresql_server import own_books, postgresql_url, shared_postgresql
from rows import for_each

__all__ = ["postgresql_url"]  # the fixture

ACCOUNT = Account("a", "canary-key")


def failure(url: str, timeout: float = 2.0) -> StoreUnavailable:
    """Return the error of a read at *url*."""
    with closing(PostgresqlAccountStore(url, timeout=timeout)) as store, pytest.raises(StoreUnavailable) as caught:
        store.read(["a"])
    return caught.value


@pytest.fixture
def database() -> Iterator[psycopg.Connection]:
    """Yield a connection of the owner to the shared server."""
    with psycopg.connect(shared_postgresql(), autocommit=True) as connection:
        yield connection


@for_each(
    "address",
    [
        "postgresql://user:canary-password@host:port/db",
        "postgresql://user:canary-password@host:0/db",
        "postgresql://user:canary-password@host/db?no_such_option=1",
        "postgresql://user:canary%ZZpassword@host/db",
        "postgresql://host/db?connect_timeout=soon",
        "mysql://user:canary-password@host/db",
        "host=localhost password=canary-password",
        "",
    ],
)
def test_a_wrong_address_is_refused_without_a_part_of_it(address: str) -> None:
    """A wrong address is refused before any connection, and the message repeats no part of it."""
    with pytest.raises(ConfigError, match="is not like postgresql://") as caught:
        PostgresqlAccountStore(address)

    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("timeout", [0, -1.0, float("nan"), float("inf")])
def test_a_timeout_without_an_end_is_refused(timeout: float) -> None:
    """A timeout that is not a finite number of seconds above zero is refused."""
    with pytest.raises(ConfigError, match="timeout of the PostgreSQL store"):
        PostgresqlAccountStore("postgresql://localhost/db", timeout=timeout)


def test_a_server_that_can_not_be_reached_is_reported_with_its_place() -> None:
    """The error of an unreachable server names its place and the remedy, and no password."""
    error = failure("postgresql://user:canary-password@127.0.0.1:1/books")

    assert str(error).startswith("the account store 127.0.0.1:1/books can't be reached (")
    assert "check whether it runs" in str(error)
    assert "canary" not in str(error)
    assert error.__cause__ is None


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("DROP TABLE chartimg_account", "has no table chartimg_account; run: chartimg accounts schema | psql ADDRESS"),
        ("ALTER TABLE chartimg_account DROP COLUMN snapshot", "has a table chartimg_account of another form"),
        ("UPDATE chartimg_account SET snapshot = '{}'", "it is damaged or from a newer chartimg"),
        ("UPDATE chartimg_account SET snapshot = replace(snapshot, '\"a\"', '\"b\"')", "is that of another account"),
    ],
)
def test_books_that_can_not_be_used_are_reported_with_the_remedy(postgresql_url: str, damage: str, said: str) -> None:
    """A missing table, one of another form, and a damaged row are each reported with the remedy."""
    pool = AccountPool([ACCOUNT], PostgresqlAccountStore(postgresql_url))
    pool.claim()
    pool.close()
    with psycopg.connect(postgresql_url, autocommit=True) as connection:
        connection.execute(damage.encode())

    assert said in str(failure(postgresql_url))


def test_a_database_that_does_not_exist_is_named() -> None:
    """A database that does not exist is reported in the server's words, as a refusal."""
    error = str(failure(shared_postgresql().removesuffix("/postgres") + "/no-such-place"))

    assert "/no-such-place refuses the connection (" in error
    assert 'database "no-such-place" does not exist); correct the address' in error


def test_a_replica_is_reported_as_one(postgresql_url: str) -> None:
    """A server that refuses writes is reported with the remedy, after another connection was tried."""
    read_only = f"{postgresql_url}%20-cdefault_transaction_read_only%3Don"
    pool = AccountPool([ACCOUNT], PostgresqlAccountStore(read_only))
    with closing(pool), pytest.raises(StoreUnavailable, match="is a replica, and can't be written; name the primary"):
        pool.claim()


def test_a_failover_behind_one_address_is_not_noticed(postgresql_url: str, database: psycopg.Connection) -> None:
    """A connection to a server that is a replica now is dropped, and the claim is made on a new one, which may be to the primary."""
    user = f"failed_{postgresql_url.rpartition('search_path%3D')[2]}"
    url = postgresql_url.replace("postgresql://postgres@", f"postgresql://{user}@")
    with closing(AccountPool([ACCOUNT], PostgresqlAccountStore(postgresql_url))) as pool:
        pool.claim()
    database.execute(
        f"CREATE ROLE {user} LOGIN SUPERUSER; ALTER ROLE {user} SET default_transaction_read_only = on".encode()
    )
    try:
        with closing(AccountPool([ACCOUNT], PostgresqlAccountStore(url))) as pool:
            assert 1 == pool.status()[0].used  # on a connection that can only read
            database.execute(f"ALTER ROLE {user} RESET ALL".encode())
            pool.claim()
            used = pool.status()[0].used
    finally:
        database.execute(f"DROP OWNED BY {user}; DROP ROLE {user}".encode())

    assert 2 == used


def test_a_user_needs_no_more_than_the_schema_says(postgresql_url: str, database: psycopg.Connection) -> None:
    """A user with the rights that the schema names keeps the books; one without them is told where they are named."""
    schema_name = postgresql_url.rpartition("search_path%3D")[2]
    user = f"keeper_{schema_name}"
    url = postgresql_url.replace("postgresql://postgres@", f"postgresql://{user}@")
    database.execute(f"CREATE ROLE {user} LOGIN; GRANT USAGE ON SCHEMA {schema_name} TO {user}".encode())
    try:
        assert "forbids its user what the store needs; see the end of: chartimg accounts schema" in str(failure(url))
        right = next(line for line in schema().splitlines() if line.startswith("-- GRANT"))
        with psycopg.connect(postgresql_url, autocommit=True) as owner:
            owner.execute(right.removeprefix("-- ").replace("the_user", user).encode())
        pool = AccountPool([ACCOUNT], PostgresqlAccountStore(url))
        for _ in range(2):
            pool.claim()
        used = pool.status()[0].used
        pool.close()
    finally:
        database.execute(f"DROP OWNED BY {user}; DROP ROLE {user}".encode())

    assert 2 == used


def test_the_schema_may_be_run_again(postgresql_url: str) -> None:
    """The schema run twice keeps the table and the books in it."""
    with closing(AccountPool([ACCOUNT], PostgresqlAccountStore(postgresql_url))) as pool:
        pool.claim()
        with psycopg.connect(postgresql_url, autocommit=True) as connection:
            connection.execute(schema().encode())

        assert 1 == pool.status()[0].used


def test_a_thread_waits_for_another_no_longer_than_the_timeout(postgresql_url: str) -> None:
    """If a thread holds the connection for longer than the timeout, another is told that the store is busy."""
    store = PostgresqlAccountStore(postgresql_url, timeout=0.2)
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with store._lock:  # noqa: SLF001 (as a statement does that takes long)
            held.set()
            done.wait(LONG)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(LONG)
    with pytest.raises(StoreBusy, match="is busy with other threads"):
        store.read(["a"])
    done.set()
    holder.join()
    store.close()


def test_a_row_that_another_session_locks_is_not_waited_for_forever(postgresql_url: str) -> None:
    """A swap of a row that another session holds ends after the timeout, and is made once the row is free."""

    def check(timeout: float) -> None:
        with closing(AccountPool([ACCOUNT], PostgresqlAccountStore(postgresql_url, timeout=timeout))) as pool:
            pool.reset("a")
            pool.claim()
            with psycopg.connect(postgresql_url) as session:
                session.execute("SELECT FROM chartimg_account FOR UPDATE")
                with pytest.raises(StoreUnavailable, match="did not answer in time"):
                    pool.claim()
            pool.claim()

            assert 2 <= pool.status()[0].used <= 3

    with_patience(check)


def test_no_session_is_left_in_a_transaction_or_with_prepared_statements(postgresql_url: str) -> None:
    """Between two statements the session holds no transaction, lock or prepared statement, as a pooler needs."""
    with closing(PostgresqlAccountStore(postgresql_url)) as store:
        pool = AccountPool([ACCOUNT], store)
        for _ in range(20):
            pool.claim()
        session = store._connection  # noqa: SLF001 (its session is looked at from inside)
        assert session is not None
        assert psycopg.pq.TransactionStatus.IDLE == session.info.transaction_status
        assert [(0,)] == session.execute("SELECT count(*) FROM pg_prepared_statements").fetchall()


def test_the_clock_is_that_of_the_server(postgresql_url: str) -> None:
    """The time of the store is the server's."""
    with (
        closing(PostgresqlAccountStore(postgresql_url)) as store,
        psycopg.connect(postgresql_url, autocommit=True) as session,
    ):
        times = []
        for _ in range(2):
            (row,) = session.execute("SELECT clock_timestamp()").fetchall()
            times += [row[0], store.clock.now()]

        assert times[0] <= times[2]
        assert abs((times[1] - times[0]).total_seconds()) < 10


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
def test_a_forked_child_uses_a_connection_of_its_own(postgresql_url: str) -> None:
    """After a fork parent and child take claims over connections of their own, and the child's end leaves the parent's alone."""
    program = f"""
import os
from datetime import UTC, datetime, timedelta
from chartimg import Account, AccountPool
from chartimg.adapters.postgresql import PostgresqlAccountStore
store = PostgresqlAccountStore({postgresql_url!r})
pool = AccountPool([Account("a", "canary-key", daily_limit=9, requests_per_second=1e5, burst=100)], store)
pool.claim(latest=datetime.now(UTC) + timedelta(seconds=60))
session = store._connection.info.backend_pid
child = os.fork()
if child == 0:
    pool.claim(latest=datetime.now(UTC) + timedelta(seconds=60))
    os._exit(store._connection.info.backend_pid == session)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
pool.claim(latest=datetime.now(UTC) + timedelta(seconds=60))
assert store._connection.info.backend_pid == session
print(pool.status()[0].used)
pool.close()
"""
    child = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False)

    assert ("3\n", "", 0) == (child.stdout, child.stderr, child.returncode)


def test_many_stores_share_one_server() -> None:
    """Books in schemas of their own know nothing of each other."""
    stores = [PostgresqlAccountStore(own_books(shared_postgresql())) for _ in range(2)]
    pools = [AccountPool([ACCOUNT], store) for store in stores]
    pools[0].claim()
    used = [pool.status()[0].used for pool in pools]
    for pool in pools:
        pool.close()

    assert [1, 0] == used
