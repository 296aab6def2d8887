"""The symbol of a body against the provider's lists that are kept."""

from __future__ import annotations

from typing import NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartimg import ChartRequest, Finding, Severity
from chartimg.adapters.catalog import shipped_catalog
from chartimg.domain.chart import LayoutRequest
from chartimg.domain.check.catalog import Catalog, Parameter, ValueType
from chartimg.domain.check.check import check_request
from chartimg.domain.check.exchange import is_slip
from chartimg.domain.check.listed import NO_LISTS, KeptLists, exchange_problems, is_elsewhere, no_lists, symbol_problems
from chartimg.domain.check.suggestion import bare, with_suggestions
from rows import for_each

CATALOG = shipped_catalog()
LISTS = KeptLists(
    frozenset({"BINANCE", "LSE", "NASDAQ", "NEWEXCHANGE"}),
    {
        "BINANCE": frozenset({"BTCUSDT", "BTCUSDT.P", "ETHUSDT", "STRANGE"}),
        "NASDAQ": frozenset({"AAPL", "GOOG", "GOOGL", "BRK.B", "TSLA"}),
        "NYSE": frozenset({"BRK.B", "XOM"}),
    },
)


def found(symbol: str, lists: KeptLists = LISTS) -> list[Finding]:
    """Return the findings of a symbol."""
    return check_request(ChartRequest(symbol, "1h", "t"), CATALOG, None, lists)


@for_each(
    "symbol",
    [
        "NASDAQ:AAPL",
        "NYSE:BRK.B",
        "NEWEXCHANGE:ANY",  # its symbols are not kept
        "NEWEXCHANGE:A/NASDAQ:B",
        "BINANCE:STRANGE",  # evidently not a pair, and yet listed
        "LSE:VOD",  # its list is not kept
        "NASDAQ:NONE/2",  # a formula
    ],
)
def test_a_symbol_that_a_list_has_is_not_reported(symbol: str) -> None:
    """Neither an exchange nor a ticker that a kept list has is a WARNING, nor one that no list can tell of."""
    assert [] == found(symbol)


@for_each(
    ("symbol", "phrase", "suggestion"),
    [
        ("NASDAQ:AAPPL", 'the list of NASDAQ that is kept has no "AAPPL"; did you mean "NASDAQ:AAPL"?', "NASDAQ:AAPL"),
        ("NASDAQ:TSAL", 'did you mean "NASDAQ:TSLA"?', "NASDAQ:TSLA"),
        ("NASDAQ:GOGL", 'has no "GOGL"; did you mean "NASDAQ:GOOGL"?', "NASDAQ:GOOGL"),
        ("NASDAQ:aapl", 'did you mean "NASDAQ:AAPL"?', "NASDAQ:AAPL"),
        ("NYSE:BRKB", 'did you mean "NYSE:BRK.B"?', "NYSE:BRK.B"),
        ("BINANCE:BTCUSDTPERP", 'did you mean "BINANCE:BTCUSDT.P"?', "BINANCE:BTCUSDT.P"),
        ("NYSE:XO", 'the list of NYSE that is kept has no "XO"', None),  # a short ticker may be another company
        ("NYSE:AAPL", 'has no "AAPL"; it is listed by NASDAQ', None),
        ("BINANCE:AAPL", "so write its own, as in NASDAQ:AAPL, SP:SPX or FX:EURUSD; it is listed by NASDAQ", None),
        ("BINANCE:ETHUSDTPERP", 'has no "ETHUSDTPERP"', None),  # the list has no such future
        (
            "BINANCE:BTC/USDT",
            '"BINANCE:BTC/USDT" is read as a formula; did you mean "BINANCE:BTCUSDT"?',
            "BINANCE:BTCUSDT",
        ),
        ("NEWEXCHANGE:A/NOWHERE:B", 'the exchange "NOWHERE" is not in the catalog', None),
        ("NEWEXCHANG:ANY", 'is not in the catalog; did you mean "NEWEXCHANGE:ANY"?', "NEWEXCHANGE:ANY"),
        ("NOWHERE:ANY", 'the exchange "NOWHERE" is not in the catalog', None),
        ("BATS:XOM", 'the exchange "BATS" is not in the catalog; it is listed by NYSE', None),
        ("BITTREX:BTCUSD", 'the list of exchanges that is kept has no "BITTREX"', None),  # the catalog has it
    ],
)
def test_a_symbol_that_a_list_lacks_is_a_warning(symbol: str, phrase: str, suggestion: str | None) -> None:
    """A ticker that the list of its exchange lacks gets the only near one, or else the exchanges that list it."""
    (finding,) = found(symbol)

    assert ("symbol", Severity.WARNING, suggestion) == (finding.path, finding.severity, finding.suggestion)
    assert finding.message.endswith(phrase)


