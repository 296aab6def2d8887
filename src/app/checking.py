"""The check of chart requests by the plans of a client's accounts."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final

import attrs

from ..domain.chart import ChartRequest
from ..domain.chart.template import ChartTemplate
from ..domain.check.catalog import Catalog
from ..domain.check.check import check_request, check_template, ignored_keys
from ..domain.errors import ConfigError
from ..domain.finding import Finding, Severity
from ..domain.plan import Plan, PlanName, smallest_plan
from ..domain.plan.demand import Demand
from ..domain.plan.excess import exceeded
from .mode import CheckMode

__all__ = ["Checker", "as_catalog", "plan_named"]

_MAX_REMEMBERED_BODIES: Final = 256


class Checker:
    """Checks requests and templates by *rules*. Safe from many threads.

    Args:
        rules: returns the rules; called for the first request, not before.
        plans: the plan of each account, None for an unknown one; empty without accounts.
        mode: the consequence of an ERROR.
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
        self._remembered: dict[tuple[str, tuple[Finding, ...]], tuple[Finding, ...]] = {}  # by body and ignored keys

    def __call__(self, request: ChartRequest) -> tuple[Finding, ...]:
        """Return the findings of a request, empty if the mode is OFF. Those of the last bodies are remembered."""
        if self._mode is CheckMode.OFF:
            return ()
        body = (request.body_digest, tuple(ignored_keys(request)))
        findings = self._remembered.get(body)
        if findings is None:
            rules = self._rules()
            findings = tuple(check_request(request, rules, self._plan(rules, request.demand)))
            if len(self._remembered) >= _MAX_REMEMBERED_BODIES:
                self._remembered.clear()
            self._remembered[body] = findings
        return findings

    def refuses(self, findings: Collection[Finding]) -> bool:
        """Return whether a request with these *findings* must not be sent."""
        return (
            bool(findings)
            and self._mode is CheckMode.ERROR
            and any(each.severity is Severity.ERROR for each in findings)
        )

    def template(self, template: ChartTemplate) -> list[Finding]:
        """Return the findings of a template, with places in its file.

        A size that the plans of all accounts refuse is an ERROR. If only some refuse it, the finding is a WARNING, since
        those accounts will not be asked for the chart.
        """
        if self._mode is CheckMode.OFF:
            return []
        rules, demand = self._rules(), Demand.of(template.payload)
        plans = self._account_plans(rules)
        too_small = [plan for plan in plans if not plan.chart.allows(demand)]
        some_allow = None in self._plans or len(too_small) < len(plans)
        return check_template(template, rules, self._plan(rules, demand)) + [
            attrs.evolve(each, path=f"request.{each.path}", severity=Severity.WARNING)
            for plan in (too_small if some_allow else ())
            for each in exceeded(demand, plan.chart, allowed_by=plan.name, plans=rules.plans)
        ]

    def _account_plans(self, rules: Catalog) -> list[Plan]:
        """Return the known plans of the accounts, from the smallest to the largest."""
        return [plan for plan in rules.plans if plan.name in self._plans]

    def _plan(self, rules: Catalog, demand: Demand) -> Plan | None:
        """Return the plan that decides: the smallest of the accounts that allows the chart, else the largest.

        An account with an unknown plan may allow any chart; then there is no such plan.
        """
        plans = self._account_plans(rules)
        if None in self._plans or not plans:
            return None
        return smallest_plan(plans, demand) or plans[-1]


def as_catalog(catalog: object) -> Catalog:
    """Return *catalog*.

    Raises:
        ConfigError: it is not a Catalog.
    """
    if not isinstance(catalog, Catalog):
        raise ConfigError(
            f"catalog must be a chartimg.Catalog, not {type(catalog).__name__}; load_catalog reads a file"
        )
    return catalog


def plan_named(name: str, catalog: Catalog) -> Plan:
    """Return the plan of the catalog with this name, in upper or lower case.

    Raises:
        ConfigError: the catalog has no such plan.
    """
    plans = catalog.plan_by_name
    for plan in plans.values():
        if isinstance(name, str) and plan.name == name.upper():
            return plan
    known = f"plans of the catalog: {', '.join(plans)}" if plans else "the catalog has no plans"
    raise ConfigError(f"unknown plan {name!r}; {known}")
