"""Check a request by the provider's own documented rules, before a call is paid for.

An ERROR breaks the documentation:

- a wrong type, a missing required key, a malformed symbol;
- an unknown interval or time zone, or a value outside the tables of the chart's own parameters;
- more than a plan allows.

A WARNING is less sure. The provider adds names that the catalog does not know. The documented ranges of studies, drawings
and styles contradict each other in places. Source: API page, "API v2 TradingView Advanced Chart", "Studies", "Drawings",
"Chart Style Overrides".

Any value gives findings and never an exception, even a value that is not JSON. The time grows with the size of the body
alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import Final

import attrs

from ..chart import ChartRequest
from ..chart.json_body import json_problems, path_below
from ..chart.template import ChartTemplate
from ..finding import Finding, Severity
from ..plan import Plan, largest_limits, smallest_plan
from ..plan.demand import Demand
from ..plan.excess import exceeded
from .catalog import Catalog, Entry, Parameter, ValueType
from .suggestion import Unknown, likely_interval, likely_name, likely_timezone, with_suggestions
from .symbol import exchanges_of, off_exchange
from .value import TYPES, choices_of, is_later, is_number, kind_of, range_of, shown

__all__ = ["check_body", "check_payload", "check_request", "check_template", "ignored_keys"]

_MAX_LISTED_KEYS: Final = 12
_COLOUR: Final = re.compile(r"rgb\(( ?\d{1,3} ?,){2} ?\d{1,3} ?\)|rgba\(( ?\d{1,3} ?,){3} ?(0|1|0?\.\d+|[01]\.0+) ?\)")
_IN_TEMPLATE: Final = {"": "request", "symbol": "chartImgSymbolTemplate"}
_MISSING_SYMBOL: Final = Finding(
    "symbol", Severity.ERROR, "is missing; without it the provider draws its own default", "BINANCE:BTCUSDT"
)


Problems = Iterator[Finding | Unknown]


def check_request(request: ChartRequest, catalog: Catalog, plan: Plan | None = None) -> list[Finding]:
    """List the problems of *request* by the rules of *catalog*, for an account of *plan*.

    Without a plan, the limits are those of the largest one. If the request can't be written as JSON, only the reasons for
    that are listed.
    """
    found = _body(request.parts, request.demand, catalog, plan)
    return list(request.problems) or [*with_suggestions(found), *ignored_keys(request)]


def ignored_keys(request: ChartRequest) -> Iterator[Finding]:
    """Report a symbol and an interval in the payload that differ from those of the request, which count."""
    for name, value in (("symbol", request.symbol), ("interval", request.timeframe)):
        if request.payload.get(name, value) != value:
            problem = (
                f"in the payload is not used: that of the request counts, {shown(value)}; leave it out of the payload"
            )
            yield _warning(name, problem)


def check_template(template: ChartTemplate, catalog: Catalog, plan: Plan | None = None) -> list[Finding]:
    """List the problems of a template, checked as a request for BTCUSDT; places are those of its file.

    The interval, and a default time zone, are not part of the template. A template without an exchange is checked as
    a request for BINANCE:BTCUSDT.
    """
    symbol = "BTCUSDT" if ":" in template.symbol_pattern else "BINANCE:BTCUSDT"
    found = [
        each
        for each in check_request(template.request(symbol, "1h"), catalog, plan)
        if each.path != "interval" and (each.path != "timezone" or "timezone" in template.payload)
    ]
    places = dict(_IN_TEMPLATE)
    if "chart_template_id" not in template.payload:  # else it is a key of the body
        places["chart_template_id"] = "id"
    ignored = "is not used: it comes with each chart request; leave it out"
    return [
        *(_warning(f"request.{name}", ignored) for name in ("symbol", "interval") if name in template.payload),
        *(attrs.evolve(each, path=places.get(each.path, f"request.{each.path}")) for each in found),
    ]


def check_body(body: object, catalog: Catalog, plan: Plan | None = None) -> list[Finding]:
    """List the problems of a *body* to post. Any value is accepted."""
    if not isinstance(body, Mapping):
        return [Finding("", Severity.ERROR, f"the body must be an object, not {kind_of(body)}")]
    whole = dict(body)
    return list(json_problems(whole)) or with_suggestions(_body(whole, Demand.of(whole), catalog, plan))


def check_payload(payload: Mapping[str, object], catalog: Catalog) -> list[Finding]:
    """List the problems of a part of a body. It needs no symbol."""
    return list(json_problems(dict(payload))) or with_suggestions(_payload(payload, catalog))


def _body(body: Mapping[str, object], demand: Demand, catalog: Catalog, plan: Plan | None) -> Problems:
    yield from _payload(body, catalog)
    if body.get("symbol") is None:
        yield _MISSING_SYMBOL
    plans = catalog.plans
    if plan is not None:
        yield from exceeded(demand, plan.chart, allowed_by=plan.name, plans=plans)
    elif plans and smallest_plan(plans, demand) is None:
        yield from exceeded(demand, largest_limits(plans), allowed_by="any plan", plans=())


def _payload(payload: Mapping[str, object], catalog: Catalog) -> Problems:
    by_name = catalog.parameter_by_name
    if by_name:
        yield from _fields("", payload, by_name, Severity.ERROR, catalog)
    for name, rule in _SPECIAL.items():  # these rules need no table
        if name not in by_name and isinstance(value := payload.get(name), str):
            yield from rule(name, value, catalog)
    yield from _contradictions(payload)


def _fields(
    path: str, fields: Mapping[str, object], by_name: Mapping[str, Parameter], strictness: Severity, catalog: Catalog
) -> Problems:
    """Check the keys of an object by a table; *strictness* is the severity of a value outside its range."""
    for name, value in fields.items():
        row = by_name.get(name)
        if row is not None:
            yield from _value(f"{path}.{name}" if path else name, value, row, strictness, catalog)
        else:
            yield _unknown_key(path_below(path, name), name, by_name)
    for row in by_name.values():
        if row.required and fields.get(row.name) is None:
            yield _error(f"{path}.{row.name}" if path else row.name, "is required")


def _value(path: str, value: object, row: Parameter, strictness: Severity, catalog: Catalog) -> Problems:
    """Check one value by its row of a table."""
    if value is None:
        if not row.required and path != "symbol":  # these are missing, another finding says so
            yield _warning(path, "null is not documented; leave it out")
    elif not TYPES[row.type].includes(value):
        yield _error(path, f"must be {TYPES[row.type].name}, not {kind_of(value)}")
    elif isinstance(value, str):
        rule = _SPECIAL.get(path)
        yield from _text(path, value, row, strictness) if rule is None else rule(path, value, catalog)
    elif isinstance(value, Mapping):
        if path == "override.style" and catalog.styles:
            yield from _fields(path, value, catalog.style_override_by_name, Severity.WARNING, catalog)
        elif row.fields:
            yield from _fields(path, value, row.field_by_name, strictness, catalog)
    elif isinstance(value, list | tuple):
        yield from _entries(path, value, row, strictness, catalog)
    elif (row.min is not None and value < row.min) or (row.max is not None and value > row.max):  # type: ignore[operator]
        yield Finding(path, strictness, f"{shown(value)} is not {range_of(row)}")
    elif row.enum and value not in row.enum:
        yield Finding(path, strictness, f"{shown(value)} is not one of {choices_of(row.enum)}")


def _text(path: str, value: str, row: Parameter, strictness: Severity) -> Problems:
    """Check a text by its row of a table."""
    if row.enum:
        if value not in row.enum:
            message = f"{shown(value)} is not one of {choices_of(row.enum)}"
            yield Unknown(path, strictness, message, partial(likely_name, value, map(str, row.enum)))
        elif path == "format" and value != "png":
            yield _error(path, f"{shown(value)} is served, but chartimg accepts only png; leave it out", "png")
    elif row.type is ValueType.COLOUR:
        if not _COLOUR.fullmatch(value):
            yield _warning(path, f"{shown(value)} is not written as documented, rgb(r,g,b) or rgba(r,g,b,a)")
    elif row.required and strictness is Severity.ERROR and not value.strip():
        yield _error(path, "is empty")


def _entries(path: str, entries: Sequence[object], row: Parameter, strictness: Severity, catalog: Catalog) -> Problems:
    """Check the objects of an array: studies, drawings, or those of a host's own catalog."""
    for number, entry in enumerate(entries):
        where = f"{path}[{number}]"
        if not isinstance(entry, Mapping):
            yield _error(where, f"must be an object, not {kind_of(entry)}")
            continue
        if row.fields:
            yield from _fields(where, entry, row.field_by_name, strictness, catalog)
        if path == "studies":
            yield from _named(where, entry, catalog.study_by_name, catalog.study_by_alias, row, catalog)
        elif path == "drawings":
            yield from _named(where, entry, catalog.drawing_by_name, catalog.drawing_by_alias, row, catalog)