def test_an_exchange_that_a_list_has_is_available() -> None:
    """A list is newer than the documentation, which says that this exchange is not available."""
    not_available = Finding("symbol", Severity.WARNING, '"TFX" is documented as not available')
    assert [not_available] == found("TFX:ANY", NO_LISTS)
    assert [] == found("TFX:ANY", KeptLists(frozenset({"TFX"})))


@for_each(
    ("ticker", "listed", "likely"),
    [
        ("ABC", "ABC.", "ABC."),
        ("ABC", ".ABC", None),  # no ticker begins with a sign
        ("ABC", "ABXC", None),
        ("ABCD", "ABCDE", "ABCDE"),
        ("ABCD", "XABCD", "XABCD"),
        ("ABCD", "BACD", "BACD"),
        ("ABCD", "CBACD", None),
        ("AB.CDE", "AB.CD.E", "AB.CD.E"),
        ("A" * 32, "A" * 33, "A" * 33),
        ("A" * 33, "A" * 34, None),
    ],
)
def test_a_ticker_is_found_by_a_slip_or_a_sign(ticker: str, listed: str, likely: str | None) -> None:
    """A sign after any letter, a letter anywhere, and two swapped neighbours make a slip in up to 32 characters."""
    (finding,) = found(f"LSE:{ticker}", KeptLists(None, {"LSE": frozenset({listed})}))

    assert (likely and f"LSE:{likely}") == finding.suggestion


@pytest.mark.parametrize(
    ("symbol", "message"),
    [
        *(
            (f"{feed}:AAPL", "; write the one that lists the symbol: NASDAQ, NYSE or AMEX")
            for feed in ("BATS", "EDGX", "IEX")
        ),
        ("NOWHERE:AAPL", ""),
    ],
)
def test_a_feed_is_not_the_exchange_of_a_symbol(symbol: str, message: str) -> None:
    """A data feed of US stocks is not in the catalog, and the message names the exchanges to write."""
    (finding,) = found(symbol, NO_LISTS)

    assert f'the exchange "{symbol.partition(":")[0]}" is not in the catalog{message}' == finding.message


class Large(frozenset[str]):
    """A list that is too large to go through."""

    __slots__ = ()

    def __iter__(self) -> NoReturn:
        raise AssertionError


TICKER = st.text("ABC.", max_size=5).map(lambda text: f"A{text}")


@given(st.frozensets(TICKER, max_size=8), TICKER)
def test_the_near_ticker_is_found_in_a_list_of_any_length(listed: frozenset[str], ticker: str) -> None:
    """A list is not gone through, and what is found is what going through it finds; two signs in a ticker are one too many."""
    if ticker in listed:
        return
    (finding,) = found(f"LSE:{ticker}", KeptLists(None, {"LSE": Large(listed)}))

    alike = {each for each in listed if bare(each) == bare(ticker) and each.count(".") < 2}
    slips = {each for each in listed if is_slip(ticker, each)} if len(bare(ticker)) > 3 else set[str]()
    near = alike or slips
    assert (f"LSE:{near.pop()}" if len(near) == 1 else None) == finding.suggestion


@pytest.mark.parametrize(
    ("symbol", "end"),
    [
        ("AAPL", "write it like BINANCE:BTCUSDT; it is listed by NASDAQ"),
        ("brk.b", "write it like BINANCE:BTCUSDT; it is listed by NASDAQ, NYSE"),
        ("NONE", "write it like BINANCE:BTCUSDT; chartimg symbols EXCHANGE TEXT looks a symbol up"),
        (":AAPL", '":AAPL" is not written EXCHANGE:SYMBOL'),
        (" ", '" " has space around it'),
    ],
)
def test_a_symbol_without_an_exchange_gets_those_that_list_it(symbol: str, end: str) -> None:
    """The exchanges that list a bare symbol are named, and none is suggested: each may be meant."""
    (finding,) = with_suggestions(symbol_problems(symbol, CATALOG, LISTS))

    assert (Severity.ERROR, None) == (finding.severity, finding.suggestion)
    assert finding.message.endswith(end)


