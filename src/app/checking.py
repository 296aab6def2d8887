"""The check of chart requests on the way of every fetch."""

from __future__ import annotations

from collections.abc import Callable, Collection
from enum import StrEnum
from typing import Final

import attrs

from ..domain.chart import ChartRequest
from ..domain.chart.template import ChartTemplate
from ..domain.check.catalog import Catalog
from ..domain.check.check import check_request, check_template
from ..domain.errors import ConfigError
from ..domain.finding import Finding, Severity
from ..domain.plan import Plan, PlanName
from ..domain.plan.demand import Demand
from ..domain.plan.excess import exceeded

__all__ = ["CheckMode", "Checker", "as_catalog", "check_mode", "plan_named"]

_MOST_KNOWN: Final = 256  # bodies
_LARGEST_KNOWN: Final = 16_384  # bytes


class CheckMode(StrEnum):
    """What becomes of a request that the provider would refuse (``CHARTS_CHECK``)."""

    ERROR = "error"
    """It fails, and no call is made."""
    WARN = "warn"
    """The call is made, and the result has the findings as warnings."""
    OFF = "off"
    """Nothing is checked."""


def check_mode(name: str) -> CheckMode:
    """Take a mode by its name; a host writes ``"warn"`` as well as ``CheckMode.WARN``.

    Raises:
        ConfigError: there is no such mode.
    """
    if name not in set(CheckMode):
        raise ConfigError(f"check must be one of {', '.join(CheckMode)}, not {name!r}")
    return CheckMode(name)


class Checker:
    """Checks requests by *rules*, and remembers what it found. Safe from many threads.

    Args:
        rules: gives the rules; it is called for the first request.
        plans: the plans of the accounts, None for one that is not known; empty without accounts.
        mode: what becomes of a request that the provider would refuse.
    """

    def __init__(
        self,
        rules: Callable[[], Catalog],
        plans: Collection[PlanName | str | None] = (),
        mode: CheckMode = CheckMode.ERROR,
    ) -> None:
        self._rules = rules
        self._plans = frozenset(plans)
        self._mode = mode
        self._known: dict[bytes, tuple[Finding, ...]] = {}

    def __call__(self, request: ChartRequest) -> tuple[Finding, ...]:
        """Give the findings of a request that can be written as JSON; none when nothing is to be checked."""
        if self._mode is CheckMode.OFF:
            return ()
        body = request.encoded
        found = self._known.get(body)
        if found is None:
            rules = self._rules()
            found = tuple(check_request(request, rules, self._plan(rules, request.demand)))
            if len(body) <= _LARGEST_KNOWN:
                if len(self._known) >= _MOST_KNOWN:
                    self._known.clear()
                self._known[body] = found
        return found

    def refuses(self, found: Collection[Finding]) -> bool:
        """Whether a request of which this was found is not to be made."""
        return self._mode is CheckMode.ERROR and any(each.severity is Severity.ERROR for each in found)

    def template(self, template: ChartTemplate) -> list[Finding]:
        """Give the findings of a template, with places in its file.

        What the plans of all accounts refuse is an ERROR; what only some do is a WARNING, since those accounts will not be
        asked for it.
        """
        if self._mode is CheckMode.OFF:
            return []
        rules, demand = self._rules(), Demand.of(template.payload)
        plans = self._account_plans(rules)
        small = [plan for plan in plans if not plan.chart.allows(demand)]
        would = None in self._plans or len(small) < len(plans)
        return check_template(template, rules, self._plan(rules, demand)) + [
            attrs.evolve(each, path=f"request.{each.path}", severity=Severity.WARNING)
            for plan in (small if would else ())
            for each in exceeded(demand, plan.chart, allowed_by=plan.name, plans=rules.plans)
        ]

    def _account_plans(self, rules: Catalog) -> list[Plan]:
        """Give the known plans of the accounts, from the smallest to the largest."""
        return [plan for plan in rules.plans if plan.name in self._plans]

    def _plan(self, rules: Catalog, demand: Demand) -> Plan | None:
        """Give the plan of the accounts that is to decide: one that allows the chart, else the largest."""
        plans = self._account_plans(rules)
        if None in self._plans or not plans:
            return None
        return next((plan for plan in plans if plan.chart.allows(demand)), plans[-1])


def as_catalog(catalog: object) -> Catalog:
    """Take a catalog.

    Raises:
        ConfigError: it is something else.
    """
    if not isinstance(catalog, Catalog):
        raise ConfigError(
            f"catalog must be a chartimg.Catalog, not {type(catalog).__name__}; load_catalog reads a file"
        )
    return catalog


def plan_named(name: str, catalog: Catalog) -> Plan:
    """Find a plan of the catalog by its name in upper or lower case.

    Raises:
        ConfigError: there is no such plan.
    """
    plans = catalog.plan_by_name
    for plan in plans.values():
        if isinstance(name, str) and plan.name == name.upper():
            return plan
    raise ConfigError(f"there is no plan {name!r}; there are {', '.join(plans) or 'none in this catalog'}")
