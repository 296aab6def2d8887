"""The lists that a client has read, or that its cache keeps."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

import attrs

from chartimg.app.lists import FOR_A_DAY, Lists
from chartimg.domain.chart import ListRequest
from chartimg.domain.chart.listing import Exchange, Symbol
from chartimg.domain.check.listed import NO_LISTS, KeptLists
from chartimg.domain.errors import CacheUnavailable
from chartimg.domain.faults import ChartApiError, FaultKind
from chartimg.domain.listing import Listing
from chartimg.domain.result import ChartApiFailure, JsonSuccess, Source
from chartimg.testing import VirtualClock
from rows import for_each
from samples import NOON

ALL = ListRequest()
NASDAQ = ListRequest("nasdaq")
FAILURE = ChartApiFailure(error=ChartApiError.of(FaultKind.NETWORK, "gone"))


def answer(payload: Iterable[object], at: datetime | None = NOON) -> JsonSuccess:
    """Return the reply with a list, which came at a moment."""
    body = json.dumps({"updatedAt": None, "payload": list(payload)}).encode()
    return JsonSuccess(body=body, http_status=200, source=Source.HTTP, account_id="a", taken_at=at)


def symbols(*tickers: str, at: datetime | None = NOON) -> JsonSuccess:
    """Return the reply with a list of symbols."""
    return answer(({"symbol": ticker, "description": f"Shares of {ticker}"} for ticker in tickers), at)


class Shelf:
    """A cache of lists, which counts how often it is asked."""

    def __init__(self, **lists: JsonSuccess) -> None:
        self.asked: list[str] = []
        self.lists = lists
        self.is_broken = False

    def peek(self, request: ListRequest) -> JsonSuccess | None:
        """Return a list as a cache does."""
        self.asked.append(request.key.listed)
        if self.is_broken:
            raise CacheUnavailable("gone")
        return self.lists.get(request.key.listed)


def made(peek: Callable[[ListRequest], JsonSuccess | None] | None = None) -> tuple[Lists, VirtualClock]:
    """Return the lists of a client that knows two exchanges, and its clock."""
    clock = VirtualClock(NOON)
    return Lists(peek, clock, lambda: ("BINANCE", "NASDAQ")), clock


def test_a_reply_becomes_a_list_with_its_circumstances() -> None:
    """The rows are those of the reply; a row that can't be read is a warning; a failure stays one."""
    lists, _ = made()
    exchanges, listed = lists.exchanges(answer(["BINANCE", 7])), lists.symbols("NASDAQ", symbols("AAPL", "MSFT"), "")

    assert isinstance(exchanges, Listing)
    assert isinstance(listed, Listing)
    assert [Exchange("BINANCE")] == list(exchanges)
    assert ["payload[1]"] == [each.path for each in exchanges.warnings]
    assert ["NASDAQ:AAPL", "NASDAQ:MSFT"] == list(map(str, listed))
    assert (NOON, "a", Source.HTTP, 200) == (listed.taken_at, listed.account_id, listed.source, listed.http_status)
    assert lists.exchanges(FAILURE) is lists.symbols("NASDAQ", FAILURE, "") is FAILURE


def test_a_search_lists_some_and_remembers_all() -> None:
    """The whole list serves the check and the next search."""
    lists, _ = made()
    found = lists.symbols("NASDAQ", symbols("AAPL", "MSFT"), "msf")

    assert isinstance(found, Listing)
    assert [Symbol("NASDAQ", "MSFT", "Shares of MSFT")] == list(found)
    assert frozenset({"AAPL", "MSFT"}) == lists.about("NASDAQ:AAPL").tickers["NASDAQ"]


def test_a_list_is_remembered_for_a_day() -> None:
    """A list that was read is found by its request, and known to the check, until it is a day old."""
    lists, clock = made()
    kept = symbols("AAPL")
    lists.symbols("NASDAQ", kept, "")

    assert (kept, None) == (lists.find(NASDAQ), lists.find(ALL))
    assert KeptLists(None, {"NASDAQ": frozenset({"AAPL"})}) == lists.about("NASDAQ:AAPL")
    clock.sleep(FOR_A_DAY.seconds - 1)
    assert lists.about("NASDAQ:AAPL") is lists.about("NASDAQ:MSFT")
    clock.sleep(1)
    assert (None, NO_LISTS) == (lists.find(NASDAQ), lists.about("NASDAQ:AAPL"))


@for_each("age", [timedelta(days=1), -timedelta(minutes=1)])
def test_a_list_of_another_day_or_of_the_future_is_not_remembered(age: timedelta) -> None:
    """A wrong clock makes no list fresh."""
    lists, _ = made()
    lists.symbols("NASDAQ", symbols("AAPL", at=NOON - age), "")

    assert lists.find(NASDAQ) is None


