"""Will the provider take this request? Its own documented rules, applied before a call is paid for.

An ERROR is what the documentation rules out: a wrong type; a value that the tables of the provider's own parameters do not
allow; a required key that is missing; a symbol, an interval or a time zone that is none; more than a plan allows. A
WARNING is what may be wrong: what the catalog does not know, since the provider adds things, and values of studies,
drawings and styles outside their documented ranges, which contradict each other in places (API page, "API v2 TradingView
Advanced Chart", "Studies", "Drawings", "Chart Style Overrides").

Total: whatever can be read from JSON, and what a host may take for it, gives findings, and in time that grows with its
size alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Final, assert_never

import attrs

from ..chart import ChartRequest
from ..chart.json_body import place, unencodable
from ..chart.template import ChartTemplate
from ..finding import Finding, Severity
from ..plan import ChartLimits, Plan
from ..plan.demand import Demand
from ..plan.excess import exceeded
from .catalog import Catalog, Entry, Parameter, ValueType
from .suggestion import likely_interval, likely_name, likely_timezone
from .symbol import exchanges_of

__all__ = ["check_body", "check_payload", "check_request", "check_template"]

_MOST_SUGGESTIONS: Final = 16  # in one check; looking for the right name takes its time
_LONGEST_SHOWN: Final = 60  # characters
_MOST_CHOICES: Final = 12  # that are listed
_COLOUR: Final = re.compile(r"rgb\(( ?\d{1,3} ?,){2} ?\d{1,3} ?\)|rgba\(( ?\d{1,3} ?,){3} ?(0|1|0?\.\d+|[01]\.0+) ?\)")
_NO_ALIASES: Final[Mapping[str, Sequence[str]]] = {}
_IN_TEMPLATE: Final = {"": "request", "symbol": "chartImgSymbolTemplate", "chart_template_id": "id"}
_NAMED: Final[Mapping[ValueType, str]] = {
    ValueType.STRING: "text",
    ValueType.COLOUR: "text, a colour like rgb(33,150,243)",
    ValueType.INTEGER: "a whole number",
    ValueType.FLOAT: "a number",
    ValueType.BOOLEAN: "true or false",
    ValueType.OBJECT: "an object",
    ValueType.OBJECTS: "an array of objects",
    ValueType.MOMENT: "text, a date and time in ISO 8601",
    ValueType.STRING_OR_OBJECT: "text or an object",
}


def check_request(request: ChartRequest, catalog: Catalog, plan: Plan | None = None) -> list[Finding]:
    """List what is wrong, or may be, with *request* by the rules of *catalog*, for an account of *plan*.

    Without a plan only what the largest plan refuses counts as too much. Of a request that can't even be written as JSON
    nothing else is said.
    """
    problems = request.problems()
    return list(problems) if problems else _Check(catalog).body(request.parts, plan)


def check_template(template: ChartTemplate, catalog: Catalog, plan: Plan | None = None) -> list[Finding]:
    """List what is wrong, or may be, with a template, tried with BTCUSDT; places are those of its file.

    The interval, and a time zone it doesn't state, are not the template's. One that names no exchange is for symbols that
    do.
    """
    symbol = "BTCUSDT" if ":" in template.symbol_pattern else "BINANCE:BTCUSDT"
    found = [
        each
        for each in check_request(template.request(symbol, "1h"), catalog, plan)
        if each.path != "interval" and (each.path != "timezone" or "timezone" in template.payload)
    ]
    return [attrs.evolve(each, path=_IN_TEMPLATE.get(each.path, f"request.{each.path}")) for each in found]


def check_body(body: object, catalog: Catalog, plan: Plan | None = None) -> list[Finding]:
    """List what is wrong, or may be, with a *body* to post; any value is taken."""
    if not isinstance(body, Mapping):
        return [Finding("", Severity.ERROR, f"the body must be an object, not {_kind_of(body)}")]
    whole = dict(body)
    return list(unencodable(whole)) or _Check(catalog).body(whole, plan)


def check_payload(payload: Mapping[str, object], catalog: Catalog) -> list[Finding]:
    """List what is wrong, or may be, with part of a body: nothing needs to be in it."""
    return list(unencodable(dict(payload))) or _Check(catalog).payload(payload)


class _Check:
    """One walk over one body."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._listed = {
            "studies": ("study", catalog.study_by_name, catalog.study_by_alias),
            "drawings": ("drawing", catalog.drawing_by_name, catalog.drawing_by_alias),
        }
        self._found: list[Finding] = []
        self._suggestions = _MOST_SUGGESTIONS

    def body(self, body: Mapping[str, object], plan: Plan | None) -> list[Finding]:
        """Look at the whole."""
        self.payload(body)
        if body.get("symbol") is None:
            self._error("symbol", "is missing; without it the provider draws its own default", "BINANCE:BTCUSDT")
        self._limits(body, plan)
        return self._found

    def payload(self, payload: Mapping[str, object]) -> list[Finding]:
        """Look at a part of it."""
        by_name = self._catalog.parameter_by_name
        if by_name:
            self._fields("", payload, self._catalog.parameters, by_name, Severity.ERROR)
        for name, special in _SPECIAL.items():  # the rules of their own need no row
            if name not in by_name and isinstance(value := payload.get(name), str):
                special(self, name, value)
        self._contradictions(payload)
        return self._found

    def _fields(
        self,
        path: str,
        fields: Mapping[str, object],
        rows: Sequence[Parameter],
        by_name: Mapping[str, Parameter],
        strictness: Severity,
    ) -> None:
        """Look at the keys of an object that has a table; *strictness* is the severity of a value outside its range."""
        for name, value in fields.items():
            row = by_name.get(name)
            if row is not None:
                self._value(f"{path}.{name}" if path else name, value, row, strictness)
            else:
                self._unknown(place(path, name), "is no key", name, by_name, "here")
        for row in rows:
            if row.required and fields.get(row.name) is None:
                self._error(f"{path}.{row.name}" if path else row.name, "is required")

    def _value(self, path: str, value: object, row: Parameter, strictness: Severity) -> None:
        """Look at one value, by its row of a table."""
        if value is None:
            if not row.required and path != "symbol":  # of which more is said
                self._warn(path, "is null, of which the documentation does not speak; leave it out")
            return
        kind = row.type
        if not _is_a(value, kind):
            self._error(path, f"must be {_NAMED[kind]}, not {_kind_of(value)}")
        elif isinstance(value, str):
            self._text(path, value, row, strictness)
        elif isinstance(value, Mapping):
            self._object(path, value, row, strictness)
        elif isinstance(value, list | tuple):
            self._entries(path, value, row, strictness)
        elif (row.min is not None and value < row.min) or (row.max is not None and value > row.max):  # type: ignore[operator]
            self._found.append(Finding(path, strictness, f"{_shown(value)} is not {_range(row)}"))
        elif row.enum and value not in row.enum:
            self._found.append(Finding(path, strictness, f"{_shown(value)} is none of {_choices(row.enum)}"))

    def _text(self, path: str, value: str, row: Parameter, strictness: Severity) -> None:
        """Look at a text: by the rules of its own, if it has any, else by its table."""
        special = _SPECIAL.get(path)
        if special is not None:
            special(self, path, value)
        elif row.enum:
            if value not in row.enum:
                self._unknown(path, "is none of", value, tuple(map(str, row.enum)), _choices(row.enum), strictness)
            elif path == "format" and value != "png":
                self._error(path, f"{_shown(value)} is served, but chartimg takes only png; leave it out", "png")
        elif row.type is ValueType.COLOUR:
            if not _COLOUR.fullmatch(value):
                self._warn(path, f"{_shown(value)} is not written as documented, rgb(r,g,b) or rgba(r,g,b,a)")
        elif row.required and strictness is Severity.ERROR and not value.strip():
            self._error(path, "is empty")

    def _symbol(self, path: str, symbol: str) -> None:
        exchanges = exchanges_of(symbol)
        if isinstance(exchanges, str):
            self._error(path, f"{_shown(symbol)} {exchanges}")
            return
        for exchange in dict.fromkeys(exchanges):
            if self._catalog.exchanges and exchange not in self._catalog.exchange_set:
                self._unknown(path, "is no exchange of the catalog", exchange, self._catalog.exchanges)
            elif exchange in self._catalog.unavailable_exchanges:
                self._warn(path, f"{_shown(exchange)} is documented as not available")

    def _interval(self, path: str, interval: str) -> None:
        catalog = self._catalog
        if catalog.intervals and interval not in catalog.interval_set:
            likely = likely_interval(interval, catalog.intervals) if self._may_suggest() else None
            hint = f'did you mean "{likely}"?' if likely else f"there are {', '.join(catalog.intervals)}"
            self._error(path, f"{_shown(interval)} is no interval; {hint}", likely)
        elif interval in catalog.unconfirmed_intervals:
            self._warn(path, f"{_shown(interval)} is named in the documentation's change log only")

    def _timezone(self, path: str, timezone: str) -> None:
        catalog = self._catalog
        if catalog.timezones and timezone not in catalog.timezone_set:
            likely = likely_timezone(timezone, catalog.timezones) if self._may_suggest() else None
            hint = f'did you mean "{likely}"?' if likely else 'write one of the list, such as "America/New_York"'
            self._error(path, f"{_shown(timezone)} is no time zone of the provider; {hint}", likely)

    def _object(self, path: str, value: Mapping[str, object], row: Parameter, strictness: Severity) -> None:
        """Look into an object, if it is known what may be in it."""
        if path == "override.style" and self._catalog.styles:
            by_name = self._catalog.style_override_by_name
            self._fields(path, value, tuple(by_name.values()), by_name, Severity.WARNING)
        elif row.fields:
            self._fields(path, value, row.fields, row.field_by_name, strictness)

    def _entries(self, path: str, entries: Sequence[object], row: Parameter, strictness: Severity) -> None:
        """Look at the objects of an array: the studies, the drawings, or what a host's catalog knows of."""
        noun, known, aliases = self._listed.get(path, ("", {}, _NO_ALIASES))
        for number, entry in enumerate(entries):
            where = f"{path}[{number}]"
            if not isinstance(entry, Mapping):
                self._error(where, f"must be an object, not {_kind_of(entry)}")
                continue
            if row.fields:
                self._fields(where, entry, row.fields, row.field_by_name, strictness)
            name = entry.get("name")
            if not known or not isinstance(name, str):
                continue
            if name in known:
                self._entry(where, entry, known[name])
            elif name.strip():
                self._unknown(f"{where}.name", f"is no {noun} of the catalog", name, known, aliases=aliases)

    def _entry(self, path: str, entry: Mapping[str, object], rule: Entry) -> None:
        """Look at the inputs and overrides of one study or drawing.

        Without an ``input`` its required keys are missing, unless that alone is an ERROR already.
        """
        inputs, overrides = entry.get("input"), entry.get("override")
        if inputs is None:
            row = self._catalog.parameter_by_name[path.partition("[")[0]].field_by_name.get("input")
            inputs = {} if row is None or not row.required else None
        if isinstance(inputs, Mapping):
            self._fields(f"{path}.input", inputs, rule.inputs, rule.input_by_name, Severity.WARNING)
        if isinstance(overrides, Mapping):
            self._fields(f"{path}.override", overrides, rule.overrides, rule.override_by_name, Severity.WARNING)

    def _contradictions(self, body: Mapping[str, object]) -> None:
        """Look at keys that speak against each other."""
        if body.get("shiftLeft") is not None and body.get("shiftRight") is not None:
            self._warn("shiftRight", "contradicts shiftLeft; what both together do is not documented")
        span = body.get("range")
        if isinstance(span, Mapping) and _is_later(_moment(span.get("from")), _moment(span.get("to"))):
            self._warn("range.to", "is before range.from")
        override = body.get("override")
        window = override.get("priceRange") if isinstance(override, Mapping) else None
        if isinstance(window, Mapping):
            low, high = window.get("from"), window.get("to")
            if _is_a(low, ValueType.FLOAT) and _is_a(high, ValueType.FLOAT) and low >= high:  # type: ignore[operator]
                self._warn("override.priceRange.to", "is not above override.priceRange.from")

    def _limits(self, body: Mapping[str, object], plan: Plan | None) -> None:
        """Look at what is asked of the plan, or of the largest one."""
        demand, plans = Demand.of(body), self._catalog.plans
        if plan is not None:
            if not plan.chart.allows(demand):
                self._found += exceeded(demand, plan.chart, allowed_by=plan.name, plans=plans)
        elif plans and not any(each.chart.allows(demand) for each in reversed(plans)):
            self._found += exceeded(demand, _largest(plans), allowed_by="any plan", plans=plans)

    def _unknown(
        self,
        path: str,
        what: str,
        name: object,
        names: Collection[str],
        rest: str = "",
        severity: Severity = Severity.WARNING,
        aliases: Mapping[str, Sequence[str]] = _NO_ALIASES,
    ) -> None:
        """Tell of a name that is none, and which was perhaps meant."""
        likely = likely_name(str(name), names, aliases) if self._may_suggest() else None
        message = f"{_shown(name)} {what}{' ' if rest else ''}{rest}"
        if likely is not None:
            message += f'; did you mean "{likely}"?'
        elif len(names) <= _MOST_CHOICES and rest == "here":
            message += f"; there are {', '.join(names)}" if names else "; there are none"
        self._found.append(Finding(path, severity, message, likely))

    def _may_suggest(self) -> bool:
        self._suggestions -= 1
        return self._suggestions >= 0

    def _error(self, path: str, message: str, suggestion: str | None = None) -> None:
        self._found.append(Finding(path, Severity.ERROR, message, suggestion))

    def _warn(self, path: str, message: str) -> None:
        self._found.append(Finding(path, Severity.WARNING, message))


