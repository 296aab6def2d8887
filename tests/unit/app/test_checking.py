"""The check as a host calls it, and as every fetch does."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import attrs
import pytest
from hypothesis import given, settings
from hypothesis.strategies import text

import chartimg
from chartimg import Catalog, ChartClient, ChartRequest, CheckMode, ConfigError, FaultKind, Severity, WorkerConfig
from chartimg.adapters.catalog import shipped_catalog
from chartimg.app.checking import Checker
from chartimg.app.mode import ApiMode
from chartimg.domain.chart import LayoutRequest
from chartimg.domain.chart.template import ChartTemplate
from chartimg.domain.check.listed import NO_LISTS, KeptLists
from chartimg.domain.plan import PlanName
from chartimg.domain.reply import Reply
from chartimg.testing import ScriptedTransport, picture
from rows import for_each

WIDE = ChartRequest("BINANCE:BTCUSDT", "1h", "t", {"width": 1920})


@pytest.mark.parametrize("plan", ["BASIC", "basic", PlanName.BASIC])
def test_a_request_is_checked_against_a_plan_by_its_name(plan: str) -> None:
    """A plan may be named in upper or lower case, as in the settings of an account."""
    (finding,) = chartimg.check(WIDE, plan)

    assert ("width", Severity.ERROR) == (finding.path, finding.severity)
    assert [] == chartimg.check(WIDE, "PRO") == chartimg.check(WIDE)


@pytest.mark.parametrize("plan", ["GOLD", "", 5])
def test_an_unknown_plan_is_a_mistake(plan: str) -> None:
    """An unknown plan is a ConfigError that lists the plans."""
    with pytest.raises(ConfigError, match="plans of the catalog: BASIC, PRO, MEGA, ULTRA, ENTERPRISE"):
        chartimg.check(WIDE, plan)


def test_a_body_is_checked_as_a_request_is() -> None:
    """A body has the findings of the request that posts it."""
    request = ChartRequest("BTCUSDT", "1H", "t", {"studies": [{"name": "RSI"}]})

    assert sorted(chartimg.check(request), key=str) == sorted(chartimg.check(request.body), key=str)


def test_the_catalog_may_be_the_host_s() -> None:
    """An interval in the host's catalog is accepted."""
    request = ChartRequest("BINANCE:BTCUSDT", "9h", "t")

    assert ["interval"] == [each.path for each in chartimg.check(request)]
    assert [] == chartimg.check(request, catalog=shipped_catalog().extended(Catalog(intervals=("9h",))))


def test_a_symbol_in_the_payload_is_a_finding_of_its_own_request() -> None:
    """Two requests with the same body differ in their findings if only one has an unused symbol in its payload."""
    checker, bare = Checker(shipped_catalog), ChartRequest("BINANCE:BTCUSDT", "1h", "t")
    with_symbol = attrs.evolve(bare, payload={"symbol": "BINANCE:ETHUSDT"})

    assert bare.body == with_symbol.body
    assert ((), ["symbol"]) == (checker(bare), [each.path for each in checker(with_symbol)])


def test_a_checker_remembers_the_findings_of_a_body() -> None:
    """Requests with the same body have the same findings, which hundreds of other bodies push out of memory."""
    checker, bad = Checker(shipped_catalog), ChartRequest("BTCUSDT", "1h", "t", {"theme": "dark"})
    first = checker(bad)
    again = checker(ChartRequest("BTCUSDT", "1h", "another", {"theme": "dark"}))
    for number in range(300):
        checker(ChartRequest(f"BINANCE:A{number}", "1h", "t"))
    later = checker(bad)

    assert first
    assert first is again
    assert (first, False) == (later, first is later)


def test_a_checker_goes_by_the_plans_of_the_accounts() -> None:
    """A chart that the plans of all accounts refuse is an ERROR; without accounts only the largest plan counts."""
    checker = Checker(shipped_catalog, [PlanName.BASIC])

    assert ["width"] == [each.path for each in checker(WIDE)]
    assert () == Checker(shipped_catalog)(WIDE)


