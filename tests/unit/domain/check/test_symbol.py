"""The exchanges of symbols and formulas, and the problems of other texts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartimg.domain.check.symbol import exchanges_of


@pytest.mark.parametrize(
    ("symbol", "exchanges"),
    [
        ("BINANCE:BTCUSDT", ("BINANCE",)),
        ("CME_MINI:NQ1!", ("CME_MINI",)),
        ("BINANCE:BTCUSDT.P", ("BINANCE",)),
        ("BMV:CEMEX/CPO", ("BMV",)),
        ("NSE:M&M", ("NSE",)),
        ("BINANCE:币安人生USDT", ("BINANCE",)),
        ("((NASDAQ:MARA+NASDAQ:RIOT)/(NYSE:GE))", ("NASDAQ", "NASDAQ", "NYSE")),
        ("(NASDAQ:MARA+NASDAQ:RIOT)/10", ("NASDAQ", "NASDAQ")),
        ("OANDA:XAUUSD*2 - TVC:DXY", ("OANDA", "TVC")),
    ],
)
def test_a_symbol_names_its_exchanges(symbol: str, exchanges: tuple[str, ...]) -> None:
    """Each exchange of a symbol or a formula is found."""
    assert exchanges == exchanges_of(symbol)


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("BTCUSDT", "has no exchange; write it like BINANCE:BTCUSDT"),
        ("", "has no exchange; write it like BINANCE:BTCUSDT"),
        ("BINANCE:", "is not written EXCHANGE:SYMBOL"),
        (":BTCUSDT", "is not written EXCHANGE:SYMBOL"),
        ("BINANCE::BTCUSDT", "is not written EXCHANGE:SYMBOL"),
        ("NASDAQ:MARA+:RIOT", "is not written EXCHANGE:SYMBOL"),
        ("(NASDAQ:MARA+NASDAQ:RIOT/10", "has a parenthesis without its counterpart"),
        (")NASDAQ:MARA+NASDAQ:RIOT(", "has a parenthesis without its counterpart"),
        ("NASDAQ:MARA)+(NASDAQ:RIOT", "has a parenthesis without its counterpart"),
        ("A:\u00e9" + "B" * 1_000_000 + ":", "is not written EXCHANGE:SYMBOL"),
        ("BINANCE:BTC;DROP", "has the character ';', which is not allowed"),
        ("BINANCE:BTC\n", "has space around it"),
        (" BINANCE:BTCUSDT", "has space around it"),
        ("BINANCE:BTC\tUSDT", "has the character '\\t', which is not allowed"),
        ("{symbol}", "has the character '{', which is not allowed"),
    ],
)
def test_a_malformed_symbol_is_reported_in_a_phrase(text: str, phrase: str) -> None:
    """The phrase names the first problem."""
    assert phrase == exchanges_of(text)


@given(text=st.text())
def test_any_text_has_exchanges_or_a_problem(text: str) -> None:
    """A phrase is printable, and a symbol has a colon for each exchange."""
    said = exchanges_of(text)

    assert said.isprintable() if isinstance(said, str) else len(said) == text.count(":") > 0
