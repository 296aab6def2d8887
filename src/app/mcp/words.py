"""The words of the tools: one line beside a picture, and for an error the next step."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from ...domain.account.status import AccountStatus
from ...domain.chart.template import ChartTemplate
from ...domain.check.catalog import Entry, Parameter
from ...domain.errors import ConfigError
from ...domain.faults import ChartApiError, FaultKind
from ...domain.finding import Finding, Severity
from ...domain.plan.demand import Demand
from ...domain.result import ChartApiSuccess

__all__ = ["checked", "failed", "pictured", "spent", "studies_found", "template_line", "units", "units_left"]

_MAX_SHOWN_STUDIES: Final = 5
_MAX_ACCOUNTS: Final = 20


def pictured(chart: str, result: ChartApiSuccess, units: str) -> str:
    """Return the line beside a picture."""
    taken = "at an unknown time" if result.taken_at is None else f"at {_moment(result.taken_at)}"
    warnings = "".join(f"; warning: {each.text}" for each in result.warnings)
    return f"{chart}, taken {taken}, source {result.source}, {units}{warnings}"


def units_left(statuses: Sequence[AccountStatus] | None, session_left: int | None) -> str:
    """Return the units that are left, today and in this session; without accounts no unit is spent."""
    if statuses is None:
        return "units left: not counted in mock mode"
    session = "" if session_left is None else f", {session_left} in this session"
    return f"units left: {sum(each.left for each in statuses)} today{session}"


def units(statuses: Sequence[AccountStatus], session_left: int | None, budget: int | None) -> str:
    """Return the units of each account, one in a line, and those of the session."""
    lines = [units_left(statuses, session_left)]
    if budget is not None:
        lines.append(f"session: {session_left} of {budget} units left")
    for each in statuses[:_MAX_ACCOUNTS]:
        line = f"{each.account_id}: {each.state}, {each.left} of {each.limit} units left"
        if each.available_at is not None:
            line += f", next call {_moment(each.available_at)}"
        lines.append(f"{line}, new day {_moment(each.window_end)}" + (f" ({each.reason})" if each.reason else ""))
    if (more := len(statuses) - _MAX_ACCOUNTS) > 0:
        lines.append(f"and {more} more accounts")
    return "\n".join(lines)


def spent(budget: int | None) -> str:
    """Return the error of a session that has spent its budget."""
    return (
        f"This session has spent its budget of {budget} units (CHARTS_MCP_BUDGET), so no call was made. Use the pictures you "
        "have. A chart that was drawn since its last candle closed is still free. For more, a person has to raise the budget."
    )


def failed(error: ChartApiError) -> str:
    """Return the error of a chart: the reason, and the next step."""
    if error.kind is FaultKind.INVALID_BEFORE_CALL:
        found = (f"{each['param']}: {each['severity']}: {each['msg']}" for each in error.details)
        return "\n".join(
            ("The chart is wrong, so no call was made and no unit is spent. Correct it and ask again:", *found)
        )
    if error.kind is FaultKind.FIXTURE_MISSING:
        return "There is no recorded picture of this chart, and mock mode draws no new ones."
    if error.available_at is not None:
        step = f"Do not ask again before {_moment(error.available_at)}."
    elif error.retriable:
        step = "The same call may succeed in a minute. It may cost another unit."
    else:
        step = "The same call would fail again and may cost another unit. Change the chart, or tell a person."
    return f"{error.message} ({error.kind}). {step}"


def checked(findings: Iterable[Finding]) -> str:
    """Return the findings of a check, one in a line."""
    found = sorted(findings, key=lambda each: each.severity)  # ERROR before WARNING
    if not found:
        return "No mistake was found."
    refused = found[0].severity is Severity.ERROR
    head = "The provider would refuse this chart:" if refused else "The provider would draw this chart, but look at:"
    return "\n".join((head, *map(str, found)))


def template_line(template_id: str, templates: Mapping[str, ChartTemplate]) -> str:
    """Return one line for a template: its id, description, size and studies."""
    try:
        template = templates[template_id]
    except ConfigError as error:
        return f"{template_id}: can't be used: {error.problems[0]}"
    demand, listed = Demand.of(template.payload), template.payload.get("studies")
    named = [
        str(each.get("name", "")) for each in (listed if isinstance(listed, list) else ()) if isinstance(each, dict)
    ]
    studies = f"; studies: {', '.join(named)}" if named else ""
    return f"{template_id}: {template.description} ({demand.width}x{demand.height}{studies})"


def studies_found(found: Sequence[Entry]) -> str:
    """Return a few studies wholly, each as a piece for ``studies`` with its inputs, or the names of many."""
    if len(found) > _MAX_SHOWN_STUDIES:
        return f"{len(found)} studies: {', '.join(each.name for each in found)}"
    return "\n\n".join("\n".join(_study(each)) for each in found)


def _study(study: Entry) -> Iterable[str]:
    inputs = {row.name: row.default for row in study.inputs if row.default is not None}
    yield json.dumps({"name": study.name, "input": inputs} if inputs else {"name": study.name})
    yield from (f"  {_input(row)}" for row in study.inputs)


def _input(row: Parameter) -> str:
    """Describe an input of a study."""
    parts = [f"{row.name}: {row.type}"]
    if row.enum:
        parts.append(f"one of {', '.join(map(str, row.enum))}")
    if row.min is not None:
        parts.append(f"at least {row.min:g}")
    if row.max is not None:
        parts.append(f"at most {row.max:g}")
    if row.required:
        parts.append("required")
    return ", ".join((*parts, row.label) if row.label else parts)


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"
