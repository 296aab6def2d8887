"""The exchange or the symbol that a wrong one surely means."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chartimg.adapters.catalog import shipped_catalog
from chartimg.domain.check.exchange import likely_exchange, likely_symbol, pair_written_apart
from chartimg.domain.check.symbol import PAIRS_ONLY, exchanges_of
from rows import for_each

EXCHANGES = shipped_catalog().exchanges


@for_each(
    ("wrong", "right"),
    [
        ("ARCA", "AMEX"),
        ("NYSEARCA", "AMEX"),
        ("SEHK", "HKEX"),
        ("HUOBI", "HTX"),
        ("okex", "OKX"),
        ("Gate.io", "GATEIO"),
        ("BINANCE_US", "BINANCEUS"),
        ("FXCM", "FX"),
        ("XETRA", "XETR"),
        ("binance", "BINANCE"),
        ("BINANC", "BINANCE"),
        ("BIANNCE", "BINANCE"),
        ("NASDQ", "NASDAQ"),
        ("NASDAQ", "NASDAQ"),
        ("CRYPTO", None),  # not CRYPTOCAP
        ("FTX", None),  # not FX, nor HTX or TFX
        ("BATS", None),  # a feed of what other exchanges list
        ("FX_IDC", None),
        ("BITMAX", None),  # not BITMEX
        ("TSE2", None),
        ("CBO", None),
        ("NYES", None),
        ("NOWHERE", None),
        ("", None),
        ("_", None),
        ("B" * 65, None),
    ],
)
def test_an_exchange_is_found_by_another_name_or_a_slip(wrong: str, right: str | None) -> None:
    """Former names, feeds and codes lead to an exchange; a name that may be another exchange leads to none."""
    assert right == likely_exchange(wrong, EXCHANGES)


@given(st.sampled_from([name for name in EXCHANGES if len(name) > 5]), st.data())
def test_another_letter_makes_another_exchange(name: str, data: st.DataObject) -> None:
    """A name with one other letter leads to no exchange, and one without a letter leads to its own or to none."""
    place = data.draw(st.sampled_from([at for at, letter in enumerate(name) if letter != "_"]))
    other = f"{name[:place]}Ö{name[place + 1 :]}"

    assert likely_exchange(other, EXCHANGES) is None
    assert likely_exchange(name[:place] + name[place + 1 :], EXCHANGES) in {
        name,
        None,
        name[:place] + name[place + 1 :],
    }


@given(st.sampled_from(EXCHANGES), st.text(max_size=70))
def test_an_exchange_means_itself_and_a_suggestion_exists(name: str, text: str) -> None:
    """A right name in any case means itself, and any text leads to a name of the list or to none."""
    assert name == likely_exchange(name.swapcase(), EXCHANGES)
    assert likely_exchange(text, EXCHANGES) in {None, *EXCHANGES}
    assert likely_exchange(name, []) is None


@for_each(
    ("wrong", "right"),
    [
        ("BTC/USDT", "BINANCE:BTCUSDT"),
        ("btc/usdt", "BINANCE:BTCUSDT"),
        ("BTC/USDT:USDT", "BINANCE:BTCUSDT.P"),
        ("BTCUSDT", "BINANCE:BTCUSDT"),
        ("BTCUSDT.P", "BINANCE:BTCUSDT.P"),
        ("eth-usdt", "BINANCE:ETHUSDT"),
        ("ETH/BTC", "BINANCE:ETHBTC"),
        ("AAVEUSDT", "BINANCE:AAVEUSDT"),
        ("XRPUSDT", "BINANCE:XRPUSDT"),
        ("XLMUSDT", "BINANCE:XLMUSDT"),
        ("binance:btcusdt", "BINANCE:BTCUSDT"),
        ("Binance:BTCUSDT", "BINANCE:BTCUSDT"),
        ("ARCA:SPY", "AMEX:SPY"),
        ("SEHK:0700", "HKEX:700"),
        ("SEHK:0000", "HKEX:0000"),
        ("SEHK:0ABC", "HKEX:0ABC"),
        ("ARCA:0700", "AMEX:0700"),
        ("HUOBI:BTCUSDT", "HTX:BTCUSDT"),
        ("FX_IDC:EURUSD", "FX:EURUSD"),
        ("AAPL:NASDAQ", "NASDAQ:AAPL"),
        ("NASDAQ: AAPL", "NASDAQ:AAPL"),
        (" NASDAQ:AAPL ", "NASDAQ:AAPL"),
        ("FX_IDC:USDKES", None),
        ("BATS:AAPL", None),
        ("FTX:BTCUSD", None),
        ("CRYPTO:BTCUSD", None),
        ("AAPL", None),
        ("BTC-USD", None),
        ("EURUSD", None),
        ("WHATUSDT", None),
        ("NASDAQ:AAPL", None),
        ("(ARCA:SPY+ARCA:QQQ)/2", None),
        ("BTCUSDT" * 10, None),
        ("", None),
    ],
)
def test_a_symbol_is_found_by_what_other_services_write(wrong: str, right: str | None) -> None:
    """A pair that the default exchange surely lists, and a symbol with another name of its exchange, are found."""
    assert right == likely_symbol(wrong, EXCHANGES)


@given(st.text(max_size=80) | st.from_regex(r"[A-Za-z_]{1,9} ?: ?[A-Za-z0-9./-]{1,9}", fullmatch=True))
def test_a_suggested_symbol_is_at_an_exchange_of_the_list(text: str) -> None:
    """A suggestion differs from the text, has the form of a symbol, and names an exchange of the list."""
    likely = likely_symbol(text, EXCHANGES)

    assert likely is None or (likely != text and set(exchanges_of(likely)) <= set(EXCHANGES))
    assert likely_symbol(text, []) is None


def test_up_to_64_characters_are_read() -> None:
    """A longer text is neither an exchange nor a symbol with a slip."""
    assert ["B" * 64, None] == [likely_exchange("b" * size, ["B" * size]) for size in (64, 65)]
    assert ["NASDAQ:" + "A" * 56, None] == [likely_symbol("NASDAQ: " + "A" * size, EXCHANGES) for size in (56, 57)]


def test_only_an_exchange_of_the_list_is_suggested() -> None:
    """A feed of currencies leads to FX only where the list has it, and an empty name leads to none."""
    assert likely_symbol("FX_IDC:EURUSD", ["NASDAQ"]) is None
    assert likely_exchange("_", ["-"]) is None


@for_each(
    ("symbol", "pair"),
    [
        ("BINANCE:BTC/USDT", "BINANCE:BTCUSDT"),
        ("OKX:btc-usdt", "OKX:BTCUSDT"),
        ("BINANCE:BTCUSDT", None),
        ("NASDAQ:BTC/USDT", None),
        ("BMV:CEMEX/CPO", None),
        ("BINANCE:BTCUSDT/BINANCE:ETHUSDT", None),
    ],
)
def test_a_pair_in_two_parts_is_joined_where_only_pairs_are_listed(symbol: str, pair: str | None) -> None:
    """A sign between two coins is a slip at an exchange of pairs, and part of the name elsewhere."""
    assert pair == pair_written_apart(symbol, PAIRS_ONLY)


OTHER_NAMES = {
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


@for_each(("exchange", "names"), OTHER_NAMES.items())
def test_each_other_name_leads_to_its_exchange(exchange: str, names: str) -> None:
    """A former name, that of a data feed and a market identifier code mean one exchange of the provider."""
    assert [exchange] * len(names.split()) == [likely_exchange(name, [exchange]) for name in names.split()]
