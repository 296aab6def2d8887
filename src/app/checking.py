"""The check of chart requests by the plans of a client's accounts."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Final, TypeVar

import attrs

from ..domain.argument import text_of
from ..domain.chart import ChartRequest, LayoutRequest, ListRequest, PictureRequest, Request
from ..domain.chart.candle import Grid
from ..domain.chart.storage import StorageRequest
from ..domain.chart.template import ChartTemplate
from ..domain.check.catalog import Catalog
from ..domain.check.check import check_request, check_template, ignored_keys
from ..domain.check.grid import grid_of
from ..domain.check.listed import NO_LISTS, KeptLists, exchange_problems, is_elsewhere, no_lists
from ..domain.check.suggestion import hint, likely_name
from ..domain.errors import ConfigError
from ..domain.finding import Finding, Severity
from ..domain.plan import Plan, PlanName, largest_limits, smallest_plan
from ..domain.plan.demand import Demand
from ..domain.plan.excess import exceeded
from ..domain.plan.fit import fit_to_largest
from .mode import CheckMode

__all__ = ["Checker", "as_catalog", "plan_named", "template_named"]

_MAX_REMEMBERED_BODIES: Final = 256
_UNSEEN: Final[tuple[None, tuple[Finding, ...]]] = (None, ())
_VERSION: Final = re.compile(r"_?v?\d+\Z")
T = TypeVar("T")


class Checker:
    """Checks requests and templates by *rules*. Safe from many threads.

    Args:
        rules: returns the rules; called for the first request, not before.
        plans: the plan of each account, None for an unknown one; empty without accounts.
        mode: the consequence of an ERROR.
        templates: those that the client knows, by id.
        lists: returns the provider's lists that are kept and can tell of a symbol; for None, that of the exchanges.
    """

    def __init__(
        self,
        rules: Callable[[], Catalog],
        plans: Collection[PlanName | str | None] = (),
        mode: CheckMode = CheckMode.ERROR,
        templates: Mapping[str, ChartTemplate] | None = None,
        lists: Callable[[str | None], KeptLists] = no_lists,
    ) -> None:
        self._rules = rules
        self._lists = lists
        self._plans = frozenset(plans)
        self._mode = mode
        self.templates = {} if templates is None else templates  # its length would list the folders
        self._remembered: dict[tuple[str, str, tuple[Finding, ...]], tuple[KeptLists, tuple[Finding, ...]]] = {}

    def __call__(self, request: Request) -> tuple[Finding, ...]:
        """Return the findings of a request, empty if the mode is OFF. Those of the last bodies are remembered."""
        if self._mode is CheckMode.OFF:
            return ()
        label = "" if request.payload else request.key.chart_template_id or ""
        body = (request.body_digest, label, tuple(ignored_keys(request)))
        of_symbol = request.symbol is not None or isinstance(request, ListRequest)
        lists = self._lists(request.symbol) if of_symbol else NO_LISTS
        known, findings = self._remembered.get(body, _UNSEEN)
        if known is not lists:
            rules = self._rules()
            findings = (*self._checked(request, rules, lists), *self._misspelt(label))
            if len(self._remembered) >= _MAX_REMEMBERED_BODIES:
                self._remembered.clear()
            self._remembered[body] = lists, findings
        return findings

    def _checked(self, request: Request, rules: Catalog, lists: KeptLists) -> Iterable[Finding]:
        if isinstance(request, ListRequest):
            return () if request.exchange is None else exchange_problems(request.exchange, rules, lists)
        drawn = request.of if isinstance(request, StorageRequest) else request
        return check_request(drawn, rules, self._plan(rules, drawn.demand), lists)

    @property
    def rules(self) -> Catalog:
        """The rules of the check."""
        return self._rules()

    def grid_of(self, symbol: str | None) -> Grid:
        """Return the grid of the candles of *symbol*."""
        return grid_of(symbol, self._rules())

    def completed(self, request: Request) -> Request:
        """Return the request to send: one without a payload is the template that its id names, if there is one.

        Raises:
            ConfigError: the file of the template can't be used.
        """
        if request.payload:
            return request
        if isinstance(request, StorageRequest):
            return StorageRequest(self._filled(request.of))
        return self._filled(request) if isinstance(request, ChartRequest) else request

    def _filled(self, request: PictureRequest) -> PictureRequest:
        if isinstance(request, LayoutRequest) or request.chart_template_id not in self.templates:
            return request
        return self.templates[request.chart_template_id].fill(request)

    def is_elsewhere(self, ticker: str, symbol: str) -> bool:
        """Return whether a *ticker* without an exchange is evidently not the *symbol* that a template has made of it.

        So it is only if the check refuses what is wrong: then a finding says where the ticker is listed.
        """
        if self._mode is not CheckMode.ERROR or ticker == symbol:
            return False
        return is_elsewhere(symbol, self._lists(symbol))

    def _misspelt(self, label: str) -> list[Finding]:
        """Report the id of a request without a payload if it nearly names a template: the chart would be bare."""
        near = None if not label or label in self.templates else _likely_template(label, self.templates)
        if near is None:
            return []
        message = f"there is no template {label!a}, and without a payload the chart is bare; did you mean {near}?"
        return [Finding("chart_template_id", Severity.ERROR, message, near)]

    def refuses(self, findings: Collection[Finding]) -> bool:
        """Return whether a request with these *findings* must not be sent."""
        return (
            bool(findings)
            and self._mode is CheckMode.ERROR
            and any(each.severity is Severity.ERROR for each in findings)
        )

    def template(self, template: ChartTemplate, *, fits: bool = False) -> list[Finding]:
        """Return the findings of a template, with places in its file; if it *fits* the plans by being cut, those of what is left.

        A size that the plans of all accounts refuse is an ERROR. If only some refuse it, the finding is a WARNING, since
        those accounts will not be asked for the chart.
        """
        if self._mode is CheckMode.OFF:
            return []
        rules = self._rules()
        plans = self._account_plans(rules)
        if fits:
            template = attrs.evolve(template, payload=self._cut(template.payload, plans, rules))
        demand = Demand.of(template.payload)
        too_small = [plan for plan in plans if not plan.chart.allows(demand)]
        some_allow = None in self._plans or len(too_small) < len(plans)
        return check_template(template, rules, self._plan(rules, demand)) + [
            attrs.evolve(each, path=f"request.{each.path}", severity=Severity.WARNING)
            for plan in (too_small if some_allow else ())
            for each in exceeded(demand, plan.chart, allowed_by=plan.name, plans=rules.plans)
        ]

    def _cut(self, payload: Mapping[str, object], plans: Sequence[Plan], rules: Catalog) -> Mapping[str, object]:
        """Return *payload* as small as the largest of *plans* allows; that of any plan if one of the accounts has no known plan."""
        allowed = {plan.chart: str(plan.name) for plan in plans}
        if rules.plans and (None in self._plans or not plans):
            allowed = {largest_limits(rules.plans): ""}
        return fit_to_largest(payload, Demand.of(payload), allowed)[0]

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
    raise ConfigError(f"unknown plan {text_of(name)}; {known}")


def template_named(template_id: str, templates: Mapping[str, T], *, noun: str = "template") -> T:
    """Return the one of *templates* with an id.

    Raises:
        ConfigError: there is no such template, and the message suggests the nearest id, or lists them all; or its file is wrong.
    """
    if template_id in templates:
        return templates[template_id]
    end = hint(_likely_template(template_id, templates), f"the templates are {', '.join(templates)}")
    raise ConfigError(f"there is no {noun} {template_id!a}; {end}")


def _likely_template(wrong: str, ids: Collection[str]) -> str | None:
    """Return the id that *wrong* most likely means; its version may be wrong, too."""
    return likely_name(wrong, ids) or likely_name(_VERSION.sub("", wrong), ids)
