"""The check and the emulator use the same catalog with separate code, and agree on every ERROR."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, Final

import attrs
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from chartimg import ChartRequest
from chartimg.adapters.catalog import shipped_catalog
from chartimg.app.bootstrap import check
from chartimg.domain.chart.endpoint import LAYOUT_CHART
from chartimg.domain.check.catalog import Catalog, Entry, Parameter, ValueType
from chartimg.domain.check.check import check_body, ignored_keys
from chartimg.domain.check.picture import picture_warnings
from chartimg.domain.classification import classify
from chartimg.domain.faults import ChartApiError, FaultKind
from chartimg.domain.finding import Finding, Severity
from chartimg.domain.plan import Plan, PlanName
from chartimg.domain.reply import Reply
from chartimg.domain.reply.png import inspect
from chartimg.emulator.accounts import EmulatedAccount
from chartimg.emulator.answer import HttpRequest
from chartimg.emulator.drawing import draw
from chartimg.emulator.provider import CHART_PATH, LAYOUT_PATH, Provider
from chartimg.testing import picture
from documented_examples import documented_examples
from rows import for_each
from samples import NOON

Body = dict[str, Any]

KNOWN: Final = "BINANCE:BTCUSDT"
LAYOUT: Final = f"{LAYOUT_PATH}/abc"
JPEG: Final = b"\xff\xd8\xff\xe0 a picture, but no PNG"
OF_THE_PLAN: Final = frozenset({"width", "height", "studies", "drawings", "watermark"})
MAX_DETAILS: Final = 50  # field errors in one result

CATALOG: Final = shipped_catalog()
OWN: Final = CATALOG.extended(
    Catalog(
        intervals=("9h",),
        timezones=("UTC",),
        exchanges=("NOWHERE",),
        parameters=(Parameter("new", ValueType.INTEGER, required=True, enum=(1, 2)),),
        drawings=(Entry("Text", (Parameter("text", ValueType.OBJECTS, fields=(Parameter("of", ValueType.FLOAT),)),)),),
        studies=(Entry("New Study", (Parameter("length", ValueType.INTEGER, required=True, max=9),)),),
        plans=(attrs.evolve(CATALOG.plans[0], max_width=700, max_height=500),),
    )
)
"""A host's catalog with kinds of rows that the shipped one lacks, and a plan below the default size."""

MOMENTS: Final = (
    "2026-01-05T12:00:00Z",
    "2026-01-05T12:00:00.000Z",
    "2026-01-05",
    "2026-01-05T12:00+05:30",
    "20260105",
)
SYMBOLS: Final = (
    *(KNOWN, "NASDAQ:AAPL", "CME_MINI:NQ1!", "BMV:CEMEX/CPO", "NYSE:BRK.B", "HKEX:700", "BITGET:币安人生USDT"),
    *("(NASDAQ:MARA+NASDAQ:RIOT)/10", "NASDAQ:MARA/NASDAQ:RIOT", "1/(OANDA:EURUSD - 0.5*FX:GBPUSD)^2"),
)
NO_SYMBOLS: Final = (
    *(
        None,
        "",
        " ",
        "BTCUSDT",
        "NOWHERE:BTCUSDT",
        "BINANCE:",
        ":BTCUSDT",
        "BINANCE::BTCUSDT",
        "BINANCE:BTC USDT:",
        "A:B",
    ),
    *("(BINANCE:A", "BINANCE:A)", "BINANCE:A+NOWHERE:B", "binance:BTCUSDT", "BINANCE:A$", "BINANCE:A\n", "币:A", "A:²"),
    *("éBINANCE:A", "BINANCE:_", "BINANCE:!", "BINANCE:A,BINANCE:B", " BINANCE:A ", ")BINANCE:A("),
)
ODD: Final[Sequence[Any]] = (
    *(None, True, False, 0, 1, -1, 16, 16.0, 0.1, 800.0, 800.5, 1e9, -1e300, 10**30, 2049, [], [None], ["MACD"], {}),
    *([{}], [[]], [{"name": " "}], [{"name": 1}], {"name": "MACD"}, {"from": MOMENTS[0]}, {"from": "x", "to": None}),
    *("", " ", "x", "800", "1H", "9h", "2m", "60m", "1d", "UTC", "utc", "Etc/UTC", "etc/utc", "jpeg", "PNG", "gif"),
    *(
        "Dark",
        "dark",
        "candle",
        "true",
        "rgb(1,2,3)",
        "rgba(1,2,3,0.25)",
        "rgb(1,2,256)",
        "red",
        "12:00",
        "2026-13-01",
        "2026-01-05 12:00",
        *MOMENTS,
    ),
    *(" 2024-01-01 ", "2024-01-01 ", " 2024-01-01"),
)


