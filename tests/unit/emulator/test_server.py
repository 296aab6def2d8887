"""The emulator on real sockets, with the standard library's client, in good order and with every fault."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from chartimg.domain.reply.png import Picture, inspect
from chartimg.emulator.accounts import DEMO
from chartimg.emulator.running import Emulator
from chartimg.emulator.scenario import Fault, Rule
from chartimg.emulator.server import SERVER
from patience import LONG

PATH = "/v2/tradingview/advanced-chart"
SMALL = {"symbol": "BINANCE:BTCUSDT", "interval": "1h", "width": 400, "height": 300}


@pytest.fixture
def running() -> Iterator[Emulator]:
    """Run an emulator with its default account."""
    with Emulator() as emulator:
        yield emulator


Connect = Callable[[], http.client.HTTPConnection]


@pytest.fixture
def connect(running: Emulator) -> Iterator[Connect]:
    """Return a function that opens connections of the standard library's client."""
    with ExitStack() as opened:

        def connect() -> http.client.HTTPConnection:
            connection = http.client.HTTPConnection(running.url.removeprefix("http://"), timeout=LONG)
            opened.callback(connection.close)
            return connection

        yield connect


def ask(
    connection: http.client.HTTPConnection, body: object = SMALL, method: str = "POST", path: str = PATH
) -> tuple[http.client.HTTPResponse, bytes]:
    """Return the response and its body, on a connection that is kept."""
    headers = {"x-api-key": DEMO.api_key, "content-type": "application/json"}
    connection.request(method, path, json.dumps(body), headers)
    response = connection.getresponse()
    return response, response.read()


def opened(running: Emulator) -> socket.socket:
    """Return a raw connection."""
    return socket.create_connection(("127.0.0.1", int(running.url.rpartition(":")[2])), timeout=LONG)


def everything(raw: socket.socket) -> bytes:
    """Return the bytes that come until the connection ends, even in a reset."""
    received = b""
    with contextlib.suppress(ConnectionError):
        while piece := raw.recv(65536):
            received += piece
    return received


def test_a_chart_comes_in_the_form_and_size_asked_for(connect: Connect) -> None:
    """A picture has its size, content type and the server's name; jpeg is served, and so is a target that names the server."""
    response, body = ask(connect(), path=f"http://127.0.0.1{PATH}")
    other, jpeg = ask(connect(), {**SMALL, "format": "jpeg"})

    assert (200, "image/png", SERVER) == (response.status, response.headers["content-type"], response.headers["server"])
    assert Picture(400, 300) == inspect(body)
    assert (200, "image/jpeg", b"\xff\xd8") == (other.status, other.headers["content-type"], jpeg[:2])


def test_a_connection_is_kept_for_the_next_request(connect: Connect) -> None:
    """Two requests on one connection get the same bytes for the same body, and a 404 keeps it too."""
    connection = connect()
    first, again = ask(connection), ask(connection)

    assert first[1] == again[1]
    assert connection.sock is not None
    assert 404 == ask(connection, path="/elsewhere")[0].status


def test_many_clients_are_served_at_once(running: Emulator, connect: Connect) -> None:
    """Slow answers do not wait for each other, and every call is charged."""
    running.play(Rule(latency=0.2))
    with ThreadPoolExecutor(15) as threads:
        statuses = list(threads.map(lambda _: ask(connect())[0].status, range(15)))

    assert [200] * 15 == statuses
    assert 15 == running.ledger().accounts["demo"].total.charged


@pytest.mark.parametrize(
    ("fault", "raised"),
    [
        (Fault.RESET, ConnectionError),
        (Fault.RESET_AFTER_HEADERS, (ConnectionError, http.client.IncompleteRead)),
        (Fault.CUT, http.client.IncompleteRead),
        (Fault.STALL, TimeoutError),
    ],
)
def test_a_connection_breaks_as_the_scenario_says(
    running: Emulator, connect: Connect, fault: Fault, raised: type[Exception] | tuple[type[Exception], ...]
) -> None:
    """The client sees a reset, a body that ends early or one that stalls, and the next call is served."""
    running.play(Rule(fault, next=1))
    connection = connect()
    connection.timeout = 0.5

    with pytest.raises(raised):
        ask(connection)
    assert 200 == ask(connect())[0].status


def test_a_wrong_length_leaves_the_end_out(running: Emulator, connect: Connect) -> None:
    """A client that believes a wrong Content-Length reads a picture without its end."""
    running.play(Rule(Fault.WRONG_LENGTH, next=1))
    _, short = ask(connect())
    _, whole = ask(connect())

    assert whole[:-100] == short
    assert isinstance(inspect(short), str)


