"""Print the requests a second that the emulator serves with a cached picture, on one core, to a client on another.

Part of ``make bench``. A minimal client asks on several persistent connections.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import statistics
import time
from multiprocessing.connection import Connection

from chartimg.emulator.accounts import EmulatedAccount
from chartimg.emulator.running import Emulator

BODY = json.dumps(
    {"symbol": "BINANCE:BTCUSDT", "interval": "1h", "studies": [{"name": "Volume"}, {"name": "MACD"}]}
).encode()
REQUEST = (
    b"POST /v2/tradingview/advanced-chart HTTP/1.1\r\nhost: 127.0.0.1\r\nx-api-key: key-of-a\r\n"
    b"content-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (len(BODY), BODY)
)
CONNECTIONS, ROUND = 8, 1000


def main() -> None:
    """Print the rate."""
    here, there = multiprocessing.Pipe()
    child = multiprocessing.get_context("spawn").Process(target=serve, args=(there,), daemon=True)
    child.start()
    port = here.recv()
    asyncio.run(ask(port, CONNECTIONS))
    rates = []
    for _ in range(7):
        started = time.perf_counter()
        asyncio.run(ask(port, ROUND))
        rates.append(ROUND / (time.perf_counter() - started))
    child.terminate()
    child.join()
    print(f"emulator, requests a second with a cached picture: {statistics.median(rates):,.0f}  (at least 1,000)")


def serve(pipe: Connection) -> None:
    """Run an emulator until the process is terminated."""
    account = EmulatedAccount("a", "key-of-a", 10**9, "PRO", 1e6, 10**6)
    with Emulator([account]) as running:
        pipe.send(int(running.url.rpartition(":")[2]))
        pipe.recv()


async def ask(port: int, calls: int) -> None:
    """Make *calls* calls over all connections."""
    await asyncio.gather(*(converse(port, calls // CONNECTIONS) for _ in range(CONNECTIONS)))


async def converse(port: int, calls: int) -> None:
    """Make *calls* calls on one connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
    for _ in range(calls):
        writer.write(REQUEST)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        assert (await reader.readexactly(length))[:4] == b"\x89PNG", head
    writer.close()


if __name__ == "__main__":
    main()
