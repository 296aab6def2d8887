"""A private redis-server for tests: on a free port or a socket, in a folder of its own, stopped and started at will."""

from __future__ import annotations

import contextlib
import os
import secrets
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import pytest
import redis

from patience import LONG

_BINARY = shutil.which("redis-server")


class RedisServer:
    """A redis-server in *folder* that saves nothing unless it is asked to; a context manager that starts and ends it.

    Args:
        folder: folder of its log and its snapshots, created if it does not exist.
        options: further options of its command line.
        socket_path: a unix socket (at most about 100 bytes) in place of a port.
    """

    def __init__(self, folder: Path, *options: str, socket_path: Path | None = None) -> None:
        self._folder, self._options, self._socket = folder, options, socket_path
        self._process: subprocess.Popen[bytes] | None = None
        self._open: list[redis.Redis] = []
        self.port = 0

    @property
    def url(self) -> str:
        """The address."""
        return f"redis://127.0.0.1:{self.port}/0" if self._socket is None else f"unix://{self._socket}"

    @property
    def place(self) -> str:
        """The address in messages."""
        return f"127.0.0.1:{self.port}/0" if self._socket is None else f"{self._socket}/0"

    def client(self, **options: object) -> redis.Redis:
        """Return a client that is closed with the server; by default it decodes answers and never retries."""
        client: redis.Redis = redis.Redis.from_url(
            self.url, **{"decode_responses": True, "retry": None, "protocol": 2, "socket_timeout": LONG, **options}
        )
        self._open.append(client)
        return client

    def start(self) -> Self:
        """Start the server at its earlier address with its last snapshot; wait until it answers."""
        self._folder.mkdir(parents=True, exist_ok=True)
        deadline = time.monotonic() + LONG
        while not self._try(deadline):
            assert time.monotonic() < deadline, f"redis-server did not start: {self.log()}"
        return self

    def stop(self) -> None:
        """Kill the server with all unsaved data, as ``kill -9`` does, or the loss of a machine."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait(LONG)

    def freeze(self) -> None:
        """Stop its answers and keep its connections open, as a machine that hangs does."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on with all that has arrived."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def save(self) -> None:
        """Save a snapshot for the next start."""
        with redis.Redis.from_url(self.url, protocol=2) as client:
            client.save()

    def close(self) -> None:
        """End the server for good."""
        for client in self._open:
            client.close()
        self._open.clear()
        self.stop()

    def log(self) -> str:
        """Return its log."""
        return (self._folder / "log").read_text(errors="replace")

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    def _try(self, deadline: float) -> bool:
        """Start the process once; return whether it stayed. Another process may have taken its port."""
        if self._socket is None and not self.port:
            self.port = free_port()
        where = (
            ["--port", str(self.port)] if self._socket is None else ["--port", "0", "--unixsocket", str(self._socket)]
        )
        fixed = ("--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(self._folder))
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [_BINARY or "redis-server", *fixed, *where, *self._options], stdout=log, stderr=log, cwd=self._folder
            )
        while time.monotonic() < deadline and self._process.poll() is None:
            if self._answers():
                return True
            time.sleep(0.005)
        if self._process.poll() is not None:
            self.port = 0
        return False

    def _answers(self) -> bool:
        """Return whether it answers PING, also by asking for a password."""
        family = socket.AF_INET if self._socket is None else socket.AF_UNIX
        with socket.socket(family) as connection:
            connection.settimeout(1)
            try:
                connection.connect(("127.0.0.1", self.port) if self._socket is None else str(self._socket))
                connection.sendall(b"PING\r\n")
                return connection.recv(100).startswith((b"+PONG", b"-NOAUTH"))
            except OSError:
                return False


class Proxy:
    """A proxy before the server at *port* that loses commands and answers; a context manager.

    Commands that hold *word* meet the losses of :meth:`lose` in order; other commands, and those after the last loss, pass.
    If *target* changes, new connections lead there, and open ones stay where they are, as behind an address that fails over.
    """

    def __init__(self, port: int, word: bytes = b"EVAL") -> None:
        self.target, self._word = port, word
        self._plans: deque[tuple[str, Callable[[], object] | None]] = deque()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._done = threading.Event()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self.port: int = self._listener.getsockname()[1]

    def lose(self, what: str, then: Callable[[], object] | None = None) -> None:
        """Lose the next ``command`` or its ``answer``, call *then*, and reset the connection."""
        self._plans.append((what, then))

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        for thread in self._threads:
            thread.join(LONG)
        self._listener.close()

    def _accept(self) -> None:
        while not self._done.is_set():
            if select.select([self._listener], [], [], 0.02)[0]:
                near, _ = self._listener.accept()
                thread = threading.Thread(target=self._serve, args=(near,), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _serve(self, near: socket.socket) -> None:
        with contextlib.suppress(OSError), near, socket.create_connection(("127.0.0.1", self.target)) as far:
            losing: tuple[str, Callable[[], object] | None] = ("", None)
            while not self._done.is_set():
                ready = select.select([near, far], [], [], 0.02)[0]
                for source in ready:
                    data = source.recv(1 << 20)
                    if source is near and self._word in data and self._plans:
                        losing = self._plans.popleft()
                    if losing[0] == ("command" if source is near else "answer"):
                        if losing[1] is not None:
                            losing[1]()
                        data = b""
                    if not data:
                        return
                    (far if source is near else near).sendall(data)


def redis_server(folder: Path, *options: str, socket_path: Path | None = None) -> RedisServer:
    """Return a server of the test, to be started with ``with``; skip the test without a redis-server."""
    if _BINARY is None:
        pytest.skip("there is no redis-server on the PATH")
    return RedisServer(folder, *options, socket_path=socket_path)


@contextmanager
def shared_redis() -> Iterator[str]:
    """Yield the address of a server that other tests use, too: that of CHARTIMG_TEST_REDIS_URL, or a new one.

    A test keeps to a prefix of its own there (:func:`unique_prefix`). Without either server the test is skipped.
    """
    if url := os.environ.get("CHARTIMG_TEST_REDIS_URL"):
        yield url
        return
    if _BINARY is None:
        pytest.skip("CHARTIMG_TEST_REDIS_URL is not set and there is no redis-server on the PATH")
    folder = Path(tempfile.mkdtemp(prefix="chartimg-redis-"))
    try:
        with RedisServer(folder) as server:
            yield server.url
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def unique_prefix(url: str) -> Iterator[str]:
    """Yield an unused prefix on the server at *url*, and delete all keys under it afterwards."""
    prefix = f"test-{secrets.token_hex(6)}"
    try:
        yield prefix
    finally:
        with redis.Redis.from_url(url, protocol=2) as client, contextlib.suppress(redis.RedisError):
            for key in client.scan_iter(match=f"{{{prefix}}}:*", count=1000):
                client.delete(key)


@pytest.fixture(scope="module")
def redis_url() -> Iterator[str]:
    """Yield the address of a server for the tests of one module; see :func:`shared_redis`."""
    with shared_redis() as url:
        yield url


def free_port() -> int:
    """Return a port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
