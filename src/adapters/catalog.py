"""The provider's rules for a chart request, read from JSON."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, Final

from ..codec import load
from ..domain.check.catalog import Catalog, Endpoint, Entry, Opening, Parameter, ValueType
from ..domain.plan import Plan, PlanName
from ..files import DATA, read_text

__all__ = ["load_catalog", "shipped_catalog"]

_SHIPPED: Final = DATA / "advanced_chart_v2.json"
_TYPES: Final = {kind.value: kind for kind in ValueType}
_CAPITAL: Final = re.compile("[A-Z]")


@cache
def shipped_catalog() -> Catalog:
    """Return the rules that ship. They are read at the first call and kept for the life of the process.

    A file of our own has no mistakes to report: it is read without the codec, in a tenth of the time.
    """
    parts: dict[str, Any] = _named(json.loads(_SHIPPED.read_bytes()))
    parts["plans"] = [Plan(**{**_named(row), "name": PlanName(row["name"])}) for row in parts["plans"]]
    parts["openings"] = [Opening(**row) for row in parts["openings"]]
    parts["paths"] = [Endpoint(**row) for row in parts["paths"]]
    for name in ("parameters", "layout_parameters"):
        parts[name] = _rows(parts[name])
    for name in ("styles", "drawings", "studies"):
        parts[name] = map(_entry, parts[name])
    source = parts.pop("source")
    return Catalog(source, **{name: tuple(part) for name, part in parts.items()})


def load_catalog(path: str | os.PathLike[str]) -> Catalog:
    """Read a catalog of the host's: a JSON file like the one that ships; every part is optional.

    Lay it over the rules that ship with ``shipped_catalog().extended(...)``, or use it alone.

    Raises:
        ConfigError: with one line for every mistake in the file.
    """
    file = os.fspath(path)
    return load(read_text(file, what="catalog"), Catalog, where=f"catalog {file}")


def _entry(row: Mapping[str, Any]) -> Entry:
    inputs, overrides = _rows(row.get("inputs", ())), _rows(row.get("overrides", ()))
    return Entry(row["name"], inputs, overrides, tuple(row.get("aliases", ())))


def _rows(rows: Iterable[dict[str, Any]]) -> tuple[Parameter, ...]:
    for row in rows:
        row["type"] = _TYPES[row["type"]]
        if "enum" in row:
            row["enum"] = tuple(row["enum"])
        if "fields" in row:
            row["fields"] = _rows(row["fields"])
    return tuple(Parameter(**row) for row in rows)


def _named(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return *fields* with the names of attributes."""
    return {_CAPITAL.sub(lambda letter: f"_{letter[0].lower()}", name): value for name, value in fields.items()}
