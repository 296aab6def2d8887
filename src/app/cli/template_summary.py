"""A chart template in a few words: its description, size, studies and plan."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from ...domain.chart.template import ChartTemplate
from ...domain.check.catalog import Catalog
from ...domain.finding import Finding
from ...domain.plan import PlanName, smallest_plan
from ...domain.plan.demand import Demand
from .request_file import RequestFile

__all__ = ["TemplateSummary", "sum_up_template"]


@attrs.frozen
class TemplateSummary:
    """A template, as far as it could be read.

    Attributes:
        id: the name of its file.
        description: one line for people; None if it can't be loaded.
        symbol_pattern: the exchange of a bare symbol, ``BINANCE:{symbol}``.
        width: pixels.
        height: pixels.
        studies: the names of its studies.
        drawings: the names of its drawings.
        plan: the smallest plan that serves it; None if every plan refuses it.
        findings: the mistakes in it.
    """

    id: str
    description: str | None
    symbol_pattern: str | None
    width: float | None
    height: float | None
    studies: tuple[str, ...]
    drawings: tuple[str, ...]
    plan: PlanName | None
    findings: tuple[Finding, ...]

    @property
    def loads(self) -> bool:
        """Whether the template can be used."""
        return self.description is not None


def sum_up_template(template_id: str, file: RequestFile, catalog: Catalog) -> TemplateSummary:
    """Return the summary of the template in *file*, with the plan by the rules of *catalog*."""
    template = file.template
    if template is None:
        return TemplateSummary(template_id, None, None, None, None, (), (), None, file.findings)
    demand = Demand.of(template.payload)
    plan = smallest_plan(catalog.plans, demand)
    return TemplateSummary(
        template_id,
        template.description,
        template.symbol_pattern,
        demand.width,
        demand.height,
        _names(template, "studies"),
        _names(template, "drawings"),
        None if plan is None else plan.name,
        file.findings,
    )


def _names(template: ChartTemplate, key: str) -> tuple[str, ...]:
    """List the names of the studies or drawings under *key*; an entry without a name counts as empty."""
    listed = template.payload.get(key)
    entries = listed if isinstance(listed, list) else ()
    return tuple(str(entry.get("name", "")) for entry in entries if isinstance(entry, Mapping))
