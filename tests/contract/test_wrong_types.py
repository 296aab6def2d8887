"""A value of a wrong type, at any argument of any public name: the error names the argument and the right type."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import attrs
import pytest

import chartimg
from chartimg import (
    Account,
    AccountPool,
    AsyncChartClient,
    ChartClient,
    ChartRequest,
    ConfigError,
    ErrorCode,
    FaultKind,
    testing,
)
from chartimg.domain.account import Claim
from chartimg.domain.account.turn import Granted
from chartimg.domain.reply import Reply, TransportFailure
from chartimg.testing import (
    EmulatedAccount,
    EmulatedSession,
    Emulator,
    EventLog,
    Rule,
    ScriptedTransport,
    VirtualClock,
    emulator,
    picture,
)
from rows import for_each


class AsyncListener:
    """A listener that would never hear of an event: nobody awaits it."""

    async def notify(self, event: object) -> None:
        """Do nothing."""


HUGE: Final = 10**5_000
"""A whole number that is no float, and that Python refuses to print."""

JUNK: Final = (
    None, True, 5, 1.5, HUGE, -HUGE, "text", b"bytes", (), [5], ["text"], [None], {"a": 1}, [{"id": "a"}], {5}, object(),
    print, EventLog, AsyncListener(), [AsyncListener()], datetime.now(UTC), Account("a", "k"), EventLog(), Reply(200),
)  # fmt: skip

REQUEST: Final = ChartRequest("BINANCE:BTCUSDT", "1h", "price_v1")
TEMPLATE: Final = chartimg.templates({})["price_psar_adi_v1"]
ERROR: Final = chartimg.ChartApiError.of(FaultKind.NETWORK, "gone")
FINDING: Final = chartimg.Finding("", chartimg.Severity.ERROR, "wrong")


def pool() -> AccountPool:
    """Build a pool of one account."""
    return AccountPool([Account("a", "k")], clock=VirtualClock())


def claim(of: AccountPool) -> Claim:
    """Take a claim."""
    granted = of.claim()
    assert isinstance(granted, Granted)
    return granted.claim


def client() -> ChartClient:
    """Build a client whose calls are free."""
    return ChartClient(transport=ScriptedTransport([]))


def study(name: Any, **given: Any) -> object:
    """Build a study, with its name by keyword, too."""
    return chartimg.study(name, **given)


def drawing(name: Any, **given: Any) -> object:
    """Build a drawing, with its name by keyword, too."""
    return chartimg.drawing(name, **given)


def later(method: str) -> Callable[..., object]:
    """Return a call of a method of an asynchronous client."""

    async def call(**given: Any) -> None:
        """Call the method of a new client."""
        async with AsyncChartClient(transport=ScriptedTransport([])) as client:
            await getattr(client, method)(**given)

    return lambda **given: asyncio.run(call(**given))


def none(value: object) -> bool:
    """Return whether *value* is None."""
    return value is None


def text(value: object) -> bool:
    """Return whether *value* is text."""
    return isinstance(value, str)


def whole(value: object) -> bool:
    """Return whether *value* is a whole number, and not a huge one."""
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < HUGE


def number(value: object) -> bool:
    """Return whether *value* is a number."""
    return whole(value) or isinstance(value, float)


def mapping(value: object) -> bool:
    """Return whether *value* is a mapping."""
    return isinstance(value, Mapping)


def any_of(*kinds: type) -> Callable[[object], bool]:
    """Return a test for *kinds*."""
    return lambda value: isinstance(value, kinds)


def empty(value: object) -> bool:
    """Return whether *value* is an empty sequence, which is one of any type."""
    return value == ()


def names(value: object) -> bool:
    """Return whether *value* is a list of texts."""
    return value == ["text"]


def no(_: object) -> bool:
    """Accept no value that is tried."""
    return False


Right = tuple[Callable[[object], bool], ...]
Case = tuple[Callable[..., object], Mapping[str, Any], Mapping[str, Right]]
PORTS: Final[Mapping[str, Right]] = {"clock": (none,), "listener": (none, empty, any_of(EventLog))}
CLIENT: Final[Mapping[str, Right]] = {
    "transport": (none,),
    "accounts": (none, empty),
    "policy": (none,),
    "check": (none,),
    "catalog": (none,),
    "log": (any_of(bool),),
    **PORTS,
}
LEEWAY: Final[Mapping[str, Right]] = {"on_invalid_symbol": (none, empty, names), "fit": (none,)}
FIELDS_OF_AN_ACCOUNT: Final = {
    "id": (text,),
    "api_key": (text,),
    "daily_limit": (none, whole),
    "plan": (none,),
    "requests_per_second": (none, number),
    "burst": (none, whole),
}
CASES: Final[Mapping[str, Case]] = {
    "Account": (
        Account,
        {"id": "a", "api_key": "k"},
        FIELDS_OF_AN_ACCOUNT,
    ),
    "AccountPool": (
        AccountPool,
        {"accounts": ()},
        {"accounts": (empty,), "store": (none,), "catalog": (none,), **PORTS},
    ),
    "AccountPool.account": (lambda account_id: pool().account(account_id), {}, {"account_id": (text,)}),
    "AccountPool.claim": (
        lambda **given: pool().claim(**given),
        {},
        {"latest": (none, any_of(datetime)), "need": (no,)},
    ),
    "AccountPool.outlook": (lambda **given: pool().outlook(**given), {}, {"need": (no,)}),
    "AccountPool.confirm": (lambda claim, **given: pool().confirm(claim, **given), {}, {"claim": (no,)}),
    "AccountPool.confirm need": (lambda need: (it := pool()).confirm(claim(it), need=need), {}, {"need": (no,)}),
    "AccountPool.refund": (lambda claim: pool().refund(claim), {}, {"claim": (no,)}),
    "AccountPool.report": (lambda claim: pool().report(claim, ERROR), {}, {"claim": (no,)}),
    "AccountPool.report error": (lambda error: (it := pool()).report(claim(it), error), {}, {"error": (none,)}),
    "AccountPool.exhaust": (
        lambda **given: pool().mark_account_exhausted(**given),
        {"account_id": "a"},
        {"account_id": (text,), "reason": (text,)},
    ),
    "AccountPool.suspend": (
        lambda **given: pool().suspend(**given),
        {"account_id": "a", "reason": "why"},
        {"account_id": (text,), "reason": (text,)},
    ),
    "AccountPool.reinstate": (lambda account_id: pool().reinstate(account_id), {}, {"account_id": (text,)}),
    "AccountPool.reset": (lambda account_id: pool().reset(account_id), {}, {"account_id": (text,)}),
    "AccountPool.forecast": (lambda charts: pool().forecast(charts), {}, {"charts": (whole,)}),
    "AsyncChartClient": (
        AsyncChartClient,
        {"transport": ScriptedTransport([])},
        {**CLIENT, "in_flight": (whole,)},
    ),
    "AsyncChartClient of a config": (AsyncChartClient, {}, {"config": (none,)}),
    "AsyncChartClient.from_env": (AsyncChartClient.from_env, {}, {"environ": (none, mapping)}),
    "AsyncChartClient.fetch": (
        later("fetch"),
        {"request": REQUEST},
        {"request": (no,), "deadline": (none, number), **LEEWAY},
    ),
    "AsyncChartClient.aclose": (later("aclose"), {}, {"drain": (number,)}),
    "Catalog": (
        chartimg.Catalog,
        {},
        {
            "source": (text,),
            **{field.name: (empty,) for field in attrs.fields(chartimg.Catalog) if field.name != "source"},
        },
    ),
    "Catalog.extended": (chartimg.Catalog().extended, {}, {"more": (no,)}),
    "ChartApiError": (
        chartimg.ChartApiError,
        {
            "code": ErrorCode.CHART_API_FAILED,
            "kind": FaultKind.NETWORK,
            "message": "gone",
            "retriable": True,
        },
        {
            "code": (no,),
            "kind": (no,),
            "message": (text,),
            "retriable": (any_of(bool),),
            "http_status": (none, whole),
            "retry_after": (none, number),
            "available_at": (none, any_of(datetime)),
            "details": (empty,),
        },
    ),
    "ChartApiError.of": (chartimg.ChartApiError.of, {"kind": FaultKind.NETWORK, "message": "gone"}, {"kind": (no,)}),
    "ChartApiError.invalid": (chartimg.ChartApiError.invalid, {}, {"findings": (empty,)}),
    "ChartClient": (
        ChartClient,
        {"transport": ScriptedTransport([])},
        CLIENT,
    ),
    "ChartClient of a config": (ChartClient, {}, {"config": (none,)}),
    "ChartClient.from_env": (ChartClient.from_env, {}, {"environ": (none, mapping)}),
    "ChartClient.symbols": (
        lambda exchange, **given: client().symbols(exchange, **given),
        {"exchange": "NASDAQ"},
        {"exchange": (text,), "search": (text,), "deadline": (none, number)},
    ),
    "ChartClient.exchanges": (lambda deadline: client().exchanges(deadline=deadline), {}, {"deadline": (none, number)}),
    "AsyncChartClient.symbols": (
        later("symbols"),
        {"exchange": "NASDAQ"},
        {"exchange": (text,), "search": (text,), "deadline": (none, number)},
    ),
    "ChartClient.fetch": (lambda request: client().fetch(request), {}, {"request": (no,)}),
    "ChartClient.fetch deadline": (
        lambda **given: client().fetch(REQUEST, **given),
        {},
        {"deadline": (none, number), **LEEWAY},
    ),
    "ChartClient.request": (
        client().request,
        {"symbol": "BTCUSDT", "timeframe": "1h", "template": "price_psar_adi_v1"},
        {"symbol": (text,), "timeframe": (text,), "template": (no,)},
    ),
    "ChartExport": (
        chartimg.ChartExport,
        {"client": client(), "requests": (), "out": "out"},
        {
            "client": (no,),
            "requests": (empty,),
            "out": (text,),
            "jobs": (whole,),
            "resume": (any_of(bool),),
            **LEEWAY,
            "fresh": (none, number),
        },
    ),
    "ChartRequest.with_timezone": (REQUEST.with_timezone, {}, {"timezone": (text,)}),
    "Finding": (
        chartimg.Finding,
        {"path": "", "severity": chartimg.Severity.ERROR, "message": "wrong"},
        {"path": (text,), "severity": (no,), "message": (text,), "suggestion": (none, text)},
    ),
    "TradingViewSession": (
        chartimg.TradingViewSession,
        {"session_id": "a", "session_id_sign": "b"},
        {"session_id": (text,), "session_id_sign": (text,)},
    ),
    "RetryPolicy": (
        chartimg.RetryPolicy,
        {},
        {"max_attempts": (whole,), "base_delay": (number,), "max_delay": (number,), "deadline": (number,)},
    ),
    "RetryPolicy.backoff": (
        chartimg.RetryPolicy().backoff,
        {"calls": 1, "jitter": 0.5},
        {"calls": (whole,), "jitter": (number,)},
    ),
    "WorkerConfig": (
        chartimg.WorkerConfig,
        {},
        {
            "mode": (no,),
            "accounts": (empty, lambda value: value == {}),
            "fixtures_dir": (text,),
            "templates_dir": (none, text),
            "account_store": (none, text),
            "base_url": (text,),
            "default_timezone": (text,),
            "check": (no,),
            "catalog": (none,),
        },
    ),
    "WorkerConfig.from_env": (chartimg.WorkerConfig.from_env, {}, {"environ": (none, mapping)}),
    "check": (chartimg.check, {"request": {}}, {"plan": (none,), "catalog": (none,), "templates": (none, mapping)}),
    "drawing": (
        drawing,
        {"name": "Horizontal Line", "price": 1},
        {"name": (text,), "z_order": (none,), "override": (none, mapping), "catalog": (none,)},
    ),
    "fetch_with_retries": (
        chartimg.fetch_with_retries,
        {"transport": ScriptedTransport([]), "request": REQUEST, "accounts": ()},
        {"transport": (no,), "request": (no,), "accounts": (empty,), "policy": (none,), **PORTS},
    ),
    "override": (chartimg.override, {}, {"catalog": (none,)}),
    "study": (
        study,
        {"name": "MACD"},
        {"name": (text,), "force_overlay": (none, any_of(bool)), "override": (none, mapping), "catalog": (none,)},
    ),
    "template.request": (
        TEMPLATE.request,
        {"symbol": "BTCUSDT", "timeframe": "1h"},
        {"symbol": (text,), "timeframe": (text,)},
    ),
    "template.fill": (TEMPLATE.fill, {}, {"request": (no,)}),
    "templates": (chartimg.templates, {}, {"environ": (none, mapping)}),
}
TESTING: Final[Mapping[str, Case]] = {
    "EmulatedAccount": (
        EmulatedAccount,
        {"id": "a", "api_key": "k"},
        FIELDS_OF_AN_ACCOUNT,
    ),
    "EmulatedSession": (
        EmulatedSession,
        {"session_id": "a", "session_id_sign": "b"},
        {"session_id": (text,), "session_id_sign": (text,), "connected": (any_of(bool),), "layouts": (empty,)},
    ),
    "Emulator.move_clock": (lambda seconds: Emulator().move_clock(seconds), {}, {"seconds": (number,)}),
    "Emulator.play": (lambda rules: Emulator().play(rules), {}, {"rules": (no,)}),
    "Emulator.reset": (
        lambda accounts, **given: Emulator().reset(accounts, **given),
        {"accounts": EmulatedAccount("a", "k")},
        {
            "accounts": (any_of(Account),),
            "rules": (empty,),
            "clock": (none,),
            "catalog": (none,),
            "sessions": (none, empty),
        },
    ),
    "Reply": (
        Reply,
        {"status": 200},
        {
            "status": (whole,),
            "headers": (lambda value: value == {}, empty, none),
            "body": (any_of(bytes),),
            "warnings": (empty,),
            "taken_at": (none, any_of(datetime)),
        },
    ),
    "Rule": (
        Rule,
        {"status": 503},
        {
            "fault": (none,),
            "latency": (number,),
            "spread": (number,),
            "next": (none, whole),
            "share": (number,),
            "account": (none, text),
            "status": (none, whole),
        },
    ),
    "ScriptedTransport": (
        ScriptedTransport,
        {"outcomes": [], "clock": VirtualClock()},
        {
            "outcomes": (empty, lambda value: value == {5}, mapping),
            "clock": (none,),
            "duration": (number,),
        },
    ),
    "TransportFailure": (
        TransportFailure,
        {"kind": FaultKind.NETWORK, "message": "gone"},
        {"kind": (no,), "message": (text,), "details": (empty,)},
    ),
    "VirtualClock": (VirtualClock, {}, {"start": (any_of(datetime),)}),
    "VirtualClock.advance": (VirtualClock().advance, {}, {"seconds": (number,)}),
    "VirtualClock.sleep": (VirtualClock().sleep, {}, {"seconds": (number,)}),
    "VirtualClock.step": (VirtualClock().step, {}, {"seconds": (number,)}),
    "emulator": (
        emulator,
        {},
        {"rules": (empty,), "clock": (none,), "port": (whole,), "catalog": (none,)},
    ),
    "picture": (picture, {}, {"width": (whole,), "height": (whole,)}),
}
"""The names of the test kit. What an iterator of a script holds is checked when its turn comes."""
SPOKEN: Final = {"force_overlay": "forceOverlay", "z_order": "zOrder"}
TOLD: Final = (
    "must be",
    "is not one of",
    "plans of the catalog",
    "not text; decode it",
    "there is no template",
    "not a JSON value",
    "write it as text",
    "a forecast is for 1 to",
    "is a number with thousands of digits",
)


@for_each(
    ("name", "argument"),
    [(name, argument) for name, (_, _, arguments) in {**CASES, **TESTING}.items() for argument in arguments],
)
def test_a_wrong_type_at_any_argument_names_the_argument_and_the_right_type(name: str, argument: str) -> None:
    """Every value of a wrong type is a ConfigError or TypeError of one line that names the argument, and never a key."""
    call, given, arguments = {**CASES, **TESTING}[name]
    for value in JUNK:
        if any(right(value) for right in arguments[argument]):
            continue
        with pytest.raises((ConfigError, TypeError)) as caught, warnings.catch_warnings(action="ignore"):
            call(**{**given, argument: value})
        message = str(caught.value)
        assert SPOKEN.get(argument, argument) in message, f"{value!r}: {message}"
        assert any(words in message for words in TOLD), f"{value!r}: {message}"
        assert "\n" not in message


def test_every_public_name_that_takes_arguments_is_tried() -> None:
    """The table holds every public name but enumerations, exceptions, results, and the requests, whose faults are findings."""
    classes = {name for name in chartimg.__all__ if isinstance(getattr(chartimg, name), type)}
    rest = {name for name in classes if issubclass(getattr(chartimg, name), (str, Exception))} | {
        "ChartRequest",
        "LayoutRequest",
    }
    rest |= {"ChartApiResult", "StoredChart"}  # the library builds results, on the path of each fetch

    assert set(chartimg.__all__) - rest <= {name.partition(".")[0] for name in CASES}


def test_every_name_of_the_test_kit_that_takes_arguments_is_tried() -> None:
    """The table holds every name but types, suites of tests, and a log without arguments."""
    rest = {"AccountStoreContract", "Answer", "Call", "EventLog", "Fault", "Outcome", "PictureCacheContract"}

    assert set(testing.__all__) - rest == {name.partition(".")[0] for name in TESTING}


@pytest.mark.parametrize("seconds", [float("nan"), float("inf"), -float("inf"), 10**400])
def test_time_that_has_no_end_is_refused_by_a_virtual_clock(seconds: float) -> None:
    """Seconds that no clock could count are a ConfigError, and the clock stands as before."""
    clock = VirtualClock()
    for move in (clock.advance, clock.sleep, clock.step):
        with pytest.raises(ConfigError, match="seconds must be"):
            move(seconds)
    assert (0.0, VirtualClock().now()) == (clock.monotonic(), clock.now())


@pytest.mark.parametrize("outcome", [None, 5, "text", {}])
def test_an_outcome_of_another_type_is_named_by_its_place(outcome: Any) -> None:
    """An outcome that is neither a reply, a failure nor a function is named when it is given, or when its turn comes."""
    late = ScriptedTransport(iter([Reply(503), outcome]))
    late.send(REQUEST, None)
    for wrong in (lambda: ScriptedTransport([Reply(503), outcome]), lambda: late.send(REQUEST, None)):
        with pytest.raises(
            ConfigError, match="outcomes must be replies, transport failures or functions; number 2 is "
        ):
            wrong()


@pytest.mark.parametrize("field", ["symbol", "timeframe", "chart_template_id", "payload"])
def test_a_wrong_type_in_a_chart_request_is_a_finding_that_names_it(field: str) -> None:
    """A chart request with a field of a wrong type fails before any call, and the failure names the field."""
    for value in JUNK:
        if mapping(value) if field == "payload" else text(value):
            continue
        fields: dict[str, Any] = {"symbol": "A:B", "timeframe": "1h", "chart_template_id": "t", field: value}
        error = client().fetch(ChartRequest(**fields)).error

        assert error is not None
        assert FaultKind.INVALID_BEFORE_CALL is error.kind
        assert {"timeframe": "interval"}.get(field, field) in error.message
        assert "must be" in error.message
