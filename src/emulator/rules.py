"""The provider's view of a body: an accepted chart, or a refusal.

The rules are the catalog's, and the decision is made here alone, so that the client's check can be tested against it.
Source: API page, "API v2 TradingView Advanced Chart", tables of parameters, and "Errors".

The documentation does not say how strictly the provider checks. Here, a wrong type is refused if the catalog knows the
type. A wrong number or choice is refused in the tables of the chart itself. In the inputs of studies and drawings it is
accepted, and so is every key that the catalog does not know.

Two refusals are known from the logs of public users, with their texts: a study whose name is not one of the documented
(``must be a supported name``), and a colour with an alpha of two decimals (``must be a valid rgb/rgba color``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from itertools import islice
from typing import Final

import attrs

from ..adapters.catalog import shipped_catalog
from ..domain.check.catalog import Catalog, Entry, Parameter, ValueType
from .layout import saved_look

_MARKS: Final = frozenset("_.:!/&()+-*^ ")  # allowed in a symbol or a formula, beside letters and digits
_EXCHANGE: Final = re.compile(r"(?<![A-Za-z0-9_])([A-Za-z0-9_]+):(?=\w)")  # takes time linear in the text
_COLOUR: Final = re.compile(r"rgba?\(([^()]*)\)")
_CHANNEL: Final = re.compile(r" ?(\d{1,3}) ?", re.ASCII)
_ALPHA: Final = re.compile(r" ?(0|1|0?\.\d|1\.0) ?", re.ASCII)
_MAX_CHANNEL: Final = 255
_INTERVAL: Final = re.compile(r"[1-9]\d{0,3}[smhDWMY]", re.ASCII)
_LAYOUT_DEFAULTS: Final[Mapping[str, object]] = {"width": 800, "height": 600, "format": "png"}
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
_MAX_FIELD_ERRORS: Final = 100
_MAX_REMEMBERED_BODIES: Final = 1024

FieldError = Mapping[str, object]


@attrs.frozen
class Refusal:
    """The answer to a wrong body: *status* and *body*, possibly empty."""

    status: int
    body: bytes = b""


@attrs.frozen
class AcceptedChart:
    """A body with its defaults; *identity* are bytes that only an equal body for the same layout has."""

    body: Mapping[str, object] = attrs.field(eq=False)
    identity: bytes

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return _whole(self.body["width"]), _whole(self.body["height"])

    @property
    def parameters(self) -> int:
        """The number of studies and drawings in the body; those saved in a layout do not count."""
        if "layoutId" in self.body:
            return 0
        return sum(len(listed) for name in ("studies", "drawings") if isinstance(listed := self.body.get(name), list))

    @property
    def watermark(self) -> bool:
        """Whether there is a custom watermark."""
        return bool(self.body.get("watermark"))


@lru_cache(maxsize=_MAX_REMEMBERED_BODIES)
def read_body(content: bytes, catalog: Catalog | None = None, layout: str = "") -> AcceptedChart | Refusal:
    """Return the accepted chart or the refusal of a body, by *catalog* or the shipped one. Never raises.

    With the id of a *layout* the body is one for that layout: it draws the look, the symbol and the interval saved in it.
    """
    try:
        body = json.loads(content or b"{}", parse_constant=_refuse_constant)
        identity = json.dumps(
            [layout, body], sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
        ).encode()  # raises for a lone surrogate or an infinite number
    except (ValueError, RecursionError):
        return Refusal(400)
    if not isinstance(body, dict):
        return _refused({"message": "Invalid Request"})
    rules = catalog or shipped_catalog()
    rows = rules.layout_parameters if layout else rules.parameters
    if errors := list(islice(_body_errors(body, rules, rows), _MAX_FIELD_ERRORS)):
        return _refused(errors)
    symbol, interval = body.get("symbol"), body.get("interval")
    if isinstance(symbol, str) and rules.exchanges and not rules.exchange_set.issuperset(_EXCHANGE.findall(symbol)):
        return _refused({"message": "Invalid Symbol"})
    if isinstance(interval, str) and rules.intervals and interval not in rules.interval_set:
        return _refused({"message": "Invalid Interval"})
    given = {name: value for name, value in body.items() if value is not None}
    if layout:
        known = {row.name for row in rows}
        stated = {name: value for name, value in given.items() if name in known}
        return AcceptedChart({**_LAYOUT_DEFAULTS, **saved_look(layout), **stated, "layoutId": layout}, identity)
    return AcceptedChart({**_DEFAULTS, **given}, identity)


def _refuse_constant(_: str) -> object:
    """Refuse NaN and Infinity: they are not JSON."""
    raise ValueError


def _refused(content: object) -> Refusal:
    """Return a 422 with *content*, or a 400 if it is nested too deep to be written."""
    try:
        return Refusal(422, json.dumps(content, separators=(",", ":")).encode())
    except RecursionError:
        return Refusal(400)


def _whole(value: object) -> int:
    return int(value) if isinstance(value, int | float) else 0


def _body_errors(body: Mapping[str, object], rules: Catalog, rows: Iterable[Parameter]) -> Iterator[FieldError]:
    """List the errors of the fields, in the order of the catalog."""
    for row in rows:
        value = body.get(row.name)
        match row.name:
            case "symbol" if value is not None and not _is_symbol(value):
                yield _error(value, "must be a valid tradingview EXCHANGE:SYMBOL", row.name)
            case "interval" if value is not None and not _is_interval(value, rules):
                yield _error(value, "must be a supported interval", row.name)
            case "timezone" if value is not None and not _is_timezone(value, rules):
                yield _error(value, "must be a supported timezone", row.name)
            case _:
                yield from _table_errors(body, [row], "", strict=True)
        if row.name == "override" and isinstance(value, Mapping):
            yield from _part_errors(value, "style", rules.style_override_by_name.values(), row.name)
        elif row.name in {"studies", "drawings"} and isinstance(value, list):
            known = rules.study_by_name if row.name == "studies" else rules.drawing_by_name
            for place, entry in enumerate(value):
                yield from _entry_errors(entry, known, row, f"{row.name}[{place}]")


def _entry_errors(entry: object, known: Mapping[str, Entry], row: Parameter, prefix: str) -> Iterator[FieldError]:
    """List the errors within a study or a drawing: an unknown name, or errors by the tables of a known one.

    Without an ``input`` its required keys are missing, unless ``input`` itself is required.
    """
    name = entry.get("name") if isinstance(entry, Mapping) else None
    if isinstance(entry, Mapping) and isinstance(name, str) and known:
        if (found := known.get(name)) is None:
            if name.strip():  # an empty one is an error of its own
                yield _error(name, "must be a supported name", f"{prefix}.name")
            return
        if entry.get("input") is None and not any(field.required for field in row.fields if field.name == "input"):
            entry = {**entry, "input": {}}
        yield from _part_errors(entry, "input", found.inputs, prefix)
        yield from _part_errors(entry, "override", found.overrides, prefix)


def _is_symbol(value: object) -> bool:
    """Return whether *value* is EXCHANGE:SYMBOL or a formula of such, in any script, without spaces around."""
    if not isinstance(value, str) or not all(letter in _MARKS or letter.isalnum() for letter in value):
        return False
    return value == value.strip() and _is_balanced(value) and 0 < value.count(":") == len(_EXCHANGE.findall(value))


def _is_interval(value: object, rules: Catalog) -> bool:
    """Return whether *value* has the form of an interval, known or not."""
    return isinstance(value, str) and (not rules.intervals or bool(_INTERVAL.fullmatch(value)))


def _is_timezone(value: object, rules: Catalog) -> bool:
    return isinstance(value, str) and (not rules.timezones or value in rules.timezone_set)


def _is_balanced(text: str) -> bool:
    depth = 0
    for letter in text:
        depth += (letter == "(") - (letter == ")")
        if depth < 0:
            return False
    return depth == 0


def _part_errors(
    whole: Mapping[str, object], name: str, table: Iterable[Parameter], prefix: str
) -> Iterator[FieldError]:
    """List the wrong types in the part *name* of *whole*, if there is one."""
    if isinstance(part := whole.get(name), Mapping):
        yield from _table_errors(part, table, f"{prefix}.{name}.", strict=False)


def _table_errors(
    fields: Mapping[str, object], table: Iterable[Parameter], prefix: str, *, strict: bool
) -> Iterator[FieldError]:
    """List the errors of *fields* by a table of the documentation; numbers and choices only if *strict*."""
    for row in table:
        value, param = fields.get(row.name), f"{prefix}{row.name}"
        if value is None:
            if row.required:
                yield _error(None, "is required", param)
        elif not (kind := _TYPES[row.type])[1](value):
            yield _error(value, f"must be {kind[0]}", param)
        elif isinstance(value, Mapping):
            yield from _table_errors(value, row.fields, f"{param}.", strict=strict)
        elif isinstance(value, list):
            for place, entry in enumerate(value):
                if isinstance(entry, Mapping):
                    yield from _table_errors(entry, row.fields, f"{param}[{place}].", strict=strict)
                else:
                    yield _error(entry, "must be an object", f"{param}[{place}]")
        elif row.type is ValueType.COLOUR and not _is_colour(str(value)):
            yield _error(value, "must be a valid rgb/rgba color", param)
        elif strict and (problem := _problem(value, row)):
            yield _error(value, problem, param)


def _is_colour(text: str) -> bool:
    """Return whether *text* is ``rgb(r,g,b)`` or ``rgba(r,g,b,a)``, with one decimal in the alpha at most."""
    numbers = found[1].split(",") if (found := _COLOUR.fullmatch(text)) else []
    channels = [int(number[1]) for part in numbers[:3] if (number := _CHANNEL.fullmatch(part))]
    if len(channels) < 3 or max(channels) > _MAX_CHANNEL:  # noqa: PLR2004 (red, green and blue)
        return False
    return numbers[3:] == [] if text.startswith("rgb(") else len(numbers) == 4 and bool(_ALPHA.fullmatch(numbers[3]))  # noqa: PLR2004


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_moment(value: object) -> bool:
    """Return whether *value* is a date, or a date and time, in ISO 8601."""
    try:
        datetime.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        return False
    return True


def _is_text(value: object) -> bool:
    return isinstance(value, str)


_TYPES: Final[Mapping[ValueType, tuple[str, Callable[[object], bool]]]] = {
    ValueType.STRING: ("text", _is_text),
    ValueType.COLOUR: ("text", _is_text),
    ValueType.INTEGER: (
        "an integer",
        lambda value: value.is_integer() if isinstance(value, float) else _is_number(value),
    ),
    ValueType.FLOAT: ("a number", _is_number),
    ValueType.BOOLEAN: ("a boolean", lambda value: isinstance(value, bool)),
    ValueType.MOMENT: ("a date and time in ISO 8601", _is_moment),
    ValueType.OBJECT: ("an object", lambda value: isinstance(value, Mapping)),
    ValueType.OBJECTS: ("an array of objects", lambda value: isinstance(value, list)),
    ValueType.STRING_OR_OBJECT: ("text or an object", lambda value: isinstance(value, str | Mapping)),
}
"""The types of the documentation: their names, and whether a value is of one."""


def _problem(value: object, row: Parameter) -> str | None:
    """Return the error in the number or the choice of a value of the right type."""
    if row.enum and value not in row.enum:
        return f"must be one of {', '.join(map(str, row.enum))}"
    if isinstance(value, int | float):
        if row.min is not None and value < row.min:
            return f"must be at least {row.min}"
        if row.max is not None and value > row.max:
            return f"must be at most {row.max}"
    if isinstance(value, str) and row.required and not value.strip():
        return "must not be empty"
    return None


def _error(value: object, msg: str, param: str) -> FieldError:
    return {"value": value, "msg": msg, "param": param, "location": "body"}