_SPECIAL: Final[Mapping[str, Callable[[_Check, str, str], None]]] = {
    "symbol": _Check._symbol,  # noqa: SLF001 (a table of its own methods)
    "interval": _Check._interval,  # noqa: SLF001
    "timezone": _Check._timezone,  # noqa: SLF001
}


def _is_a(value: object, kind: ValueType) -> bool:
    """Whether *value* has the type a table states."""
    match kind:
        case ValueType.STRING | ValueType.COLOUR:
            return isinstance(value, str)
        case ValueType.INTEGER:
            whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
            return whole and not isinstance(value, bool)
        case ValueType.FLOAT:
            return isinstance(value, int | float) and not isinstance(value, bool)
        case ValueType.BOOLEAN:
            return isinstance(value, bool)
        case ValueType.MOMENT:
            return _moment(value) is not None
        case ValueType.OBJECT:
            return isinstance(value, Mapping)
        case ValueType.OBJECTS:
            return isinstance(value, list | tuple)
        case ValueType.STRING_OR_OBJECT:
            return isinstance(value, str | Mapping)
        case _:
            assert_never(kind)


def _moment(value: object) -> datetime | None:
    """Read a date and time in ISO 8601."""
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _is_later(one: datetime | None, other: datetime | None) -> bool:
    """Whether *one* is after *other*; times with and without a zone can't be told."""
    if one is None or other is None or (one.tzinfo is None) is not (other.tzinfo is None):
        return False
    return one > other