def _named(
    path: str,
    entry: Mapping[str, object],
    known: Mapping[str, Entry],
    aliases: Mapping[str, Sequence[str]],
    row: Parameter,
    catalog: Catalog,
) -> Problems:
    """Check the name of a study or a drawing, and its inputs and overrides by the table of that name.

    Without an ``input``, its required keys are missing. A missing ``input`` that is itself required is one ERROR, not two.
    """
    name = entry.get("name")
    if not known or not isinstance(name, str):
        return
    rule = known.get(name)
    if rule is None:
        if name.strip():
            message = f"{shown(name)} is not in the catalog"
            yield Unknown(f"{path}.name", Severity.WARNING, message, partial(likely_name, name, known, aliases))
        return
    inputs, overrides = entry.get("input"), entry.get("override")
    if inputs is None and not ((field := row.field_by_name.get("input")) and field.required):
        inputs = {}
    if isinstance(inputs, Mapping):
        yield from _fields(f"{path}.input", inputs, rule.input_by_name, Severity.WARNING, catalog)
    if isinstance(overrides, Mapping):
        yield from _fields(f"{path}.override", overrides, rule.override_by_name, Severity.WARNING, catalog)


def _symbol(path: str, symbol: str, catalog: Catalog) -> Problems:
    exchanges = exchanges_of(symbol)
    if isinstance(exchanges, str):
        yield _error(path, f"{shown(symbol)} {exchanges}")
        return
    known = catalog.exchanges
    for exchange in dict.fromkeys(exchanges):
        if known and exchange not in catalog.exchange_set:
            message = f"the exchange {shown(exchange)} is not in the catalog"
            yield Unknown(path, Severity.WARNING, message, partial(likely_name, exchange, known))
        elif exchange in catalog.unavailable_exchanges:
            yield _warning(path, f"{shown(exchange)} is documented as not available")
    if problem := off_exchange(symbol):
        yield _warning(path, problem)


