"""The server of the Model Context Protocol, over standard input and output."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from contextlib import suppress
from inspect import cleandoc
from typing import Any, Final

from mcp import types
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import ValidationError

from ...domain.check.suggestion import hint, likely_name
from ...domain.errors import ConfigError, StoreUnavailable
from ...version import __version__
from ..async_bootstrap import AsyncChartClient
from ..config import WorkerConfig
from ..mode import ApiMode
from .budget import SessionPool
from .tools import ChartTools

__all__ = ["ToolServer", "serve"]

_INSTRUCTIONS: Final = (
    "TradingView charts as pictures. A new picture costs a unit of a small daily quota, even if the chart is wrong: take exact "
    "names from find_study() and templates(), and try an unusual body with check(). Read the line beside a picture: it "
    "says when it was taken, and how many units are left."
)
_LOGGER: Final = logging.getLogger("chartimg.mcp")
_LOGGER.addHandler(logging.NullHandler())
_ASKED: Final = types.ToolAnnotations(read_only_hint=True, open_world_hint=False)
_PAID: Final = types.ToolAnnotations(read_only_hint=False, destructive_hint=False, open_world_hint=True)


class ToolServer(MCPServer[Any]):
    """The SDK's server with five tools. It refuses unknown arguments, and says what to do in each error."""

    def __init__(self, tools: ChartTools) -> None:
        super().__init__("chartimg", instructions=_INSTRUCTIONS, version=__version__, log_level="WARNING")
        for tool in (tools.chart, tools.check, tools.find_study, tools.templates, tools.quota):
            hints = _PAID if tool == tools.chart else _ASKED
            self.add_tool(tool, description=cleandoc(tool.__doc__ or ""), annotations=hints, structured_output=False)

    async def list_tools(self) -> list[types.Tool]:
        """List the tools; their schemas allow no unknown argument."""
        listed = await super().list_tools()
        for tool in listed:
            tool.input_schema = {**tool.input_schema, "additionalProperties": False}
        return listed

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context[Any] | None = None
    ) -> types.CallToolResult | types.InputRequiredResult:
        """Call a tool.

        Raises:
            ToolError: it failed; the text says what to do.
        """
        tool = next((each for each in await self.list_tools() if each.name == name), None)
        if tool is not None:
            known = tool.input_schema.get("properties", {})
            _refuse_unknown(arguments, known)
        try:
            return await super().call_tool(name, arguments, context)
        except ToolError as error:
            match error.__cause__:
                case ValidationError() as wrong:
                    raise ToolError("\n".join(_wrong_arguments(wrong))) from None
                case ConfigError() | ToolError() as reason:
                    raise ToolError(str(reason)) from None
                case StoreUnavailable() as reason:
                    _LOGGER.error("%s", reason)  # noqa: TRY400 (one line)
                    told = "The books of the accounts can't be reached, so no call was made. Tell a person, or ask again later."
                    raise ToolError(told) from None
            raise


def serve(config: WorkerConfig, budget: int | None) -> None:
    """Serve one client on standard input and output, to the end of the input."""
    asyncio.run(_serve(config, budget))


async def _serve(config: WorkerConfig, budget: int | None) -> None:
    pool = None if config.mode is ApiMode.MOCK else SessionPool(config, budget)
    client = AsyncChartClient(config, accounts=pool)

    async def close() -> None:
        await client.aclose()
        if pool is not None:
            pool.close()

    async def end(number: int) -> None:
        try:
            await close()
        finally:
            os._exit(128 + number)  # a thread waits for the next line of the input, to no end

    ending: list[asyncio.Task[None]] = []
    loop = asyncio.get_running_loop()

    def begin_end(number: int) -> None:
        ending.append(loop.create_task(end(number)))

    for each in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError):  # elsewhere than on Unix
            loop.add_signal_handler(each, begin_end, each)
    try:
        await ToolServer(ChartTools(client, config, pool)).run_stdio_async()
    finally:
        await close()


def _refuse_unknown(arguments: dict[str, Any], known: dict[str, Any]) -> None:
    """Refuse an argument that the tool does not have: it would be ignored, and the picture be another one."""
    for name in arguments:
        if name not in known:
            end = hint(likely_name(name, known), f"the arguments are {', '.join(known)}" if known else "leave it out")
            raise ToolError(f"there is no argument {name!a:.60}; {end}")


def _wrong_arguments(wrong: ValidationError) -> list[str]:
    """Return a line for each argument that is missing or of a wrong type."""
    return [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in wrong.errors(include_url=False)]
