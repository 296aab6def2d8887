"""Check a request by the provider's own documented rules, before a call is paid for.

An ERROR breaks the documentation, or is what public users saw refused:

- a wrong type, a missing required key, a malformed symbol, an exchange in another case;
- an unknown interval, time zone, study or drawing, or a value outside the tables of the chart's own parameters;
- a text that is not a colour in the provider's notation;
- more than a plan allows.

A WARNING is less sure. The provider adds exchanges that the catalog does not know, and ignores unknown keys. The documented
ranges of studies, drawings and styles contradict each other in places. Source: API page, "API v2 TradingView Advanced Chart",
"Studies", "Drawings", "Chart Style Overrides".

Any value gives findings and never an exception, even a value that is not JSON. The time grows with the size of the body
alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Final

import attrs

from ..chart import Request
from ..chart.endpoint import ADVANCED_CHART, ChartEndpoint
from ..chart.json_body import json_problems, path_below
from ..chart.template import ChartTemplate
from ..finding import Finding, Severity
from ..plan import Plan, largest_limits, smallest_plan
from ..plan.demand import Demand
from ..plan.excess import exceeded
from .catalog import Catalog
from .colour import is_colour
from .listed import NO_LISTS, KeptLists, with_lists
from .notation import likely_range
from .parameter import Entry, Parameter, Table, ValueType
from .particular import PARTICULAR, Problems, error, unknown_key, unknown_name, warning
from .suggestion import Unknown, likely_interval, likely_name, with_suggestions
from .value import TYPES, choices_of, is_later, is_number, kind_of, range_of, shown

__all__ = ["check_body", "check_payload", "check_request", "check_template", "ignored_keys"]

_IN_TEMPLATE: Final = {"": "request", "symbol": "chartImgSymbolTemplate"}
_TRIED_TICKER: Final = "BTCUSDT"  # a template is checked with it
_MISSING_SYMBOL: Final = Finding(
    "symbol", Severity.ERROR, "is missing; without it the provider draws its own default", "BINANCE:BTCUSDT"
)
_OPPOSITES: Final = (("shiftLeft", "shiftRight"), ("moveLeft", "moveRight"), ("zoomIn", "zoomOut"))
_LOOKED_AT: Final = frozenset({*PARTICULAR, "format", "style"})  # keys with rules beside their row of the table
_LOOKED_IN: Final = frozenset({"", "override"})


def check_request(
    request: Request, catalog: Catalog, plan: Plan | None = None, lists: KeptLists = NO_LISTS
) -> list[Finding]:
    """List the problems of *request* by the rules of *catalog*, for an account of *plan*.

    Without a plan, the limits are those of the largest one. If the request can't be written as JSON, only the reasons for
    that are listed. The symbol is held against the provider's *lists* that are kept, too.
    """
    if problems := request.problems:
        return list(problems)
    found = _body(request.parts, request.demand, catalog, plan, request.endpoint)
    found = with_lists(found, request.parts, request.endpoint, catalog, lists)
    return [*with_suggestions(found), *ignored_keys(request)]


def ignored_keys(request: Request) -> Iterator[Finding]:
    """Report a symbol and an interval in the payload that differ from those of the request, which count."""
    for name, value in (("symbol", request.symbol), ("interval", request.timeframe)):
        if value is not None and request.payload.get(name, value) != value:
            problem = (
                f"in the payload is not used: that of the request counts, {shown(value)}; leave it out of the payload"
            )
            yield warning(name, problem)


def check_template(template: ChartTemplate, catalog: Catalog, plan: Plan | None = None) -> list[Finding]:
    """List the problems of a template, checked as a request for BTCUSDT; places are those of its file.

    The interval, and a default time zone, are not part of the template. A template without an exchange is checked as
    a request for BINANCE:BTCUSDT.
    """
    symbol = _TRIED_TICKER if ":" in template.symbol_pattern else f"BINANCE:{_TRIED_TICKER}"
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
        *(warning(f"request.{name}", ignored) for name in ("symbol", "interval") if name in template.payload),
        *(_in_template(each, places.get(each.path, f"request.{each.path}")) for each in found),
    ]


def _in_template(finding: Finding, path: str) -> Finding:
    """Return a finding of a template's request at its place in the file; a suggested symbol becomes a pattern."""
    suggestion, message = finding.suggestion, finding.message
    if finding.path == "symbol" and suggestion is not None:
        pattern = suggestion.replace(_TRIED_TICKER, "{symbol}")
        suggestion, message = pattern, message.replace(suggestion, pattern)
    return attrs.evolve(finding, path=path, message=message, suggestion=suggestion)


