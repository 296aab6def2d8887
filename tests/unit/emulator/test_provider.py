"""The provider's answers and the order of its decisions, without sockets and without drawing."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartimg import Account, ConfigError
from chartimg.adapters.catalog import shipped_catalog
from chartimg.domain.check.catalog import Catalog
from chartimg.domain.plan import Plan, PlanName
from chartimg.emulator.accounts import EmulatedAccount
from chartimg.emulator.answer import HttpAnswer, HttpRequest
from chartimg.emulator.provider import Provider
from chartimg.emulator.quota import Tally
from chartimg.emulator.scenario import Fault, Rule, Scenario
from chartimg.emulator.sessions import EmulatedSession
from chartimg.testing import VirtualClock
from rows import for_each
from samples import NOON

PATH = "/v2/tradingview/advanced-chart"
KEY = "canary-key-of-a"


def provider(*rules: Rule, **limits: object) -> Provider:
    """Return a provider with one account and a clock that stands still."""
    account = EmulatedAccount("a", KEY, **limits)  # type: ignore[arg-type]
    return Provider([account], lambda: NOON, Scenario(rules))


def chart(asked: Provider, body: object = None, key: str | None = KEY, **changes: str) -> HttpAnswer:
    """Return the answer to a request for a chart."""
    content = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
    headers = {} if key is None else {"x-api-key": key}
    return asked.answer(HttpRequest(changes.get("method", "POST"), changes.get("path", PATH), headers, content))


def said(answer: HttpAnswer) -> tuple[int, str | None, Mapping[str, str]]:
    """Return the status, the message and the headers of an answer."""
    content = json.loads(answer.body or b"null")
    return answer.status, content.get("message") if isinstance(content, dict) else None, answer.headers


def control(asked: Provider, method: str, what: str, body: object = None) -> tuple[int, dict[str, object]]:
    """Return the answer of a path that controls the emulator."""
    content = b"" if body is None else json.dumps(body).encode()
    answer = asked.answer(HttpRequest(method, f"/_emulator/{what}", {}, content))
    return answer.status, json.loads(answer.body)


def test_a_good_request_gets_a_picture() -> None:
    """A valid request gets the picture of the chart in its body."""
    answer = chart(provider(), {"symbol": "NASDAQ:AAPL", "width": 500})

    assert (200, "image/png", None) == (answer.status, answer.content_type, answer.damage)
    assert answer.chart is not None
    assert ("NASDAQ:AAPL", 500) == (answer.chart.body["symbol"], answer.chart.body["width"])


@pytest.mark.parametrize("key", [None, "", "wrong"])
def test_no_or_a_wrong_key_is_forbidden(key: str | None) -> None:
    """A request without a known key is 403 Forbidden, and no account is charged."""
    asked = provider()

    assert (403, "Forbidden", {"x-amzn-ErrorType": "ForbiddenException"}) == said(chart(asked, key=key))
    ledger = asked.ledger()
    assert (1, Tally()) == (ledger.unknown_key, ledger.accounts["a"].total)


def test_the_throttle_speaks_before_the_quota_and_both_before_the_body() -> None:
    """Throttle and quota are checked before the body, each with its own message and type."""
    asked = provider(burst=2, daily_limit=1)
    answers = [said(chart(asked, b"{")) for _ in range(3)]

    assert [
        (400, None, {}),
        (429, "Limit Exceeded", {"x-amzn-ErrorType": "LimitExceededException"}),
        (429, "Too Many Requests", {"x-amzn-ErrorType": "TooManyRequestsException"}),
    ] == answers
    assert Tally(asked=3, throttled=1, charged=1, refused=1) == asked.ledger().accounts["a"].total


@for_each(
    ("plan", "body", "message"),
    [
        ("BASIC", {"width": 801}, "Exceed Max Usage Resolution Limit (800x600)"),
        ("BASIC", {"height": 601}, "Exceed Max Usage Resolution Limit (800x600)"),
        ("BASIC", {"studies": [{"name": "MACD"}] * 4}, "Exceed Max Usage Parameter Limit (3)"),
        ("PRO", {"width": 1921}, "Exceed Max Usage Resolution Limit (1920x1080)"),
        ("MEGA", {"studies": [{"name": "MACD"}] * 11}, "Exceed Max Usage Parameter Limit (10)"),
        ("MEGA", {"watermark": "mine"}, "Exceed Max Usage Watermark Limit"),
        ("BASIC", {"watermark": " ", "height": 601}, "Exceed Max Usage Resolution Limit (800x600)"),
    ],
)
def test_a_chart_over_the_plan_is_refused_and_charged(plan: str, body: object, message: str) -> None:
    """The message names the first limit of the plan that is exceeded, and the call is charged."""
    asked = provider(plan=plan)

    assert (403, message, {}) == said(chart(asked, body))
    assert Tally(1, 0, 1, 0) == asked.ledger().accounts["a"].total


@for_each("plan", shipped_catalog().plans)
def test_a_chart_just_within_the_plan_is_served(plan: Plan) -> None:
    """A chart of the largest size, with all studies and an allowed watermark, is served; a wrong field comes before the plan."""
    body = {
        "width": plan.max_width,
        "height": float(plan.max_height),
        "studies": [{"name": "MACD"}] * plan.max_parameters,
        "watermark": "mine" if plan.custom_watermark else "",
    }

    assert 200 == chart(provider(plan=plan.name), body).status
    assert 422 == chart(provider(plan=plan.name), {"width": 5000, "theme": "grey"}).status  # before the plan


def test_the_rules_and_the_plans_are_those_of_the_given_catalog() -> None:
    """Charts are decided by the given catalog; a plan laid over the shipped ones leaves the others as they are."""
    pro = attrs.evolve(shipped_catalog().plan_by_name[PlanName.PRO], max_width=500)
    catalog = shipped_catalog().extended(Catalog(intervals=("9h",), exchanges=("NOWHERE",), plans=(pro,)))
    body = {"symbol": "NOWHERE:X", "interval": "9h"}
    accounts = [EmulatedAccount(name, f"key-of-{name}", plan=name) for name in ("PRO", "MEGA")]
    theirs = Provider(accounts, lambda: NOON, catalog=catalog)

    assert 422 == chart(provider(), body).status
    assert (403, "Exceed Max Usage Resolution Limit (500x1080)", {}) == said(chart(theirs, body, "key-of-PRO"))
    assert 200 == chart(theirs, body, "key-of-MEGA").status


def test_the_quotas_are_those_of_the_given_catalog() -> None:
    """Burst and quota are those of the given catalog's plan, unless the account states its own; its accounts state all of them."""
    basic = attrs.evolve(shipped_catalog().plan_by_name[PlanName.BASIC], requests_per_second=2, burst=4, daily_limit=5)
    accounts = [EmulatedAccount("a", KEY), EmulatedAccount("b", "key-of-b", daily_limit=3)]
    clock = VirtualClock()
    asked = Provider(accounts, clock.now, catalog=shipped_catalog().extended(Catalog(plans=(basic,))))
    for _ in range(5):
        chart(asked), chart(asked, key="key-of-b")
    clock.advance(1)
    for _ in range(3):
        chart(asked)

    ledger = asked.ledger().accounts
    assert Tally(asked=8, throttled=2, charged=5, refused=1) == ledger["a"].total
    assert Tally(asked=5, throttled=1, charged=3, refused=1) == ledger["b"].total
    assert (Account("a", KEY, 5, "BASIC", 2, 4), Account("b", "key-of-b", 3, "BASIC", 2, 4)) == asked.accounts


