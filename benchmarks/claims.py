"""Count the claims a second that each store grants, to one process and to eight that share it.

``make bench`` prints it. Every claim is a swap of a snapshot: durable in SQLite and PostgreSQL, a round trip to Redis. Processes claim on
one account, so that all swaps contend, or on eight, so that few do.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from multiprocessing.synchronize import Barrier
from pathlib import Path

import psycopg

from chartimg import Account, AccountPool
from chartimg.adapters.memory import MemoryAccountStore
from chartimg.adapters.postgresql import schema
from chartimg.adapters.sqlite import SqliteAccountStore
from chartimg.domain.account.turn import Granted
from chartimg.domain.ports import AccountStore

SECONDS = 1.5


def main() -> None:
    """Measure and print."""
    print(f"{'store':<22}{'processes':>10}{'accounts':>10}{'claims a second':>18}")
    with (
        tempfile.TemporaryDirectory() as folder,
        redis_server(Path(folder)) as redis,
        postgresql_server(Path(folder) / "postgresql") as postgresql,
    ):
        file = f"sqlite:{folder}/books.sqlite3"
        places = [("memory", "memory", (1,)), ("sqlite, durable", file, (1, 8))]
        places += [("redis, on loopback", redis, (1, 8))] if redis else []
        places += [("postgresql, loopback", postgresql, (1, 8))] if postgresql else []
        for name, place, crowds in places:
            for processes in crowds:
                for accounts in (1, 8):
                    print(f"{name:<22}{processes:>10}{accounts:>10}{measure(place, processes, accounts):>18,.0f}")
    if not redis:
        print("no redis-server on the PATH: Redis is skipped")
    if not postgresql:
        print("no initdb and postgres on the PATH or under /usr/lib/postgresql: PostgreSQL is skipped")


def measure(place: str, processes: int, accounts: int) -> float:
    """Count the claims a second that *processes* are granted together."""
    context = multiprocessing.get_context("spawn")
    barrier, counts = context.Barrier(processes), context.SimpleQueue()
    children = [
        context.Process(target=claim, args=(place, accounts, barrier, counts), daemon=True) for _ in range(processes)
    ]
    for child in children:
        child.start()
    total: int = sum(counts.get() for _ in children)
    for child in children:
        child.join()
    return total / SECONDS


def claim(place: str, accounts: int, barrier: Barrier, counts: multiprocessing.SimpleQueue[int]) -> None:
    """Claim as fast as possible for some seconds."""
    store = opened(place)
    names = [Account(f"a{n}", f"key-{n}", 10**9, None, 1e5, 10**6) for n in range(accounts)]
    pool = AccountPool(names, store)
    pool.status()
    barrier.wait()
    end, count = time.perf_counter() + SECONDS, 0
    while time.perf_counter() < end:
        outcome = pool.claim(latest=datetime.now(UTC) + timedelta(seconds=30))
        count += isinstance(outcome, Granted)
    counts.put(count)
    pool.close()


def opened(place: str) -> AccountStore:
    """Open the store at *place*."""
    if place == "memory":
        return MemoryAccountStore()
    if place.startswith("sqlite:"):
        return SqliteAccountStore(place.removeprefix("sqlite:"))
    if place.startswith("postgresql:"):
        from chartimg.adapters.postgresql import PostgresqlAccountStore

        return PostgresqlAccountStore(place)
    from chartimg.adapters.redis import RedisAccountStore

    return RedisAccountStore(place)


@contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """Run a Redis and yield its address; yield "" without a redis-server on the PATH."""
    binary = shutil.which("redis-server")
    if binary is None:
        yield ""
        return
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(folder)]
    server = subprocess.Popen([binary, *options], stdout=subprocess.DEVNULL)
    try:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.05)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.terminate()
        server.wait()


@contextmanager
def postgresql_server(folder: Path) -> Iterator[str]:
    """Run a durable PostgreSQL and yield its address; yield "" without its programs."""
    places = [shutil.which("initdb") or "", *sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin/initdb")))]
    programs = next((Path(each).resolve().parent for each in reversed(places) if each), None)
    if programs is None:
        yield ""
        return
    user = "postgres" if os.geteuid() == 0 else None  # PostgreSQL refuses to run as root
    folder.mkdir()
    if user:
        folder.parent.chmod(0o755)
        shutil.chown(folder, user)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    start = partial(subprocess.Popen, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, user=user, cwd=folder)
    initdb = [
        programs / "initdb",
        "-D",
        folder / "data",
        "-A",
        "trust",
        "-U",
        "postgres",
        "-E",
        "UTF8",
        "--locale",
        "C",
    ]
    start(initdb).wait()
    options = ["-p", str(port), "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]
    server = start([programs / "postgres", "-D", folder / "data", *options])
    url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
    try:
        while True:
            with contextlib.suppress(psycopg.OperationalError), psycopg.connect(url, autocommit=True) as connection:
                connection.execute(schema().encode())
                break
            time.sleep(0.05)
        yield url
    finally:
        server.send_signal(signal.SIGINT)
        server.wait()


if __name__ == "__main__":
    main()
