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
        ("BTCUSDT", "has no exchange"),
        ("", "has no exchange"),
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
def test_a_malformed_symbol_is_reported_in_a_phrase(text: str, phrase: str) -> None:
    """The phrase names the first problem."""
    said = exchanges_of(text)

    assert isinstance(said, str)
    assert phrase in said


@given(text=st.text())
def test_any_text_has_exchanges_or_a_problem(text: str) -> None:
    """A phrase is printable, and a symbol has a colon for each exchange."""
    said = exchanges_of(text)

    assert said.isprintable() if isinstance(said, str) else len(said) == text.count(":") > 0