@for_each("fault", Fault)
def test_a_call_with_a_fault_is_charged(fault: Fault) -> None:
    """A call with any fault costs its unit, and the next call is served."""
    asked = provider(Rule(fault, latency=0.5, next=1))
    faulty, after = chart(asked), chart(asked)

    assert (0.5, 0.0) == (faulty.latency, after.latency)
    assert (faulty.status, faulty.damage) != (200, None) or faulty.chart is None
    assert (200, None) == (after.status, after.damage)
    assert Tally(2, 0, 2, 0) == asked.ledger().accounts["a"].total


@for_each(
    ("rule", "status", "message"),
    [
        (Rule(Fault.SERVER_ERROR), 500, "Something Went Wrong"),
        (Rule(Fault.TIMEOUT), 504, "External Request Timeout"),
        (Rule(Fault.GATEWAY_TIMEOUT), 504, "Endpoint request timed out"),
        (Rule(Fault.SILENT_429), 429, None),
        (Rule(status=409, body={"message": "Session Disconnected"}), 409, "Session Disconnected"),
        (Rule(status=404), 404, None),
    ],
)
def test_a_rule_decides_the_answer(rule: Rule, status: int, message: str | None) -> None:
    """Faults have the documented messages, a silent 429 has none, and a rule with a status answers with its body or an empty one."""
    assert (status, message, {}) == said(chart(provider(rule)))


