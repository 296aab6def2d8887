"""The client: one chart request over the routes of a mode."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import ExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartimg import (
    Account,
    AccountPool,
    ChartClient,
    ChartRequest,
    ErrorCode,
    FaultKind,
    RetryPolicy,
    StoreUnavailable,
)
from chartimg.app.client import Route, RoutedClient
from chartimg.domain.account import AccountSnapshot
from chartimg.domain.events import CallFinished, CallStarted, Event, MockMissing
from chartimg.domain.reply import Reply, TransportFailure
from chartimg.testing import Outcome, ScriptedTransport, VirtualClock, picture

PNG = picture(8, 6)
REQUEST = ChartRequest("BINANCE:BTCUSDT", "1h", "price_v1", {"theme": "dark"})
MISSING = TransportFailure(FaultKind.FIXTURE_MISSING, "there is no fixture")
INVALID = Reply(422, {}, b'{"message":"Invalid Symbol"}')
FAULT = Reply(503, {}, b"")
FOUND = Reply(200, {}, PNG)
ACCOUNT = Account("a", "canary-key-7f3a9")


class _Hearing:
    """Keeps what it is told."""

    def __init__(self) -> None:
        """Begin with nothing heard."""
        self.heard: list[Event] = []

    def notify(self, event: Event) -> None:
        """Keep *event*."""
        self.heard.append(event)


class _Gone:
    """A store that can't be reached."""

    def read(self, account_ids: Sequence[str]) -> tuple[AccountSnapshot | None, ...]:
        """Fail."""
        raise StoreUnavailable("the store is gone")

    def replace(self, old: AccountSnapshot | None, new: AccountSnapshot) -> bool:
        """Fail."""
        raise StoreUnavailable("the store is gone")

    def close(self) -> None:
        """Nothing is open."""


def client(
    *routes: Route,
    clock: VirtualClock | None = None,
    listener: _Hearing | None = None,
    resources: ExitStack | None = None,
    default_timezone: str = "Etc/UTC",
) -> RoutedClient:
    """Make a client over *routes* that waits for nothing."""
    return RoutedClient(
        routes,
        policy=RetryPolicy(),
        clock=clock or VirtualClock(),
        chance=lambda: 0.5,
        listener=listener or _Hearing(),
        resources=resources or ExitStack(),
        default_timezone=default_timezone,
    )


def pool(clock: VirtualClock) -> AccountPool:
    """Make a pool of one account."""
    return AccountPool([ACCOUNT], clock=clock)


def body(transport: ScriptedTransport) -> dict[str, object]:
    """Read the body of the only call there was."""
    ((request, _, _),) = transport.calls
    value: dict[str, object] = json.loads(request.encoded)
    return value


@given(
    st.lists(st.sampled_from([MISSING, INVALID, FAULT, FOUND, Reply(200, {}, b"no picture")]), min_size=1, max_size=5)
)
def test_only_a_missing_fixture_goes_to_the_next_route(outcomes: list[Outcome]) -> None:
    """The first route that has anything to say is the last one asked, be it a picture, an error or a damaged file."""
    transports = [ScriptedTransport([outcome]) for outcome in outcomes]
    listener = _Hearing()
    result = client(*map(Route, transports), listener=listener).fetch(REQUEST)

    asked = next((place for place, outcome in enumerate(outcomes) if outcome != MISSING), len(outcomes) - 1) + 1
    assert [1] * asked + [0] * (len(outcomes) - asked) == [len(transport.calls) for transport in transports]
    assert (outcomes[asked - 1] == FOUND) == result.ok
    missing = result.error is not None and result.error.kind is FaultKind.FIXTURE_MISSING
    assert (outcomes[asked - 1] == MISSING) == missing
    assert [MockMissing] * missing == list(map(type, listener.heard))


