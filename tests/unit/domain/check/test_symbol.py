"""Symbols, formulas of symbols, and what is neither."""

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
    """Plain symbols, those with signs in them, and formulas."""
    assert exchanges == exchanges_of(symbol)


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("BTCUSDT", "names no exchange"),
        ("", "names no exchange"),
        ("BINANCE:", "not written EXCHANGE:SYMBOL"),
        (":BTCUSDT", "not written EXCHANGE:SYMBOL"),
        ("BINANCE::BTCUSDT", "not written EXCHANGE:SYMBOL"),
        ("NASDAQ:MARA+:RIOT", "not written EXCHANGE:SYMBOL"),
        ("(NASDAQ:MARA+NASDAQ:RIOT/10", "parenthesis"),
        (")NASDAQ:MARA+NASDAQ:RIOT(", "parenthesis"),
        ("NASDAQ:MARA)+(NASDAQ:RIOT", "parenthesis"),
        ("A:\u00e9" + "B" * 1_000_000 + ":", "not written EXCHANGE:SYMBOL"),
        ("BINANCE:BTC;DROP", "';'"),
        ("BINANCE:BTC\n", "space around it"),
        (" BINANCE:BTCUSDT", "space around it"),
        ("BINANCE:BTC\tUSDT", "'\\t'"),
        ("{symbol}", "'{'"),
    ],
)
def test_what_is_no_symbol_is_told_in_a_phrase(text: str, phrase: str) -> None:
    """What is wrong with it, printably."""
    said = exchanges_of(text)

    assert isinstance(said, str)
    assert phrase in said


@given(text=st.text())
def test_any_text_is_a_symbol_or_is_not(text: str) -> None:
    """Nothing is raised, a phrase is printable, and a symbol has a colon for each exchange."""
    said = exchanges_of(text)

    assert said.isprintable() if isinstance(said, str) else len(said) == text.count(":") > 0