EXAMPLES: Final[Sequence[Body]] = [
    *documented_examples().values(),
    *documented_examples(as_in_the_table=True).values(),
]
ANCHORS: Final = ("startDatetime", "startPrice", "endDatetime", "endPrice")
COLOUR: Final = "rgb(33,150,243)"
COLOURS_OF_ALL_FORMS: Final = (COLOUR, "rgba(0,0,0,0.5)", "rgba( 0, 0, 255, 1.0 )", "rgba(255,255,255,.5)")
EVERYTHING: Final[Body] = {
    **{row.name: row.default for row in CATALOG.parameters if row.default is not None},
    "shiftLeft": 1,
    "shiftRight": 1,
    "watermark": "mine",
    "range": {"from": MOMENTS[0], "to": MOMENTS[1]},
    "override": {
        **{row.name: row.default for row in CATALOG.parameter_by_name["override"].fields if row.default is not None},
        "mainPaneHeight": 100,
        "priceRange": {"from": 1.5, "to": 2, "margin": 0.1},
        "style": {row.name: row.default for row in CATALOG.styles[0].overrides},
    },
    "studies": [
        {
            "name": "MACD",
            "forceOverlay": False,
            "input": {"in_0": 12, "in_3": "close"},
            "override": {"MACD.visible": True, "MACD.linewidth": 1, "MACD.plottype": "line", "MACD.color": COLOUR},
        }
    ],
    "drawings": [
        {"name": "Text", "zOrder": "top", "input": {"datetime": MOMENTS[0], "price": 1, "text": "mine"}},
        {
            "name": "Fib Retracement",
            "input": dict(zip(ANCHORS, (MOMENTS[0], 1.5, MOMENTS[1], 2), strict=True)),
            "override": {"fontSize": 9, "level1": {"coeff": 0.5, "visible": True, "color": COLOUR}},
        },
    ],
}
"""A body with a value of each kind in each place."""


def strict_json(body: object) -> bytes:
    """Return a body as it is posted."""
    return json.dumps(body, allow_nan=False).encode()


@cache
def provider(catalog: Catalog) -> Provider:
    """Make a provider with an unlimited account of each plan; its key is the name of the plan."""
    accounts = [EmulatedAccount(plan.name, plan.name, 10**9, plan.name, 1e6, 10**9) for plan in catalog.plans]
    return Provider(accounts, lambda: NOON, catalog=catalog)


def refusal(body: object, plan: Plan, catalog: Catalog = CATALOG, path: str = CHART_PATH) -> ChartApiError | None:
    """Return the emulator's answer as the client reads it; a JPEG is not a picture."""
    answer = provider(catalog).answer(HttpRequest("POST", path, {"x-api-key": plan.name}, strict_json(body)))
    content = answer.body if answer.chart is None else picture(8, 8) if answer.content_type == "image/png" else JPEG
    return classify(Reply(answer.status, answer.headers, content), now=NOON)


