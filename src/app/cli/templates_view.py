"""How templates look in a list: each summed up by description, size, studies and plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import attrs

from ...domain.chart.template import ChartTemplate
from ...domain.check.catalog import Catalog
from ...domain.finding import Finding
from ...domain.plan import PlanName, smallest_plan
from ...domain.plan.demand import Demand
from .request_file import RequestFile
from .text import add_row, show_table, table

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["TemplateSummary", "names_in", "show_templates", "sum_up_template"]


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
        names_in(template, "studies"),
        names_in(template, "drawings"),
        None if plan is None else plan.name,
        file.findings,
    )


def show_templates(templates: Sequence[TemplateSummary]) -> None:
    """Print a row for each template: description, size, studies, the smallest plan, and findings if any."""
    show_table(_templates(templates, prose=True), _templates(templates, prose=False))


def _templates(templates: Sequence[TemplateSummary], *, prose: bool) -> Table:
    """Return a row for each template, with or without the *prose*: the description, and the symbol."""
    headings: tuple[str, ...] = ("template", *(("description", "symbol") if prose else ()), "size", "studies", "plan")
    if flawed := any(each.findings for each in templates):
        headings += ("findings",)
    rows = table(*headings, folding=("description", "studies"), right=("findings",))
    for each in templates:
        text = ("can't be loaded" if each.description is None else each.description, each.symbol_pattern or "")
        add_row(
            rows,
            each.id,
            *(text if prose else ()),
            f"{each.width}x{each.height}" if each.loads else "",
            ", ".join((*each.studies, *each.drawings)) if prose or each.loads else "can't be loaded",
            ("none" if each.plan is None else each.plan) if each.loads else "",
            *((f"{len(each.findings) or ''}",) if flawed else ()),
        )
    return rows


def names_in(template: ChartTemplate, key: str) -> tuple[str, ...]:
    """List the names of the studies or drawings under *key*; an entry without a name counts as empty."""
    listed = template.payload.get(key)
    entries = listed if isinstance(listed, list) else ()
    return tuple(str(entry.get("name", "")) for entry in entries if isinstance(entry, Mapping))
