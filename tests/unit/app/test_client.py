"""The client: one chart request over the routes of a mode."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chartimg
from chartimg import (
    Account,
    AccountPool,
    AsyncChartClient,
    Catalog,
    ChartApiResult,
    ChartClient,
    ChartRequest,
    CheckMode,
    ConfigError,
    ErrorCode,
    FaultKind,
    RetryPolicy,
    StoreUnavailable,
    WorkerConfig,
)
from chartimg.adapters.cache import MemoryPictureCache
from chartimg.adapters.catalog import shipped_catalog
from chartimg.adapters.clock import SystemClock
from chartimg.adapters.fixture import FixtureTransport
from chartimg.adapters.recording import RecordingTransport
from chartimg.app.bootstrap import open_routes
from chartimg.app.checking import Checker
from chartimg.app.client import SyncClient
from chartimg.app.listeners import Listeners
from chartimg.app.route import Route
from chartimg.app.routes import Routes
from chartimg.domain.account import AccountSnapshot
from chartimg.domain.cached import CachedPicture
from chartimg.domain.chart import ListRequest, Request
from chartimg.domain.events import (
    AccountExhausted,
    CallFinished,
    CallStarted,
    Event,
    FetchFinished,
    FetchStarted,
    MockMissing,
    PictureDoubtful,
    RequestDoubtful,
    RequestRefused,
    RetryScheduled,
)
from chartimg.domain.ports import Clock, Listener
from chartimg.domain.reply import Reply, TransportFailure
from chartimg.domain.result import ChartApiSuccess, Source
from chartimg.testing import EventLog, Outcome, ScriptedTransport, VirtualClock, picture
from patience import LONG
from rows import for_each
from samples import NOON

PNG = picture()
REQUEST = ChartRequest("BINANCE:BTCUSDT", "1h", "price_v1", {"theme": "dark"})
MISSING = TransportFailure(FaultKind.FIXTURE_MISSING, "there is no fixture")
INVALID = Reply(422, {}, b'{"message":"Invalid Symbol"}')
FAULT = Reply(503, {}, b"")
FOUND = Reply(200, {}, PNG)
ACCOUNT = Account("a", "canary-key-7f3a9")


class _Gone:
    """A store that can't be reached."""

    def read(self, account_ids: Sequence[str]) -> tuple[AccountSnapshot | None, ...]:
        """Fail."""
        raise StoreUnavailable("the store is gone")

    def replace(self, old: AccountSnapshot | None, new: AccountSnapshot) -> bool:
        """Fail."""
        raise StoreUnavailable("the store is gone")

    def close(self) -> None:
        """Do nothing."""


FRAME = FetchStarted, FetchFinished


class _Quiet(EventLog):
    """A listener to all but the start and the end of a fetch."""

    def hears(self, kind: type[Event]) -> bool:
        """Return whether it takes note of a *kind*."""
        return kind not in FRAME


def _record(folder: Path, reply: Reply, request: ChartRequest) -> None:
    """Record *reply* to *request* in *folder*."""
    RecordingTransport(ScriptedTransport([reply]), folder).send(request, ACCOUNT)


class _Recorded(ScriptedTransport):
    """A transport that only replays."""

    recorded = True


def client(
    *routes: Route,
    clock: Clock | None = None,
    listener: Listener | None = None,
    policy: RetryPolicy | None = None,
    resources: ExitStack | None = None,
    default_timezone: str = "Etc/UTC",
) -> SyncClient:
    """Make a client over *routes* with a virtual clock."""
    ways = Routes(
        routes,
        policy=policy or RetryPolicy(),
        clock=clock or VirtualClock(),
        chance=lambda: 0.5,
        listener=listener or EventLog(),
        resources=resources or ExitStack(),
        checker=Checker(shipped_catalog),
        default_timezone=default_timezone,
    )
    return SyncClient(ways)


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
    """Routes are asked up to the first that has an answer: a picture, an error or a damaged file."""
    transports = [ScriptedTransport([outcome]) for outcome in outcomes]
    listener = EventLog()
    result = client(*map(Route, transports), listener=listener).fetch(REQUEST)

    asked = next((place for place, outcome in enumerate(outcomes) if outcome != MISSING), len(outcomes) - 1) + 1
    assert [1] * asked + [0] * (len(outcomes) - asked) == [len(transport.calls) for transport in transports]
    assert (outcomes[asked - 1] == FOUND) == result.ok
    missing = result.error is not None and result.error.kind is FaultKind.FIXTURE_MISSING
    assert (outcomes[asked - 1] == MISSING) == missing
    assert [MockMissing] * missing == list(map(type, listener.other_than(*FRAME)))