def paths(findings: Sequence[Finding], severity: Severity = Severity.ERROR) -> set[str]:
    """Return the places of the findings of a severity."""
    return {finding.path for finding in findings if finding.severity is severity}


def assert_agreement(body: Body, plan: Plan, catalog: Catalog = CATALOG) -> bool:
    """Assert that the check has an ERROR exactly when the emulator refuses, at the same places; return whether it does.

    There are three exceptions. A missing symbol is an ERROR, although the provider draws its default. An unknown exchange
    is a WARNING, because the catalog grows old; one in another case is an ERROR. A JPEG is an ERROR, although the provider draws it: see :func:`refusal`.
    """
    errors = paths(findings := check(body, plan.name, catalog=catalog))
    corrected = {**body, "symbol": KNOWN}
    if body.get("symbol") is None:
        assert errors == {"symbol", *paths(check(corrected, plan.name, catalog=catalog))}
        assert refusal(body, plan, catalog) == refusal(corrected, plan, catalog)
        return assert_agreement(corrected, plan, catalog)
    refused = refusal(body, plan, catalog)
    if refused is not None and "Invalid Symbol" in refused.message:
        assert "symbol" in paths(findings, Severity.WARNING) | errors
        assert errors - {"symbol"} == paths(check(corrected, plan.name, catalog=catalog))
        assert_agreement(corrected, plan, catalog)
        return True
    assert (refused is not None) == bool(errors), (refused, findings)
    if refused is not None:
        assert_same_places(body, plan, catalog, refused, errors)
    return refused is not None


def assert_agreement_on_a_layout(body: Body, plan: Plan) -> None:
    """Assert that the check of a body for a layout has an ERROR exactly when the emulator refuses, at the same places.

    The exceptions are those of a chart, but for the symbol: without one the layout has its own.
    """
    findings = check_body(body, CATALOG, plan, LAYOUT_CHART)
    errors, refused = paths(findings), refusal(body, plan, path=LAYOUT)
    if refused is not None and "Invalid Symbol" in refused.message:
        assert "symbol" in paths(findings, Severity.WARNING) | errors
        assert_agreement_on_a_layout({**body, "symbol": KNOWN}, plan)
        return
    assert (refused is not None) == bool(errors), (refused, findings)
    if refused is not None:
        assert_same_places(body, plan, CATALOG, refused, errors, LAYOUT)


def assert_same_places(
    body: Body, plan: Plan, catalog: Catalog, refused: ChartApiError, errors: set[str], path: str = CHART_PATH
) -> None:
    """Assert that the emulator's places are among the ERRORs, and that it refuses the others, too, one by one."""
    match refused.kind, refused.http_status:
        case FaultKind.PLAN_LIMIT, 403:
            of = {"Resolution": {"width", "height"}, "Parameter": {"studies", "drawings"}, "Watermark": {"watermark"}}
            (expected,) = (places for word, places in of.items() if word in refused.message)
            assert errors & expected
            assert errors <= OF_THE_PLAN | {"format"}
        case FaultKind.BAD_IMAGE, 200:
            assert {"format"} == errors
        case FaultKind.INVALID_REQUEST, 422 if "Invalid Interval" in refused.message:
            assert "interval" in errors
            assert errors <= OF_THE_PLAN | {"format", "interval"}
        case FaultKind.INVALID_REQUEST, 422:
            named = {str(detail["param"]) for detail in refused.details}
            assert named
            assert named <= errors
            if len(refused.details) < MAX_DETAILS:
                assert set() == {at for at in errors - named if refusal(alone(body, at), plan, catalog, path) is None}
        case _:
            pytest.fail(f"refused as {refused.kind} with {refused.http_status}: {refused.message}")


def alone(body: Body, path: str) -> Body:
    """Return a body that can be wrong at *path* alone; of studies and drawings it keeps the number."""
    if path in {"studies", "drawings"}:
        count = sum(len(listed) for name in ("studies", "drawings") if isinstance(listed := body.get(name), list))
        return {"width": 400, "height": 300, "studies": [{"name": "MACD"}] * count}
    return {"width": 400, "height": 300, path: body.get(path)}


