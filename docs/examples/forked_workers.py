"""A client that is opened before the workers are forked: they share its account books."""

from __future__ import annotations

import multiprocessing
import sys
from pathlib import Path

from chartimg import ChartClient

client = ChartClient.from_env()


def save(symbol: str) -> str:
    """Fetch one chart in a worker, and return what became of it."""
    result = client.fetch(client.request(symbol, "1h", template="price_psar_adi_v1"))
    if not result:
        return f"{symbol}: {result.error.message}"
    Path(f"{result.fetch_id}.png").write_bytes(result.png_bytes)
    return f"{symbol}: paid by {result.account_id}"


if __name__ == "__main__":
    with client, multiprocessing.get_context("fork").Pool(4) as workers:
        for line in workers.imap_unordered(save, sys.argv[1:]):
            print(line)
