"""How the catalog looks: fitted to a terminal, elsewhere a whole line for each row."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from rich.columns import Columns
from rich.text import Text

from ...domain.check.catalog import Entry, Parameter, ValueType
from ...domain.plan import Plan
from .text import GAP, add_row, is_terminal, printable, show_table, standard_output, table

if TYPE_CHECKING:
    from rich.table import Table

__all__ = [
    "rows_by_path",
    "show_entries",
    "show_entry",
    "show_names",
    "show_parameters",
    "show_plans",
]

_BREAKS: Final = tuple(
    re.compile(end)
    for end in (
        r"(?<= )(?! )",
        r"(?<=[ ,])(?! )",
        r"(?<=[ ,])(?! )|(?<=[.:/=])(?=[A-Za-z])",
    )
)
"""Where a cell may be folded: between words, else also at commas, else also at the signs of a path."""
_REQUIRED: Final = "*"
_PLACES: Final = {
    "studies": 'one of "studies" in the body, with its default inputs:',
    "drawings": 'one of "drawings" in the body, with values to be replaced:',
    "styles": "fields of the body, with the defaults:",
}


def show_entries(entries: Sequence[Entry], noun: str) -> None:
    """Print a row for each of *entries* with its inputs. If no entry has inputs, print the overrides."""
    inputs = any(entry.inputs for entry in entries)
    heading = "inputs and their defaults" if inputs else "overrides and their defaults"
    rows = table(noun, heading, folding=(heading,))
    for entry in entries:
        add_row(rows, entry.name, ", ".join(map(_short, entry.inputs if inputs else entry.overrides)))
    show_table(rows)
    if any(row.required for entry in entries for row in entry.inputs):
        standard_output().print(Text(f"{_REQUIRED} is required"))


def show_entry(entry: Entry, key: str, sample: Mapping[str, object]) -> None:
    """Print all of *entry*, and a *sample* to be pasted into a body; *key* is ``studies``, ``drawings`` or ``styles``."""
    console = standard_output()
    console.print(Text(printable(entry.name), style="bold"), "", sep="\n")
    for heading, rows in (("input", entry.inputs), ("override", entry.overrides)):
        if rows:
            show_table(_rows(heading, rows_by_path(rows), console.width))
            console.print()
    console.print(Text(_PLACES[key]))
    console.print(Text(json.dumps(sample, indent=2)), soft_wrap=True)


def show_parameters(rows: Mapping[str, Parameter]) -> None:
    """Print a row for each key of a body, by its path."""
    show_table(_rows("key", rows, standard_output().width))


def rows_by_path(rows: Iterable[Parameter], inside: str = "") -> Mapping[str, Parameter]:
    """Return *rows* and the rows inside them by path: ``override.priceRange.from``, ``studies[].name``."""
    found: dict[str, Parameter] = {}
    for row in rows:
        path = f"{inside}{row.name}"
        found[path] = row
        found |= rows_by_path(row.fields, f"{path}[]." if row.type is ValueType.OBJECTS else f"{path}.")
    return found


def show_names(names: Mapping[str, str]) -> None:
    """Print names, some with a note: in columns on a terminal, else one a line."""
    console = standard_output()
    lines = [Text(f"{printable(name)}  ({note})" if note else printable(name)) for name, note in names.items()]
    if is_terminal(sys.stdout):
        console.print(Columns(lines, padding=(0, 3), column_first=True))
    else:
        console.print(*lines, sep="\n")


def show_plans(plans: Iterable[Plan]) -> None:
    """Print a row for each plan: the limits of a chart, and of calls."""
    limits, stored = ("studies,\ndrawings", "calls\na second", "at\nonce", "calls\na day"), "days\nstored"
    rows = table("plan", "largest\nchart", *limits, "\nwatermark", stored, right=(*limits, stored))
    for plan in plans:
        add_row(
            rows,
            plan.name,
            f"{plan.max_width}x{plan.max_height}",
            f"{plan.max_parameters:,}",
            f"{plan.requests_per_second:g}",
            f"{plan.burst:,}",
            f"{plan.daily_limit:,}",
            "your own" if plan.custom_watermark else "CHART-IMG" if plan.watermark else "none",
            f"{plan.storage_days:,}",
        )
    show_table(rows)


def _rows(heading: str, rows: Mapping[str, Parameter], width: int) -> Table:
    """Return a table of parameters without empty columns. It fits into *width* if its words do."""
    columns = {heading: [printable(path) for path in rows]}
    for column, cell in _CELLS.items():
        cells = [printable(cell(each)) for each in rows.values()]
        if any(cells):
            columns[column] = cells
    made = table(*columns)
    for row in zip(*_fitted(columns, width - GAP * (len(columns) - 1)), strict=True):
        made.add_row(*map(Text, row))
    return made


def _fitted(columns: Mapping[str, Sequence[str]], room: int) -> Sequence[Sequence[str]]:
    """Fold cells so that all columns fit into *room*, at the first kind of break that is enough.

    If no break is enough, the cells stay whole, and rich folds them anywhere.
    """
    texts = [[heading, *cells] for heading, cells in columns.items()]
    widths: Sequence[int] = [max(map(len, column)) for column in texts]
    for breaks in _BREAKS:
        minima = [max(len(part.rstrip()) for cell in column for part in breaks.split(cell)) for column in texts]
        if breaks is not _BREAKS[-1]:
            minima[0] = widths[0]  # a name stays whole if possible
        fitted = _shrunk(widths, minima, room)
        if sum(fitted) <= room:
            return [
                [_folded(breaks.split(cell), width) for cell in cells]
                for cells, width in zip(columns.values(), fitted, strict=True)
            ]
    return list(columns.values())


def _shrunk(widths: Sequence[int], minima: Sequence[int], room: int) -> Sequence[int]:
    """Narrow the widest of *widths* until they fit into *room* or all are at their minima."""
    left = list(widths)
    while sum(left) > room and (givers := [number for number, width in enumerate(left) if width > minima[number]]):
        left[max(givers, key=left.__getitem__)] -= 1
    return left


def _folded(parts: Sequence[str], width: int) -> str:
    """Join *parts*, with a line break wherever a line would be longer than *width*."""
    lines = [""]
    for part in parts:
        if lines[-1] and len(lines[-1] + part.rstrip()) > width:
            lines.append("")
        lines[-1] += part
    return "\n".join(map(str.rstrip, lines))


def _default(row: Parameter) -> str:
    if row.required:
        return "required"
    return "" if row.default is None else json.dumps(row.default)


def _short(row: Parameter) -> str:
    """Return an input with its default, and with its label if the name alone has no meaning."""
    if row.required:
        return f"{row.name}{_REQUIRED}"
    name = row.name if row.default is None else f"{row.name}={json.dumps(row.default)}"
    return f"{name} {row.label}" if row.name.startswith("in_") and row.label else name


def _allowed(row: Parameter) -> str:
    """Describe the allowed values."""
    if row.enum:
        return ", ".join(map(str, row.enum))
    if row.min is not None and row.max is not None:
        return f"{row.min} to {row.max}"
    if row.min is not None:
        return f"{row.min} or more"
    return "" if row.max is None else f"{row.max} or less"


_CELLS: Final[Mapping[str, Callable[[Parameter], str]]] = {
    "type": lambda row: row.type,
    "default": _default,
    "allowed": _allowed,
    "meaning": lambda row: row.label,
}