@cache
def values(row: Parameter) -> st.SearchStrategy[Any]:
    """Generate documented values of a row."""
    intervals = CATALOG.intervals + CATALOG.unconfirmed_intervals
    lists = {"symbol": SYMBOLS, "interval": intervals, "timezone": CATALOG.timezones}
    if choices := lists.get(row.name, row.enum):
        chosen: st.SearchStrategy[Any] = st.sampled_from(choices)
        return chosen if row.type is not ValueType.STRING_OR_OBJECT else chosen | tables(row.fields)
    low, high = (row.min or 0), (row.max if row.max is not None else (row.min or 0) + 2000)
    match row.type:
        case ValueType.INTEGER:
            whole = st.integers(int(low), int(high))
            return whole | whole.map(float)
        case ValueType.FLOAT:
            return st.floats(low, high) | st.just(round(low) if row.min is None else row.max)
        case ValueType.BOOLEAN:
            return st.booleans()
        case ValueType.MOMENT:
            return st.sampled_from(MOMENTS) | st.datetimes().map(datetime.isoformat)
        case ValueType.OBJECTS:
            known = CATALOG.studies if row.name == "studies" else CATALOG.drawings
            return st.lists(st.sampled_from(known).flatmap(lambda entry: pieces(entry, row.fields)), max_size=6)
        case ValueType.OBJECT if row.name == "style":
            return tables(tuple(CATALOG.style_override_by_name.values()))
        case ValueType.OBJECT:
            return tables(row.fields)
        case _:
            texts = st.sampled_from(("text", "")) | st.text("aé {", max_size=3)
            return st.sampled_from(COLOURS_OF_ALL_FORMS) if row.type is ValueType.COLOUR else texts


@st.composite
def tables(draw: st.DrawFn, rows: tuple[Parameter, ...], most: int = 4) -> Body:
    """Generate an object with the required keys of a table, and some of the others."""
    chosen = draw(st.lists(st.sampled_from(rows), max_size=most, unique_by=lambda row: row.name)) if rows else []
    required = [row for row in rows if row.required]
    return {row.name: draw(values(row)) for row in {row.name: row for row in (*required, *chosen)}.values()}


@st.composite
def pieces(draw: st.DrawFn, entry: Entry, rows: tuple[Parameter, ...]) -> Body:
    """Generate a study or a drawing."""
    made = draw(tables(tuple(row for row in rows if row.name not in {"name", "input", "override"})))
    parts = {"input": entry.inputs, "override": entry.overrides}
    return {"name": entry.name, **made, **{name: draw(tables(table)) for name, table in parts.items()}}


@st.composite
def valid_bodies(draw: st.DrawFn) -> Body:
    """Generate a body with keys of the catalog, or a documented example."""
    if draw(st.integers(0, 3)) == 0:
        return copy.deepcopy(draw(st.sampled_from(EXAMPLES)))
    return {"symbol": draw(st.sampled_from(SYMBOLS)), **draw(tables(CATALOG.parameters, most=8))}


@st.composite
def spoilt_bodies(draw: st.DrawFn) -> Body:
    """Generate a body with one to three changes, most of them mistakes."""
    body = draw(valid_bodies())
    mistakes = (_replace, _replace, _alter, _alter, _leave_out, _rename, _add, _set, _set, _crowd)
    for mistake in draw(st.lists(st.sampled_from(mistakes), min_size=1, max_size=3)):
        mistake(draw, body)
    return body


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """List every object and array within *value*, with each of its keys."""
    for key in list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield value, key
        yield from places(value[key])


def _place(draw: st.DrawFn, body: Body) -> tuple[Any, Any]:
    inside, key = draw(st.sampled_from(list(places(body)) or [(body, "symbol")]))
    return inside, key