def _interval(path: str, interval: str, catalog: Catalog) -> Problems:
    known = catalog.intervals
    if known and interval not in catalog.interval_set:
        message, otherwise = f"{shown(interval)} is not an interval", f"use one of {', '.join(known)}"
        yield Unknown(path, Severity.ERROR, message, partial(likely_interval, interval, known), otherwise)
    elif interval in catalog.unconfirmed_intervals:
        yield _warning(path, f"{shown(interval)} appears only in the change log of the documentation")


def _timezone(path: str, timezone: str, catalog: Catalog) -> Problems:
    known = catalog.timezones
    if known and timezone not in catalog.timezone_set:
        message, otherwise = f"{shown(timezone)} is not a time zone of the provider", "use one like America/New_York"
        yield Unknown(path, Severity.ERROR, message, partial(likely_timezone, timezone, known), otherwise)


_SPECIAL: Final[Mapping[str, Callable[[str, str, Catalog], Problems]]] = {
    "symbol": _symbol,
    "interval": _interval,
    "timezone": _timezone,
}
"""The texts with rules of their own, by place."""


def _contradictions(body: Mapping[str, object]) -> Iterator[Finding]:
    """Check keys that can contradict each other."""
    if body.get("shiftLeft") is not None and body.get("shiftRight") is not None:
        yield _warning("shiftRight", "contradicts shiftLeft; the two together are not documented")
    span = body.get("range")
    if isinstance(span, Mapping) and is_later(span.get("from"), span.get("to")):
        yield _warning("range.to", "is before range.from")
    override = body.get("override")
    window = override.get("priceRange") if isinstance(override, Mapping) else None
    if isinstance(window, Mapping):
        low, high = window.get("from"), window.get("to")
        if is_number(low) and is_number(high) and low >= high:  # type: ignore[operator]
            yield _warning("override.priceRange.to", "is not above override.priceRange.from")


def _unknown_key(path: str, name: object, known: Collection[str]) -> Unknown:
    keys = f"keys are {', '.join(known)}" if known else "no keys are documented"
    return Unknown(
        path,
        Severity.WARNING,
        f"{shown(name)} is not a key here",
        partial(likely_name, str(name), known),
        keys if len(known) <= _MAX_LISTED_KEYS else "",
    )


def _error(path: str, message: str, suggestion: str | None = None) -> Finding:
    return Finding(path, Severity.ERROR, message, suggestion)


def _warning(path: str, message: str) -> Finding:
    return Finding(path, Severity.WARNING, message)
