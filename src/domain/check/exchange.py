"""The exchange, or the whole symbol, that a wrong one surely means.

People write what other services call a symbol: ``BTC/USDT`` (ccxt), ``AAPL:NASDAQ`` (Google Finance), ``ARCA:SPY``. A wrong
guess costs a second call, so a text that may mean two things gets no suggestion.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise
from typing import Final

from .suggestion import bare

__all__ = ["is_slip", "likely_exchange", "likely_symbol", "pair_written_apart"]

_MAX_SYMBOL_CHARACTERS: Final = 64
_MIN_NAME_CHARACTERS: Final = 5  # one letter more or less makes a shorter name another exchange
_OTHER_NAMES: Final[Mapping[str, str]] = {
    "AMEX": "arca nysearca arcx nyseamerican nysemkt xase",
    "ASX": "xasx",
    "BCBA": "byma",
    "BMFBOVESPA": "bovespa b3 bvmf",
    "BSE": "xbom",
    "COINBASE": "coinbasepro coinbaseexchange gdax",
    "FX": "fxcm",
    "GATEIO": "gate",
    "HKEX": "sehk hkse xhkg",
    "HTX": "huobi huobipro huobiglobal",
    "LSE": "xlon",
    "NASDAQ": "xnas nasdaqgs nasdaqgm nasdaqcm",
    "NSE": "xnse",
    "NYSE": "xnys",
    "OKX": "okex",
    "TSX": "xtse",
    "TSXV": "xtsx",
    "XETR": "xetra",
}
"""Other names of an exchange: former ones, those of data feeds, and market identifier codes (ISO 10383)."""
_EXCHANGE_BY_NAME: Final[Mapping[str, str]] = {
    name: exchange for exchange, names in _OTHER_NAMES.items() for name in names.split()
}
_COINS: Final = (
    "AAVE|ADA|APT|ARB|ATOM|AVAX|BCH|BNB|BTC|DOGE|DOT|ETC|ETH|FIL|HBAR|ICP|LINK|LTC|NEAR|OP|PEPE|SHIB|SOL|SUI|TRX|UNI"
    "|XLM|XRP"
)
_COIN_PAIR: Final = re.compile(
    rf"(?P<base>{_COINS})[-_/]?(?P<quote>USDT)(?P<swap>:USDT|\.P)?|(?P<other>ETH|SOL|BNB|XRP)[-_/]?(?P<in>BTC)",
    re.IGNORECASE | re.ASCII,
)
"""Pairs that the provider's default exchange surely lists; ``:USDT`` is a perpetual swap in the notation of ccxt."""
_DEFAULT_EXCHANGE: Final = "BINANCE"
_APART: Final = re.compile(r"([A-Za-z0-9]{2,12})[-_/]([A-Za-z]{3,5})", re.ASCII)
_MAJORS: Final = "AUD|CAD|CHF|EUR|GBP|JPY|NZD|USD"
_MAJOR_PAIR: Final = re.compile(f"(?:{_MAJORS}){{2}}", re.IGNORECASE)
_SYMBOL: Final = re.compile(r"([\w.]+) ?: ?([\w.!&/-]+)", re.ASCII)


def likely_exchange(wrong: str, exchanges: Sequence[str]) -> str | None:
    """Return the one of *exchanges* with the spelling, but for case and punctuation, or another name *wrong*.

    Else it is the one that *wrong* differs from by a letter too many, a missing one, or two that are swapped. Another letter
    makes another exchange: BITMAX is not BITMEX.
    """
    key = bare(wrong)
    if not key or len(wrong) > _MAX_SYMBOL_CHARACTERS:
        return None
    called = [name for name in exchanges if bare(name) == key]
    if not called and (other := _EXCHANGE_BY_NAME.get(key)) in exchanges:
        return other
    if not called and len(key) >= _MIN_NAME_CHARACTERS:
        called = [name for name in exchanges if len(name) >= _MIN_NAME_CHARACTERS and is_slip(key, bare(name))]
    return called[0] if len(called) == 1 else None


def likely_symbol(wrong: str, exchanges: Sequence[str]) -> str | None:
    """Return the symbol that *wrong* surely means, at one of *exchanges*."""
    text = wrong.strip()
    if len(text) > _MAX_SYMBOL_CHARACTERS:
        return None
    if (pair := _COIN_PAIR.fullmatch(text)) and _DEFAULT_EXCHANGE in exchanges:
        base, quote = pair["base"] or pair["other"], pair["quote"] or pair["in"]
        return f"{_DEFAULT_EXCHANGE}:{base.upper()}{quote.upper()}{'.P' if pair['swap'] else ''}"
    plain = _SYMBOL.fullmatch(text)
    if plain is None:
        return None
    exchange, ticker = plain[1], plain[2]
    if exchange in exchanges:
        return f"{exchange}:{ticker}" if text != wrong or " " in text else None
    if exchange == "FX_IDC" and _MAJOR_PAIR.fullmatch(ticker):
        likely = "FX" if "FX" in exchanges else None
    else:
        likely = likely_exchange(exchange, exchanges)
    if likely is None:
        return f"{ticker}:{exchange}" if ticker in exchanges else None
    if likely == "HKEX" and ticker.isdigit():
        ticker = ticker.lstrip("0") or ticker
    return f"{likely}:{ticker.upper() if ticker.islower() else ticker}"


def pair_written_apart(symbol: str, pairs_only: Collection[str]) -> str | None:
    """Return the symbol of a pair with a sign between its coins, at an exchange of *pairs_only*: ``BINANCE:BTC/USDT``."""
    exchange, _, ticker = symbol.partition(":")
    pair = _APART.fullmatch(ticker) if exchange in pairs_only else None
    return None if pair is None else f"{exchange}:{pair[1]}{pair[2]}".upper()


def is_slip(one: str, other: str) -> bool:
    """Return whether two names differ by one letter too many or by two swapped neighbours."""
    if len(one) == len(other):
        places = [place for place, (mine, theirs) in enumerate(zip(one, other, strict=True)) if mine != theirs]
        return len(places) == 2 and all(  # noqa: PLR2004 (two neighbours)
            end - start == 1 and one[start] == other[end] and one[end] == other[start]
            for start, end in pairwise(places)
        )
    short, long = sorted((one, other), key=len)
    return len(long) - len(short) == 1 and any(long[:at] + long[at + 1 :] == short for at in range(len(long)))
