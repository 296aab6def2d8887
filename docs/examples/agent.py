"""The part of an agent that gets a chart: it starts `chartimg mcp` and calls its tool."""

from __future__ import annotations

import asyncio
import base64
import os
import sys
from pathlib import Path

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.types import CallToolResult, ImageContent, TextContent

COMMAND = ["-m", "chartimg", "mcp"]


async def ask(symbol: str, interval: str) -> CallToolResult:
    """Call the tool as a model does. The settings of the environment are the server's."""
    server = StdioServerParameters(command=sys.executable, args=COMMAND, env=dict(os.environ))
    wanted = {"symbol": symbol, "interval": interval, "template": "price_psar_adi_v1"}
    async with stdio_client(server) as streams, ClientSession(*streams) as session:
        await session.initialize()
        answer = await session.call_tool("chart", wanted)
    assert isinstance(answer, CallToolResult)
    return answer


def main(symbol: str, interval: str) -> int:
    """Save the picture, print the line beside it, and return the exit code."""
    answer = asyncio.run(ask(symbol, interval))
    for block in answer.content:
        if isinstance(block, ImageContent):
            Path("chart.png").write_bytes(base64.b64decode(block.data))
        elif isinstance(block, TextContent):
            print(block.text)
    return 1 if answer.is_error else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
