"""HTTP on loopback: h11 speaks the protocol, asyncio owns the sockets, threads draw the pictures."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import re
import socket
import struct
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate
from functools import lru_cache
from typing import Final
from urllib.parse import parse_qsl

import h11

from ..version import __version__
from .answer import HttpAnswer, HttpRequest
from .drawing import draw
from .provider import Provider
from .rules import AcceptedChart
from .scenario import Fault

SERVER: Final = f"chartimg-emulator/{__version__}"
"""The ``Server`` header of every answer; the recorder keeps it in meta files."""

_HOST: Final = "127.0.0.1"
_MAX_BODY_BYTES: Final = 1024 * 1024
_CHUNK_BYTES: Final = 64 * 1024
_MAX_KEPT_PICTURES: Final = 512
_MISSING_BYTES: Final = 100  # a wrong Content-Length leaves these out
_BODILESS: Final = frozenset({204, 304})
_ABSOLUTE: Final = re.compile(r"^https?://[^/?]*", re.IGNORECASE)  # a target may name the server
_DRAWING_FAILED: Final = HttpAnswer(500, b'{"message":"Something Went Wrong"}')
_NO_LINGER: Final = struct.pack("ii", 1, 0)  # close with RST


class Server:
    """Serves *provider* on loopback, in the event loop that started it."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._listening: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._picture = lru_cache(_MAX_KEPT_PICTURES)(self._begin_drawing)  # equal charts share one drawing
        self._painters = ThreadPoolExecutor(2, thread_name_prefix="chartimg-emulator")

    async def start(self, port: int) -> int:
        """Listen on *port*, or on a free one if it is 0, and return the port.

        Raises:
            OSError: the port is taken.
        """
        self._listening = await asyncio.start_server(self._accept, _HOST, port, limit=_CHUNK_BYTES, backlog=512)
        number: int = self._listening.sockets[0].getsockname()[1]
        return number

    async def serve(self, provider: Provider) -> None:
        """End every connection and serve *provider* from now on, with the pictures that are drawn already."""
        self._provider = provider
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def stop(self) -> None:
        """Stop listening and end every connection."""
        if self._listening is not None:
            self._listening.close()
        await self.serve(self._provider)
        self._painters.shutdown(wait=False, cancel_futures=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection to its end; errors of the other side are not logged."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 (a callback of a server runs in a task)
        self._connections.add(task)
        try:
            with contextlib.suppress(OSError, h11.ProtocolError, asyncio.CancelledError):
                await self._converse(reader, writer)
        finally:
            self._connections.discard(task)
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request after the other while the connection is kept."""
        parser = h11.Connection(h11.SERVER)
        while True:
            try:
                request = await _receive(parser, reader, writer)
            except h11.RemoteProtocolError as error:
                await _refuse(parser, writer, error.error_status_hint)
                return
            if request is None:
                return
            answer = self._provider.answer(request)
            if answer.latency:
                await asyncio.sleep(answer.latency)
            answer, body = await self._drawn(answer)
            if answer.damage is Fault.TRUNCATED_PNG:
                body = body[: len(body) // 2]
            elif answer.damage is not None:
                await _misbehave(answer, body, reader, writer)
                return
            writer.write(_whole(parser, answer, body, request.method))
            await writer.drain()
            if parser.our_state is not h11.DONE or parser.their_state is not h11.DONE:
                return
            parser.start_next_cycle()

    async def _drawn(self, answer: HttpAnswer) -> tuple[HttpAnswer, bytes]:
        """Return an answer with its body; a bug in the drawing is logged and answered with 500."""
        chart = answer.chart if answer.stored is None else answer.stored.chart
        if chart is None:
            return answer, answer.body
        try:
            picture = await asyncio.shield(self._picture(chart))
            return answer, picture if answer.stored is None else json.dumps(answer.stored.answer(picture)).encode()
        except Exception:
            logging.getLogger("chartimg.emulator").exception("a chart can't be drawn")
            return _DRAWING_FAILED, _DRAWING_FAILED.body

    def _begin_drawing(self, chart: AcceptedChart) -> asyncio.Future[bytes]:
        return asyncio.get_running_loop().run_in_executor(self._painters, draw, chart.body)


async def _receive(
    parser: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> HttpRequest | None:
    """Return one request, or None if the other side has left."""
    head: h11.Request | None = None
    body = bytearray()
    while True:
        match parser.next_event():
            case h11.NEED_DATA:
                if parser.they_are_waiting_for_100_continue:
                    writer.write(parser.send(h11.InformationalResponse(status_code=100, headers=[])) or b"")
                parser.receive_data(await reader.read(_CHUNK_BYTES))
            case h11.Request() as request:
                head = request
            case h11.Data(data=data):
                body += data
                if len(body) > _MAX_BODY_BYTES:
                    raise h11.RemoteProtocolError("the body is too large", error_status_hint=413)
            case h11.EndOfMessage() if head is not None:
                headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in head.headers}
                path, _, query = _ABSOLUTE.sub("", head.target.decode("latin-1")).partition("?")
                return HttpRequest(head.method.decode("latin-1"), path, headers, bytes(body), dict(parse_qsl(query)))
            case _:
                return None


def _head(answer: HttpAnswer, length: int) -> Mapping[str, str]:
    return {
        "content-type": answer.content_type,
        "content-length": str(length),
        "date": formatdate(usegmt=True),
        "server": SERVER,
        **answer.headers,
    }


def _whole(parser: h11.Connection, answer: HttpAnswer, body: bytes, method: str) -> bytes:
    """Return the bytes of a correct answer; to HEAD, and with 204 and 304, without a body (RFC 9110, section 6.4.1)."""
    response = h11.Response(status_code=answer.status, headers=list(_head(answer, len(body)).items()))
    sent = b"" if method == "HEAD" or answer.status in _BODILESS else body
    parts = parser.send(response), parser.send(h11.Data(data=sent)), parser.send(h11.EndOfMessage())
    return b"".join(part for part in parts if part)


async def _refuse(parser: h11.Connection, writer: asyncio.StreamWriter, status: int) -> None:
    """Answer bytes that are not HTTP, or too large, and hang up."""
    if parser.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
        answer = HttpAnswer(status, headers={"connection": "close"})
        writer.write(_whole(parser, answer, b"", "POST"))
        await writer.drain()


async def _misbehave(
    answer: HttpAnswer, body: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Send an answer with the damage of its scenario, and end the connection."""
    length = max(0, len(body) - _MISSING_BYTES) if answer.damage is Fault.WRONG_LENGTH else len(body)
    lines = (f"{name}: {value}" for name, value in _head(answer, length).items())
    head = "\r\n".join((f"HTTP/1.1 {answer.status} Scripted", *lines)).encode("latin-1") + b"\r\n\r\n"
    match answer.damage:
        case Fault.WRONG_LENGTH:
            writer.write(head + body)
        case Fault.CUT | Fault.STALL:
            writer.write(head + body[: len(body) // 2])
        case Fault.RESET_AFTER_HEADERS:
            writer.write(head)
    if answer.damage in {Fault.RESET, Fault.RESET_AFTER_HEADERS}:
        if (connection := writer.get_extra_info("socket")) is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        writer.transport.abort()
        return
    await writer.drain()
    while answer.damage is Fault.STALL and await reader.read(_CHUNK_BYTES):
        """Wait until the other side hangs up."""