def _odd(draw: st.DrawFn, name: object = "") -> Any:
    return copy.deepcopy(draw(st.sampled_from(NO_SYMBOLS if name == "symbol" else ODD)))


def _replace(draw: st.DrawFn, body: Body) -> None:
    """Replace a value by an odd one."""
    inside, key = _place(draw, body)
    inside[key] = _odd(draw, key)


def _alter(draw: st.DrawFn, body: Body) -> None:
    """Write a value in another type or case, or beyond its range."""
    inside, key = _place(draw, body)
    match inside.get(key) if isinstance(inside, dict) else inside[key]:
        case bool() as value:
            others: list[Any] = [int(value), str(value), None]
        case int() | float() as value:
            others = [value + 0.5, float(value), str(value), -value, value * 1000, [value], value == 0]
        case str() as value:
            others = [value.swapcase(), f"{value} ", value[1:], [value], {"name": value}, len(value)]
        case value:
            others = [[value], json.dumps(value), {"0": value}]
    inside[key] = draw(st.sampled_from(others))


def _leave_out(draw: st.DrawFn, body: Body) -> None:
    """Leave a value out."""
    inside, key = _place(draw, body)
    if not isinstance(inside, dict) or key in inside:
        del inside[key]


def _rename(draw: st.DrawFn, body: Body) -> None:
    """Misspell a key."""
    inside, key = _place(draw, body)
    if isinstance(inside, dict) and key in inside:
        inside[draw(st.sampled_from([key.swapcase(), f"{key}s", key[:-1]]))] = inside.pop(key)


def _add(draw: st.DrawFn, body: Body) -> None:
    """Add an unknown key, or one from elsewhere."""
    inside, _ = _place(draw, body)
    if isinstance(inside, dict):
        inside[draw(st.sampled_from(["unknown", "name", "input", "override", "style", "width", "text"]))] = _odd(draw)


def _set(draw: st.DrawFn, body: Body) -> None:
    """Set a key of a body, or of its override, to something odd."""
    row = draw(st.sampled_from(CATALOG.parameters))
    override = body.get("override", {})
    if row.name == "override" and isinstance(override, dict):
        row = draw(st.sampled_from(row.fields))
        body["override"] = {**override, row.name: _odd(draw)}
    else:
        body[row.name] = _odd(draw, row.name)


def _crowd(draw: st.DrawFn, body: Body) -> None:
    """Have as many studies and drawings as a plan allows, or one more."""
    plan = draw(st.sampled_from(CATALOG.plans))
    more, drawings = draw(st.booleans()), draw(st.integers(0, 2))
    name = draw(st.sampled_from(["MACD", "Volume", "macd"]))
    body["studies"] = [{"name": name} for _ in range(plan.max_parameters + more - drawings)]
    body["drawings"] = [{"name": "Horizontal Line", "input": {"price": 1}} for _ in range(drawings)]


COLOUR_PARTS: Final = ("rgb(", "rgba(", "0", "255", "256", "25", "1", "0.5", ".5", "1.0", "1.5", "0.25", *",,,)) .٣")
COLOURS: Final = st.fixed_dictionaries(
    {
        "symbol": st.just(KNOWN),
        "override": st.fixed_dictionaries(
            {
                "style": st.fixed_dictionaries(
                    {
                        CATALOG.styles[0].overrides[0].name: st.lists(st.sampled_from(COLOUR_PARTS), max_size=9).map(
                            "".join
                        )
                    }
                )
            }
        ),
    }
)
"""Bodies with a text that is nearly a colour."""
SYMBOL_PARTS: Final = ("BINANCE", "NASDAQ", "NOWHERE", "BINANCE:A", *"::Aé²٣币_()+ !$\n.")
MOMENT_PARTS: Final = ("2026", "2026-01-05", "01", "05", "12", "00", ".000", "W01", "24", "0000", *"-T :Zz+٣")
SPELT: Final = st.fixed_dictionaries(
    {"symbol": st.just(KNOWN) | st.lists(st.sampled_from(SYMBOL_PARTS), max_size=9).map("".join)},
    optional={
        "interval": st.text("0139mhDWMYs ٣²", max_size=3),
        "range": st.fixed_dictionaries(
            {"from": st.lists(st.sampled_from(MOMENT_PARTS), max_size=9).map("".join), "to": st.sampled_from(MOMENTS)}
        ),
    },
)
"""Bodies with random texts."""


