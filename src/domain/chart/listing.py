"""The provider's lists of exchanges and symbols: the request for one, and the reading of the reply.

Source: API page, "API v3 TradingView Exchange List" and "… Exchange Symbols". Both are marked as in development, so a reader
takes what it knows of a row, and reports a row without a name instead of failing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from types import MappingProxyType
from typing import ClassVar, Final, Generic, TypeVar

import attrs

from ..finding import Finding, Severity
from .endpoint import EXCHANGE_LISTS, ChartEndpoint
from .key import ListKey
from .request import Request, name_problem

__all__ = ["Exchange", "ListRequest", "Rows", "Symbol", "matching", "read_exchanges", "read_symbols"]

_MAX_REPORTED_ROWS: Final = 5
_MAX_CHARACTERS: Final = 300
_NAME: Final = re.compile(rf"[\w.!/&+\-()*^: ]{{1,{_MAX_CHARACTERS}}}")
_ALL: Final = "list"
_EXCHANGE: Final = re.compile(r"[A-Z0-9_]{1,64}")
T = TypeVar("T")


def _upper(exchange: str | None) -> str | None:
    return exchange.strip().upper() if isinstance(exchange, str) else exchange


def _is_exchange(text: str) -> bool:
    """Return whether *text* can be the id of an exchange; the path of the list of exchanges is no other's."""
    return _EXCHANGE.fullmatch(text) is not None and text != _ALL.upper()


@attrs.frozen
class ListRequest(Request):
    """One list to read: all exchanges, or all symbols of an exchange.

    The filters that the provider offers are not used: how they match is not documented, and a whole list serves every search
    of its day.

    Attributes:
        exchange: the id of the exchange, in any case; None asks for the exchanges.
    """

    symbol: ClassVar[None] = None
    timeframe: ClassVar[None] = None
    payload: ClassVar[Mapping[str, object]] = MappingProxyType({})

    exchange: str | None = attrs.field(default=None, converter=_upper)

    @property
    def endpoint(self) -> ChartEndpoint:
        """The row of the endpoint that lists."""
        return EXCHANGE_LISTS

    @cached_property
    def key(self) -> ListKey:
        """The name of this list."""
        return ListKey(self.exchange)

    @property
    def path(self) -> str:
        """The path of the list. The documented example has the id in lower case."""
        return f"{self.endpoint.path}/{_ALL if self.exchange is None else self.exchange.lower()}"

    @property
    def parts(self) -> Mapping[str, object]:
        """The body, which is empty: a list is got, not posted for."""
        return {}

    @cached_property
    def problems(self) -> tuple[Finding, ...]:
        """The problem of a text that can't be the id of an exchange."""
        if self.exchange is None or (isinstance(self.exchange, str) and _is_exchange(self.exchange)):
            return ()
        problem = (
            name_problem(self.exchange) or "must be the id of an exchange, as in NASDAQ:AAPL the part before the colon"
        )
        return (Finding("exchange", Severity.ERROR, problem),)

    def problem_of(self, body: bytes) -> str | None:
        """Return why *body* is not this list."""
        read = self.read(body)
        return read if isinstance(read, str) else None

    def read(self, body: bytes) -> Rows[Exchange] | Rows[Symbol] | str:
        """Return the rows in the *body* of a reply, or one phrase about why it is not this list."""
        return read_exchanges(body) if self.exchange is None else read_symbols(body, self.exchange)


@attrs.frozen
class Exchange:
    """An exchange that the provider lists.

    Attributes:
        id: the part of a symbol before the colon, ``NASDAQ``.
    """

    id: str

    def __str__(self) -> str:
        return self.id


@attrs.frozen
class Symbol:
    """A symbol that the provider lists.

    Attributes:
        exchange: the id of the exchange.
        ticker: the part of the symbol after the colon, ``AAPL``.
        description: the name of what is traded; empty if the list does not say.
        type: ``spot``, ``swap``, ``futures``, ``index``, ``stock``, ``fund`` or another word of the exchange.
        currency: the currency of the price; empty if the list does not say.
    """

    exchange: str
    ticker: str
    description: str = ""
    type: str = ""
    currency: str = ""

    def __str__(self) -> str:
        return f"{self.exchange}:{self.ticker}"


