"""A connection to PostgreSQL with a time limit for each answer, and the address that leads to it.

Import it only where the extra ``postgres`` is installed.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, TypeVar

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from ...domain.errors import ConfigError

if TYPE_CHECKING:
    from psycopg.abc import PQGen

__all__ = ["AnswerMissingError", "Connection", "Options", "connect", "options_of", "place_of"]

T = TypeVar("T")
Row = tuple[object, ...]
Options = Mapping[str, str]

_SCHEMES: Final = frozenset({"postgresql", "postgres"})
_MIN_CONNECT_SECONDS: Final = 2  # of libpq, too
_PORT: Final = "5432"
_LOOK_SECONDS: Final = 0.1  # between two looks at the clock


class AnswerMissingError(psycopg.OperationalError):
    """The server did not answer in time. The statement may or may not be carried out."""


class Connection(psycopg.Connection[Row]):
    """A connection whose answers may take *seconds* each. A statement is a transaction of its own and is not prepared."""

    seconds: float = 2.0

    def wait(self, gen: PQGen[T], interval: float = _LOOK_SECONDS, timeout: float | None = None) -> T:
        """Carry out *gen*, an exchange with the server.

        Raises:
            AnswerMissingError: the answer took too long.
        """
        seconds = self.seconds if timeout is None else min(timeout, self.seconds)
        return super().wait(_within(gen, seconds), interval)


def connect(options: Options, seconds: float) -> Connection:
    """Open a connection; its answers may take *seconds* each.

    Raises:
        psycopg.Error: the server can't be reached, or refuses.
    """
    patience = str(max(_MIN_CONNECT_SECONDS, math.ceil(seconds)))
    limits = {"connect_timeout": patience, "fallback_application_name": "chartimg"}
    address = make_conninfo(**{**limits, **options})
    connection = Connection.connect(address, autocommit=True, prepare_threshold=None)
    connection.seconds = seconds
    return connection


def options_of(address: str) -> Options:
    """Return the options of libpq in *address*.

    Raises:
        ConfigError: the address is wrong. The message repeats no part of it: any part may be the password.
    """
    wrong = ConfigError(
        "the address of the PostgreSQL store is not like postgresql://[user[:password]@][host][:port][/database]; "
        "write special characters in a password as %XX"
    )
    if address.partition("://")[0] not in _SCHEMES:
        raise wrong
    try:
        found = conninfo_to_dict(address)
        float(found.get("connect_timeout") or 0)
        ports = [int(port) for port in str(found.get("port") or _PORT).split(",")]
    except (psycopg.Error, ValueError):
        raise wrong from None
    if not all(0 < port < 65_536 for port in ports):  # noqa: PLR2004 (the largest port)
        raise wrong
    return {name: str(value) for name, value in found.items()}


def place_of(options: Options) -> str:
    """Return the place of the server in a message, without secrets."""
    host, port = options.get("host") or options.get("hostaddr") or "localhost", options.get("port") or _PORT
    return f"{host}:{port}/{options.get('dbname') or ''}"


def _within(exchange: PQGen[T], seconds: float) -> PQGen[T]:
    """Carry *exchange* on, and end it when *seconds* have passed without its end."""
    end = time.monotonic() + seconds
    try:
        needed = next(exchange)
        while True:
            ready = yield needed
            if not ready and time.monotonic() >= end:
                raise AnswerMissingError("no answer in time")
            needed = exchange.send(ready)
    except StopIteration as over:
        result: T = over.value
        return result
