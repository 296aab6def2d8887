"""Fetches that an account pays for."""

from __future__ import annotations

import pytest

from chartimg import Account, ChartRequest, FaultKind
from chartimg.domain.chart import Request
from chartimg.domain.reply import Reply
from chartimg.domain.result import Source
from chartimg.testing import ScriptedTransport, VirtualClock, picture

REQUEST = ChartRequest("BINANCE:BTCUSDT", "1h", "price_v1", {"theme": "dark"})
TOO_LARGE = Reply(403, body=b'{"message":"Exceed Max Usage Something"}')
INVALID = Reply(422, body=b'{"message":"Invalid Symbol"}')
FOUND = Reply(200, body=picture())
ACCOUNTS = [Account("a", "key-of-a"), Account("b", "key-of-b")]


def test_an_account_that_refused_a_body_without_a_limit_is_not_asked_again() -> None:
    """After a plan refusal that states no limit the next fetch asks another account, and none when all have refused."""
    transport = ScriptedTransport([TOO_LARGE, TOO_LARGE])
    client = transport.client(ACCOUNTS)
    results = [client.fetch(REQUEST) for _ in range(3)]

    assert ["a", "b"] == [call.account.id for call in transport.calls if call.account is not None]
    kinds = [result.error.kind for result in results if result.error is not None]
    assert [FaultKind.PLAN_LIMIT, FaultKind.PLAN_LIMIT, FaultKind.INVALID_BEFORE_CALL] == kinds


def test_another_body_is_asked_for_at_the_same_account() -> None:
    """A plan refusal of one body is none of another."""
    transport = ScriptedTransport([TOO_LARGE, FOUND])
    client = transport.client(ACCOUNTS[:1])
    client.fetch(REQUEST)

    assert client.fetch(ChartRequest("BINANCE:BTCUSDT", "4h", "price_v1", {"theme": "dark"})).ok


@pytest.mark.parametrize("hours", [0, 24])
def test_a_refused_body_is_sent_again_on_the_next_day_alone(hours: int) -> None:
    """A refused body costs one call a day, and has the same error again."""
    clock = VirtualClock()
    transport = ScriptedTransport([INVALID, FOUND], clock=clock)
    client = transport.client(ACCOUNTS)
    first = client.fetch(REQUEST)
    clock.advance(hours * 3600.0)
    second = client.fetch(REQUEST)

    assert (1 + bool(hours), bool(hours)) == (len(transport.calls), second.ok)
    assert (Source.HTTP if hours else Source.CACHE) is second.source
    assert hours or first.error == second.error


def test_an_hour_of_slow_calls_turns_no_later_request_away() -> None:
    """Ten minutes after slow calls, a request with less time than they took is sent."""
    clock = VirtualClock()
    seconds = 60.0

    def answer(_: Request, __: Account | None, timeout: float | None) -> Reply:
        assert timeout is not None
        clock.advance(seconds)
        return Reply(200, body=picture())

    transport = ScriptedTransport([answer] * 6, clock=clock)
    with transport.client() as client:
        for width in range(400, 405):
            assert client.fetch(ChartRequest("BINANCE:BTCUSDT", "1h", "t", {"width": width})).ok
        soon = client.fetch(ChartRequest("BINANCE:BTCUSDT", "1h", "t", {"width": 500}), deadline=20.0)
        clock.advance(600)
        seconds = 2.0
        later = client.fetch(ChartRequest("BINANCE:BTCUSDT", "1h", "t", {"width": 500}), deadline=20.0)

    assert soon.error is not None
    assert (FaultKind.NO_ACCOUNT, True) == (soon.error.kind, "a call takes 30.0 s at the least" in soon.error.message)
    assert later.ok


def test_a_list_is_not_measured_by_pictures_nor_a_picture_by_lists() -> None:
    """After slow pictures a list with little time is asked for, and quick lists tell nothing of a picture's time."""
    clock = VirtualClock()
    seconds = [60.0] * 5 + [1.0] * 7

    def answer(request: Request, _: Account | None, __: float | None) -> Reply:
        clock.advance(seconds.pop(0))
        return FOUND if isinstance(request, ChartRequest) else Reply(200, body=b'{"payload": []}')

    with ScriptedTransport([answer] * 12, clock=clock).client() as client:
        for width in range(400, 405):
            assert client.fetch(ChartRequest("BINANCE:BTCUSDT", "1h", "t", {"width": width})).ok
        lists = [client.symbols(exchange, deadline=5.0) for exchange in ("NASDAQ", "NYSE", "AMEX", "LSE", "SP", "TVC")]
        soon = client.fetch(ChartRequest("BINANCE:BTCUSDT", "1h", "t", {"width": 500}), deadline=20.0)

    assert [True] * 6 == [each.ok for each in lists]
    assert soon.error is not None
    assert "a call takes 30.0 s at the least" in soon.error.message