@attrs.frozen
class Rows(Generic[T]):
    """The rows of a list.

    Attributes:
        rows: the rows in the provider's order, each once.
        updated_at: the moment when the provider last made the list; None if it does not say.
        problems: a WARNING for each of the first rows that can't be read.
    """

    rows: tuple[T, ...]
    updated_at: datetime | None = None
    problems: tuple[Finding, ...] = ()


def read_exchanges(body: bytes) -> Rows[Exchange] | str:
    """Return the exchanges in the *body* of a reply, or one phrase about why it is not a list. Total for any bytes."""
    return _read(body, lambda row: Exchange(row.upper()) if isinstance(row, str) and _is_name(row) else None)


def read_symbols(body: bytes, exchange: str) -> Rows[Symbol] | str:
    """Return the symbols of *exchange* in the *body* of a reply, or one phrase about why it is not a list. Total for any bytes.

    The exchange in a row may be the long name of a market, so the id that was asked for counts.
    """

    def symbol(row: object) -> Symbol | None:
        if not isinstance(row, Mapping):
            return None
        text = row.get("symbol")
        if not isinstance(text, str) or not _is_name(ticker := text.removeprefix(f"{exchange}:")):
            return None
        return Symbol(exchange, ticker, *(_text(row.get(name)) for name in ("description", "type", "currency_code")))

    return _read(body, symbol)


def matching(symbols: Iterable[Symbol], text: str) -> tuple[Symbol, ...]:
    """List those of *symbols* that *text* may mean, in any case.

    First comes that with the ticker *text*, then those whose ticker begins with it, then those with it in the ticker, and at
    last those with it in the description.
    """
    wanted = text.strip().casefold()
    ranks: tuple[list[Symbol], ...] = ([], [], [], [])
    for symbol in symbols:
        ticker = symbol.ticker.casefold()
        if wanted in ticker:
            ranks[0 if ticker == wanted else 1 if ticker.startswith(wanted) else 2].append(symbol)
        elif wanted in symbol.description.casefold():
            ranks[3].append(symbol)
    return tuple(symbol for rank in ranks for symbol in rank)


def _read(body: bytes, read: Callable[[object], T | None]) -> Rows[T] | str:
    """Read ``{"updatedAt": …, "payload": [row, …]}``; both may be null."""
    try:
        whole = json.loads(body)
    except (ValueError, RecursionError):
        return "it is not JSON"
    if not isinstance(whole, dict) or "payload" not in whole:
        return 'it is not an object with "payload"'
    payload = whole["payload"]
    if not isinstance(payload, list | None):
        return "its payload is not an array"
    rows = [read(row) for row in payload or ()]
    found = dict.fromkeys(row for row in rows if row is not None)
    if rows and not found:
        return "no row of it can be read"
    return Rows(tuple(found), _moment(whole.get("updatedAt")), _problems(rows))


def _problems(rows: Sequence[object]) -> tuple[Finding, ...]:
    """Report the first rows that could not be read, and count the others."""
    bad = [number for number, row in enumerate(rows) if row is None]
    found = [
        Finding(f"payload[{number}]", Severity.WARNING, "has no name, and was left out")
        for number in bad[:_MAX_REPORTED_ROWS]
    ]
    if more := len(bad) - len(found):
        found.append(Finding("payload", Severity.WARNING, f"{more:,} more rows have no name, and were left out"))
    return tuple(found)


def _is_name(text: str) -> bool:
    """Return whether *text* can be a part of a symbol."""
    return _NAME.fullmatch(text) is not None


def _text(value: object) -> str:
    """Return *value* as one line of text that can be printed, and anything else than text as none."""
    text = value[:_MAX_CHARACTERS] if isinstance(value, str) else ""
    return text if text.isprintable() else "".join(filter(str.isprintable, text))


def _moment(value: object) -> datetime | None:
    """Read a moment in ISO 8601; one without a time zone does not count."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return moment if moment is not None and moment.tzinfo is not None else None
