"""A bot that posts a chart to a Discord channel, or the reason why there is none."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import urllib3

from chartimg import ChartClient


def main(symbol: str, timeframe: str) -> None:
    """Fetch one chart, keep it in a file, and post it."""
    webhook = os.environ["DISCORD_WEBHOOK_URL"]  # first: without it no call is paid for
    with ChartClient.from_env() as client:
        request = client.request(
            symbol, timeframe, template="price_rsi14_stochrsi_v1", theme="light"
        )
        result = client.fetch(request, deadline=60.0)
    fields: dict[str, str | tuple[str, bytes, str]] = {"content": f"{symbol} {timeframe}"}
    if result:
        Path("chart.png").write_bytes(result.png_bytes)
        fields["files[0]"] = ("chart.png", result.png_bytes, "image/png")
    else:
        fields["content"] = f"{symbol} {timeframe}: no chart. {result.error.message}"
    reply = urllib3.request("POST", webhook, fields=fields, timeout=20.0, retries=False)
    print("posted" if reply.status in {200, 204} else f"not posted: {reply.status}")


if __name__ == "__main__":
    main(*sys.argv[1:])
