"""A picture that can't be the answer to its request is never returned: tried with hostile servers, and after a fork."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from contextlib import AbstractContextManager

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from chartimg import Account, ChartRequest
from chartimg.adapters.http import Urllib3Transport
from chartimg.adapters.http.connections import _PlainConnection
from chartimg.domain.classification import classify
from chartimg.domain.faults import FaultKind
from chartimg.domain.reply import Reply, TransportFailure
from chartimg.testing import picture
from loopback import Exchange, LoopbackServer, Received, answer, raw, running
from patience import LONG
from samples import NOON

ACCOUNT = Account("a", "key")
INTERIM = {
    "100": b"HTTP/1.1 100 Continue\r\n\r\n",
    "102": b"HTTP/1.1 102 Processing\r\n\r\n",
    "103": b"HTTP/1.1 103 Early Hints\r\nlink: </a.css>; rel=preload\r\n\r\n",
}
SWITCHING = b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n"


def request(number: int) -> ChartRequest:
    """Return the request of a number, which its body names."""
    return ChartRequest(f"A:{number}", "1h", "t")


def own_picture(number: int) -> bytes:
    """Return the picture of a number; its width tells it from all others."""
    return picture(10 + number, 3)


def whole(body: bytes) -> bytes:
    """Return the bytes of a reply with a picture."""
    return b"HTTP/1.1 200 OK\r\ncontent-type: image/png\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)


class HostileServer(LoopbackServer):
    """Answers each request with its own picture, in the way that is next."""

    def __init__(self, ways: list[str]) -> None:
        super().__init__()
        self.ways = ways
        self.sent = threading.Event()

    def take(self, received: Received) -> Exchange:
        """Choose the exchange for a request."""
        super().take(received)
        self.sent.clear()
        number = int(json.loads(received.body)["symbol"].partition(":")[2])
        mine, other = whole(own_picture(number)), whole(own_picture(number + 50))
        head = mine.partition(b"\r\n\r\n")[0]
        way, *details = (self.ways.pop(0) if self.ways else "whole").split()
        if way == "interim":
            return raw(b"".join(INTERIM[name] for name in details) + mine)
        if way == "cut":
            return raw(mine[: int(details[0]) * len(mine) // 100], keep=False)
        exchanges: dict[str, Exchange] = {
            "whole": raw(mine),
            "switching": raw(SWITCHING + mine),
            "twice": raw(mine + other),
            "apart": self._pieces([mine, other]),
            "padded": raw(mine + b"\r\n"),
            "endless": raw(b"HTTP/1.1 200 OK\r\n\r\n" + own_picture(number), keep=False),
            "dripping": self._pieces([head[:9], head[9:], b"\r\n\r\n", own_picture(number)]),
            "failing": answer(503),
            "overframed": raw(FRAMED_TWICE % (len(own_picture(number)), own_picture(number))),
        }
        return exchanges[way]

    def _pieces(self, pieces: list[bytes]) -> Exchange:
        def play(connection: socket.socket, _: threading.Event) -> bool:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for piece in pieces:
                connection.sendall(piece)
                time.sleep(0.003)
            self.sent.set()
            return True

        return play


FRAMED_TWICE = b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n"
WAYS = (
    *("whole", "interim 103", "interim 100 102 103", "switching", "twice", "apart", "padded", "endless", "failing"),
    "overframed",
    *("cut 1", "cut 40", "cut 99", "dripping"),
)


def hostile(*ways: str) -> AbstractContextManager[HostileServer]:
    """Run a hostile server."""
    return running(HostileServer(list(ways)))


def number_of(outcome: Reply | TransportFailure) -> int | None:
    """Return whose picture an outcome is; None if it is not a whole picture."""
    if classify(outcome, now=NOON) is not None:
        return None
    assert isinstance(outcome, Reply)
    return int.from_bytes(outcome.body[16:20]) - 10


@given(ways=st.lists(st.sampled_from(WAYS), min_size=1, max_size=8))
def test_every_picture_is_that_of_its_request(ways: list[str]) -> None:
    """Whatever a server sends around its replies, a request gets its own picture or an error."""
    with hostile(*ways) as server, Urllib3Transport(server.url, read_timeout=LONG) as transport:
        for number, way in enumerate([*ways, "whole"]):
            found = number_of(transport.send(request(number), ACCOUNT))
            event(f"{way}: {'error' if found is None else 'picture'}")
            assert found in {None, number}
            if way == "apart":
                assert server.sent.wait(LONG)  # a reply that comes after the next request can't be told from its answer


@pytest.mark.parametrize("names", ["103", "100", "102 103 103", "100 103"])
def test_interim_replies_are_skipped(names: str) -> None:
    """The final reply after any interim ones is the answer, and its connection serves the next request."""
    with hostile(f"interim {names}") as server, Urllib3Transport(server.url) as transport:
        found = [number_of(transport.send(request(number), ACCOUNT)) for number in range(3)]

        assert [0, 1, 2] == found
        assert 1 == server.connections


def test_a_switch_of_protocols_is_an_error_and_ends_its_connection() -> None:
    """The reply 101 is never followed by a picture, and the next request has a connection of its own."""
    with hostile("switching") as server, Urllib3Transport(server.url) as transport:
        switched = classify(transport.send(request(0), ACCOUNT), now=NOON)

        assert switched is not None
        assert FaultKind.UNEXPECTED_REPLY is switched.kind
        assert 1 == number_of(transport.send(request(1), ACCOUNT))
        assert 2 == server.connections


@pytest.mark.parametrize("way", ["twice", "padded", "endless"])
def test_a_connection_with_bytes_after_its_reply_is_not_used_again(way: str) -> None:
    """A byte after the end of a reply belongs to no request, so the connection is dropped."""
    with hostile(way) as server, Urllib3Transport(server.url) as transport:
        assert [0, 1] == [number_of(transport.send(request(number), ACCOUNT)) for number in range(2)]
        assert 2 == server.connections


def test_a_reply_that_is_framed_in_two_ways_ends_its_connection() -> None:
    """A reply with a length and with chunks is read by its chunks, and its connection is dropped (RFC 9112, section 6.3)."""
    with hostile("overframed") as server, Urllib3Transport(server.url) as transport:
        assert [0, 1] == [number_of(transport.send(request(number), ACCOUNT)) for number in range(2)]
        assert 2 == server.connections


def test_a_server_that_speaks_first_is_not_asked() -> None:
    """A reply before the request is no answer: nothing is sent, and the claim can be refunded."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        received, spoken = list[bytes](), threading.Event()

        class SlowToAsk(_PlainConnection):
            """A connection that gives the server time to speak first."""

            def connect(self) -> None:
                """Connect and wait."""
                super().connect()
                assert spoken.wait(LONG)

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(whole(own_picture(7)))
                spoken.set()
                connection.settimeout(LONG)
                try:
                    received.append(connection.recv(100))
                except ConnectionResetError:
                    received.append(b"")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        with Urllib3Transport(f"http://127.0.0.1:{listener.getsockname()[1]}") as transport:
            transport._pool.ConnectionCls = SlowToAsk  # type: ignore[assignment]  # noqa: SLF001 (a race otherwise)
            outcome = transport.send(request(0), ACCOUNT)
        thread.join()

    assert isinstance(outcome, TransportFailure)
    assert FaultKind.NOT_SENT is outcome.kind
    assert [b""] == received


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_children_never_use_their_parents_connections() -> None:
    """Of 32 fetches in four forked children and their parent each gets its own picture, and every call arrives."""
    with hostile() as server, Urllib3Transport(server.url) as transport:
        assert 0 == number_of(transport.send(request(0), ACCOUNT))
        children = []
        for child in range(4):
            pid = os.fork()
            if not pid:
                numbers = range(1 + 8 * child, 9 + 8 * child)
                found = [number_of(transport.send(request(number), ACCOUNT)) for number in numbers]
                os._exit(0 if found == list(numbers) else 1)
            children.append(pid)
        parents = [number_of(transport.send(request(number), ACCOUNT)) for number in range(40, 48)]
        ends = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children]

        assert [0] * 4 == ends
        assert list(range(40, 48)) == parents
        assert 1 + 32 + 8 == len(server.requests)
        assert 5 == server.connections
