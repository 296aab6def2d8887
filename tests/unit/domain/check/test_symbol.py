"""The exchanges of symbols and formulas, and the problems of other texts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chartimg.domain.check.symbol import exchanges_of, off_exchange
from rows import for_each


@for_each(
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


@for_each(
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


COINS = ["BTC", "ETH", "SOL", "1000PEPE", "币安人生", "SPX", "AAPL", "EUR", "XAU"]


@for_each(
    "exchange",
    [
        *[
            "BINANCE",
            "BINANCEUS",
            "BINGX",
            "BITGET",
            "BYBIT",
            "COINEX",
            "GATEIO",
            "HTX",
            "KUCOIN",
            "MEXC",
            "OKX",
            "binance",
        ]
    ],
)
@for_each(
    "ticker",
    [
        "AAPL",
        "MSFT",
        "SPX",
        "NDX",
        "DJI",
        "DXY",
        "VIX",
        "GOLD",
        "US30",
        "EURUSD",
        "USDJPY",
        "GBPCHF",
        "XAUUSD",
        "AUDUSD",
        "XPTUSD",
        "BTC",
        "NQ1!",
        "",
    ],
)
def test_a_stock_an_index_and_a_pair_of_currencies_are_off_an_exchange_of_coins(exchange: str, ticker: str) -> None:
    """A ticker that quotes nothing, or one currency in another, is evidently not on an exchange that lists pairs of coins."""
    assert (
        f'"{ticker}" is evidently not a pair, and {exchange} lists only pairs; a symbol without an exchange gets that of its '
        f"template ({exchange}:{{symbol}}), so write its own, as in NASDAQ:AAPL, SP:SPX or FX:EURUSD"
    ) == off_exchange(f"{exchange}:{ticker}")


@given(
    st.sampled_from(COINS),
    st.sampled_from(["USDT", "USDC", "FDUSD", "BTC", "ETH", "BNB", "TRY"]),
    st.sampled_from(["", ".P", "PERP", "_250627", "U2026", "*2"]),
)
def test_a_pair_is_never_off_an_exchange_of_coins(base: str, quote: str, suffix: str) -> None:
    """A coin in a usual quote currency may be listed, spot or derivative."""
    if (base, quote) not in {("EUR", "TRY"), ("XAU", "TRY")}:
        assert off_exchange(f"BINANCE:{base}{quote}{suffix}") is None


@given(st.text())
def test_other_exchanges_may_list_anything(ticker: str) -> None:
    """Only exchanges that list nothing but pairs of coins are judged: Kraken lists EURUSD."""
    assert not any(
        off_exchange(f"{exchange}:{ticker}") for exchange in ("NASDAQ", "KRAKEN", "COINBASE", "FX", "TVC", "NEWEX")
    )
    assert not off_exchange(f"({ticker}")
