"""The check as a host calls it, and as it stands on the way of every fetch."""

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
    """In upper or lower case, as accounts name theirs."""
    (finding,) = chartimg.check(WIDE, plan)

    assert ("width", Severity.ERROR) == (finding.path, finding.severity)
    assert [] == chartimg.check(WIDE, "PRO") == chartimg.check(WIDE)


@pytest.mark.parametrize("plan", ["GOLD", "", 5])
def test_a_plan_that_is_none_is_a_mistake(plan: str) -> None:
    """The names there are are said."""
    with pytest.raises(ConfigError, match="there are BASIC, PRO, MEGA, ULTRA, ENTERPRISE"):
        chartimg.check(WIDE, plan)


def test_a_body_is_checked_as_a_request_is() -> None:
    """A host that posts by hand can ask, too."""
    request = ChartRequest("BTCUSDT", "1H", "t", {"studies": [{"name": "RSI"}]})

    assert sorted(chartimg.check(request), key=str) == sorted(chartimg.check(request.body), key=str)


def test_the_catalog_may_be_the_host_s() -> None:
    """What the provider has added since is right when the host says so."""
    request = ChartRequest("BINANCE:BTCUSDT", "9h", "t")

    assert ["interval"] == [each.path for each in chartimg.check(request)]
    assert [] == chartimg.check(request, catalog=shipped_catalog().extended(Catalog(intervals=("9h",))))


def test_a_checker_remembers_what_it_found_of_a_body() -> None:
    """The same body has the same findings, the very same value; a hundred others don't push it out, thousands do."""
    checker = Checker(shipped_catalog)
    bad = ChartRequest("BTCUSDT", "1h", "t")

    first = checker(bad)
    for number in range(100):
        checker(ChartRequest(f"BINANCE:A{number}", "1h", "t"))
    again = checker(ChartRequest("BTCUSDT", "1h", "another"))

    assert first is again
    for number in range(1_000):
        checker(ChartRequest(f"BINANCE:B{number}", "1h", "t"))
    assert first == checker(bad)
    assert first is not checker(bad)


def test_a_checker_does_not_keep_what_is_large() -> None:
    """A body of many kilobytes is checked each time it comes."""
    checker = Checker(shipped_catalog)
    large = ChartRequest("BTCUSDT", "1h", "t", {"watermark": "x" * 20_000})

    assert checker(large) == checker(large)
    assert checker(large) is not checker(large)


def test_a_checker_knows_the_largest_plan_of_the_accounts() -> None:
    """What it does not allow is found before any account is looked at."""
    checker = Checker(shipped_catalog, [PlanName.BASIC])

    assert ["width"] == [each.path for each in checker(WIDE)]
    assert () == Checker(shipped_catalog)(WIDE)


def test_the_plan_that_serves_a_chart_decides_wherever_it_stands() -> None:
    """A host may have made a smaller plan larger; only what no account's plan allows is an ERROR."""
    pro = attrs.evolve(shipped_catalog().plan_by_name[PlanName.PRO], max_width=4000)
    catalog = shipped_catalog().extended(Catalog(plans=(pro,)))
    wider = attrs.evolve(WIDE, payload={"width": 3000})

    assert () == Checker(lambda: catalog, [PlanName.PRO, PlanName.MEGA])(wider)
    assert ["width"] == [each.path for each in Checker(lambda: catalog, [PlanName.BASIC, PlanName.MEGA])(wider)]
    assert () == Checker(lambda: catalog, [PlanName.BASIC, None])(wider)


def test_a_plan_the_catalog_has_not_is_a_mistake() -> None:
    """A host's catalog may have none."""
    none = shipped_catalog().extended(Catalog(replace=("plans",)))

    with pytest.raises(ConfigError, match="there is no plan 'PRO'; there are none in this catalog"):
        chartimg.check(WIDE, "PRO", catalog=none)
    assert [] == chartimg.check(WIDE, catalog=none)