LENGTHS: Final = (20, pytest.param(150, marks=pytest.mark.gate), pytest.param(20_000, marks=pytest.mark.soak))
"""Numbers of examples."""


def at_length(examples: int) -> settings:
    """Return the settings of a run of so many examples."""
    return settings(
        max_examples=examples,
        phases=set(Phase) - {Phase.explain},
        suppress_health_check=list(HealthCheck),
    )


def agree_on(bodies: st.SearchStrategy[Body], examples: int, catalog: Catalog = CATALOG) -> None:
    """Assert agreement about so many bodies, on every plan."""

    @at_length(examples)
    @given(body=bodies)
    def agree(body: Body) -> None:
        for plan in catalog.plans:
            assert_agreement(body, plan, catalog)

    agree()


@pytest.mark.parametrize("examples", LENGTHS)
def test_both_agree_on_valid_bodies(examples: int) -> None:
    """A valid body has no ERROR and a picture, or the same exceeded limit, on every plan."""
    agree_on(valid_bodies(), examples)


@pytest.mark.parametrize("examples", LENGTHS)
def test_both_agree_on_bodies_with_mistakes(examples: int) -> None:
    """An ERROR comes with a refusal at the same places, and the reverse, on every plan."""
    agree_on(spoilt_bodies(), examples)


@pytest.mark.parametrize("examples", LENGTHS)
def test_both_agree_on_texts_of_any_spelling(examples: int) -> None:
    """Symbols in any script, formulas, intervals, dates and times are read alike."""
    agree_on(SPELT, examples)


@pytest.mark.parametrize("examples", LENGTHS)
def test_both_agree_on_colours_of_any_spelling(examples: int) -> None:
    """Channels, alphas, spaces and commas are read alike."""
    agree_on(COLOURS, examples)


LAYOUT_ROWS: Final = CATALOG.layout_parameters
EVERYTHING_OF_A_LAYOUT: Final[Body] = {
    **{row.name: row.default if row.default is not None else 1 for row in LAYOUT_ROWS},
    "symbol": KNOWN,
    "interval": "1h",
    "watermark": "mine",
}


@st.composite
def spoilt_layout_bodies(draw: st.DrawFn) -> Body:
    """Generate a body for a layout with up to two changes, most of them mistakes."""
    body = draw(tables(LAYOUT_ROWS, most=6))
    for mistake in draw(st.lists(st.sampled_from((_replace, _alter, _leave_out, _rename, _add, _set)), max_size=2)):
        mistake(draw, body)
    return body


@pytest.mark.parametrize("examples", LENGTHS)
def test_both_agree_on_bodies_for_layouts(examples: int) -> None:
    """For the body of a layout, an ERROR comes with a refusal at the same places, and the reverse, on every plan."""

    @at_length(examples)
    @given(body=spoilt_layout_bodies())
    def agree(body: Body) -> None:
        for plan in CATALOG.plans:
            assert_agreement_on_a_layout(body, plan)

    agree()


