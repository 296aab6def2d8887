"""The chart template in a few words: what it shows, how large, and which plan it takes."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from ...domain.chart.template import ChartTemplate
from ...domain.check.catalog import Catalog
from ...domain.finding import Finding
from ...domain.plan import PlanName, smallest_plan
from ...domain.plan.demand import Demand
from .request_file import RequestFile

__all__ = ["TemplateSummary", "sum_up"]


@attrs.frozen
class TemplateSummary:
    """A template, as far as it could be read.

    Attributes:
        id: its id, which is the name of its file.
        description: one line for people; None when it can't be loaded.
        symbol_pattern: where a bare symbol is traded.
        width: pixels.
        height: pixels.
        studies: the names of its studies.
        drawings: the names of its drawings.
        plan: the smallest plan that serves it; None when none does.
        findings: what is wrong with it.
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
        """Whether it can be used."""
        return self.description is not None


def sum_up(template_id: str, file: RequestFile, catalog: Catalog) -> TemplateSummary:
    """Sum up the template in *file*, the plan by the rules of *catalog*."""
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
    """Give the names of what is listed under *key*, as far as they are there."""
    listed = template.payload.get(key)
    entries = listed if isinstance(listed, list) else ()
    return tuple(str(entry.get("name", "")) for entry in entries if isinstance(entry, Mapping))
