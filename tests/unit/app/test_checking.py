"""The check as a host calls it, and as every fetch does."""

from __future__ import annotations

import attrs
import pytest

import chartimg
from chartimg import Catalog, ChartRequest, ConfigError, Severity
from chartimg.adapters.catalog import shipped_catalog
from chartimg.app.checking import Checker
from chartimg.domain.plan import PlanName

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
