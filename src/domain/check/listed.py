"""The symbol of a body, held against the catalog and the provider's lists that are kept.

A list is not the documentation: a symbol that its exchange's list lacks is a WARNING. No list is asked for here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Final

import attrs

from ..chart.endpoint import ChartEndpoint
from ..finding import Finding, Severity
from .catalog import Catalog
from .exchange import likely_exchange, likely_symbol, pair_written_apart
from .suggestion import Unknown, bare, hint
from .symbol import PAIRS_ONLY, exchanges_of, off_exchange
from .value import shown

__all__ = [
    "NO_LISTS",
    "KeptLists",
    "exchange_problems",
    "is_elsewhere",
    "no_lists",
    "symbol_problems",
    "with_lists",
]

_FEEDS: Final = frozenset({"BATS", "EDGX", "IEX"})  # prices of US stocks and funds that other exchanges list
_PLAIN: Final = re.compile(r"([A-Z0-9_]+):([\w.!&]+)")
_PERPETUAL: Final = re.compile(r"[-_.]?PERP")
_MIN_TICKER_CHARACTERS: Final = 4  # one letter more or less makes a shorter ticker another company
_MAX_TICKER_CHARACTERS: Final = 32
_SIGNS: Final = "._-!/&"
_CHARACTERS: Final = f"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789{_SIGNS}"
_MAX_NAMED_EXCHANGES: Final = 5


@attrs.frozen
class KeptLists:
    """The provider's lists that were read within a day.

    Attributes:
        exchanges: the ids of all exchanges; None if that list is not kept.
        tickers: by exchange, the tickers of its list, if that is kept.
    """

    exchanges: frozenset[str] | None = None
    tickers: Mapping[str, frozenset[str]] = attrs.field(factory=dict)

    def has_exchange(self, exchange: str) -> bool:
        """Return whether a list names *exchange*, or is that of it."""
        return exchange in self.tickers or exchange in (self.exchanges or ())

    def has(self, symbol: str) -> bool | None:
        """Return whether the list of its exchange has *symbol*; None for a formula, or if that list is not kept."""
        if (plain := _PLAIN.fullmatch(symbol)) is None or (listed := self.tickers.get(plain[1])) is None:
            return None
        return plain[2] in listed

    def exchanges_of(self, ticker: str) -> tuple[str, ...]:
        """List the exchanges whose kept lists have *ticker*, in upper case, too."""
        return tuple(
            each for each, listed in sorted(self.tickers.items()) if not listed.isdisjoint({ticker, ticker.upper()})
        )


NO_LISTS: Final = KeptLists()


def no_lists(symbol: str | None) -> KeptLists:
    """Return the lists that tell of *symbol* where none is kept."""
    del symbol
    return NO_LISTS


def symbol_problems(symbol: str, catalog: Catalog, lists: KeptLists = NO_LISTS) -> Iterator[Finding | Unknown]:
    """Report what is wrong with *symbol*: its form, its exchange, or a ticker that the kept list of the exchange lacks."""
    exchanges, known = exchanges_of(symbol), catalog.exchanges
    likely = partial(_likely_symbol, symbol, catalog, lists)
    if isinstance(exchanges, str):
        where = "" if ":" in symbol or not symbol.strip() else _where(symbol, lists)
        yield Unknown("symbol", Severity.ERROR, f"{shown(symbol)} {exchanges}", likely, where)
        return
    for exchange in dict.fromkeys(exchanges):
        if lists.has_exchange(exchange):
            continue
        if known and exchange not in catalog.exchange_set:
            found = lists.exchanges_of(symbol.partition(":")[2])
            yield _unknown_exchange(exchange, catalog, likely, _named(found) if found else "")
        elif exchange in catalog.unavailable_exchanges:
            yield _warning(f"{shown(exchange)} is documented as not available")
        elif lists.exchanges is not None:
            yield _warning(f"the list of exchanges that is kept has no {shown(exchange)}")
    listed = lists.has(symbol)
    if listed:
        return
    if len(exchanges) == 1 and (pair := pair_written_apart(symbol, PAIRS_ONLY)):
        yield Unknown("symbol", Severity.WARNING, f"{shown(symbol)} is read as a formula", lambda: pair)
    elif problem := off_exchange(symbol):
        found = lists.exchanges_of(symbol.partition(":")[2])
        yield _warning(f"{problem}; {_named(found)}" if found else problem)
    elif listed is False:
        exchange, _, ticker = symbol.partition(":")
        found = lists.exchanges_of(ticker)
        message = f"the list of {exchange} that is kept has no {shown(ticker)}"
        yield Unknown(
            "symbol", Severity.WARNING, message, partial(_likely_ticker, symbol, lists), _named(found) if found else ""
        )


def with_lists(
    found: list[Finding | Unknown],
    body: Mapping[str, object],
    endpoint: ChartEndpoint,
    catalog: Catalog,
    lists: KeptLists,
) -> list[Finding | Unknown]:
    """Return the problems of a body with those of its symbol by the *lists*, in place of those by the catalog alone."""
    if lists is NO_LISTS:
        return found
    symbol, rows = body.get("symbol"), catalog.rows_of(endpoint)
    if not isinstance(symbol, str) or (rows and "symbol" not in rows):
        return found
    at = next((number for number, each in enumerate(found) if each.path == "symbol"), len(found))
    others = [each for each in found if each.path != "symbol"]
    return [*others[:at], *symbol_problems(symbol, catalog, lists), *others[at:]]


def exchange_problems(exchange: str, catalog: Catalog, lists: KeptLists) -> Iterator[Finding]:
    """Report an *exchange* that neither the catalog nor a list has: an ERROR if the list of exchanges is kept."""
    if not catalog.exchanges or exchange in catalog.exchange_set or lists.has_exchange(exchange):
        return
    known = (*catalog.exchanges, *(lists.exchanges or frozenset()) - catalog.exchange_set)
    likely = likely_exchange(exchange, known)
    severity = Severity.WARNING if lists.exchanges is None else Severity.ERROR
    message = f"{shown(exchange)} is not an exchange that is known"
    end = hint(likely, "chartimg symbols lists the exchanges")
    yield Finding("exchange", severity, f"{message}; {end}", likely)


def is_elsewhere(symbol: str, lists: KeptLists) -> bool:
    """Return whether *symbol* is evidently of another exchange than the one that a template has added to its ticker.

    Its ticker is no pair of coins, and the exchange lists nothing else; or the kept list of the exchange lacks it, and that of
    another one has it. A ticker that no list has may be new.
    """
    listed = lists.has(symbol)
    if listed is None:
        return off_exchange(symbol) is not None
    return not listed and bool(off_exchange(symbol) or lists.exchanges_of(symbol.partition(":")[2]))


def _unknown_exchange(exchange: str, catalog: Catalog, likely: partial[str | None], listed: str) -> Unknown:
    if exchange.upper() in catalog.exchange_set:
        message = f"the exchange {shown(exchange)} is written {exchange.upper()}"
        return Unknown("symbol", Severity.ERROR, message, likely)
    message = f"the exchange {shown(exchange)} is not in the catalog"
    otherwise = "write the one that lists the symbol: NASDAQ, NYSE or AMEX" if exchange in _FEEDS else ""
    return Unknown("symbol", Severity.WARNING, message, likely, listed or otherwise)


def _likely_symbol(symbol: str, catalog: Catalog, lists: KeptLists) -> str | None:
    more = () if lists.exchanges is None else lists.exchanges - catalog.exchange_set
    return likely_symbol(symbol, (*catalog.exchanges, *more))


def _likely_ticker(symbol: str, lists: KeptLists) -> str | None:
    """Return the listed symbol that *symbol* surely means: with other signs, or with one letter too many, missing or swapped."""
    exchange, _, ticker = symbol.partition(":")
    listed, key = lists.tickers[exchange], bare(ticker)
    swap = f"{_PERPETUAL.sub('', ticker)}.P"
    if swap in listed and _PERPETUAL.search(ticker):
        return f"{exchange}:{swap}"
    if len(ticker) > _MAX_TICKER_CHARACTERS:
        return None
    called = listed.intersection(_with_a_sign(key.upper()))
    if not called and len(key) >= _MIN_TICKER_CHARACTERS:
        called = listed.intersection(_slips(ticker.upper()))
    return f"{exchange}:{next(iter(called))}" if len(called) == 1 else None


def _with_a_sign(letters: str) -> Iterator[str]:
    """Make the tickers of these *letters*: with no sign, or with one after a letter."""
    yield letters
    yield from (letters[:at] + sign + letters[at:] for at in range(1, len(letters) + 1) for sign in _SIGNS)


def _slips(ticker: str) -> Iterator[str]:
    """Make the tickers that differ from *ticker* by a letter too many, a missing one, or two that are swapped.

    They are a few hundred, and a list may have tens of thousands.
    """
    for at in range(len(ticker)):
        yield ticker[:at] + ticker[at + 1 :]
        yield ticker[:at] + ticker[at : at + 2][::-1] + ticker[at + 2 :]
    yield from (ticker[:at] + each + ticker[at:] for at in range(len(ticker) + 1) for each in _CHARACTERS)


def _where(ticker: str, lists: KeptLists) -> str:
    """Return the exchanges that list *ticker*, or how to look it up, as the end of a message."""
    found = lists.exchanges_of(ticker)
    return _named(found) if found else "chartimg symbols EXCHANGE TEXT looks a symbol up"


def _named(exchanges: tuple[str, ...]) -> str:
    """Return a phrase that names the first of *exchanges*."""
    first, more = exchanges[:_MAX_NAMED_EXCHANGES], len(exchanges) - _MAX_NAMED_EXCHANGES
    return f"it is listed by {', '.join(first)}" + (f" and {more} more" if more > 0 else "")


def _warning(message: str) -> Finding:
    return Finding("symbol", Severity.WARNING, message)