@pytest.mark.parametrize(
    ("rules", "method", "path", "status", "empty"),
    [
        ([Rule(Fault.TRUNCATED_PNG, next=1)], "POST", PATH, 200, False),
        ([Rule(Fault.JSON, next=1)], "POST", PATH, 200, False),
        ([Rule(Fault.REDIRECT, next=1)], "POST", PATH, 302, True),
        ([Rule(Fault.BAD_GATEWAY, next=1)], "POST", PATH, 502, False),
        ([Rule(status=204, next=1)], "POST", PATH, 204, True),
        ([Rule(status=304, next=1)], "POST", PATH, 304, True),
        ([], "HEAD", PATH, 404, True),
        ([], "HEAD", "/_emulator/ledger", 404, True),
    ],
)
def test_a_well_framed_answer_without_a_picture_keeps_the_connection(
    running: Emulator, connect: Connect, rules: list[Rule], method: str, path: str, status: int, *, empty: bool
) -> None:
    """The connection serves the next request after a wrong answer; to HEAD, and with 204 and 304, there is no body."""
    running.play(*rules)
    connection = connect()
    response, wrong = ask(connection, method=method, path=path)
    _, right = ask(connection)

    assert (status, empty) == (response.status, wrong == b"")
    assert isinstance(inspect(wrong), str)
    assert Picture(400, 300) == inspect(right)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"hello\r\n\r\n", b"400"),
        (b"POST " + PATH.encode() + b" HTTP/1.1\r\nhost: a\r\ncontent-length: x\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 20_000, b"431"),
        (b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2000000\r\n\r\n" + b" " * 2_000_000, b"413"),
    ],
)
def test_malformed_or_large_requests_are_refused(running: Emulator, sent: bytes, status: bytes) -> None:
    """Bytes that are not HTTP, or too large, get the fitting status and a closed connection."""

    def send() -> None:
        with contextlib.suppress(OSError):  # the other side may hang up
            raw.sendall(sent)

    with opened(running) as raw:
        sender = threading.Thread(target=send)
        sender.start()
        received = everything(raw)
        sender.join()

    assert received.startswith(b"HTTP/1.1 " + status) or received == b""  # what is still being sent may end in a reset


def test_a_client_may_hang_up(running: Emulator, connect: Connect, caplog: pytest.LogCaptureFixture) -> None:
    """A client that leaves within a request, or before its answer, is not logged, and others are served."""
    running.play(Rule(latency=0.2, next=1))
    for part in (b"POST / HT", f"POST {PATH} HTTP/1.1\r\nhost: a\r\nx-api-key: demo-key\r\n\r\n".encode()):
        with opened(running) as raw:
            raw.sendall(part)

    assert 200 == ask(connect())[0].status
    assert [] == caplog.records


def test_a_client_that_expects_100_continue_gets_it(running: Emulator) -> None:
    """A client that sends its body after 100 Continue is served."""
    body = json.dumps(SMALL).encode()
    head = (
        f"POST {PATH} HTTP/1.1\r\nhost: a\r\nx-api-key: demo-key\r\nexpect: 100-continue\r\n"
        f"connection: close\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    with opened(running) as raw:
        raw.sendall(head.encode())
        first = raw.recv(65536)
        raw.sendall(body)
        rest = everything(raw)

    assert first.startswith(b"HTTP/1.1 100")
    assert rest.startswith(b"HTTP/1.1 200")


def test_a_stored_picture_is_served_at_its_address(running: Emulator, connect: Connect) -> None:
    """The address of a stored picture gives the bytes that the chart itself has, until it expires."""
    connection = connect()
    _, picture = ask(connection)
    response, stored = ask(connection, path=f"{PATH}/storage")
    answer = json.loads(stored)

    assert (200, "application/json") == (response.status, response.headers["content-type"])
    assert answer["url"].startswith(running.url)
    place = answer["url"].removeprefix(running.url)
    assert picture == ask(connection, method="GET", path=place)[1]
    assert hashlib.md5(picture).hexdigest() == answer["etag"]
    running.move_clock(31 * 86_400)  # the plan PRO keeps pictures for 30 days
    assert 404 == ask(connection, method="GET", path=place)[0].status


def test_layouts_and_lists_come_over_http(connect: Connect) -> None:
    """A layout is a picture of its size, and a query filters the symbols of an exchange."""
    connection = connect()
    _, picture = ask(connection, {"width": 400, "height": 300}, path="/v2/tradingview/layout-chart/abc")
    _, rows = ask(connection, method="GET", path="/v3/tradingview/exchange/binance?symbol=BTC&type=spot")

    assert Picture(400, 300) == inspect(picture)
    assert ["BTCUSDT"] == [row["symbol"] for row in json.loads(rows)["payload"]]