@pytest.mark.parametrize("examples", [60, pytest.param(20_000, marks=pytest.mark.soak)])
@pytest.mark.parametrize("path", [CHART_PATH, LAYOUT_PATH])
def test_a_picture_is_stored_exactly_if_it_would_be_drawn(path: str, examples: int) -> None:
    """For each body the emulator gives the same refusal where it draws and where it stores, so the check holds for both."""
    end = "/abc" if path == LAYOUT_PATH else ""

    @at_length(examples)
    @given(body=spoilt_layout_bodies() if end else spoilt_bodies(), plan=st.sampled_from(CATALOG.plans))
    def agree(body: Body, plan: Plan) -> None:
        drawn, stored = (
            provider(CATALOG).answer(HttpRequest("POST", place, {"x-api-key": plan.name}, strict_json(body)))
            for place in (path + end, f"{path}/storage{end}")
        )

        assert (drawn.status, drawn.body, drawn.chart is None) == (stored.status, stored.body, stored.stored is None)

    agree()


def test_both_agree_on_every_field_of_a_layout_spoilt_in_every_way() -> None:
    """Every field of a layout takes every odd value and is left out; each has a refused value."""
    plan, body = CATALOG.plans[-1], {**EVERYTHING_OF_A_LAYOUT}
    assert refusal(body, plan, path=LAYOUT) is None
    assert set(body) == {row.name for row in LAYOUT_ROWS}
    for key, value in EVERYTHING_OF_A_LAYOUT.items():
        refused = False
        for odd in NO_SYMBOLS + SYMBOLS if key == "symbol" else ODD:
            assert_agreement_on_a_layout({**body, key: odd}, plan)
            refused |= refusal({**body, key: odd}, plan, path=LAYOUT) is not None
        assert refused, (key, value)
        assert_agreement_on_a_layout({name: each for name, each in body.items() if name != key}, plan)


@pytest.mark.parametrize("examples", LENGTHS)
def test_both_agree_by_a_catalog_of_the_hosts(examples: int) -> None:
    """Both obey its names, types, limits and required keys."""
    odd = st.sampled_from(ODD)
    study = st.fixed_dictionaries(
        {"name": st.just("New Study")}, optional={"input": st.fixed_dictionaries({}, optional={"length": odd}) | odd}
    )
    own: Mapping[str, st.SearchStrategy[Any]] = {
        "interval": st.just("9h"),
        "timezone": st.just("UTC"),
        "symbol": st.just("NOWHERE:X"),
        "studies": st.lists(study),
        "drawings": st.lists(st.builds(dict, name=st.just("Text"), input=st.builds(dict, text=odd))),
    }
    bodies = st.tuples(valid_bodies(), st.fixed_dictionaries({"new": st.just(1) | odd}, optional=own))
    agree_on(bodies.map(lambda both: both[0] | both[1]), examples, OWN)


def test_both_take_the_default_size_where_none_is_asked_for() -> None:
    """A plan below the default size refuses the body, and a larger one does not."""
    body, small = {"symbol": KNOWN, "new": 1}, OWN.plans[0]
    refused = refusal(body, small, OWN)

    assert {"width", "height"} == paths(check(body, small.name, catalog=OWN))
    assert refused is not None
    assert refused.kind is FaultKind.PLAN_LIMIT
    assert ([], None) == (check(body, "PRO", catalog=OWN), refusal(body, OWN.plan_by_name[PlanName.PRO], OWN))


@pytest.mark.parametrize(
    "bodies",
    [
        [{"symbol": KNOWN, "interval": "1h", **{key: EVERYTHING[key] for key in ("theme", "studies", "range")}}],
        pytest.param(
            [{"symbol": KNOWN, "interval": "1h", key: value} for key, value in EVERYTHING.items()],
            marks=pytest.mark.gate,
        ),
        pytest.param([EVERYTHING, *EXAMPLES], marks=pytest.mark.soak),
    ],
    ids=["a few", "each", "everything and examples"],
)
def test_both_agree_on_every_field_spoilt_in_every_way(bodies: Sequence[Body]) -> None:
    """Every field takes every odd value and is left out; each known key has a refused value."""
    plan = CATALOG.plans[-1]
    for body in copy.deepcopy(bodies):
        assert refusal(body, plan) is None
        for inside, key in list(places(body)):
            value, refused = inside[key], False
            for odd in NO_SYMBOLS + SYMBOLS if key == "symbol" else ODD:
                inside[key] = odd
                refused |= assert_agreement(body, plan)
            assert refused or key == "extendLines"
            if isinstance(inside, dict):
                del inside[key]
                assert_agreement(body, plan)
            inside[key] = value