def test_a_metered_route_follows_a_missing_fixture() -> None:
    """What the fixtures don't have is called for, with a claim, and the result tells of the call."""
    clock, listener = VirtualClock(), _Hearing()
    paid, http = pool(clock), ScriptedTransport([FAULT, FOUND])
    result = client(Route(ScriptedTransport([MISSING])), Route(http, paid), clock=clock, listener=listener).fetch(
        REQUEST
    )

    assert (PNG, "a", 2, False) == (result.png_bytes, result.account_id, len(result.attempts), result.from_fixture)
    assert [ACCOUNT, ACCOUNT] == [call.account for call in http.calls]
    assert [2] == [status.used for status in paid.status()]
    assert MockMissing not in map(type, listener.heard)
    assert {CallStarted, CallFinished} <= set(map(type, listener.heard))


def test_a_free_route_is_asked_once() -> None:
    """A transport without accounts gets no account, no time limit and no second chance."""
    clock, transport = VirtualClock(), ScriptedTransport([FAULT])
    result = client(Route(transport), clock=clock).fetch(REQUEST)

    assert [(REQUEST, None, None)] == transport.calls
    assert [] == clock.slept
    assert result.error is not None
    assert (FaultKind.SERVICE_UNAVAILABLE, True, 503) == (
        result.error.kind,
        result.error.retriable,
        result.http_status,
    )
    assert (None, ()) == (result.account_id, result.attempts)


def test_a_transport_of_the_hosts_without_accounts_is_asked_once() -> None:
    """The public client takes any transport, and calls that cost nothing are made once."""
    transport = ScriptedTransport([FAULT])
    with ChartClient(transport=transport, clock=VirtualClock()) as free:
        result = free.fetch(REQUEST)

    assert not result.ok
    assert [None] == [call.account for call in transport.calls]


@pytest.mark.parametrize("zone", ["Etc/UTC", "America/New_York"])
def test_the_default_time_zone_is_posted_where_none_is_set(zone: str) -> None:
    """A request without a time zone is posted with the client's; the request itself is untouched."""
    transport = ScriptedTransport([FOUND])
    client(Route(transport), default_timezone=zone).fetch(REQUEST)

    assert {"symbol": "BINANCE:BTCUSDT", "interval": "1h", "theme": "dark", "timezone": zone} == body(transport)
    assert {"theme": "dark"} == REQUEST.payload


def test_a_time_zone_of_the_request_stays() -> None:
    """The client's default never replaces what the request says."""
    transport = ScriptedTransport([FOUND])
    request = ChartRequest("A:B", "1h", "price_v1", {"timezone": "Asia/Tokyo"})
    client(Route(transport), default_timezone="America/New_York").fetch(request)

    assert "Asia/Tokyo" == body(transport)["timezone"]


