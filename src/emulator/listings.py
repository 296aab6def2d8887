"""The lists of exchanges and symbols (API v3): the exchanges of the catalog, each with some symbols."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from ..domain.check.catalog import Catalog

__all__ = ["exchange_list", "symbol_list"]

_COINS: Final = (
    "ADA", "AVAX", "BNB", "BTC", "DOGE", "DOT", "ETH", "LINK", "LTC", "NEAR", "PEPE", "SHIB", "SOL", "SUI", "TRX", "XRP"
)  # fmt: skip
_TICKERS: Final[Mapping[str, str]] = {
    "AMEX": "DIA EEM GLD IWM QQQM SPY TLT USO XLF",
    "CBOE": "VIX",
    "DJ": "DJI DJT DJU",
    "FX": "AUDUSD EURGBP EURJPY EURUSD GBPJPY GBPUSD NZDUSD USDCAD USDCHF USDJPY",
    "HKEX": "1 388 700 941 1299 3690 9988",
    "INDEX": "BTCUSD ETHUSD",
    "LSE": "AZN BP HSBA RIO SHEL ULVR VOD",
    "NASDAQ": "AAPL ADBE AMD AMZN AVGO COST GOOG GOOGL INTC META MSFT NDX NFLX NVDA QQQ TSLA",
    "NYSE": "BA BRK.B C DIS F GE IBM JNJ JPM KO PFE T UNH V WMT XOM",
    "OANDA": "AUDUSD EURUSD GBPUSD SPX500USD USDJPY XAGUSD XAUUSD",
    "SP": "OEX SPX",
    "TSE": "6758 7203 8306 9984",
    "TVC": "DXY GOLD SILVER US10Y USOIL VIX",
    "XETR": "ALV BAS BMW DAX SAP SIE",
}
_INDICES: Final = frozenset({"CBOE", "DJ", "INDEX", "SP", "TVC"})
_CURRENCIES: Final = frozenset({"FX", "OANDA"})


def exchange_list(catalog: Catalog, now: datetime) -> Mapping[str, object]:
    """Return the list of exchanges."""
    return {"updatedAt": _midnight(now), "payload": sorted(catalog.exchanges)}


def symbol_list(
    exchange: str, query: Mapping[str, str], catalog: Catalog, now: datetime
) -> Mapping[str, object] | None:
    """Return the symbols of *exchange*, in any case, that the filters ``symbol`` and ``type`` of *query* let pass.

    The documentation does not say how a filter matches. Here a part of the symbol is enough, in any case. An exchange without
    a list of its own has one invented symbol. None is an unknown exchange.
    """
    name = exchange.upper()
    if name not in catalog.exchange_set:
        return None
    part, kind = query.get("symbol", "").upper(), query.get("type", "")
    rows = [
        row
        for row in _symbols(name, is_crypto=name in catalog.crypto_exchanges)
        if part in str(row["symbol"]) and kind in {"", row["type"]}
    ]
    return {"updatedAt": _midnight(now), "payload": rows}


def _symbols(exchange: str, *, is_crypto: bool) -> Sequence[Mapping[str, object]]:
    if is_crypto:
        pairs = [(f"{coin}USDT", f"{coin} / TetherUS", "spot", "USDT") for coin in _COINS]
        swaps = [(f"{coin}USDT.P", f"{coin} / TetherUS PERPETUAL", "swap", "USDT") for coin in _COINS]
        rows = [*pairs, *swaps]
    else:
        kind = "index" if exchange in _INDICES else "forex" if exchange in _CURRENCIES else "stock"
        tickers = _TICKERS.get(exchange, f"{exchange[:4]}1").split()
        rows = [(ticker, f"{ticker} at {exchange}", kind, "USD") for ticker in tickers]
    return [
        {
            "symbol": symbol,
            "description": description,
            "type": kind,
            "exchange": exchange,
            "currency_code": currency,
            "provider_id": exchange.lower(),
            "source2": {"id": exchange, "name": exchange, "description": exchange},
            "source_id": exchange,
            "typespecs": [],
        }
        for symbol, description, kind, currency in rows
    ]


def _midnight(now: datetime) -> str:
    return now.strftime("%Y-%m-%dT00:00:00.000Z")