def test_both_refuse_a_body_that_is_not_an_object() -> None:
    """The value is an ERROR and a refusal."""
    for body in (value for value in ODD if not isinstance(value, dict)):
        assert paths(check(body))
        assert refusal(body, CATALOG.plans[-1])


def test_every_name_of_the_lists_is_served_and_without_a_finding() -> None:
    """Each interval, time zone and exchange has no finding, and the doubtful ones have a WARNING."""
    bodies = [
        *({"symbol": KNOWN, "interval": name} for name in CATALOG.intervals),
        *({"symbol": KNOWN, "timezone": name} for name in CATALOG.timezones),
        *({"symbol": f"{name}:BTCUSDT"} for name in CATALOG.exchanges if name not in CATALOG.unavailable_exchanges),
    ]
    doubtful = [
        *({"symbol": KNOWN, "interval": name} for name in CATALOG.unconfirmed_intervals),
        *({"symbol": f"{name}:X"} for name in CATALOG.unavailable_exchanges),
    ]

    assert [] == [body for body in bodies if check(body, "BASIC") or refusal(body, CATALOG.plans[0])]
    assert [] == [body for body in doubtful if paths(check(body, "BASIC")) or refusal(body, CATALOG.plans[0])]
    assert [] == [body for body in doubtful if not check(body, "BASIC")]


@pytest.mark.parametrize("as_in_the_table", [False, True], ids=["examples", "tables"])
def test_every_documented_example_is_served_and_without_an_error(as_in_the_table: bool) -> None:  # noqa: FBT001
    """Every study, drawing and style is served with all of its defaults, by the examples and by the tables."""
    for name, example in documented_examples(as_in_the_table=as_in_the_table).items():
        assert set() == paths(check(example, "BASIC")), name
        assert refusal(example, CATALOG.plans[0]) is None, name


@given(body=spoilt_bodies(), plan=st.sampled_from(CATALOG.plans))
def test_a_request_is_judged_as_its_body_is(body: Body, plan: Plan) -> None:
    """A request has the findings of its body, and then those of the keys that its payload can not set."""
    request = ChartRequest(KNOWN, "1h", "t", body)

    assert check(request, plan.name) == [*check(request.body, plan.name), *ignored_keys(request)]


@at_length(10)
@given(body=valid_bodies() | spoilt_bodies())
def test_a_served_body_can_be_drawn(body: Body) -> None:
    """The picture has the size that was asked for."""
    small = {**body, "width": 400, "height": 300.0, "format": None}
    answer = provider(CATALOG).answer(HttpRequest("POST", CHART_PATH, {"x-api-key": "ULTRA"}, strict_json(small)))

    assert answer.chart is None or inspect(draw(answer.chart.body)) == inspect(picture(400, 300))


@for_each("theme", ["light", "dark"])
@for_each(("width", "height"), [(400, 300), (800, 600), (1920, 1080), (2048, 1920)])
@pytest.mark.gate
def test_a_chart_of_any_size_and_theme_has_no_warning(theme: str, width: int, height: int) -> None:
    """A picture as it was asked for is not taken for one of one colour."""
    request = ChartRequest(KNOWN, "1h", "t", {"theme": theme, "width": width, "height": height, "style": "hiLo"})
    answer = provider(CATALOG).answer(HttpRequest("POST", CHART_PATH, {"x-api-key": "ULTRA"}, request.encoded))

    assert answer.chart is not None
    assert () == picture_warnings(draw(answer.chart.body), request)