def test_the_exchanges_are_known_by_their_list() -> None:
    """The list of exchanges is kept beside those of symbols, and a new one takes the place of an older one."""
    lists, _ = made()
    for exchange in ("OLD", "NEW"):
        lists.exchanges(answer([exchange], at=None))  # a fixture without a date
    lists.symbols("NASDAQ", symbols("AAPL"), "")

    assert KeptLists(frozenset({"NEW"}), {"NASDAQ": frozenset({"AAPL"})}) == lists.about("NEW:A") == lists.about(None)


def test_without_lists_and_without_a_cache_there_is_nothing_to_look_at() -> None:
    """A client that has read no list has none, for any symbol."""
    lists, _ = made()

    assert [NO_LISTS] * 4 == [lists.about(symbol) for symbol in ("NASDAQ:AAPL", "AAPL", "", None)]


def test_the_list_of_another_process_is_found_in_the_cache() -> None:
    """The lists of the symbol's exchange are looked for, once in ten minutes."""
    shelf = Shelf()
    lists, clock = made(shelf.peek)
    assert NO_LISTS == lists.about("NASDAQ:AAPL")
    shelf.lists = {"exchanges": answer(["NASDAQ"]), "NASDAQ": symbols("AAPL")}
    assert NO_LISTS == lists.about("NASDAQ:AAPL")
    clock.sleep(600)

    assert KeptLists(frozenset({"NASDAQ"}), {"NASDAQ": frozenset({"AAPL"})}) == lists.about("NASDAQ:AAPL")
    assert ["exchanges", "NASDAQ"] * 2 == shelf.asked
    assert shelf.lists["NASDAQ"] is lists.find(NASDAQ)


def test_a_list_that_is_read_again_changes_nothing() -> None:
    """A search in a list that is kept leaves the lists as they are, so that the check need not look at its requests again."""
    lists, _ = made()
    lists.symbols("NASDAQ", symbols("AAPL", "TSLA"), "")
    known, kept = lists.about("NASDAQ:AAPL"), lists.find(NASDAQ)
    assert kept is not None
    lists.symbols("NASDAQ", attrs.evolve(kept, source=Source.CACHE), "TS")

    assert known is lists.about("NASDAQ:AAPL")


@for_each("symbol", ["AAPL", "BINANCE:AAPL", "BINANCE:NONEUSDT", "", "BATS:AAPL"])
def test_all_lists_are_looked_for_if_a_symbol_is_not_on_its_exchange(symbol: str) -> None:
    """The lists of all known exchanges are looked for, to say where the symbol is listed."""
    shelf = Shelf(exchanges=answer(["NEW"]), NASDAQ=symbols("AAPL"), NEW=symbols("AAPL"), BINANCE=symbols("BTCUSDT"))
    lists, _ = made(shelf.peek)

    assert {"BINANCE", "NASDAQ", "NEW"} == lists.about(symbol).tickers.keys()
    assert ["BINANCE", "NASDAQ", "NEW", "exchanges"] == sorted(each for each in shelf.asked if each != "BATS")


def test_an_empty_list_says_nothing_of_a_symbol() -> None:
    """The provider may have no list yet; no exchange and no symbol is wrong for that."""
    lists, _ = made()
    assert 0 == len(lists.exchanges(answer([])).unwrap())
    assert 0 == len(lists.symbols("NASDAQ", symbols(), "").unwrap())

    assert KeptLists() == lists.about("NASDAQ:AAPL")


def test_a_cache_that_fails_is_as_one_without_lists() -> None:
    """A cache that can't be used stops no check, and is left alone for ten minutes."""
    shelf = Shelf()
    shelf.is_broken = True
    lists, clock = made(shelf.peek)

    assert [NO_LISTS] * 2 == [lists.about("NASDAQ:AAPL"), lists.about("AAPL")]
    assert ["exchanges"] == shelf.asked
    clock.sleep(600)
    lists.about("NASDAQ:AAPL")
    assert ["exchanges"] * 2 == shelf.asked


@for_each("body", [b"", b"{}", b'{"payload": 7}', b"\x89PNG"])
def test_a_kept_list_that_can_not_be_read_is_as_none(body: bytes) -> None:
    """Bytes that are not a list are not one."""
    lists, _ = made(Shelf(NASDAQ=JsonSuccess(body=body, taken_at=NOON)).peek)

    assert NO_LISTS == lists.about("NASDAQ:AAPL")


def test_a_kept_list_of_yesterday_is_as_none() -> None:
    """A list in the cache that is a day old is not used, nor one without a time zone."""
    for taken_at in (NOON - timedelta(days=1), NOON.replace(tzinfo=None)):
        assert NO_LISTS == made(Shelf(NASDAQ=symbols("AAPL", at=taken_at)).peek)[0].about("NASDAQ:AAPL")


def test_exchanges_without_end_fill_no_memory() -> None:
    """A host that asks for more and more exchanges that do not exist makes the client forget where it has looked."""
    shelf = Shelf()
    lists, _ = made(shelf.peek)
    for number in range(1_001):
        lists.about(f"E{number}:A")
    shelf.asked.clear()
    lists.about("E0:A")

    assert ["E0"] == shelf.asked
    lists.about("NOT AN EXCHANGE:A")
