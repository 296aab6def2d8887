"""The lists of exchanges and symbols."""

from __future__ import annotations

from typing import Any

from chartimg.adapters.catalog import shipped_catalog
from chartimg.domain.check.check import check_body
from chartimg.emulator.listings import exchange_list, symbol_list
from rows import for_each
from samples import NOON

CATALOG = shipped_catalog()


def symbols(exchange: str, **query: str) -> list[dict[str, Any]]:
    """Return the rows of a list."""
    listed: Any = symbol_list(exchange, query, CATALOG, NOON)
    rows: list[dict[str, Any]] = listed["payload"]
    return rows


def test_the_exchanges_are_those_of_the_catalog() -> None:
    """Each exchange is listed once, with the moment of the last refresh."""
    listed = exchange_list(CATALOG, NOON)

    assert sorted(CATALOG.exchanges) == listed["payload"]
    assert "2026-01-05T00:00:00.000Z" == listed["updatedAt"]


@for_each("exchange", CATALOG.exchanges)
def test_every_symbol_of_a_list_passes_the_check(exchange: str) -> None:
    """Each exchange has symbols, in any case of its name, with the documented keys; the check has no ERROR about them."""
    rows = symbols(exchange)

    assert rows
    assert rows == symbols(exchange.lower())
    assert {"symbol", "description", "type", "exchange", "currency_code", "source2", "source_id"} <= set(rows[0])
    found = [check_body({"symbol": f"{exchange}:{row['symbol']}", "interval": "1h"}, CATALOG) for row in rows]
    assert [] == [each for findings in found for each in findings if "not available" not in each.message]


def test_a_list_is_filtered() -> None:
    """A part of a symbol and a type leave fewer rows, and an unknown exchange has no list."""
    assert ["BTCUSDT", "BTCUSDT.P"] == [row["symbol"] for row in symbols("binance", symbol="btc")]
    assert ["BTCUSDT.P"] == [row["symbol"] for row in symbols("BINANCE", symbol="BTC", type="swap")]
    assert [] == symbols("NASDAQ", type="swap")
    assert symbol_list("NOWHERE", {}, CATALOG, NOON) is None