def check_body(
    body: object,
    catalog: Catalog,
    plan: Plan | None = None,
    endpoint: ChartEndpoint = ADVANCED_CHART,
    lists: KeptLists = NO_LISTS,
) -> list[Finding]:
    """List the problems of a *body* to post to *endpoint*, with the provider's *lists* that are kept. Any value is accepted."""
    if not isinstance(body, Mapping):
        return [Finding("", Severity.ERROR, f"the body must be an object, not {kind_of(body)}")]
    whole = dict(body)
    if problems := list(json_problems(whole)):
        return problems
    found = _body(whole, endpoint.demand_of(whole), catalog, plan, endpoint)
    return with_suggestions(with_lists(found, whole, endpoint, catalog, lists))


def check_payload(payload: Mapping[str, object], catalog: Catalog) -> list[Finding]:
    """List the problems of a part of a body. It needs no symbol."""
    return list(json_problems(dict(payload))) or with_suggestions(_payload(payload, catalog, ADVANCED_CHART))


def _body(
    body: Mapping[str, object], demand: Demand, catalog: Catalog, plan: Plan | None, endpoint: ChartEndpoint
) -> Problems:
    found = _payload(body, catalog, endpoint)
    if endpoint.needs_symbol and body.get("symbol") is None:
        found.append(_MISSING_SYMBOL)
    plans = catalog.plans
    if plan is not None:
        found += exceeded(demand, plan.chart, allowed_by=plan.name, plans=plans)
    elif plans and smallest_plan(plans, demand) is None:
        found += exceeded(demand, largest_limits(plans), allowed_by="any plan", plans=())
    return found


def _payload(payload: Mapping[str, object], catalog: Catalog, endpoint: ChartEndpoint) -> Problems:
    found: Problems = []
    by_name = catalog.rows_of(endpoint)
    if by_name:
        _fields(found, "", payload, by_name, Severity.ERROR, catalog)
    for name, rule in PARTICULAR.items():  # these rules need no table; a key that a layout lacks is unknown to it
        if (
            (endpoint is ADVANCED_CHART or not by_name)
            and name not in by_name
            and isinstance(value := payload.get(name), str)
        ):
            rule(found, name, value, catalog)
    _contradictions(found, payload)
    return found


def _fields(
    found: Problems, path: str, fields: Mapping[str, object], rows: Table, strictness: Severity, catalog: Catalog
) -> None:
    """Check the keys of an object by a table; *strictness* is the severity of a value outside its range."""
    for name, value in fields.items():
        row = rows.get(name)
        if row is None:
            found.append(unknown_key(path_below(path, name), name, rows))
        elif (name in _LOOKED_AT and path in _LOOKED_IN) or not row.surely_fits(value):
            _value(found, f"{path}.{name}" if path else name, value, row, strictness, catalog)
    for name in rows.required:
        if fields.get(name) is None:
            found.append(error(f"{path}.{name}" if path else name, "is required"))


def _value(found: Problems, path: str, value: object, row: Parameter, strictness: Severity, catalog: Catalog) -> None:
    """Check one value by its row of a table."""
    if value is None:
        if not row.required and path != "symbol":  # these are missing, another finding says so
            found.append(warning(path, "null is not documented; leave it out"))
    elif not TYPES[row.type].includes(value):
        found.append(_wrong_type(path, value, row, catalog))
    elif isinstance(value, str):
        rule = PARTICULAR.get(path)
        if rule is None:
            _text(found, path, value, row, strictness)
        else:
            rule(found, path, value, catalog)
    elif isinstance(value, Mapping):
        if path == "override.style" and catalog.styles:
            _fields(found, path, value, catalog.style_override_by_name, Severity.WARNING, catalog)
        elif row.fields:
            _fields(found, path, value, row.field_by_name, strictness, catalog)
    elif isinstance(value, list | tuple):
        _entries(found, path, value, row, strictness, catalog)
    elif (row.min is not None and value < row.min) or (row.max is not None and value > row.max):  # type: ignore[operator]
        found.append(Finding(path, strictness, f"{shown(value)} is not {range_of(row)}"))
    elif row.enum and value not in row.enum:
        found.append(Finding(path, strictness, f"{shown(value)} is not one of {choices_of(row.enum)}"))


