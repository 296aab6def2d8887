"""The memory of an export: that of a long one less that of a short one, in MB. ``python benchmarks/export.py`` prints the table.

Each export is the command in a process of its own, over loopback, with a new picture for each call. No test asserts these figures.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import sys
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

from chartimg.testing import picture

SHORT, LONG = 100, 10_000
MB = 1 << 20
MAX_MB = 30
MEMORY = Path("/dev/shm")


def main() -> None:
    """Measure, and print the table."""
    with serving() as url:
        cases = {"calls": (), "calls, --json": ("--json",), "all kept by --resume": ("--resume",)}
        peaks = {case: [peak(count, url, *options) for count in (SHORT, LONG)] for case, options in cases.items()}
    print(f"{'an export of 10,000 charts, above one of 100':<46} {'MB':>6}  at most")
    for case, (short, long) in peaks.items():
        more = (long - short) / MB
        print(f"{case:<46} {more:>6.1f}  {MAX_MB}{'' if more <= MAX_MB else '  OVER'}")


def peak(count: int, url: str, *options: str) -> int:
    """Return the largest resident memory of an export of *count* charts, in bytes; one with --resume is the second one."""
    account = {"id": "a", "apiKey": "key", "dailyLimit": 10**6, "requestsPerSecond": 10**5, "burst": 10**5}
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as name:
        folder = Path(name)
        (folder / "list").write_text("".join(f"BINANCE:C{number}USDT\n" for number in range(count)))
        command = (
            *(sys.executable, "-m", "chartimg", "export", "--from", "list", "--timeframes", "1h"),
            *("--templates", "price_psar_adi_v1", "--out", "out", "--jobs", "8"),
        )
        environ = {
            **os.environ,
            "HOME": name,
            "CHARTS_API_BASE_URL": url,
            "CHARTS_ACCOUNT_STORE": "memory://",
            "CHART_IMG_ACCOUNTS_JSON": json.dumps([account]),
        }
        if "--resume" in options:
            used(command, environ, folder)
        return used((*command, *options), environ, folder)


def used(command: tuple[str, ...], environ: dict[str, str], folder: Path) -> int:
    """Run *command*, and return its largest resident memory in bytes."""
    child = os.fork()
    if not child:
        os.chdir(folder)
        silent = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silent, 1)
        os.dup2(silent, 2)
        os.execve(command[0], command, environ)
    _, status, usage = os.wait4(child, 0)
    assert not status, f"the export ended with {status}"
    return usage.ru_maxrss * 1024


@contextmanager
def serving() -> Iterator[str]:
    """Run a server in another process."""
    here, there = multiprocessing.Pipe()
    child = multiprocessing.get_context("spawn").Process(target=serve, args=(there,), daemon=True)
    child.start()
    try:
        yield f"http://127.0.0.1:{here.recv()}"
    finally:
        child.terminate()
        child.join()


def serve(pipe: Connection) -> None:
    """Answer each request with a picture of its own, until terminated."""
    whole, number = picture(800, 600), 0
    end = whole.rindex(b"IEND") - 4

    class Protocol(asyncio.Protocol):
        """Answers each request after its last byte."""

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            assert isinstance(transport, asyncio.Transport)
            self.transport, self.data = transport, b""

        def data_received(self, data: bytes) -> None:
            nonlocal number
            self.data += data
            head, found, rest = self.data.partition(b"\r\n\r\n")
            length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length"))
            if not found or len(rest) < length:
                return
            self.data, number = rest[length:], number + 1
            text = b"tEXt" + b"number\0%d" % number
            chunk = (len(text) - 4).to_bytes(4) + text + zlib.crc32(text).to_bytes(4)
            body = whole[:end] + chunk + whole[end:]
            self.transport.write(
                b"HTTP/1.1 200 OK\r\ncontent-type: image/png\r\ncontent-length: %d\r\n\r\n" % len(body) + body
            )

    async def run() -> None:
        listening = await asyncio.get_running_loop().create_server(Protocol, "127.0.0.1", 0)
        pipe.send(listening.sockets[0].getsockname()[1])
        await listening.serve_forever()

    asyncio.run(run())


if __name__ == "__main__":
    main()
