"""Request files: any bytes are read, each mistake has its place, and a right file has no finding."""

from __future__ import annotations

import json
from typing import Any

import attrs
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chartimg.adapters.catalog import shipped_catalog
from chartimg.adapters.templates import SHIPPED, load_templates
from chartimg.app.bootstrap import check
from chartimg.app.cli.request_file import MAX_FILE_BYTES, RequestFile, finding_line, read_request_file
from chartimg.domain.chart.template import ChartTemplate
from chartimg.domain.finding import Finding, Severity
from chartimg.domain.plan import Plan, PlanName
from rows import for_each

CATALOG = shipped_catalog()
BODY = {"symbol": "BINANCE:BTCUSDT", "interval": "1h", "studies": [{"name": "Volume"}]}
TEMPLATE = {"id": "t", "description": "", "chartImgSymbolTemplate": "BINANCE:{symbol}", "request": {"theme": "dark"}}
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters())
NAMES = st.sampled_from(["symbol", "interval", "width", "studies", "name", "input", "override", "range"]) | st.text()
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4), max_leaves=12
)
REPORTED_ELSEWHERE = {"symbol", "interval", "request", "chartImgSymbolTemplate"}
PAYLOADS = st.dictionaries(NAMES.filter(lambda name: name not in REPORTED_ELSEWHERE), VALUES, max_size=6)


def look(value: object, **options: Any) -> RequestFile:
    """Read a file that holds *value* as JSON."""
    return read_request_file(json.dumps(value).encode(), CATALOG, **options)


def lines_of(file: RequestFile) -> list[str]:
    """Return the findings as lines, without the name of the file."""
    return [finding_line("f", finding).removeprefix("f:").strip() for finding in file.findings]


@given(st.binary() | VALUES.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_taken(content: bytes) -> None:
    """Any bytes are read without a crash, and each finding is one printable line."""
    for is_template in (False, True):
        file = read_request_file(content, CATALOG, is_template=is_template)

        assert all(finding_line("name", finding).isprintable() for finding in file.findings)
        assert file.findings or isinstance(file.value, dict)


@given(VALUES)
def test_a_file_that_holds_no_body_has_an_error(value: object) -> None:
    """JSON that is not an object, or has no symbol, has an ERROR."""
    file = look(value)
    refused = any(finding.severity is Severity.ERROR for finding in file.findings)

    assert refused or (isinstance(file.value, dict) and "symbol" in file.value)


@given(PAYLOADS)
def test_a_body_has_the_findings_of_the_check(payload: dict[str, object]) -> None:
    """A file with a body has the findings of the check, and no others."""
    body = {**BODY, **payload}

    assert tuple(check(json.loads(json.dumps(body)))) == look(body).findings


@given(PAYLOADS, st.none() | st.sampled_from(CATALOG.plans))
@example({"chart_template_id": None}, None)
def test_a_template_has_the_findings_of_its_request(payload: dict[str, object], plan: Plan | None) -> None:
    """A file with a template has the findings of its request, below "request", and no others."""
    read = json.loads(json.dumps(payload))
    found = check(
        ChartTemplate("t", "", "BINANCE:{symbol}", read).request("BTCUSDT", "1h"), None if plan is None else plan.name
    )
    expected = [
        attrs.evolve(finding, path=f"request.{finding.path}" if finding.path else "request") for finding in found
    ]

    assert tuple(expected) == look({**TEMPLATE, "request": payload}, plan=plan).findings


@for_each(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b'{"a":\n [1 2]}', "is not JSON: Expecting ',' delimiter at line 2, column 5"),
        (b'{"a": "\n"}', "is not JSON: Invalid control character at line 1, column 8"),
        (b'{"a": 1} 2', "is not JSON: Extra data at line 1, column 10"),
        (b"\x89PNG\r\n\x1a\n", "is not UTF-8: byte 0x89 at line 1, byte 1"),
        ('{"a":\n "é"}'.encode("latin-1"), "is not UTF-8: byte 0xe9 at line 2, byte 3"),
        ("{}".encode("utf-16"), "is not UTF-8: byte 0xff at line 1, byte 1"),
        (b"[" * 100_000, "is not JSON that can be read: it is nested too deeply"),
        (b"[" + b"9" * 5_000 + b"]", "is not JSON that can be read: it has a number with too many digits"),
        (b'"' + b"a" * MAX_FILE_BYTES + b'"', "holds more than 4 MiB; the body of a chart request has a few KB"),
        (b"[{}]", "must hold an object, the body of a chart request or a template"),
        (b"null", "must hold an object, the body of a chart request or a template"),
    ],
)
def test_a_value_that_is_not_an_object_is_reported_with_its_place(content: bytes, message: str) -> None:
    """A file that is not an object has one ERROR, with line and column if the reader knows them."""
    assert (Finding("", Severity.ERROR, message),) == read_request_file(content, CATALOG).findings