def _wrong_type(path: str, value: object, row: Parameter, catalog: Catalog) -> Finding | Unknown:
    message = f"must be {TYPES[row.type].name}, not {kind_of(value)}"
    if path == "interval" and type(value) is int:  # minutes, as TradingView writes them
        return Unknown(path, Severity.ERROR, message, partial(likely_interval, shown(value), catalog.intervals))
    return error(path, message)


def _text(found: Problems, path: str, value: str, row: Parameter, strictness: Severity) -> None:
    """Check a text by its row of a table."""
    if row.enum:
        if value not in row.enum:
            message = f"{shown(value)} is not one of {choices_of(row.enum)}"
            likely = likely_range if path == "range" else likely_name
            found.append(Unknown(path, strictness, message, partial(likely, value, tuple(map(str, row.enum)))))
        elif path == "format" and value != "png":
            found.append(error(path, f"{shown(value)} is served, but chartimg accepts only png; leave it out", "png"))
    elif row.type is ValueType.COLOUR:
        if not is_colour(value):
            found.append(
                error(
                    path,
                    f"{shown(value)} is not a colour of the provider; write rgb(r,g,b) or rgba(r,g,b,a), "
                    "with an alpha of one decimal, as in rgba(33,150,243,0.5)",
                )
            )
    elif row.required and strictness is Severity.ERROR and not value.strip():
        found.append(error(path, "is empty"))


def _entries(
    found: Problems, path: str, entries: Sequence[object], row: Parameter, strictness: Severity, catalog: Catalog
) -> None:
    """Check the objects of an array: studies, drawings, or those of a host's own catalog."""
    for number, entry in enumerate(entries):
        where = f"{path}[{number}]"
        if not isinstance(entry, dict):
            found.append(error(where, f"must be an object, not {kind_of(entry)}"))
            continue
        if row.fields:
            _fields(found, where, entry, row.field_by_name, strictness, catalog)
        if path == "studies":
            _named(found, where, entry, catalog.study_by_name, catalog.study_by_alias, row, catalog)
        elif path == "drawings":
            _named(found, where, entry, catalog.drawing_by_name, catalog.drawing_by_alias, row, catalog)


def _named(
    found: Problems,
    path: str,
    entry: Mapping[str, object],
    known: Mapping[str, Entry],
    aliases: Mapping[str, Sequence[str]],
    row: Parameter,
    catalog: Catalog,
) -> None:
    """Check the name of a study or a drawing, and its inputs and overrides by the table of that name.

    Without an ``input``, its required keys are missing. A missing ``input`` that is itself required is one ERROR, not two.
    """
    name = entry.get("name")
    if not known or not isinstance(name, str):
        return
    rule = known.get(name)
    if rule is None:
        if name.strip():
            found.append(unknown_name(path, name, known, aliases))
        return
    inputs, overrides = entry.get("input"), entry.get("override")
    if inputs is None and not ((field := row.field_by_name.get("input")) and field.required):
        inputs = {}
    if isinstance(inputs, dict):
        _fields(found, f"{path}.input", inputs, rule.input_by_name, Severity.WARNING, catalog)
    if isinstance(overrides, dict):
        _fields(found, f"{path}.override", overrides, rule.override_by_name, Severity.WARNING, catalog)


def _contradictions(found: Problems, body: Mapping[str, object]) -> None:
    """Check keys that can contradict each other."""
    for one, other in _OPPOSITES:
        if body.get(one) is not None and body.get(other) is not None:
            found.append(warning(other, f"contradicts {one}; the two together are not documented"))
    span = body.get("range")
    if isinstance(span, Mapping) and is_later(span.get("from"), span.get("to")):
        found.append(warning("range.to", "is before range.from"))
    override = body.get("override")
    window = override.get("priceRange") if isinstance(override, Mapping) else None
    if isinstance(window, Mapping):
        low, high = window.get("from"), window.get("to")
        if is_number(low) and is_number(high) and low >= high:  # type: ignore[operator]
            found.append(warning("override.priceRange.to", "is not above override.priceRange.from"))
