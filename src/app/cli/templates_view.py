"""How a list of templates looks."""

from __future__ import annotations

from collections.abc import Iterable

from .template_summary import TemplateSummary
from .text import ROOM_FOR_ALL, add_row, standard_output, table

__all__ = ["show_templates"]


def show_templates(templates: Iterable[TemplateSummary]) -> None:
    """Print a row for each template: description, size, studies, the smallest plan, and findings if any."""
    templates, console = tuple(templates), standard_output()
    flawed = any(each.findings for each in templates)
    wide = console.width >= ROOM_FOR_ALL
    rows = table("template", *(("description", "symbol") if wide else ()), "size", "studies", "plan")
    if flawed:
        rows.add_column("findings", justify="right")
    for each in templates:
        prose = ("can't be loaded" if each.description is None else each.description, each.symbol_pattern or "")
        add_row(
            rows,
            each.id,
            *(prose if wide else ()),
            f"{each.width}x{each.height}" if each.loads else "",
            ", ".join((*each.studies, *each.drawings)) if wide or each.loads else "can't be loaded",
            ("none" if each.plan is None else each.plan) if each.loads else "",
            *((f"{len(each.findings) or ''}",) if flawed else ()),
        )
    console.print(rows)