def test_a_metered_route_follows_a_missing_fixture() -> None:
    """A chart without a fixture is fetched with a claim, and the result lists the calls."""
    clock, listener = VirtualClock(), EventLog()
    paid, http = pool(clock), ScriptedTransport([FAULT, FOUND])
    result = client(Route(ScriptedTransport([MISSING])), Route(http, paid), clock=clock, listener=listener).fetch(
        REQUEST
    )

    assert (PNG, "a", 2, False) == (result.png_bytes, result.account_id, len(result.attempts), result.from_fixture)
    assert [ACCOUNT, ACCOUNT] == [call.account for call in http.calls]
    assert [2] == [status.used for status in paid.status()]
    assert MockMissing not in map(type, listener.events)
    assert {CallStarted, CallFinished} <= set(map(type, listener.events))


def test_a_free_route_is_asked_once() -> None:
    """A transport without accounts is asked once, without an account and without a time limit."""
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
    """A public client over a transport without accounts makes one call."""
    transport = ScriptedTransport([FAULT])
    with ChartClient(transport=transport, clock=VirtualClock()) as free:
        result = free.fetch(REQUEST)

    assert not result.ok
    assert [None] == [call.account for call in transport.calls]


@pytest.mark.parametrize("zone", ["Etc/UTC", "America/New_York"])
def test_the_default_time_zone_is_posted_where_none_is_set(zone: str) -> None:
    """A request without a time zone is posted with that of the client, and stays unchanged itself."""
    transport = ScriptedTransport([FOUND])
    client(Route(transport), default_timezone=zone).fetch(REQUEST)

    assert {"symbol": "BINANCE:BTCUSDT", "interval": "1h", "theme": "dark", "timezone": zone} == body(transport)
    assert {"theme": "dark"} == REQUEST.payload


def test_a_time_zone_of_the_request_stays() -> None:
    """The client's default never replaces the time zone of a request."""
    transport = ScriptedTransport([FOUND])
    request = ChartRequest("A:B", "1h", "price_v1", {"timezone": "Asia/Tokyo"})
    client(Route(transport), default_timezone="America/New_York").fetch(request)

    assert "Asia/Tokyo" == body(transport)["timezone"]


@for_each(
    ("request_", "message"),
    [
        (ChartRequest("", "1h", "price_v1"), "symbol: is empty"),
        (ChartRequest("  ", "1h", "price_v1"), "symbol: is empty"),
        (ChartRequest("A:B", "", "price_v1"), "interval: is empty"),
        (ChartRequest("A:B", "1h", ""), "chart_template_id: is empty"),
        (ChartRequest("A:B ", "1h", "price_v1"), "space around it"),
        (ChartRequest("A:\nB", "1h", "price_v1"), "control character"),
        (ChartRequest("A:\ud800", "1h", "price_v1"), "a lone surrogate"),
        (ChartRequest("A:B", "1h", "price_v1", {"width": float("nan")}), "width: is nan"),
        (ChartRequest("A:B", "1h", "price_v1", {"studies": {1, 2}}), "studies: is set"),
        (ChartRequest(None, "1h", "price_v1"), "symbol: must be text, not NoneType"),  # type: ignore[arg-type]
    ],
)
def test_a_wrong_request_costs_no_call(request_: ChartRequest, message: str) -> None:
    """A malformed request is VALIDATION_FAILED, with the reason, before any transport is asked."""
    clock = VirtualClock()
    free, metered, paid = ScriptedTransport([]), ScriptedTransport([]), pool(clock)
    result = client(Route(free), Route(metered, paid), clock=clock).fetch(request_)

    assert result.error is not None
    assert (ErrorCode.VALIDATION_FAILED, FaultKind.INVALID_BEFORE_CALL, False) == (
        result.error.code,
        result.error.kind,
        result.error.retriable,
    )
    assert message in result.error.message
    (detail, *_) = result.error.details
    assert "ERROR" == detail["severity"]
    assert f"{detail['param']}: {detail['msg']}" in result.error.message
    assert [] == free.calls == metered.calls
    assert [0] == [status.used for status in paid.status()]


