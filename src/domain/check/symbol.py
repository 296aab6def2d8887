"""The exchanges of a symbol, or of a formula of symbols.

``BINANCE:BTCUSDT``, ``BMV:CEMEX/CPO``, ``(NASDAQ:MARA+NASDAQ:RIOT)/10`` (API page, "symbol" and the change log of January
2025). TradingView writes symbols with letters of any script, and with ``. _ ! / &`` between them.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["exchanges_of", "is_off_exchange"]

_STRANGE: Final = re.compile(r"[^\w.!/&()+\-*^: ]")
# Not from within a word: a long one would be tried at each letter.
_PAIR: Final = re.compile(r"(?<![A-Za-z0-9_])[A-Za-z0-9_]+:(?=\w)")
_PARENTHESIS: Final = re.compile(r"[()]")
_PAIRS_ONLY: Final = frozenset(
    {"BINANCE", "BINANCEUS", "BINGX", "BITGET", "BYBIT", "COINBASE", "COINEX", "GATEIO", "HTX", "KUCOIN", "MEXC", "OKX"}
)
"""Exchanges that list pairs of coins, and no stock, index or pair of currencies. Kraken lists EURUSD."""
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


def is_off_exchange(symbol: str) -> bool:
    """Return whether *symbol* names an exchange of coins, and evidently no pair: ``BINANCE:AAPL``, ``BINANCE:EURUSD``."""
    exchange, _, ticker = symbol.upper().partition(":")
    is_pair = _QUOTED_PAIR.match(ticker) and not _CURRENCY_PAIR.fullmatch(ticker)
    return exchange in _PAIRS_ONLY and not is_pair


def _balanced(symbol: str) -> bool:
    """Return whether each parenthesis has its counterpart, in the right order."""
    depth = 0
    for sign in _PARENTHESIS.findall(symbol):
        depth += 1 if sign == "(" else -1
        if depth < 0:
            return False
    return depth == 0
