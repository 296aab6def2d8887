"""What the provider makes of a body: the chart it asks for, or why it is refused.

The rules are the catalogue's; deciding is done here and nowhere else, so that the client's own check can be tried
against it. Source: API page, "API v2 TradingView Advanced Chart", tables of parameters, and "Errors".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, Final

import attrs

__all__ = ["Chart", "Refusal", "documented_paths", "read_body"]

_SYMBOL: Final = re.compile(r"[A-Za-z0-9_.:!/&()+\-*^ ]+")  # a formula of symbols, too
_EXCHANGE: Final = re.compile(r"([A-Za-z0-9_]+):(?=[A-Za-z0-9])")
_INTERVAL: Final = re.compile(r"[1-9]\d{0,3}[smhDWMY]")
_TYPES: Final[Mapping[str, type | tuple[type, ...]]] = {
    "String": str,
    "Integer": int,
    "Float": (int, float),
    "Boolean": bool,
    "Object": Mapping,
}
_NAMED: Final = {
    "String": "text",
    "Integer": "an integer",
    "Float": "a number",
    "Boolean": "a boolean",
    "Object": "an object",
}
_MOST_KNOWN: Final = 1024  # bodies whose meaning is remembered

FieldError = Mapping[str, object]


@attrs.frozen
class Refusal:
    """A body is refused with *status* and *content*; None stands for no content at all."""

    status: int
    content: object = None


@attrs.frozen
class Chart:
    """A chart that can be drawn: the body with its defaults, and the bytes that tell it from every other."""

    body: Mapping[str, object]
    identity: bytes

    @property
    def size(self) -> tuple[int, int]:
        """Its width and height in pixels."""
        return _whole(self.body["width"]), _whole(self.body["height"])

    @property
    def parameters(self) -> int:
        """How many studies and drawings it has."""
        return sum(len(listed) for name in ("studies", "drawings") if isinstance(listed := self.body.get(name), list))


_DEFAULTS: Final[Mapping[str, object]] = {
    "symbol": "BINANCE:BTCUSDT",
    "interval": "1D",
    "width": 800,
    "height": 600,
    "theme": "light",
    "style": "candle",
    "timezone": "Etc/UTC",
    "format": "png",
}


@lru_cache(maxsize=_MOST_KNOWN)
def read_body(content: bytes) -> Chart | Refusal:
    """Read the body of a request, from the whole to its fields to their meaning. Total: never raises."""
    try:
        body = json.loads(content or b"{}", parse_constant=_refuse_constant)
        identity = json.dumps(
            body, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
        ).encode()  # half a character, or a number without end, is refused here
    except (ValueError, RecursionError):
        return Refusal(400)
    if not isinstance(body, dict):
        return Refusal(422, {"message": "Invalid Request"})
    rules = _catalogue()
    if errors := list(_field_errors(body, rules)):
        return Refusal(422, errors)
    full = {**_DEFAULTS, **{name: value for name, value in body.items() if value is not None}}
    exchanges = set(_EXCHANGE.findall(str(full["symbol"])))
    if not exchanges <= rules.exchanges:
        return Refusal(422, {"message": "Invalid Symbol"})
    if full["interval"] not in rules.intervals:
        return Refusal(422, {"message": "Invalid Interval"})
    return Chart(full, identity)


def documented_paths() -> Mapping[str, str]:
    """Give the paths of the documented API, each with its method."""
    return {entry["path"]: entry["method"] for entry in _catalogue().paths}


@attrs.frozen
class _Catalogue:
    """The part of the catalogue that decides."""

    intervals: frozenset[str]
    timezones: frozenset[str]
    exchanges: frozenset[str]
    tables: Mapping[str, Sequence[Mapping[str, Any]]]
    paths: Sequence[Mapping[str, str]]


@cache
def _catalogue() -> _Catalogue:
    """Read the catalogue when it is first needed."""
    text = (files("chartimg.catalog") / "advanced_chart_v2.json").read_text(encoding="utf-8")
    data = json.loads(text)
    return _Catalogue(
        frozenset(data["intervals"]) | frozenset(data["unconfirmedIntervals"]),
        frozenset(data["timezones"]),
        frozenset(data["exchanges"]),
        {name: data[name] for name in ("parameters", "study", "drawing", "override", "priceRange", "range")},
        data["paths"],
    )


def _refuse_constant(_: str) -> object:
    """Refuse NaN and Infinity, which are not JSON."""
    raise ValueError


def _whole(value: object) -> int:
    return int(value) if isinstance(value, int | float) else 0


def _field_errors(body: Mapping[str, object], rules: _Catalogue) -> Iterator[FieldError]:
    """List what is wrong with the fields, in the order of the tables."""
    symbol, interval, timezone = (body.get(name) for name in ("symbol", "interval", "timezone"))
    if symbol is not None and not _is_symbol(symbol):
        yield _error(symbol, "must be a valid tradingview EXCHANGE:SYMBOL", "symbol")
    if interval is not None and not (isinstance(interval, str) and _INTERVAL.fullmatch(interval)):
        yield _error(interval, "must be a supported interval", "interval")
    if timezone is not None and not (isinstance(timezone, str) and timezone in rules.timezones):
        yield _error(timezone, "must be a supported timezone", "timezone")
    plain = [entry for entry in rules.tables["parameters"] if entry["name"] not in {"symbol", "interval", "timezone"}]
    yield from _table_errors(body, plain, "")
    if isinstance(override := body.get("override"), Mapping):
        yield from _table_errors(override, rules.tables["override"], "override.")
        if isinstance(window := override.get("priceRange"), Mapping):
            yield from _table_errors(window, rules.tables["priceRange"], "override.priceRange.")
    if isinstance(span := body.get("range"), Mapping):
        yield from _table_errors(span, rules.tables["range"], "range.")
    for name, table in (("studies", "study"), ("drawings", "drawing")):
        if isinstance(listed := body.get(name), list):
            for place, entry in enumerate(listed):
                if isinstance(entry, Mapping):
                    yield from _table_errors(entry, rules.tables[table], f"{name}[{place}].")
                else:
                    yield _error(entry, "must be an object", f"{name}[{place}]")


def _is_symbol(value: object) -> bool:
    """Whether *value* is EXCHANGE:SYMBOL, or a formula of such."""
    if not isinstance(value, str) or not _SYMBOL.fullmatch(value):
        return False
    return 0 < value.count(":") == len(_EXCHANGE.findall(value)) and value.count("(") == value.count(")")


def _table_errors(
    fields: Mapping[str, object], table: Sequence[Mapping[str, Any]], prefix: str
) -> Iterator[FieldError]:
    """List what a table of the documentation finds wrong with *fields*."""
    for rule in table:
        value, param = fields.get(rule["name"]), f"{prefix}{rule['name']}"
        if value is None:
            if rule.get("required"):
                yield _error(None, "is required", param)
        elif problem := _problem(value, rule):
            yield _error(value, problem, param)


def _problem(value: object, rule: Mapping[str, Any]) -> str | None:
    """Say what is wrong with one value, by its row of a table."""
    kind = rule["type"]
    if kind == "String or Object":
        kind = "Object" if isinstance(value, Mapping) else "String"
    if kind == "Object[]":
        return None if isinstance(value, list) else "must be an array of objects"
    if kind == "DateTime":
        return None if _is_moment(value) else "must be a date and time in ISO 8601"
    if not isinstance(value, _TYPES[kind]) or (isinstance(value, bool) and kind != "Boolean"):
        return f"must be {_NAMED[kind]}"
    if kind != "Object" and "enum" in rule and value not in rule["enum"]:
        return f"must be one of {', '.join(map(str, rule['enum']))}"
    if isinstance(value, int | float):
        if "min" in rule and value < rule["min"]:
            return f"must be at least {rule['min']}"
        if "max" in rule and value > rule["max"]:
            return f"must be at most {rule['max']}"
    if isinstance(value, str) and rule.get("required") and not value.strip():
        return "must not be empty"
    return None


def _is_moment(value: object) -> bool:
    """Whether *value* is a date and time in ISO 8601."""
    try:
        datetime.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        return False
    return True


def _error(value: object, msg: str, param: str) -> FieldError:
    return {"value": value, "msg": msg, "param": param, "location": "body"}