@pytest.mark.parametrize("how", ["twice", "after the block"])
def test_closing_once_is_enough_and_twice_is_harmless(how: str) -> None:
    """A client closes its resources exactly once, even if it is closed twice."""
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
    """An exception in the block closes the client and is raised on."""
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
    """A listener that raises on every event does not cost the picture."""
    assert PNG == make(VirtualClock()).fetch(REQUEST).unwrap()


def test_a_listener_that_raises_on_a_missing_fixture_costs_nothing() -> None:
    """The result of a missing fixture is CHART_API_MOCK_MISSING, even if the listener raises."""
    result = ChartClient(transport=ScriptedTransport([MISSING]), listener=_Raising()).fetch(REQUEST)

    assert result.error is not None
    assert ErrorCode.CHART_API_MOCK_MISSING == result.error.code


def test_a_store_that_is_gone_is_an_exception_and_no_call() -> None:
    """If the store can't be reached, the host gets StoreUnavailable, and no call is made."""
    clock, transport = VirtualClock(), ScriptedTransport([])
    paid = AccountPool([ACCOUNT], _Gone(), clock)
    with pytest.raises(StoreUnavailable, match="the store is gone"):
        ChartClient(transport=transport, accounts=paid, clock=clock).fetch(REQUEST)

    assert [] == transport.calls


