"""A model in tests: the SDK's own client, which drives a process of ``chartimg mcp``, or a server in this process.

The SDK is imported where it is used: it takes a second to load, and one of several workers needs it.
"""

from __future__ import annotations

import asyncio
import base64
import shlex
import sys
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import attrs

from chartimg import AsyncChartClient
from chartimg.app.config import WorkerConfig
from chartimg.app.mcp.budget import SessionPool
from command import environment
from patience import LONG

if TYPE_CHECKING:
    from mcp import Client, ClientSession, types

    Session = ClientSession | Client

T = TypeVar("T")
RAW: Final = "stdout"
"""The file with all that a process has written to standard output."""


@attrs.frozen
class Answer:
    """The answer of a tool.

    Attributes:
        text: its text blocks.
        pictures: its image blocks.
        is_error: whether it is an error of the tool.
    """

    text: str
    pictures: tuple[bytes, ...]
    is_error: bool


class Model:
    """Calls tools from any thread, over a *session* on a loop of its own."""

    def __init__(self, session: Session, loop: asyncio.AbstractEventLoop) -> None:
        self._session = session
        self._loop = loop

    def tools(self) -> dict[str, types.Tool]:
        """List the tools by name."""
        return {tool.name: tool for tool in self._wait(self._session.list_tools()).tools}

    def call(self, tool: str, **arguments: object) -> Answer:
        """Call one tool."""
        return self.call_at_once(tool, arguments)[0]

    def call_at_once(self, tool: str, *many: Mapping[str, object]) -> list[Answer]:
        """Call one tool several times at the same moment."""

        async def call() -> list[Answer]:
            """Wait for all answers."""
            return await asyncio.gather(*(_called(self._session, tool, dict(arguments)) for arguments in many))

        return self._wait(call())

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(2 * LONG)


@contextmanager
def process(*options: str, cwd: Path, **variables: str) -> Iterator[Model]:
    """Run ``chartimg mcp`` in the block. All that it writes to standard output is in the file RAW, too."""
    from mcp import ClientSession, StdioServerParameters
    from mcp.client.stdio import stdio_client

    command = shlex.join((sys.executable, "-m", "chartimg", *options, "mcp"))
    parameters = StdioServerParameters(
        command="sh",
        args=["-c", f"{command} | tee {RAW}"],
        env=environment(cwd / "home", **variables),
        cwd=cwd,
    )

    @asynccontextmanager
    async def connected() -> AsyncIterator[ClientSession]:
        """Start the process, and greet it."""
        with (cwd / "stderr").open("w") as errors:
            async with stdio_client(parameters, errlog=errors) as streams, ClientSession(*streams) as session:
                await session.initialize()
                yield session

    with _running(connected()) as model:
        yield model


@contextmanager
def server(environ: Mapping[str, str], budget: int | None = None) -> Iterator[Model]:
    """Run a server in this process in the block, and the SDK's client of it."""
    from mcp import Client

    from chartimg.app.mcp.server import ToolServer
    from chartimg.app.mcp.tools import ChartTools

    config = WorkerConfig.from_env({"CHARTS_CACHE": "memory://", **environ})

    @asynccontextmanager
    async def connected() -> AsyncIterator[Client]:
        """Open a client of charts, and a server over it."""
        pool = SessionPool(config, budget) if config.accounts else None
        client = AsyncChartClient(config, accounts=pool)
        async with client, Client(ToolServer(ChartTools(client, config, pool))) as session:
            yield session
        if pool is not None:
            pool.close()

    with _running(connected()) as model:
        yield model


@contextmanager
def _running(connected: AbstractAsyncContextManager[Session]) -> Iterator[Model]:
    """Hold a session open on a loop in a thread: a session must begin and end in one task."""
    ready: Future[Model] = Future()
    end: Future[None] = Future()

    async def hold() -> None:
        """Hold the session, until the block ends."""
        try:
            async with connected as session:
                ready.set_result(Model(session, asyncio.get_running_loop()))
                await asyncio.wrap_future(end)
        except BaseException as error:
            if not ready.done():
                ready.set_exception(error)
            raise

    thread = threading.Thread(target=asyncio.run, args=(hold(),), daemon=True)
    thread.start()
    try:
        yield ready.result(2 * LONG)
    finally:
        end.set_result(None)
        thread.join(2 * LONG)
        assert not thread.is_alive()


async def _called(session: Session, tool: str, arguments: dict[str, Any]) -> Answer:
    from mcp import types

    result = await session.call_tool(tool, arguments)
    assert isinstance(result, types.CallToolResult)
    texts, pictures = [], []
    for block in result.content:
        match block:
            case types.TextContent(text=text):
                texts.append(text)
            case types.ImageContent(data=data, mime_type="image/png"):
                pictures.append(base64.b64decode(data))
            case _:
                raise AssertionError(block)
    return Answer("\n".join(texts), tuple(pictures), bool(result.is_error))
