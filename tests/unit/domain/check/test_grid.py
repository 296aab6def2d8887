"""The grid of candles by exchange."""

from __future__ import annotations

from chartimg.adapters.catalog import shipped_catalog
from chartimg.domain.chart.candle import Grid
from chartimg.domain.check.catalog import Catalog, Opening
from chartimg.domain.check.grid import grid_of
from rows import for_each

SHIPPED = shipped_catalog()


@for_each(
    ("symbol", "minutes"),
    [
        ("BINANCE:BTCUSDT", 0),
        ("NASDAQ:AAPL", 30),
        ("FX:EURUSD", 30),
        ("NSE:NIFTY", 15),
        ("BINANCE:BTCUSDT/BITSTAMP:BTCUSD", 0),
        ("BINANCE:BTCUSDT/NASDAQ:MARA", 30),
        ("(NASDAQ:MARA+NSE:NIFTY)/10", 15),
        ("UNHEARDOF:BTCUSDT", 30),
        ("BTCUSDT", 30),
        ("", 30),
        (None, 30),
    ],
)
def test_a_symbol_has_the_grid_of_its_exchanges(symbol: str | None, minutes: int) -> None:
    """Exchanges of coins have the grid of the interval, any other half an hour at most, and formulas the finest one."""
    assert Grid(minutes) == grid_of(symbol, SHIPPED)


def test_each_exchange_with_a_grid_is_in_the_catalog() -> None:
    """Both lists name known exchanges, and each of them once."""
    names = [*SHIPPED.crypto_exchanges, *(row.name for row in SHIPPED.openings)]

    assert set(names) <= SHIPPED.exchange_set
    assert len(names) == len(set(names))
    assert 63 == len(SHIPPED.crypto_exchanges)


def test_a_host_can_say_how_trade_opens_at_an_exchange() -> None:
    """A row of the host's own replaces the one that ships, and also that of an exchange of coins."""
    more = SHIPPED.extended(Catalog(crypto_exchanges=("MINE",), openings=(Opening("NSE", 5), Opening("KRAKEN", 10))))

    grids = [grid_of(f"{exchange}:X", more).minutes for exchange in ("MINE", "NSE", "KRAKEN", "OKX")]
    assert [0, 5, 10, 0] == grids