def test_a_byte_order_mark_is_not_a_mistake() -> None:
    """A byte order mark, as editors on Windows write it, is ignored."""
    for value in (BODY, TEMPLATE):
        assert () == read_request_file(b"\xef\xbb\xbf" + json.dumps(value).encode(), CATALOG).findings


def test_a_key_that_stands_twice_is_a_warning() -> None:
    """A repeated key is a WARNING at its place, once for each key."""
    content = (
        b'{"symbol": "A", "symbol": "BINANCE:BTCUSDT", "theme": {"x": 1, "x": 2}, "theme": "dark",'
        b' "studies": [{"name": "Volume"}, {"name": "MACD", "input": {"in_0": 1, "in_0": 2, "in_0": 3, "in_1": 4}}]}'
    )

    assert [
        "symbol: WARNING: is repeated; the last one counts",
        "theme: WARNING: is repeated; the last one counts",
        "studies[1].input.in_0: WARNING: is repeated; the last one counts",
    ] == lines_of(read_request_file(content, CATALOG))


def test_numbers_that_json_does_not_have_are_found() -> None:
    """NaN and a number too large for JSON are ERRORs at their place."""
    content = b'{"symbol": "BINANCE:BTCUSDT", "width": NaN, "studies": [{"name": "MACD", "input": {"in_0": 1e999}}]}'
    found = read_request_file(content, CATALOG).findings

    assert [("width", Severity.ERROR), ("studies[0].input.in_0", Severity.ERROR)] == [
        (finding.path, finding.severity) for finding in found
    ]


@for_each("file", sorted(SHIPPED.glob("*.json")))
def test_a_template_that_ships_is_right(file: Any) -> None:
    """A template that ships is read as the loader reads it, without a finding for the smallest plan."""
    read = read_request_file(file.read_bytes(), CATALOG, CATALOG.plan_by_name[PlanName.BASIC], template_id=file.stem)

    assert (load_templates()[file.stem], ()) == (read.template, read.findings)


def test_all_that_is_wrong_with_a_template_is_reported_at_once() -> None:
    """All mistakes of a template are reported together: those of its form, its id, its pattern and its request."""
    file = look(
        {"id": "other", "chartImgSymbolTemplate": "BINANCE", "request": {"width": 1, "symbol": "x"}, "requests": 1},
        template_id="t",
    )

    assert file.template is None
    assert {
        "ERROR: the template has the unknown field requests; did you mean request?",
        "description: ERROR: is missing",
        "id: ERROR: 'other' differs from the file's name; rename one of them",
        "chartImgSymbolTemplate: ERROR: 'BINANCE' has no {symbol}; write it like \"BINANCE:{symbol}\"",
        "request.symbol: WARNING: is not used: it comes with each chart request; leave it out",
        "request.width: ERROR: 1 is not 400 or more",
    } == set(lines_of(file))


@pytest.mark.parametrize("name", list(TEMPLATE))
def test_a_field_of_another_type_is_reported_with_its_place(name: str) -> None:
    """A number in any field of a template is an ERROR at that field."""
    file = look({**TEMPLATE, name: 1})

    assert (None, name) == (file.template, file.findings[0].path)
    assert Severity.ERROR is file.findings[0].severity


def test_the_pattern_of_a_symbol_is_tried() -> None:
    """A mistake in the pattern of symbols is reported at the pattern."""
    assert [
        'chartImgSymbolTemplate: WARNING: the exchange "BINANCEX" is not in the catalog; did you mean "BINANCE:{symbol}"?'
    ] == lines_of(look({**TEMPLATE, "chartImgSymbolTemplate": "BINANCEX:{symbol}"}))
    assert ["chartImgSymbolTemplate"] == [
        finding.path for finding in look({**TEMPLATE, "chartImgSymbolTemplate": ":{symbol}"}).findings
    ]


def test_a_pattern_without_an_exchange_is_right() -> None:
    """A pattern without an exchange has no finding."""
    assert () == look({**TEMPLATE, "chartImgSymbolTemplate": "{symbol}"}).findings


def test_a_body_is_not_a_template() -> None:
    """If a template is required, a body lacks the fields of a template, and not a symbol."""
    assert {"id", "description", "chartImgSymbolTemplate"} <= {
        finding.path for finding in look(BODY, is_template=True).findings
    }
    assert "symbol" not in {finding.path for finding in look({}, is_template=True).findings}
