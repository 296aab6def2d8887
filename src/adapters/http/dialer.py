"""Connections to a host within a time: the look-up of its name, and all of its addresses."""

from __future__ import annotations

import errno
import os
import selectors
import socket
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from functools import partial
from typing import Any, Final

from urllib3.util import connection

__all__ = ["Dialer"]

_STAGGER_SECONDS: Final = 0.25  # RFC 8305, section 5

_Address = tuple[int, int, int, str, Any]
_Options = Iterable[tuple[int, int, int | bytes]]


class Dialer:
    """Connects to hosts, and cuts all connections off at the end. Safe from many threads.

    The system can't be stopped while it looks a name up. So a daemon thread asks it, and may outlive the call. Calls for one
    name share the thread.
    """

    def __init__(self) -> None:
        self._lookups: dict[tuple[str, int], Future[list[Any]]] = {}
        self._open: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        self._lock = threading.Lock()
        self._is_cut = False

    def watch(self, made: socket.socket) -> None:
        """Have *made* cut off at the end.

        Raises:
            OSError: the end has come.
        """
        with self._lock:
            if self._is_cut:
                raise _cut()
            self._open.add(made)

    def cut_off(self) -> None:
        """End all look-ups, connections, handshakes and calls under way; each fails in its own thread."""
        with self._lock:
            self._is_cut = True
            watched = list(self._open)
        for each in watched:
            with suppress(OSError):  # it is closed, or not connected
                socket.socket.shutdown(each, socket.SHUT_RDWR)  # that of TLS would let its reader take cipher for text
        for lookup in list(self._lookups.values()):
            with suppress(InvalidStateError):
                lookup.set_exception(_cut())

    def connect(self, host: str, port: int, end: float, options: _Options) -> socket.socket:
        """Connect to the address of *host* that answers first, until *end* (monotonic seconds).

        Raises:
            socket.gaierror: the name was not found.
            ValueError: it can't be a name.
            TimeoutError: the time is over.
            OSError: no address can be reached.
        """
        return _first(self._addresses(host.strip("[]"), port, end), end, options, self.watch)

    def _addresses(self, host: str, port: int, end: float) -> list[Any]:
        ask = partial(socket.getaddrinfo, host, port, connection.allowed_gai_family(), socket.SOCK_STREAM)
        try:
            return ask(flags=socket.AI_NUMERICHOST)
        except socket.gaierror:  # it is a name
            mine: Future[list[Any]] = Future()
        if (lookup := self._lookups.setdefault((host, port), mine)) is mine:

            def look_up() -> None:
                with suppress(InvalidStateError):  # it was cut off
                    try:
                        mine.set_result(ask())
                    except (OSError, ValueError) as error:
                        mine.set_exception(error)
                    finally:
                        del self._lookups[host, port]

            try:
                threading.Thread(target=look_up, name="chartimg look-up", daemon=True).start()
            except RuntimeError:  # the system has no further thread
                look_up()
        if self._is_cut:
            raise _cut()
        return lookup.result(end - time.monotonic())


def _first(
    addresses: Iterable[_Address], end: float, options: _Options, watch: Callable[[socket.socket], None]
) -> socket.socket:
    """Connect to the address that answers first. After a failure, or a quarter of a second, the next one is tried, too."""
    failure = OSError("the name has no address")
    untried = deque(addresses)
    with selectors.DefaultSelector() as tried:
        try:
            while untried or tried.get_map():
                if untried:
                    try:
                        begun = _begin(untried.popleft(), options, watch)
                    except OSError as error:
                        failure = error
                        continue
                    tried.register(begun, selectors.EVENT_WRITE, begun)
                left = end - time.monotonic()
                if left <= 0:
                    raise TimeoutError("timed out")
                for key, _ in tried.select(min(left, _STAGGER_SECONDS) if untried else left):
                    made: socket.socket = tried.unregister(key.data).data
                    if not (code := made.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)):
                        return made
                    made.close()
                    failure = OSError(code, os.strerror(code))
            raise failure
        finally:
            for key in tried.get_map().values():
                key.data.close()


def _begin(address: _Address, options: _Options, watch: Callable[[socket.socket], None]) -> socket.socket:
    """Begin to connect, without a wait."""
    family, kind, protocol, _, where = address
    begun = socket.socket(family, kind, protocol)
    try:
        for option in options:
            begun.setsockopt(*option)
        begun.settimeout(0)
        watch(begun)
        begun.connect(where)
    except BlockingIOError:
        pass
    except BaseException:
        begun.close()
        raise
    return begun


def _cut() -> OSError:
    return OSError(errno.ECONNABORTED, os.strerror(errno.ECONNABORTED))
