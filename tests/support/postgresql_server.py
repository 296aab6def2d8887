"""A private PostgreSQL server for tests: on a free port, in a folder of its own, stopped and started at will."""

from __future__ import annotations

import atexit
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import LiteralString, Self
from urllib.parse import quote

import psycopg
import pytest

from chartimg.adapters.postgresql import schema
from redis_server import free_port

_PATIENCE = 60.0  # seconds
_OPTIONS = {
    "fsync": "off",
    "full_page_writes": "off",
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "16MB",
}


def _binaries() -> Path | None:
    """Return the folder of the server's programs."""
    found = shutil.which("initdb")
    places = [Path(found).resolve().parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return next((each for each in reversed(places) if (each / "postgres").exists()), None)


class PostgresqlServer:
    """A server in *folder* that trusts its callers; a context manager that starts and ends it.

    PostgreSQL refuses to run as root, so root lets it run as the user ``postgres``.
    """

    def __init__(self, folder: Path) -> None:
        programs = _binaries()
        assert programs is not None
        self._programs, self._folder = programs, folder
        self._user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    @property
    def url(self) -> str:
        """The address of its database."""
        return f"postgresql://{self._user}@127.0.0.1:{self.port}/postgres"

    @property
    def place(self) -> str:
        """The address in messages."""
        return f"127.0.0.1:{self.port}/postgres"

    def start(self) -> Self:
        """Start the server at its earlier port with its earlier data; wait until it answers."""
        data = self._folder / "data"
        if not data.exists():
            self._folder.mkdir(parents=True, exist_ok=True)
            if os.geteuid() == 0:
                shutil.chown(self._folder, self._user)
            self._run(
                "initdb", "--pgdata", str(data), "--auth", "trust", "--no-sync", "--encoding", "UTF8", "--locale", "C"
            )
        deadline = time.monotonic() + _PATIENCE
        while not self._try(data, deadline):
            assert time.monotonic() < deadline, f"postgres did not start: {self.log()}"
        return self

    def stop(self) -> None:
        """Stop the server at once, as ``pg_ctl stop -m immediate`` does: all connections break, and it recovers when it starts."""
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(signal.SIGCONT)
            process.send_signal(signal.SIGQUIT)
            process.wait(_PATIENCE)

    @contextmanager
    def hanging(self, application: str = "chartimg") -> Iterator[None]:
        """Let the server's side of the connections of *application* hang in the block, as on a machine that hangs."""
        with psycopg.connect(self.url) as connection:
            asked = "SELECT pid FROM pg_stat_activity WHERE application_name = %s"
            pids = [pid for (pid,) in connection.execute(asked, [application]).fetchall()]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)

    def execute(self, statement: LiteralString) -> None:
        """Carry a statement out, as the owner."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement)

    def log(self) -> str:
        """Return its log."""
        return (self._folder / "log").read_text(errors="replace")

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _run(self, program: str, *arguments: str) -> None:
        user = self._user if os.geteuid() == 0 else None
        subprocess.run(
            [self._programs / program, *arguments], check=True, user=user, cwd=self._folder, stdout=subprocess.DEVNULL
        )

    def _try(self, data: Path, deadline: float) -> bool:
        """Start the process once; return whether it stayed. Another process may have taken its port."""
        self.port = self.port or free_port()
        options = [f"--{name}={value}" for name, value in {**_OPTIONS, "port": str(self.port)}.items()]
        user = self._user if os.geteuid() == 0 else None
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [self._programs / "postgres", "-D", data, *options], stdout=log, stderr=log, cwd=self._folder, user=user
            )
        while time.monotonic() < deadline and self._process.poll() is None:
            with suppress(psycopg.OperationalError), psycopg.connect(self.url):
                return True
            time.sleep(0.01)
        if self._process.poll() is not None:
            self.port = 0
        return False


def postgresql_server(folder: Path) -> PostgresqlServer:
    """Return a server of the test, to be started with ``with``; skip the test without PostgreSQL."""
    if _binaries() is None:
        pytest.skip("PostgreSQL's server is not installed")
    return PostgresqlServer(folder)


@cache
def shared_postgresql() -> str:
    """Return the address of the server that the tests of this process share, each with its :func:`own_books`."""
    folder = Path(tempfile.mkdtemp(prefix="chartimg-postgresql-"))
    folder.chmod(0o755)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    server = postgresql_server(folder / "server").start()
    atexit.register(server.stop)
    return server.url


def own_schema(url: str) -> str:
    """Return the address of an empty schema on the server at *url*."""
    name = f"test_{secrets.token_hex(6)}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {name}".encode())
    return f"{url}?options={quote(f'-csearch_path={name}')}"


def own_books(url: str) -> str:
    """Return the address of empty books, in a schema of their own on the server at *url*."""
    own = own_schema(url)
    with psycopg.connect(own, autocommit=True) as connection:
        connection.execute(schema().encode())
    return own


@pytest.fixture
def postgresql_url() -> str:
    """Return the address of empty books."""
    return own_books(shared_postgresql())
