"""A bot that answers each line "SYMBOL TIMEFRAME" with a chart, several at once."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from chartimg import AsyncChartClient


async def answer(client: AsyncChartClient, line: str) -> None:
    """Fetch the chart that a line asks for, and say where it is. A real bot would send it."""
    symbol, _, timeframe = line.partition(" ")
    request = client.request(symbol, timeframe, template="price_rsi14_stochrsi_v1")
    result = await client.fetch(request, deadline=60.0)
    if result:
        path = Path(f"{result.fetch_id}.png")  # never a name that a user may choose
        await asyncio.to_thread(path.write_bytes, result.png_bytes)
        print(f"{line}: {path}", flush=True)
    else:
        print(f"{line}: {result.error.message}", flush=True)


async def main() -> None:
    """Answer every line of the input; a line that can't be answered harms no other."""
    async with AsyncChartClient.from_env() as client, asyncio.TaskGroup() as answers:
        while line := (await asyncio.to_thread(sys.stdin.readline)).strip():
            answers.create_task(answer(client, line))


if __name__ == "__main__":
    asyncio.run(main())