def test_a_result_says_which_file_it_is_from(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A replayed picture or error names its file; a missing fixture names its path and is not from a fixture."""
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


BAD = ChartRequest("BTCUSDT", "1H", "price_v1", {"studies": [{"name": "RSI"}], "width": 1920})


def test_a_request_the_provider_would_refuse_costs_no_claim_and_no_call() -> None:
    """A refused request takes no claim and makes no call; all its findings are in the details and in one event."""
    clock, listener = VirtualClock(), EventLog()
    transport, paid = ScriptedTransport([]), pool(clock)

    result = client(Route(transport, paid), clock=clock, listener=listener).fetch(BAD)

    assert result.error is not None
    assert (ErrorCode.VALIDATION_FAILED, FaultKind.INVALID_BEFORE_CALL) == (result.error.code, result.error.kind)
    assert ["studies[0].name", "symbol", "interval"] == [detail["param"] for detail in result.error.details]
    assert ["ERROR", "ERROR", "ERROR"] == [detail["severity"] for detail in result.error.details]
    assert ["Relative Strength Index", "BINANCE:BTCUSDT", "1h"] == [each["suggestion"] for each in result.error.details]
    assert ([], 0) == (transport.calls, paid.status()[0].used)
    (refused,) = listener.other_than(*FRAME)
    assert isinstance(refused, RequestRefused)
    assert len(refused.findings) == len(result.error.details)


def test_what_is_recorded_is_given_whatever_the_check_says() -> None:
    """A recorded answer to a refused request is returned; without one the result is VALIDATION_FAILED."""
    called = ScriptedTransport([])
    tested = client(Route(_Recorded([INVALID, MISSING])), Route(called))

    first, second = tested.fetch(BAD).error, tested.fetch(BAD).error

    assert first is not None
    assert second is not None
    assert (ErrorCode.CHART_API_FAILED, ErrorCode.VALIDATION_FAILED) == (first.code, second.code)
    assert [] == called.calls
    alone = client(Route(_Recorded([MISSING]))).fetch(BAD).error
    assert alone is not None
    assert ErrorCode.VALIDATION_FAILED is alone.code


def test_a_request_with_a_warning_is_made_and_the_warning_is_on_the_result() -> None:
    """A warning is on every result, and is reported once by a client."""
    doubtful = ChartRequest("BINANCE:BTCUSDT", "1h", "price_v1", {"studies": [{"name": "MACD", "input": {"in_0": 0}}]})
    other = ChartRequest("BINANCE:BTCUSDT", "2m", "price_v1")
    listener = EventLog()
    tested = client(Route(ScriptedTransport([FOUND, FOUND, FOUND])), listener=listener)

    results = [tested.fetch(request) for request in (doubtful, doubtful, other)]

    assert [["studies[0].input.in_0"], ["studies[0].input.in_0"], ["interval"]] == [
        [each.path for each in result.warnings] for result in results
    ]
    assert [PNG] * 3 == [result.unwrap() for result in results]
    assert [RequestDoubtful] * 2 == list(map(type, listener.other_than(*FRAME)))


@for_each("accounts", [None, [ACCOUNT]])
@for_each("outcome", [None, 5, b"", Reply])
def test_a_transport_that_returns_something_else_is_named(outcome: Any, accounts: list[Account] | None) -> None:
    """If a host's own transport returns neither a reply nor a failure, that is a ConfigError, and the unit stays spent."""

    class Odd:
        """A transport with a mistake."""

        def send(self, request: Request, account: Account | None, *, timeout: float | None = None) -> Outcome:
            """Return the mistake."""
            return cast("Outcome", outcome)

    odd = ChartClient(transport=Odd(), accounts=accounts, clock=VirtualClock())
    with pytest.raises(ConfigError, match="the outcome of a transport must be a Reply or a TransportFailure, not "):
        odd.fetch(REQUEST)
    if odd.accounts is not None:
        assert [1] == [status.used for status in odd.accounts.status()]


@pytest.mark.parametrize("outcome", [FOUND, INVALID])
def test_a_doubt_is_told_before_the_unit_is_spent(outcome: Outcome) -> None:
    """The findings of a request that is sent are told before its first call, and never again by that client."""
    listener = EventLog()
    stock = ChartRequest("BINANCE:AAPL", "1D", "price_v1")
    tested = ChartClient(
        transport=ScriptedTransport([outcome] * 2), accounts=[ACCOUNT], clock=VirtualClock(), listener=listener
    )

    for theme, expected in (
        ("dark", [RequestDoubtful, CallStarted, CallFinished]),
        ("light", [CallStarted, CallFinished]),
    ):
        listener.clear()
        warnings = tested.fetch(attrs.evolve(stock, payload={"theme": theme})).warnings

        assert ["symbol"] == [finding.path for finding in warnings]
        assert expected == [type(event) for event in listener.other_than(*FRAME)]


def test_no_more_findings_are_remembered_than_fit() -> None:
    """A client reports each of a thousand findings once, and further ones each time they are found."""
    listener = EventLog()
    requests = [
        ChartRequest(
            "BINANCE:BTCUSDT",
            "1h",
            "price_v1",
            {f"mine {page} {number}": 1 for number in range(50)},
        )
        for page in range(24)
    ]
    tested = client(Route(ScriptedTransport([FOUND] * 48)), listener=listener)

    for request in requests * 2:
        tested.fetch(request)

    assert 24 + 4 == len(listener.other_than(*FRAME))


@pytest.mark.parametrize(
    ("mode", "made", "warnings"),
    [("error", 0, 0), ("warn", 1, 3), ("off", 1, 0), (CheckMode.WARN, 1, 3)],
)
def test_the_host_decides_what_the_check_may_stop(mode: str, made: int, warnings: int) -> None:
    """With error no call is made; with warn the findings become warnings; with off there are none."""
    transport = ScriptedTransport([INVALID] * made)

    result = ChartClient(transport=transport, check=mode).fetch(BAD)

    assert (made, warnings) == (len(transport.calls), len(result.warnings))
    assert not result.ok


def test_an_unknown_check_mode_is_a_mistake_of_the_host() -> None:
    """An unknown check mode is a ConfigError of the constructor."""
    with pytest.raises(ConfigError, match="check must be one of error, warn, off"):
        ChartClient(transport=ScriptedTransport([]), check="loud")


def test_a_host_s_catalog_decides_what_is_right() -> None:
    """An interval that only the host's catalog has is fetched with that catalog alone."""
    request = ChartRequest("BINANCE:BTCUSDT", "9h", "price_v1")
    catalog = shipped_catalog().extended(Catalog(intervals=("9h",)))

    assert ChartClient(transport=ScriptedTransport([FOUND]), catalog=catalog).fetch(request).ok
    assert not ChartClient(transport=ScriptedTransport([])).fetch(request).ok


def test_what_the_plans_of_all_accounts_refuse_is_found_before_the_pool_is_asked() -> None:
    """A size that all plans refuse is an ERROR with the smallest plan that allows it; an unknown plan may allow it."""
    wide = ChartRequest("BINANCE:BTCUSDT", "1h", "price_v1", {"width": 1920, "theme": "Dark"})
    basic, unknown = Account("b", "key-b", plan="BASIC"), Account("u", "key-u")

    result = ChartClient(transport=ScriptedTransport([]), accounts=[basic]).fetch(wide)

    assert result.error is not None
    assert ["theme", "width"] == [detail["param"] for detail in result.error.details]
    assert "PRO is the smallest plan that allows this chart" in result.error.message
    either = attrs.evolve(wide, payload={"width": 1920})
    transport = ScriptedTransport([Reply(200, {}, picture(1920, 600))])
    assert ChartClient(transport=transport, accounts=[basic, unknown], clock=VirtualClock()).fetch(either).ok
    assert ["u"] == [account.id for _, account, _ in transport.calls if account is not None]


@pytest.mark.parametrize("metered", [False, True])
def test_a_doubtful_picture_is_a_picture_with_warnings(metered: bool) -> None:  # noqa: FBT001 (a case)
    """A doubtful picture of any route is returned with warnings, and is reported in one event."""
    clock, listener, small = VirtualClock(), EventLog(), Reply(200, {}, picture(8, 1))
    route = Route(ScriptedTransport([small]), pool(clock) if metered else None)

    result = client(route, clock=clock, listener=listener).fetch(REQUEST)

    assert picture(8, 1) == result.unwrap()
    assert ["width", "height"] == [warning.path for warning in result.warnings]
    assert [PictureDoubtful(str(REQUEST.key), "a" if metered else None, result.warnings)] == (
        listener.other_than(*FRAME, CallStarted, CallFinished)
    )


@pytest.mark.parametrize("outcome", [FOUND, INVALID, FAULT, MISSING])
def test_a_picture_as_asked_and_no_picture_have_no_warnings(outcome: Outcome) -> None:
    """Neither a picture as it was asked for nor an error has warnings."""
    listener = EventLog()

    assert () == client(Route(ScriptedTransport([outcome])), listener=listener).fetch(REQUEST).warnings
    assert PictureDoubtful not in map(type, listener.events)


def test_a_picture_is_held_against_the_size_that_was_asked_for() -> None:
    """The size of a picture is compared with the size in the request, not with the default."""
    asked = ChartRequest("BINANCE:BTCUSDT", "1h", "price_v1", {"width": 640, "height": 480})
    right, wrong = (client(Route(ScriptedTransport([Reply(200, {}, each)]))) for each in (picture(640, 480), PNG))

    assert () == right.fetch(asked).warnings
    assert ["width", "height"] == [warning.path for warning in wrong.fetch(asked).warnings]


def test_a_key_that_a_host_writes_into_a_request_is_not_repeated() -> None:
    """A key in a request is masked in the error, its details, the warnings and the events, in each mode."""
    key = ACCOUNT.api_key
    leaking = ChartRequest(
        "BINANCE:BTCUSDT", "1h", "price_v1", {"width": key, "theme": key, key: 1, "studies": [{"name": key}]}
    )
    unwritable = ChartRequest("BINANCE:BTCUSDT", "1h", "price_v1", {key: b""})
    for mode in ("error", "warn"):
        for request in (leaking, unwritable):
            listener = EventLog()
            client = ChartClient(
                transport=ScriptedTransport([INVALID]),
                accounts=[ACCOUNT],
                clock=VirtualClock(),
                listener=listener,
                check=mode,
            ).fetch(request)

            assert key not in repr(client)
            assert key not in repr([event for event in listener.events if not hasattr(event, "attempt")])


def test_an_event_holds_no_more_findings_than_one_can_read() -> None:
    """An event has the first 50 findings; the details have all of them."""
    listener = EventLog()
    many = ChartRequest("BINANCE:BTCUSDT", "1h", "price_v1", {"studies": [5] * 10_000})

    result = ChartClient(transport=ScriptedTransport([]), listener=listener).fetch(many)

    assert result.error is not None
    assert 10_001 == len(result.error.details)
    (refused,) = listener.other_than(*FRAME)
    assert isinstance(refused, RequestRefused)
    assert 50 == len(refused.findings)


@pytest.mark.parametrize("mode", ["warn", "off"])
def test_the_end_of_a_request_is_reported_once(mode: str) -> None:
    """Findings that end a request are in its error only, and are reported in one event."""
    listener = EventLog()
    wide = ChartRequest("BINANCE:BTCUSDT", "1h", "price_v1", {"width": 1920})
    basic = Account("b", "key-of-b", plan="BASIC")

    result = ChartClient(
        transport=ScriptedTransport([]), accounts=[basic], check=mode, listener=listener, clock=VirtualClock()
    ).fetch(wide)

    assert result.error is not None
    assert (ErrorCode.VALIDATION_FAILED, ()) == (result.error.code, result.warnings)
    assert [RequestRefused] == list(map(type, listener.other_than(*FRAME)))


def test_every_event_of_a_fetch_has_its_name() -> None:
    """All events of a fetch, those of accounts and transports, too, have the ``fetch_id`` of its result, and no other has."""
    listener, clock = EventLog(), VirtualClock()
    accounts = AccountPool([ACCOUNT], clock=clock, listener=listener)
    transport = ScriptedTransport([Reply(429, body=b'{"message":"Limit Exceeded"}'), FOUND], clock=clock)
    fetching = client(Route(transport, accounts), clock=clock, listener=Listeners([listener]))
    spent = fetching.fetch(REQUEST)
    first = listener.events
    listener.clear()
    accounts.suspend("a", "by hand")

    assert {spent.fetch_id} == {event.fetch_id for event in first}
    assert {FetchStarted, CallStarted, CallFinished, AccountExhausted, FetchFinished} <= set(map(type, first))
    assert [None] == [event.fetch_id for event in listener.events]


def test_a_fetch_is_framed_by_its_start_and_its_end() -> None:
    """The first event of a fetch is its start, the last its end with its calls, source and kind."""
    listener, clock = EventLog(), VirtualClock()
    fetching = client(Route(ScriptedTransport([FOUND], clock=clock, duration=2.0)), clock=clock, listener=listener)
    fetching.fetch(REQUEST)

    chart = str(REQUEST.key)
    assert FetchStarted(chart) == listener.events[0]
    assert FetchFinished(chart, 2.0, 0, ok=True, source="HTTP", kind=None) == listener.events[-1]


def test_a_closed_client_raises_at_once_and_wakes_those_who_wait() -> None:
    """A client that is closed refuses a fetch; one that waits in another thread ends with its last error and no claim lost."""
    clock, waiting = SystemClock(), threading.Event()
    accounts = AccountPool([ACCOUNT], clock=clock)
    transport = ScriptedTransport([Reply(503)])
    results: list[ChartApiResult] = []

    class Waiting:
        """Tells when the fetch begins to wait."""

        def notify(self, event: Event) -> None:
            """Look for the pause."""
            if isinstance(event, RetryScheduled):
                waiting.set()

    closed: list[bool] = []
    resources = ExitStack()
    resources.callback(lambda: closed.append(True))
    policy = RetryPolicy(base_delay=3_000.0, max_delay=3_000.0, deadline=10_000.0)
    fetching = client(Route(transport, accounts), clock=clock, listener=Waiting(), policy=policy, resources=resources)
    caller = threading.Thread(target=lambda: results.append(fetching.fetch(REQUEST)))
    caller.start()
    assert waiting.wait(LONG)
    fetching.close()
    caller.join(LONG)

    assert [FaultKind.SERVICE_UNAVAILABLE] == [result.error.kind for result in results if result.error is not None]
    assert ([True], 1) == (closed, accounts.status()[0].used)
    with pytest.raises(ConfigError, match="the client is closed"):
        fetching.fetch(REQUEST)


def test_a_deadline_of_one_fetch_overrides_the_policy() -> None:
    """A deadline given with the request is that fetch's own; the next one has the policy's again."""
    clock = VirtualClock()
    transport = ScriptedTransport([Reply(503), Reply(503), FOUND], clock=clock)
    fetching = client(Route(transport, pool(clock)), clock=clock)

    assert not fetching.fetch(REQUEST, deadline=0.2)
    assert [0.2] == [call.timeout for call in transport.calls]
    assert fetching.fetch(REQUEST)
    with pytest.raises(ConfigError, match="deadline must be a number of seconds"):
        fetching.fetch(REQUEST, deadline=-1.0)


def test_a_call_that_can_hardly_end_in_time_is_not_begun() -> None:
    """After five pictures of ten seconds, a fetch with four seconds left makes no call and takes no unit; six are enough."""
    clock = VirtualClock()
    transport = ScriptedTransport(cycle([FOUND]), clock=clock, duration=10.0)
    fetching = client(Route(transport, AccountPool([ACCOUNT], clock=clock)), clock=clock)
    for _ in range(5):
        fetching.fetch(REQUEST)
    short, long = fetching.fetch(REQUEST, deadline=4.0), fetching.fetch(REQUEST, deadline=6.0)

    assert short.error is not None
    assert FaultKind.NO_ACCOUNT is short.error.kind
    assert (6, True) == (len(transport.calls), long.ok)


LOOK = "price_psar_adi_v1"


@pytest.mark.parametrize("client_class", [ChartClient, AsyncChartClient])
def test_a_request_is_made_from_a_template_and_changes(client_class: type[ChartClient | AsyncChartClient]) -> None:
    """A bare symbol gets the exchange of the template; changes replace fields of its payload, and add others."""
    look = chartimg.templates({})[LOOK]
    made = client_class(transport=ScriptedTransport([]))
    changed = made.request("NASDAQ:AAPL", "1D", template=LOOK, theme="light", style="line", studies=[])

    assert look.request("BTCUSDT", "1h") == made.request("BTCUSDT", "1h", template=LOOK)
    assert ("NASDAQ:AAPL", "1D", LOOK) == (changed.symbol, changed.timeframe, changed.chart_template_id)
    assert {**look.payload, "theme": "light", "style": "line", "studies": []} == changed.payload
    assert look == chartimg.templates({})[LOOK]
    with pytest.raises(TypeError, match="template"):
        made.request("BTCUSDT", "1h")  # type: ignore[call-arg]


def kept_lists(**tickers: Sequence[str]) -> MemoryPictureCache:
    """Return a cache that keeps lists of symbols, as another process has read them."""
    cache = MemoryPictureCache()
    for exchange, listed in tickers.items():
        request, rows = ListRequest(exchange), [{"symbol": ticker} for ticker in listed]
        body = json.dumps({"updatedAt": None, "payload": rows}).encode()
        kept = CachedPicture.of(
            body, body_digest=request.body_digest, chart=str(request.key), taken_at=NOON, drawn_at=NOON
        )
        cache.keep(kept)
    return cache


@pytest.mark.parametrize("client_class", [ChartClient, AsyncChartClient])
def test_a_bare_symbol_gets_no_exchange_that_evidently_does_not_list_it(
    client_class: type[ChartClient | AsyncChartClient],
) -> None:
    """It stays bare, so that the check names the exchanges that list it; with its exchange, it may be asked for all the same."""
    cache = kept_lists(NASDAQ=["AAPL"], BCBA=["AAPL"], BINANCE=["BTCUSDT", "ODD"])
    options: Any = {"accounts": [ACCOUNT], "cache": cache, "clock": VirtualClock(NOON)}
    made = client_class(transport=ScriptedTransport([]), **options)

    assert ["AAPL", "BINANCE:ODD", "BINANCE:XRPUSDT", "BINANCE:AAPL", ""] == [
        made.request(symbol, "1D", template=LOOK).symbol for symbol in ("AAPL", "ODD", "XRPUSDT", "BINANCE:AAPL", "")
    ]


def test_a_bare_symbol_that_is_evidently_elsewhere_costs_no_call() -> None:
    """The fetch fails before a call, and says how to find its exchange; a recorded chart is taken as it is."""
    transport = ScriptedTransport([])
    made = ChartClient(transport=transport)
    result = made.fetch(made.request("AAPL", "1D", template=LOOK))

    assert result.error is not None
    assert (ErrorCode.VALIDATION_FAILED, 0) == (result.error.code, len(transport.calls))
    assert '"AAPL" has no exchange; write it like BINANCE:BTCUSDT; chartimg symbols EXCHANGE' in result.error.message
    recorded = ChartClient(transport=_Recorded([FOUND] * 2))
    assert "BINANCE:AAPL" == recorded.request("AAPL", "1D", template=LOOK).symbol


def test_a_fetch_holds_its_symbol_against_the_lists_that_another_process_has_read() -> None:
    """A ticker that the list lacks is a WARNING of the picture; one that it has is none, though no pair of coins."""
    cache = kept_lists(NASDAQ=["AAPL"], BINANCE=["ODD"])
    transport = ScriptedTransport([FOUND] * 2)
    made = ChartClient(transport=transport, accounts=[ACCOUNT], cache=cache, clock=VirtualClock(NOON), fresh=60)
    odd, wrong = (made.fetch(ChartRequest(symbol, "1h", "t")) for symbol in ("BINANCE:ODD", "NASDAQ:AAPPL"))

    assert () == odd.warnings
    assert ["NASDAQ:AAPL"] == [each.suggestion for each in wrong.warnings]
    assert (True, 2) == (wrong.ok, len(transport.calls))


@given(st.dictionaries(st.sampled_from(["theme", "width", "style", "studies"]), st.integers() | st.text(), min_size=1))
def test_a_payload_is_never_replaced_by_that_of_a_template(payload: dict[str, object]) -> None:
    """A request with any payload is sent as it is, whatever its id."""
    transport = ScriptedTransport([FOUND])
    request = ChartRequest("BINANCE:BTCUSDT", "1h", LOOK, payload)
    ChartClient(transport=transport, check="off").fetch(request)

    assert request.body == body(transport)


def test_a_recorded_answer_of_a_misspelt_template_is_returned_with_the_finding() -> None:
    """A recorded picture costs nothing, so it is returned also if its id is nearly that of a template; a warning says so."""
    result = ChartClient(transport=_Recorded([FOUND])).fetch(ChartRequest("BINANCE:BTCUSDT", "1h", "price_psar_adi"))

    assert result.ok
    assert ["chart_template_id"] == [each.path for each in result.warnings if each.suggestion == LOOK]


def test_templates_are_not_looked_for_if_there_is_a_payload() -> None:
    """A request with a payload reads no template, so that a folder that has gone since matters to others alone."""
    config = WorkerConfig(mode="mock", fixtures_dir="nowhere", templates_dir="nowhere/at/all")
    with ChartClient(config) as made:
        assert made.fetch(REQUEST).error is not None
        for _ in range(2):
            with pytest.raises(ConfigError, match="templates folder nowhere/at/all can't be read"):
                made.fetch(attrs.evolve(REQUEST, payload={}))


def test_a_picture_of_a_template_is_kept_for_the_template() -> None:
    """A picture whose caller has gone is kept under the body that was posted."""
    ways = open_routes(None, ScriptedTransport([FOUND]), [ACCOUNT], clock=VirtualClock())
    with SyncClient(ways) as made:
        named = ChartRequest("BINANCE:BTCUSDT", "1h", LOOK)
        result = made.fetch(named)
        assert isinstance(result, ChartApiSuccess)
        ways.keep(named, result)

        assert Source.CACHE is made.fetch(made.request("BTCUSDT", "1h", template=LOOK)).source


# Replays at once


STEM = "BINANCE_BTCUSDT__1h__price_v1"
REPLIES = FOUND, Reply(200, {}, picture(20, 20)), INVALID, FAULT
CHANGES: dict[str, Callable[[Path], object]] = {
    "nothing": lambda _: None,
    **{f"reply {n}": partial(_record, reply=reply, request=REQUEST) for n, reply in enumerate(REPLIES)},
    "another body": partial(_record, reply=FOUND, request=attrs.evolve(REQUEST, payload={})),
    "damage": lambda folder: (folder / f"{STEM}.png").write_bytes(PNG[:-1]),
    "loss": lambda folder: any(map(os.unlink, folder.iterdir())),
}


@given(st.lists(st.sampled_from(list(CHANGES)), max_size=5))
def test_a_replay_at_once_is_the_end_of_a_whole_fetch(changes: list[str]) -> None:
    """Whatever happens to a fixture, a client that gives it at once has the results, and the events, of one that is heard whole."""
    logs = _Quiet(), EventLog()
    with TemporaryDirectory() as name:
        folder = Path(name)
        quick, whole = (
            client(Route(FixtureTransport(folder, listener=log)), listener=Listeners([log])) for log in logs
        )
        for number, change in enumerate(["reply 0", *changes]):
            CHANGES[change](folder)
            for file in (*folder.iterdir(), folder):
                os.utime(file, (number, number))
            for _ in range(3):
                expected, found = whole.fetch(REQUEST), quick.fetch(REQUEST)

                assert expected == found
                assert logs[1].other_than(*FRAME) == logs[0].events
                assert found.fetch_id


def test_a_replay_at_once_needs_a_fetch_without_further_wishes(tmp_path: Path) -> None:
    """A client that gives a recorded answer at once still refuses a wrong argument, and every fetch after its end."""
    _record(tmp_path, FOUND, REQUEST)
    fetching = client(Route(FixtureTransport(tmp_path)), listener=_Quiet())
    for _ in range(3):
        assert fetching.fetch(REQUEST).ok
        with pytest.raises(ConfigError, match="deadline"):
            fetching.fetch(REQUEST, deadline=cast("Any", "soon"))
        with pytest.raises(ConfigError, match="fresh"):
            fetching.fetch(REQUEST, fresh="soon")
    fetching.close()
    with pytest.raises(ConfigError, match="closed"):
        fetching.fetch(REQUEST)
