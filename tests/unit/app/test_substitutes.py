"""Symbols in place of refused ones."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import repeat
from pathlib import Path
from threading import Event
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chartimg import (
    Account,
    ChartApiError,
    ChartApiResult,
    ChartClient,
    ChartRequest,
    ConfigError,
    FaultKind,
    Finding,
    LayoutRequest,
    RetryPolicy,
    Severity,
    WorkerConfig,
)
from chartimg.app.fetch import Steps
from chartimg.app.flights import Flights, Waiter
from chartimg.app.mode import ApiMode
from chartimg.app.substitutes import MAX_REMEMBERED_SYMBOLS, Substitutes
from chartimg.domain.chart import Request
from chartimg.domain.chart.leeway import Leeway
from chartimg.domain.events import RequestDoubtful
from chartimg.domain.reply import Reply
from chartimg.domain.result import ChartApiFailure, Source
from chartimg.testing import EventLog, ScriptedTransport, VirtualClock, picture

WRONG = ChartRequest("NYSE:AAPL", "1h", "price_v1", {"theme": "dark"})
OTHERS = ("NASDAQ", "NYSE", "AMEX")
INVALID = Reply(422, body=b'{"message":"Invalid Symbol"}')
LISTED = Reply(200, body=picture())
SPENT = Reply(429, body=b'{"message":"Limit Exceeded"}')
POLICY = RetryPolicy(max_attempts=4, base_delay=0.1)
ACCOUNT = [Account("a", "key-of-a", daily_limit=1000, requests_per_second=1000.0, burst=100)]


def provider(*listed: str, clock: VirtualClock | None = None) -> ScriptedTransport:
    """Return a transport that draws the listed symbols, and refuses all others."""

    def answer(request: Request, _: Account | None, __: float | None) -> Reply:
        """Look for the symbol."""
        return LISTED if request.symbol in listed else INVALID

    return ScriptedTransport(repeat(answer), clock=clock)


def asked(transport: ScriptedTransport) -> list[str | None]:
    """Return the symbol of each call."""
    return [call.request.symbol for call in transport.calls]


def errors(results: Sequence[ChartApiResult]) -> list[str]:
    """Return the messages of the failures."""
    return [result.error.message for result in results if result.error is not None]


def test_the_ticker_of_a_refused_symbol_is_tried_at_the_next_exchange() -> None:
    """Each try is a call with a claim of its own, all are attempts of the result, and a WARNING says who drew the chart."""
    transport, events = provider("AMEX:AAPL"), EventLog()
    with transport.client(ACCOUNT, policy=POLICY, listener=events) as client:
        result = client.fetch(WRONG, on_invalid_symbol=OTHERS)
        assert client.accounts is not None
        used = [status.used for status in client.accounts.status()]
    message = "drawn at AMEX, as AMEX:AAPL, since the provider refused NYSE:AAPL"
    warning = Finding("symbol", Severity.WARNING, message, "AMEX:AAPL")

    assert ["NYSE:AAPL", "NASDAQ:AAPL", "AMEX:AAPL"] == asked(transport)
    assert (True, [3], (warning,)) == (result.ok, used, result.warnings)
    assert [422, 422, 200] == [each.http_status for each in result.attempts]
    assert [RequestDoubtful(str(WRONG.key), (warning,))] == events.of(RequestDoubtful)


def test_a_ticker_without_an_exchange_is_asked_for_at_the_named_ones_alone() -> None:
    """No call is wasted on a symbol that the check refuses; a mistake elsewhere in the request is told as without exchanges."""
    transport, bare = provider("NYSE:AAPL"), WRONG.with_symbol("AAPL")
    with transport.client(ACCOUNT, policy=POLICY) as client:
        results = [client.fetch(bare, on_invalid_symbol=OTHERS) for _ in range(2)]
        wrong = client.fetch(attrs.evolve(bare, symbol="MSFT", timeframe="7x"), on_invalid_symbol=OTHERS)
        alone = client.fetch(bare)

    assert ["NASDAQ:AAPL", "NYSE:AAPL", "NYSE:AAPL"] == asked(transport)
    assert "drawn at NYSE, as NYSE:AAPL, since AAPL has no exchange" == results[1].warnings[0].message
    assert [True, True, False, False] == [each.ok for each in (*results, wrong, alone)]
    assert [FaultKind.INVALID_BEFORE_CALL] * 2 == [each.error and each.error.kind for each in (wrong, alone)]
    assert '"7x" is not an interval' in errors([wrong])[0]


def test_what_was_right_is_asked_for_first_for_any_chart_of_the_symbol() -> None:
    """The next fetch of the symbol costs one call, and warns again; the body and the interval may differ."""
    transport = provider("AMEX:AAPL")
    with transport.client(ACCOUNT, policy=POLICY) as client:
        client.fetch(WRONG, on_invalid_symbol=OTHERS)
        second = client.fetch(attrs.evolve(WRONG, timeframe="4h"), on_invalid_symbol=OTHERS)

    assert ["AMEX:AAPL"] == asked(transport)[3:]
    assert ["symbol"] == [each.path for each in second.warnings]


def test_a_remembered_exchange_counts_only_where_it_is_allowed() -> None:
    """A fetch that allows other exchanges does not get the chart of the remembered one."""
    transport = provider("NASDAQ:AAPL")
    with transport.client(ACCOUNT, policy=POLICY) as client:
        client.fetch(WRONG, on_invalid_symbol=["NASDAQ"])
        result = client.fetch(attrs.evolve(WRONG, timeframe="4h"), on_invalid_symbol=["AMEX"])

    assert not result.ok
    assert ["NYSE:AAPL", "NASDAQ:AAPL", "AMEX:AAPL"] == asked(transport)


def test_a_refused_symbol_costs_nothing_again_on_its_day() -> None:
    """Other charts of a symbol that is refused everywhere fail without a call until the next day, and say so."""
    clock = VirtualClock()
    transport = provider(clock=clock)
    with transport.client(ACCOUNT, policy=POLICY) as client:
        first = client.fetch(WRONG, on_invalid_symbol=OTHERS)
        again = client.fetch(attrs.evolve(WRONG, timeframe="4h"), on_invalid_symbol=OTHERS)
        clock.advance(86_400)
        client.fetch(WRONG, on_invalid_symbol=OTHERS)

    assert ["HTTP 422: Invalid Symbol; NASDAQ:AAPL and AMEX:AAPL were refused, too"] * 2 == errors([first, again])
    assert (Source.HTTP, "a", 3) == (first.source, first.account_id, len(first.attempts))
    assert (Source.CACHE, None, ()) == (again.source, again.account_id, again.attempts)
    assert any(each.message.startswith("not sent again") for each in again.warnings)
    assert 6 == len(transport.calls)


def test_exchanges_that_no_call_was_left_for_are_named_and_tried_by_the_next_fetch() -> None:
    """All symbols together get the calls of one fetch. The failure may be retried, and what was refused is skipped then."""
    transport = provider("AMEX:AAPL")
    with transport.client(ACCOUNT, policy=attrs.evolve(POLICY, max_attempts=2)) as client:
        first = client.fetch(WRONG, on_invalid_symbol=OTHERS)
        second = client.fetch(WRONG, on_invalid_symbol=OTHERS)

    message = (
        "HTTP 422: Invalid Symbol; NASDAQ:AAPL was refused, too; AMEX:AAPL was not tried within the calls of one fetch"
    )
    assert [message] == errors([first, second])
    assert first.error is not None
    assert first.error.retriable
    assert ["NYSE:AAPL", "NASDAQ:AAPL", "AMEX:AAPL"] == asked(transport)


def test_a_failure_of_another_kind_ends_the_search() -> None:
    """A spent quota at the second exchange is the result, with the calls of both and a word about the symbol."""
    transport = ScriptedTransport([INVALID, SPENT])
    with transport.client(ACCOUNT, policy=POLICY) as client:
        result = client.fetch(WRONG, on_invalid_symbol=OTHERS)

    assert result.error is not None
    assert (FaultKind.QUOTA_EXCEEDED, 2) == (result.error.kind, len(result.attempts))
    assert ["asked for at NASDAQ, as NASDAQ:AAPL, since the provider refused NYSE:AAPL"] == [
        each.message for each in result.warnings
    ]


@pytest.mark.parametrize("others", [None, ()])
def test_without_leave_no_other_symbol_is_tried(others: Sequence[str] | None) -> None:
    """By default a refused symbol is the end."""
    transport = ScriptedTransport([INVALID])
    with transport.client(ACCOUNT, policy=POLICY) as client:
        result = client.fetch(WRONG, on_invalid_symbol=others)

    assert ["HTTP 422: Invalid Symbol"] == errors([result])


@pytest.mark.parametrize(
    "reply", [Reply(422, body=b'{"message":"Invalid Interval"}'), Reply(403, body=b'{"message":"Forbidden"}')]
)
def test_another_refusal_tries_no_other_symbol(reply: Reply) -> None:
    """Only a refusal that speaks of the symbol does."""
    transport = ScriptedTransport([reply])
    with transport.client(ACCOUNT, policy=POLICY) as client:
        assert not client.fetch(WRONG, on_invalid_symbol=OTHERS).ok


def test_a_layout_with_a_symbol_may_get_another_one_and_a_layout_without_does_not() -> None:
    """The symbol of a layout itself is the affair of its owner."""
    with_symbol, without = LayoutRequest("abc", "NYSE:AAPL"), LayoutRequest("def")
    transport = provider("NASDAQ:AAPL")
    with transport.client(ACCOUNT, policy=POLICY) as client:
        first = client.fetch(with_symbol, on_invalid_symbol=OTHERS)
        second = client.fetch(without, on_invalid_symbol=OTHERS)

    assert (True, False) == (first.ok, second.ok)
    assert ["NYSE:AAPL", "NASDAQ:AAPL", None] == asked(transport)


def test_an_exchange_that_the_check_refuses_costs_no_call() -> None:
    """The search goes on at the next exchange, since the check knows that this one is misspelt."""
    transport = provider("AMEX:AAPL")
    with transport.client(ACCOUNT, policy=POLICY) as client:
        result = client.fetch(WRONG, on_invalid_symbol=("nasdaq", "AMEX"))

    assert result.ok
    assert ["NYSE:AAPL", "AMEX:AAPL"] == asked(transport)


def test_a_request_that_the_check_refuses_ends_before_any_call() -> None:
    """The findings are those of the request itself."""
    transport = ScriptedTransport([])
    with transport.client(ACCOUNT, policy=POLICY) as client:
        result = client.fetch(attrs.evolve(WRONG, timeframe="1hour"), on_invalid_symbol=OTHERS)

    assert result.error is not None
    assert FaultKind.INVALID_BEFORE_CALL is result.error.kind


def test_the_time_for_all_symbols_is_that_of_one_fetch() -> None:
    """The third call has what two calls have left of the deadline."""
    clock = VirtualClock()
    transport = ScriptedTransport([INVALID, INVALID, LISTED], clock=clock, duration=8.0)
    with transport.client(ACCOUNT, policy=POLICY) as client:
        result = client.fetch(WRONG, deadline=20.0, on_invalid_symbol=OTHERS)

    assert result.ok
    assert [20.0, 12.0, 4.0] == [call.timeout for call in transport.calls]


def test_fixtures_lead_to_the_same_picture_as_the_calls_that_were_recorded(tmp_path: Path) -> None:
    """A recorded refusal leads to the recorded chart of the next exchange, without an attempt."""
    (tmp_path / "NYSE_AAPL__1h__price_v1__422_INVALID_SYMBOL.json").write_text(
        '{"status": 422, "body": {"message": "Invalid Symbol"}}'
    )
    (tmp_path / "NASDAQ_AAPL__1h__price_v1.png").write_bytes(picture())
    with ChartClient(WorkerConfig(mode=ApiMode.MOCK, fixtures_dir=tmp_path)) as client:
        result = client.fetch(WRONG, on_invalid_symbol=OTHERS)

    assert (True, Source.FIXTURE, ()) == (result.ok, result.source, result.attempts)
    assert tmp_path / "NASDAQ_AAPL__1h__price_v1.png" == result.fixture_path


def test_both_clients_do_the_same() -> None:
    """The asynchronous client tries the same exchanges, and remembers the right one."""
    transport = provider("AMEX:AAPL")

    async def fetch() -> list[bool]:
        """Fetch with a new client."""
        async with transport.async_client(ACCOUNT, policy=POLICY) as client:
            return [(await client.fetch(WRONG, on_invalid_symbol=OTHERS)).ok for _ in range(2)]

    assert [True, True] == asyncio.run(fetch())
    assert ["NYSE:AAPL", "NASDAQ:AAPL", "AMEX:AAPL", "AMEX:AAPL"] == asked(transport)


def test_equal_requests_at_one_moment_share_the_call_at_each_exchange() -> None:
    """Ten callers cost three calls, and each has the picture and the warning."""
    transport = provider("AMEX:AAPL")

    async def fetch() -> list[ChartApiResult]:
        """Fetch with a new client."""
        async with transport.async_client(ACCOUNT, policy=POLICY) as client:
            return await asyncio.gather(*(client.fetch(WRONG, on_invalid_symbol=OTHERS) for _ in range(10)))

    results = asyncio.run(fetch())
    assert all(result.ok and ["symbol"] == [each.path for each in result.warnings] for result in results)
    assert {"NYSE:AAPL", "NASDAQ:AAPL", "AMEX:AAPL"} == set(asked(transport))
    assert 2 == sum(symbol != "AMEX:AAPL" for symbol in asked(transport))


@pytest.mark.parametrize(
    ("arguments", "named"),
    [({"on_invalid_symbol": "NASDAQ"}, "on_invalid_symbol"), ({"fit": "PRO"}, "fit"), ({"fit": 5}, "fit")],
)
def test_a_wrong_argument_is_named_by_both_clients(arguments: dict[str, Any], named: str) -> None:
    """It is a mistake before any call."""
    with ScriptedTransport([]).client() as client, pytest.raises(ConfigError, match=f"^{named} must be "):
        client.fetch(WRONG, **arguments)

    async def fetch() -> None:
        """Fetch with a new client."""
        async with ScriptedTransport([]).async_client() as client:
            await client.fetch(WRONG, **arguments)

    with pytest.raises(ConfigError, match=f"^{named} must be "):
        asyncio.run(fetch())


@given(
    listing=st.sets(st.sampled_from(["NYSE", "NASDAQ", "AMEX", "LSE"])),
    searches=st.lists(
        st.tuples(st.lists(st.sampled_from(["NASDAQ", "AMEX", "LSE"]), min_size=1), st.integers(400, 410)), max_size=4
    ),
    max_attempts=st.integers(1, 5),
)
@settings(max_examples=25)
def test_no_search_costs_more_than_it_must(
    listing: set[str], searches: list[tuple[list[str], int]], max_attempts: int
) -> None:
    """No symbol is refused twice, no fetch has more calls than allowed, and a final failure was refused everywhere."""
    transport = provider(*(f"{exchange}:AAPL" for exchange in listing))
    with transport.client(ACCOUNT, policy=attrs.evolve(POLICY, max_attempts=max_attempts), log=False) as client:
        for others, width in searches:
            before = len(transport.calls)
            result = client.fetch(attrs.evolve(WRONG, payload={"width": width}), on_invalid_symbol=others)
            refused = {symbol for symbol in asked(transport) if str(symbol).partition(":")[0] not in listing}

            assert len(result.attempts) == len(transport.calls) - before <= max_attempts
            if result.error is not None:
                untried = {f"{each}:AAPL" for each in ("NYSE", *others)} - refused
                assert bool(untried) is result.error.retriable
    searched = [symbol for symbol in asked(transport) if str(symbol).partition(":")[0] not in listing]
    assert len(searched) == len(set(searched))


def test_the_oldest_of_a_thousand_symbols_leave() -> None:
    """A client that meets ever new wrong symbols keeps a bounded number of them."""
    substitutes, calls = Substitutes(VirtualClock(), Flights(), lambda *_: None), list[str]()

    def ask(request: Request, _: RetryPolicy) -> Steps[ChartApiResult]:
        """Refuse the symbol."""
        calls.append(str(request.symbol))
        yield from ()
        error = ChartApiError.of(FaultKind.INVALID_REQUEST, "Invalid Symbol")
        return ChartApiFailure(error=error, source=Source.HTTP)

    def search(number: int) -> None:
        """Fetch a chart of a symbol by its number."""
        request = attrs.evolve(WRONG, symbol=f"NYSE:A{number}")
        with pytest.raises(StopIteration):
            next(substitutes.steps(request, Leeway(("LSE",)), Waiter(Event()), POLICY, ask))

    for number in range(MAX_REMEMBERED_SYMBOLS // 2 + 1):
        search(number)
    before = len(calls)
    search(1)
    assert before == len(calls)
    search(0)
    assert ["NYSE:A0", "LSE:A0"] == calls[before:]
