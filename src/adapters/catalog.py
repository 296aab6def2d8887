"""The provider's rules for a chart request, as data written down from its documentation, and reading them.

What is shipped is taken as it is, since the tests validate it; a file of the host's is validated when it is read.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Final

from ..codec import load
from ..domain.check.catalog import Catalog, Endpoint, Entry, Parameter, ValueType
from ..domain.errors import ConfigError
from ..domain.plan import Plan, PlanName
from ..files import read_whole

__all__ = ["load_catalog", "shipped_catalog"]

_FILE: Final = "advanced_chart_v2.json"


@cache
def shipped_catalog() -> Catalog:
    """Give the rules that come with chartimg, read when they are first asked for."""
    data = json.loads((files("chartimg") / "data" / _FILE).read_text(encoding="utf-8"))
    return Catalog(
        source=data["source"],
        intervals=tuple(data["intervals"]),
        unconfirmed_intervals=tuple(data["unconfirmedIntervals"]),
        timezones=tuple(data["timezones"]),
        exchanges=tuple(data["exchanges"]),
        unavailable_exchanges=tuple(data["unavailableExchanges"]),
        plans=tuple(map(_plan, data["plans"])),
        parameters=_rows(data["parameters"]),
        styles=_entries(data["styles"]),
        drawings=_entries(data["drawings"]),
        studies=_entries(data["studies"]),
        paths=tuple(Endpoint(**entry) for entry in data["paths"]),
    )


def load_catalog(path: str | os.PathLike[str]) -> Catalog:
    """Read a catalog of the host's: a JSON file of the same form, in which every part may be left out.

    Lay it over what is shipped with ``shipped_catalog().extended(...)``, or use it alone.

    Raises:
        ConfigError: with one line for every mistake in the file.
    """
    file = os.fspath(path)
    try:
        text = read_whole(file)[0].decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ConfigError(f"catalog {file} can't be read: {reason}") from None
    return load(text, Catalog, where=f"catalog {file}")


def _rows(rows: Sequence[Mapping[str, Any]]) -> tuple[Parameter, ...]:
    return tuple(
        Parameter(
            **{
                **row,
                "type": ValueType(row["type"]),
                "enum": tuple(row.get("enum", ())),
                "fields": _rows(row.get("fields", ())),
            }
        )
        for row in rows
    )


def _entries(entries: Sequence[Mapping[str, Any]]) -> tuple[Entry, ...]:
    return tuple(
        Entry(
            entry["name"],
            _rows(entry.get("inputs", ())),
            _rows(entry.get("overrides", ())),
            tuple(entry.get("aliases", ())),
        )
        for entry in entries
    )


def _plan(row: Mapping[str, Any]) -> Plan:
    return Plan(
        PlanName(row["name"]),
        row["requestsPerSecond"],
        row["burst"],
        row["dailyLimit"],
        row["maxWidth"],
        row["maxHeight"],
        row["maxParameters"],
        row["watermark"],
        row["customWatermark"],
        row["storageDays"],
    )