def _largest(plans: Sequence[Plan]) -> ChartLimits:
    """Give the most that any plan allows."""
    return ChartLimits(
        max(plan.max_width for plan in plans),
        max(plan.max_height for plan in plans),
        max(plan.max_parameters for plan in plans),
        any(plan.custom_watermark for plan in plans),
    )


def _shown(value: object) -> str:
    """Write a value as JSON does, cut where it is long; it may hold anything."""
    text = json.dumps(value[:_LONGEST_SHOWN]) if isinstance(value, str) else str(value)[: _LONGEST_SHOWN + 1]
    return f"{text[:_LONGEST_SHOWN]}…" if len(text) > _LONGEST_SHOWN else text


def _kind_of(value: object) -> str:
    """Say in JSON's words what a value is."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return f"the number {_shown(value)}"
        case str():
            return f"the text {_shown(value)}"
        case Mapping():
            return "an object"
        case list() | tuple():
            return "an array"
        case _:
            return type(value).__name__


def _range(row: Parameter) -> str:
    """Say what range a number may be in."""
    if row.max is None:
        return f"{row.min:,} or more"
    return f"from {row.min:,} to {row.max:,}" if row.min is not None else f"{row.max:,} or less"


def _choices(enum: Sequence[str | int]) -> str:
    """List what a value may be."""
    listed = ", ".join(map(str, enum[:_MOST_CHOICES]))
    return f"{listed} …" if len(enum) > _MOST_CHOICES else listed