@pytest.mark.parametrize(
    ("method", "path", "hint"),
    [
        ("GET", PATH, "wants POST"),
        ("GET", "/v1/tradingview/mini-chart", "documented, but only"),
        ("GET", "/v2/tradingview/layout-chart/abc", "wants POST, not GET"),
        ("POST", "/v3/tradingview/exchange/list", "wants GET, not POST"),
        ("POST", "/v2/tradingview/layout-chart/", "is not in the API"),
        ("POST", "/v2/tradingview/advancedchart", "did you mean"),
    ],
)
def test_other_paths_are_not_found_and_the_log_has_a_hint(
    method: str, path: str, hint: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Another path or method is 404 and free, and the log names the path that is emulated."""
    asked = provider()

    assert (404, "Route not found.", {}) == said(chart(asked, method=method, path=path))
    assert hint in caplog.text
    assert Tally() == asked.ledger().accounts["a"].total


def test_the_ledger_can_be_read_over_http() -> None:
    """The ledger has each account by its id, in total and by day, and no key."""
    asked = provider()
    chart(asked)
    status, ledger = control(asked, "GET", "ledger")
    tally = {"asked": 1, "throttled": 0, "charged": 1, "refused": 0}

    assert 200 == status
    assert {
        "now": NOON.isoformat(),
        "accounts": {"a": {"total": tally, "days": {"2026-01-05": tally}}},
        "unknownKey": 0,
    } == ledger


def test_a_day_passes_when_the_clock_is_moved() -> None:
    """After a move of a day the bucket is full and the quota is new."""
    asked = provider(burst=1, daily_limit=1)
    before = [chart(asked).status, chart(asked).status]
    moved = control(asked, "POST", "clock", {"advance": 86_400})
    after = chart(asked).status

    assert [200, 429, 200] == [*before, after]
    assert (200, {"now": "2026-01-06T12:00:00+00:00"}) == moved
    assert (200, {"now": "2026-01-06T12:00:00+00:00"}) == control(asked, "GET", "clock")
    assert (200, {"now": "2026-01-01T00:00:00+00:00"}) == control(asked, "POST", "clock", {"now": "2026-01-01T00:00"})


@for_each(
    "body",
    [
        *(None, [], {}, {"advance": "1"}, {"advance": True}, {"advance": 1e300}),
        *({"now": "9999-01-01"}, {"now": "soon"}, {"now": 7}),
    ],
)
def test_a_wrong_time_does_not_move_the_clock(body: object) -> None:
    """A body without a usable time is 400 with a message, and the clock stays."""
    asked = provider()
    status, answer = control(asked, "POST", "clock", body)

    assert (400, True) == (status, bool(answer["message"]))
    assert NOON == asked.now()


def test_a_scenario_can_be_begun_over_http() -> None:
    """A posted scenario replaces the one before, and a wrong one is 400; the first one may not be wrong either."""
    asked = provider(Rule(Fault.SERVER_ERROR))
    begun = control(asked, "POST", "script", {"rules": [{"fault": "503", "next": 1}]})

    assert ((200, {}), 503, 200) == (begun, chart(asked).status, chart(asked).status)
    assert 400 == control(asked, "POST", "script", {"rules": [{"fault": "418"}]})[0]
    assert 400 == control(asked, "POST", "script", {"rules": [{"fault": "503", "account": "b"}]})[0]
    assert 404 == control(asked, "DELETE", "script")[0]
    with pytest.raises(ConfigError, match="unknown accounts: b"):
        provider(Rule(Fault.CUT, account="b"))


def test_answers_are_logged_without_the_key(caplog: pytest.LogCaptureFixture) -> None:
    """Each call is one line with status, account, chart or message, and the fault of the scenario."""
    caplog.set_level(logging.INFO, "chartimg.emulator")
    asked = provider(Rule(Fault.SERVER_ERROR, next=1))
    for key in (KEY, KEY, "canary-of-nobody"):
        chart(asked, key=key)

    assert [
        '500 a {"message":"Something Went Wrong"} (scenario: 500)',
        "200 a BINANCE:BTCUSDT 1D",
        '403 no account {"message":"Forbidden"}',
    ] == caplog.messages
    assert "canary" not in caplog.text


@given(st.text(max_size=9), st.text(max_size=30), st.binary(max_size=50), st.booleans())
def test_any_request_gets_an_answer(method: str, path: str, body: bytes, known: bool) -> None:  # noqa: FBT001
    """Any method, path and body get an HTTP status."""
    asked = provider()
    for where in (path, PATH, "/_emulator/clock", "/_emulator/script"):
        answer = asked.answer(HttpRequest(method or "POST", where, {"x-api-key": KEY if known else ""}, body))

        assert 200 <= answer.status < 600


SESSION = {"tradingview-session-id": "demo-session", "tradingview-session-id-sign": "demo-sign"}


def ask(asked: Provider, method: str, path: str, body: object = None, **more: Mapping[str, str]) -> HttpAnswer:
    """Return the answer to a request with headers and a query."""
    content = b"" if body is None else json.dumps(body).encode()
    headers = {"x-api-key": KEY, "host": "127.0.0.1:80", **more.get("headers", {})}
    return asked.answer(HttpRequest(method, path, headers, content, more.get("query", {})))


@pytest.mark.parametrize("path", [PATH, "/v2/tradingview/layout-chart/abc"])
def test_a_picture_can_be_stored(path: str) -> None:
    """The sibling of a path answers with an address, where anybody gets the picture without a charge until it expires."""
    asked = provider(plan="BASIC")
    head, _, layout = path.removeprefix("/v2/tradingview/").partition("/")
    answer = ask(asked, "POST", f"/v2/tradingview/{head}/storage{'/' if layout else ''}{layout}", {"width": 500})

    assert answer.stored is not None
    assert (500, bool(layout)) == (answer.stored.chart.body["width"], answer.stored.sized)
    place = answer.stored.url.removeprefix("http://127.0.0.1:80")
    served = asked.answer(HttpRequest("GET", place, {}, b""))
    assert (200, answer.stored.chart, "image/png") == (served.status, served.chart, served.content_type)
    assert 404 == asked.answer(HttpRequest("POST", place, {}, b"")).status
    asked.move_clock(14 * 86_400)
    assert 404 == asked.answer(HttpRequest("GET", place, {}, b"")).status
    assert 1 == asked.ledger().accounts["a"].total.asked


def test_a_layout_is_drawn_as_its_id_and_its_body_say() -> None:
    """What is saved follows from the id, and the body replaces parts; another form of id is 404, and charged."""
    asked = provider(daily_limit=9, burst=9)
    one, other, changed = (
        ask(asked, "POST", f"/v2/tradingview/layout-chart/{layout}", body)
        for layout, body in (("abc", None), ("abd", None), ("abc", {"symbol": "SP:SPX"}))
    )

    assert one.chart is not None
    assert changed.chart is not None
    assert one.chart != other.chart
    assert {**one.chart.body, "symbol": "SP:SPX"} == changed.chart.body
    assert 404 == ask(asked, "POST", "/v2/tradingview/layout-chart/a%20b").status
    assert 422 == ask(asked, "POST", "/v2/tradingview/layout-chart/abc", {"zoomIn": 26}).status
    assert 403 == ask(provider(plan="BASIC"), "POST", "/v2/tradingview/layout-chart/abc", {"width": 900}).status
    assert 5 == asked.ledger().accounts["a"].total.charged


@pytest.mark.parametrize(
    ("headers", "layout", "status", "message"),
    [
        ({}, "private", 403, "Layout Forbidden"),
        (SESSION, "private", 200, None),
        ({**SESSION, "tradingview-session-id-sign": "other"}, "abc", 403, "Forbidden"),
        (SESSION, "abc", 200, None),
    ],
)
def test_a_session_opens_its_private_layouts(
    headers: Mapping[str, str], layout: str, status: int, message: str | None
) -> None:
    """A private layout needs its session, and an unknown session is refused."""
    answer = ask(provider(), "POST", f"/v2/tradingview/layout-chart/{layout}", headers=headers)

    assert (status, message) == said(answer)[:2]


def test_a_disconnected_session_is_told_so() -> None:
    """A session that is signed out is 409 at charts and layouts alike, and the call is charged."""
    gone = EmulatedSession("demo-session", "demo-sign", connected=False)
    asked = Provider([EmulatedAccount("a", KEY)], lambda: NOON, sessions=[gone])

    for path in (PATH, "/v2/tradingview/layout-chart/abc"):
        assert (409, "Session Disconnected") == said(ask(asked, "POST", path, headers=SESSION))[:2]
    assert 2 == asked.ledger().accounts["a"].total.charged


def test_the_lists_take_the_key_in_the_query_too() -> None:
    """Both lists are charged like a chart; only they accept the key in the query; an unknown exchange is 404."""
    asked = provider(burst=9)
    listed = ask(asked, "GET", "/v3/tradingview/exchange/list", headers={"x-api-key": ""}, query={"key": KEY})
    symbols = ask(asked, "GET", "/v3/tradingview/exchange/binance", query={"symbol": "BTC", "type": "spot"})

    assert "BINANCE" in json.loads(listed.body)["payload"]
    assert ["BTCUSDT"] == [row["symbol"] for row in json.loads(symbols.body)["payload"]]
    assert 404 == ask(asked, "GET", "/v3/tradingview/exchange/nowhere").status
    assert 403 == ask(asked, "POST", PATH, headers={"x-api-key": ""}, query={"key": KEY}).status
    assert 3 == asked.ledger().accounts["a"].total.charged