def test_the_plan_that_serves_a_chart_decides_wherever_it_stands() -> None:
    """A chart is accepted if the plan of any account allows it, even one that the catalog lists before others."""
    pro = attrs.evolve(shipped_catalog().plan_by_name[PlanName.PRO], max_width=4000)
    catalog = shipped_catalog().extended(Catalog(plans=(pro,)))
    wider = attrs.evolve(WIDE, payload={"width": 3000})

    assert () == Checker(lambda: catalog, [PlanName.PRO, PlanName.MEGA])(wider)
    assert ["width"] == [each.path for each in Checker(lambda: catalog, [PlanName.BASIC, PlanName.MEGA])(wider)]
    assert () == Checker(lambda: catalog, [PlanName.BASIC, None])(wider)


def test_a_plan_the_catalog_has_not_is_a_mistake() -> None:
    """If the host's catalog has no plans, naming one is a mistake that says so."""
    none = shipped_catalog().extended(Catalog(replace=("plans",)))

    with pytest.raises(ConfigError, match="unknown plan 'PRO'; the catalog has no plans"):
        chartimg.check(WIDE, "PRO", catalog=none)
    assert [] == chartimg.check(WIDE, catalog=none)


def ids(*names: str) -> dict[str, ChartTemplate]:
    """Return templates by id."""
    return {name: ChartTemplate(name, "", "BINANCE:{symbol}", {"theme": "dark"}) for name in names}


@for_each(
    ("label", "near"),
    [
        ("price_psar_adi", "price_psar_adi_v1"),
        ("price_psar_adi_v2", "price_psar_adi_v1"),
        ("Price_PSAR_ADI_v1", "price_psar_adi_v1"),
        ("price_pasr_adi_v1", "price_psar_adi_v1"),
        ("price_vol_v1", None),
        ("mine", None),
    ],
)
def test_a_misspelt_id_without_a_payload_is_an_error_with_the_nearest(label: str, near: str | None) -> None:
    """Without a payload an id that is nearly that of a template is an ERROR; with one, and where OFF, it is a label."""
    known = ids("price_psar_adi_v1", "other")
    checker, bare = Checker(shipped_catalog, templates=known), ChartRequest("BINANCE:BTCUSDT", "1h", label)

    for _ in range(2):  # the second time it is remembered
        assert [near] * (near is not None) == [each.suggestion for each in checker(bare)]
        assert (near is not None) is checker.refuses(checker(bare))
        assert () == checker(attrs.evolve(bare, payload={"theme": "dark"}))
        assert () == checker(attrs.evolve(bare, chart_template_id="price_psar_adi_v1"))
    assert () == Checker(shipped_catalog, mode=CheckMode.OFF, templates=known)(bare)
    assert () == Checker(shipped_catalog)(bare)