@pytest.mark.parametrize(
    ("request_", "told"),
    [
        (ChartRequest("", "1h", "price_v1"), "symbol is empty"),
        (ChartRequest("  ", "1h", "price_v1"), "symbol is empty"),
        (ChartRequest("A:B", "", "price_v1"), "timeframe is empty"),
        (ChartRequest("A:B", "1h", ""), "chart_template_id is empty"),
        (ChartRequest("A:B ", "1h", "price_v1"), "space around it"),
        (ChartRequest("A:\nB", "1h", "price_v1"), "control character"),
        (ChartRequest("A:\ud800", "1h", "price_v1"), "half a character"),
        (ChartRequest("A:B", "1h", "price_v1", {"width": float("nan")}), "payload can't be written as JSON"),
        (ChartRequest("A:B", "1h", "price_v1", {"studies": {1, 2}}), "payload can't be written as JSON"),
        (ChartRequest(None, "1h", "price_v1"), "symbol must be text, not NoneType"),  # type: ignore[arg-type]
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_wrong_request_costs_no_call(request_: ChartRequest, told: str) -> None:
    """What can't be a chart request is VALIDATION_FAILED, with the reason, before any transport is asked."""
    clock = VirtualClock()
    free, metered, paid = ScriptedTransport([]), ScriptedTransport([]), pool(clock)
    result = client(Route(free), Route(metered, paid), clock=clock).fetch(request_)

    assert result.error is not None
    assert (ErrorCode.VALIDATION_FAILED, FaultKind.INVALID_REQUEST, False) == (
        result.error.code,
        result.error.kind,
        result.error.retriable,
    )
    assert told in result.error.message
    assert any(told in str(detail["msg"]) for detail in result.error.details)
    assert [] == free.calls == metered.calls
    assert [0] == [status.used for status in paid.status()]


@pytest.mark.parametrize("how", ["twice", "after the block"])
def test_closing_once_is_enough_and_twice_is_no_mistake(how: str) -> None:
    """What the client opened is closed exactly once, however often it is told to."""
    closed: list[str] = []
    resources = ExitStack()
    resources.callback(closed.append, "closed")
    tested = client(Route(ScriptedTransport([])), resources=resources)
    if how == "twice":
        tested.close()
    else:
        with tested as entered:
            assert entered is tested
            assert [] == closed
    tested.close()

    assert ["closed"] == closed


def test_an_error_in_the_block_is_not_swallowed() -> None:
    """Leaving the block by an exception closes the client and lets the exception go on."""
    closed: list[str] = []
    resources = ExitStack()
    resources.callback(closed.append, "closed")
    with pytest.raises(ZeroDivisionError), client(resources=resources):
        raise ZeroDivisionError

    assert ["closed"] == closed


class _Raising:
    """A listener that always fails."""

    def notify(self, event: Event) -> None:
        """Fail."""
        raise RuntimeError("the listener is broken")


@pytest.mark.parametrize(
    "make",
    [
        lambda clock: ChartClient(
            transport=ScriptedTransport([FAULT, FOUND]), accounts=[ACCOUNT], clock=clock, listener=_Raising()
        ),
        lambda clock: ChartClient(transport=ScriptedTransport([FOUND]), clock=clock, listener=_Raising()),
    ],
    ids=["metered", "free"],
)
def test_a_listener_that_raises_costs_nothing(make: Callable[[VirtualClock], ChartClient]) -> None:
    """The picture is the result, whatever the listener does on the way to it."""
    assert PNG == make(VirtualClock()).fetch(REQUEST).unwrap()


def test_a_listener_that_raises_on_a_missing_fixture_costs_nothing() -> None:
    """The result of a miss is the miss, not the listener's exception."""
    result = ChartClient(transport=ScriptedTransport([MISSING]), listener=_Raising()).fetch(REQUEST)

    assert result.error is not None
    assert ErrorCode.CHART_API_MOCK_MISSING == result.error.code


def test_a_store_that_is_gone_is_an_exception_and_no_call() -> None:
    """StoreUnavailable reaches the host, for it is not the provider's answer; nothing was sent."""
    clock, transport = VirtualClock(), ScriptedTransport([])
    paid = AccountPool([ACCOUNT], _Gone(), clock)
    with pytest.raises(StoreUnavailable, match="the store is gone"):
        ChartClient(transport=transport, accounts=paid, clock=clock).fetch(REQUEST)

    assert [] == transport.calls


def test_a_result_says_which_file_it_is_from(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A replayed picture or error names its file; a miss names the path, and is not from a fixture."""
    path = tmp_path_factory.mktemp("fixtures") / "x.png"
    replies = (
        Reply(200, {}, PNG, path),
        Reply(422, {}, b"{}", path),
        TransportFailure(FaultKind.FIXTURE_MISSING, "none", fixture_path=path),
    )
    results = [client(Route(ScriptedTransport([reply]))).fetch(REQUEST) for reply in replies]

    assert [True, True, False] == [result.from_fixture for result in results]
    assert [path, path, path] == [result.fixture_path for result in results]
    assert [200, 422, None] == [result.http_status for result in results]