@pytest.mark.parametrize(("exchanges", "more"), [(5, ""), (6, " and 1 more"), (9, " and 4 more")])
def test_of_many_exchanges_some_are_named(exchanges: int, more: str) -> None:
    """A message stays one readable line: it names five exchanges and the number of the others."""
    lists = KeptLists(None, {f"E{number}": frozenset({"ABC"}) for number in range(exchanges)})

    assert found("ABC", lists)[0].message.endswith(f"it is listed by E0, E1, E2, E3, E4{more}")


@given(st.sampled_from([*CATALOG.exchanges[:5], "NOWHERE", "binance", ""]), st.text("AB1./", max_size=6))
def test_without_lists_all_stays_as_it_is(exchange: str, ticker: str) -> None:
    """Lists that are not kept change no finding."""
    symbol = f"{exchange}:{ticker}" if exchange else ticker or "A"

    assert (
        found(symbol, NO_LISTS) == found(symbol, KeptLists()) == check_request(ChartRequest(symbol, "1h", "t"), CATALOG)
    )


def test_the_symbol_of_a_layout_is_checked_alike() -> None:
    """A layout may have no symbol; one that it has is held against the lists, among its other findings."""
    layout = LayoutRequest("abc", "NASDAQ:AAPPL", "9h", {"width": 1})
    paths = [each.path for each in check_request(layout, CATALOG, None, LISTS)]

    assert ["width", "interval", "symbol"] == paths
    assert [] == check_request(LayoutRequest("abc"), CATALOG, None, LISTS)


def test_a_finding_by_the_lists_keeps_its_place() -> None:
    """The problem of a symbol stays among those of the other keys, and an unknown key is not held against the lists."""
    request = ChartRequest("binance:BTCUSDT", "9h", "t", {"width": 1})
    without_symbol = Catalog(parameters=(Parameter("interval", ValueType.STRING),))

    written = 'the exchange "binance" is written BINANCE; did you mean "BINANCE:BTCUSDT"?'
    assert check_request(request, CATALOG) == (checked := check_request(request, CATALOG, None, LISTS))
    assert ["width", "symbol", "interval"] == [each.path for each in checked]
    assert (Severity.ERROR, written) == (checked[1].severity, checked[1].message)
    assert check_request(request, without_symbol) == check_request(request, without_symbol, None, LISTS)


@for_each(
    ("symbol", "lists", "expected"),
    [
        ("BINANCE:AAPL", NO_LISTS, True),  # no pair of coins
        ("BINANCE:AAPL", LISTS, True),
        ("NYSE:AAPL", LISTS, True),  # the list of NASDAQ has it
        ("NYSE:NONE", LISTS, False),  # it may be new
        ("BINANCE:DOGEUSDT", LISTS, False),
        ("BINANCE:DOGEUSDT", NO_LISTS, False),
        ("BINANCE:STRANGE", LISTS, False),
        ("LSE:VOD", LISTS, False),
        ("LSE:AAPL", LISTS, False),  # its list is not kept
        ("NONE", LISTS, False),
        ("", NO_LISTS, False),
    ],
)
def test_a_ticker_is_elsewhere_only_if_that_is_evident(symbol: str, lists: KeptLists, expected: bool) -> None:  # noqa: FBT001
    """The exchange of a template is doubted for no pair of coins, or for a ticker that the list of another exchange has."""
    assert expected is is_elsewhere(symbol, lists)


@for_each(
    ("exchange", "lists", "severity", "end", "suggestion"),
    [
        ("NASDAQ", NO_LISTS, None, "", None),
        ("NEWEXCHANGE", LISTS, None, "", None),
        ("NOWHERE", NO_LISTS, Severity.WARNING, "chartimg symbols lists the exchanges", None),
        ("NOWHERE", LISTS, Severity.ERROR, "chartimg symbols lists the exchanges", None),
        ("NASDQA", LISTS, Severity.ERROR, "did you mean NASDAQ?", "NASDAQ"),
    ],
)
def test_an_exchange_that_no_list_has_is_reported(
    exchange: str, lists: KeptLists, severity: Severity | None, end: str, suggestion: str | None
) -> None:
    """It may be new while no list of exchanges is kept; else its list would be a call in vain."""
    message = f'"{exchange}" is not an exchange that is known; {end}'
    expected = [] if severity is None else [Finding("exchange", severity, message, suggestion)]

    assert expected == [*exchange_problems(exchange, CATALOG, lists)]


def test_a_ticker_without_end_has_no_suggestion_and_a_symbol_without_lists_no_doubt() -> None:
    """A text that no exchange would list is not compared with thousands of rows."""
    (problem,) = found(f"NASDAQ:{'A' * 200}")

    assert problem.suggestion is None
    assert NO_LISTS is no_lists("NASDAQ:AAPL")