def test_a_request_without_a_payload_is_checked_as_what_would_be_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a client, too, it is the template of its id, own ones first; a misspelt id and a broken file are ERRORs."""

    def found(label: str, known: Mapping[str, ChartTemplate] | None = None) -> list[tuple[str, Severity, str | None]]:
        """Return the findings of a request without a payload, for the smallest plan."""
        request = ChartRequest("BINANCE:BTCUSDT", "1h", label)
        return [
            (each.path, each.severity, each.suggestion) for each in chartimg.check(request, "BASIC", templates=known)
        ]

    wide = ids("wide", "price_psar_adi_v1") | {"wide": ChartTemplate("wide", "", "A:{symbol}", {"width": 1920})}
    refused = [("width", Severity.ERROR, None)]
    assert [("chart_template_id", Severity.ERROR, "price_psar_adi_v1")] == found("price_pasr_adi_v1")
    assert [] == found("price_psar_adi_v1") == found("wide") == found("mine")
    assert (refused, []) == (found("wide", wide), found("price_psar_adi_v1", wide))

    own = {"id": "wide", "description": "", "chartImgSymbolTemplate": "A:{symbol}", "request": {"width": 1920}}
    (tmp_path / "wide.json").write_text(json.dumps(own), encoding="utf-8")
    (tmp_path / "price_psar_adi_v1.json").write_text("{", encoding="utf-8")
    monkeypatch.setenv("CHARTS_TEMPLATES_DIR", f"{tmp_path}")
    assert refused == found("wide")
    assert [("chart_template_id", Severity.ERROR, None)] == found("price_psar_adi_v1")
    assert [] == found("price_rsi14_stochrsi_v1")


def test_a_template_that_can_not_be_posted_is_found_by_the_check_and_by_a_client(tmp_path: Path) -> None:
    """A template with a number that JSON lacks is an ERROR at its place, and costs no call."""
    own = '{"id": "odd", "description": "", "chartImgSymbolTemplate": "A:{symbol}", "request": {"width": NaN}}'
    (tmp_path / "odd.json").write_text(own, encoding="utf-8")
    settings, request = WorkerConfig(mode=ApiMode.MOCK, templates_dir=tmp_path), ChartRequest("A:B", "1h", "odd")
    (finding,) = chartimg.check(request, templates=chartimg.templates({"CHARTS_TEMPLATES_DIR": f"{tmp_path}"}))
    with ChartClient(settings) as client:
        for asked in (request, client.request("B", "1h", template="odd")):
            error = client.fetch(asked).error

            assert error is not None
            assert FaultKind.INVALID_BEFORE_CALL is error.kind
            assert f"{finding.path}: {finding.message}" in error.message
    assert ("width", Severity.ERROR) == (finding.path, finding.severity)


@settings(max_examples=30)
@given(label=text(min_size=1, max_size=12), timeframe=text(max_size=3))
def test_the_check_without_a_client_finds_what_a_client_finds(label: str, timeframe: str) -> None:
    """The findings of a request without a payload are those for which a client refuses it, or warns."""
    request = ChartRequest("BINANCE:BTCUSDT", timeframe, label)
    with ChartClient(transport=ScriptedTransport([Reply(200, body=picture())]), log=False) as client:
        result = client.fetch(request)
    told = [str(each.get("msg")) for each in result.error.details] if result.error else []

    assert [each.message for each in chartimg.check(request)] == [*told, *(each.message for each in result.warnings)]


def test_a_stock_on_an_exchange_of_coins_is_a_warning_with_the_way_out() -> None:
    """BINANCE:AAPL is a WARNING that tells the pattern by which a symbol gets its exchange, and what to write."""
    (finding,) = chartimg.check(chartimg.templates({})["price_psar_adi_v1"].request("AAPL", "1D"))

    assert ("symbol", Severity.WARNING) == (finding.path, finding.severity)
    assert all(part in finding.message for part in ('"AAPL"', "BINANCE:{symbol}", "NASDAQ:AAPL"))
    assert (
        [] == chartimg.check({"symbol": "NASDAQ:AAPL"}) == chartimg.check({"symbol": "(BINANCE:BTCUSDT+NASDAQ:AAPL)/2"})
    )


def test_the_check_knows_the_lists_that_are_kept() -> None:
    """A list that comes changes the findings of a body that was checked before, and one that stays does not."""
    lists = [NO_LISTS]
    checker = Checker(shipped_catalog, lists=lambda _: lists[-1])
    request, layout = ChartRequest("NASDAQ:AAPPL", "1h", "t"), LayoutRequest("abc")
    before = checker(request)
    lists.append(KeptLists(None, {"NASDAQ": frozenset({"AAPL"})}))
    after = checker(request)

    assert ((), ()) == (before, checker(layout))
    assert ["NASDAQ:AAPL"] == [each.suggestion for each in after]
    assert after is checker(request)


@for_each(
    ("mode", "ticker", "symbol", "expected"),
    [
        (CheckMode.ERROR, "AAPL", "BINANCE:AAPL", True),
        (CheckMode.ERROR, "BINANCE:AAPL", "BINANCE:AAPL", False),
        (CheckMode.ERROR, "BTCUSDT", "BINANCE:BTCUSDT", False),
        (CheckMode.WARN, "AAPL", "BINANCE:AAPL", False),
        (CheckMode.OFF, "AAPL", "BINANCE:AAPL", False),
    ],
)
def test_the_exchange_of_a_template_is_doubted_by_a_check_that_refuses(
    mode: CheckMode,
    ticker: str,
    symbol: str,
    expected: bool,  # noqa: FBT001
) -> None:
    """Only a check that refuses what is wrong speaks against it, and only if the host has not stated it."""
    assert expected is Checker(shipped_catalog, mode=mode).is_elsewhere(ticker, symbol)
