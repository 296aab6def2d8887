"""The exchanges of a symbol, or of a formula of symbols.

``BINANCE:BTCUSDT``, ``BMV:CEMEX/CPO``, ``(NASDAQ:MARA+NASDAQ:RIOT)/10`` (API page, "symbol" and the change log of January
2025). TradingView writes symbols with letters of any script, and with ``. _ ! / &`` between them.
"""

from __future__ import annotations

import re
from typing import Final

from .value import shown

__all__ = ["PAIRS_ONLY", "exchanges_of", "off_exchange"]

_STRANGE: Final = re.compile(r"[^\w.!/&()+\-*^: ]")
# Not from within a word: a long one would be tried at each letter.
_PAIR: Final = re.compile(r"(?<![A-Za-z0-9_])[A-Za-z0-9_]+:(?=\w)")
_PARENTHESIS: Final = re.compile(r"[()]")
PAIRS_ONLY: Final = frozenset(
    {"BINANCE", "BINANCEUS", "BINGX", "BITGET", "BYBIT", "COINEX", "GATEIO", "HTX", "KUCOIN", "MEXC", "OKX"}
)
"""Exchanges that list pairs of coins, and no stock, index or pair of currencies. Kraken lists EURUSD, Coinbase other futures."""
_CURRENCIES: Final = (
    "AUD|BRL|CAD|CHF|CNH|CNY|CZK|DKK|EUR|GBP|HKD|HUF|ILS|INR|JPY|KRW|MXN|NOK|NZD|PLN|RUB|SEK|SGD|THB|TRY|USD|ZAR"
    "|XAG|XAU|XPD|XPT"
)
_CURRENCY_PAIR: Final = re.compile(f"(?:{_CURRENCIES}){{2}}")
_QUOTED_PAIR: Final = re.compile(
    rf"\w+(?:{_CURRENCIES}|UAH|NGN|RON|ARS|COP|IDRT|BIDR|BVND|DAI|PAX|UST|BTC|ETH|BNB|XRP|TRX|DOGE|DOT|SOL|KCS)"
)
_PLAIN: Final = re.compile(r"([A-Z0-9_]+):[A-Za-z0-9][A-Za-z0-9_.!]*")


def exchanges_of(symbol: str) -> tuple[str, ...] | str:
    """Return the exchanges in *symbol*, or one phrase about why it is not a symbol."""
    if plain := _PLAIN.fullmatch(symbol):
        return (plain[1],)
    if symbol != symbol.strip():
        return "has space around it"
    if strange := _STRANGE.search(symbol):
        return f"has the character {strange[0]!a}, which is not allowed"
    colons = symbol.count(":")
    if not colons:
        return "has no exchange; write it like BINANCE:BTCUSDT"
    pairs = _PAIR.findall(symbol)
    if len(pairs) < colons:
        return "is not written EXCHANGE:SYMBOL"
    if not _balanced(symbol):
        return "has a parenthesis without its counterpart"
    return tuple(pair[:-1] for pair in pairs)


def off_exchange(symbol: str) -> str | None:
    """Return why the exchange in *symbol* can't list it, if that is evident: ``BINANCE:AAPL``, ``BINANCE:EURUSD``."""
    exchange, _, ticker = symbol.partition(":")
    is_pair = _QUOTED_PAIR.match(ticker.upper()) and not _CURRENCY_PAIR.fullmatch(ticker.upper())
    if is_pair or exchange.upper() not in PAIRS_ONLY:
        return None
    return (
        f"{shown(ticker)} is evidently not a pair, and {exchange} lists only pairs; a symbol without an exchange gets "
        f"that of its template ({exchange}:{{symbol}}), so write its own, as in NASDAQ:AAPL, SP:SPX or FX:EURUSD"
    )


def _balanced(symbol: str) -> bool:
    """Return whether each parenthesis has its counterpart, in the right order."""
    depth = 0
    for sign in _PARENTHESIS.findall(symbol):
        depth += 1 if sign == "(" else -1
        if depth < 0:
            return False
    return depth == 0
