"""The provider's own examples pass the check, and each broken field of them is found."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

import chartimg
from chartimg.adapters.catalog import shipped_catalog
from chartimg.domain.check.catalog import Parameter, ValueType
from chartimg.domain.finding import Severity
from documented_examples import CONTRADICTIONS, documented_examples

PIECES = documented_examples()
EXAMPLES = {
    **PIECES,
    "every parameter": {
        "symbol": "BINANCE:BTCUSDT",
        "interval": "1h",
        "width": 800,
        "height": 600,
        "style": "candle",
        "theme": "dark",
        "scale": "regular",
        "session": "regular",
        "timezone": "Etc/UTC",
        "format": "png",
        "range": {"from": "2024-01-01T00:00:00.000Z", "to": "2024-02-01T00:00:00.000Z"},
        "override": {
            "priceRange": {"from": 1.5, "to": 2, "margin": 0.01},
            **{
                row.name: True if row.type is ValueType.BOOLEAN else row.min
                for row in shipped_catalog().parameter_by_name["override"].fields
                if row.type is not ValueType.OBJECT
            },
        },
        "shiftRight": 10,
        "watermark": "mine",
        "watermarkSize": 16,
        "watermarkOpacity": 0.5,
    },
}
TABLES = documented_examples(as_in_the_table=True)
WRONG_TYPES: Mapping[ValueType, tuple[object, ...]] = {
    ValueType.STRING: (5, True, [], {}),
    ValueType.COLOUR: (5, True, [], {}, "#2196f3", "blue", "rgb(1,2)"),
    ValueType.INTEGER: ("5", 5.5, True, [], {}),
    ValueType.FLOAT: ("5", False, [], {}),
    ValueType.BOOLEAN: ("true", 0, 1, [], {}),
    ValueType.MOMENT: ("yesterday", 1708075800, True, {}),
    ValueType.OBJECT: ("text", 5, [], True),
    ValueType.OBJECTS: ("text", 5, {}, [5], ["MACD"]),
    ValueType.STRING_OR_OBJECT: (5, True, []),
}

OTHER_TEXTS: Mapping[str, tuple[str, ...]] = {
    "symbol": ("BTCUSDT", "", "BINANCE:", "BINANCE:BTC;USDT"),
    "interval": ("1H", "60", "9h", ""),
    "timezone": ("UTC", "etc/utc", "America/New York", ""),
    "format": ("jpeg", "svg"),
}
"""Forbidden texts of places without a list in their table."""

Path = tuple[str | int, ...]


def test_there_are_as_many_examples_as_on_the_page() -> None:
    """92 studies, 15 drawings and 9 styles make the page's 116."""
    assert 116 == len(PIECES)


@pytest.mark.parametrize("example", [EXAMPLES, TABLES], ids=["examples", "tables"])
def test_every_documented_example_passes(example: Mapping[str, dict[str, object]]) -> None:
    """The values of the examples and those of the tables have no finding."""
    assert [] == [(name, str(found)) for name, body in example.items() for found in chartimg.check(body, "ULTRA")]


def test_each_contradiction_of_the_page_is_tried_on_both_sides() -> None:
    """The two sets of bodies differ where a table and its example do."""
    for (entry, key), value in CONTRADICTIONS.items():
        (name,) = (each for each in PIECES if each.partition(" ")[2] == entry)
        listed: Any = EXAMPLES[name].get("studies") or EXAMPLES[name].get("drawings")

        assert value == listed[0]["override"][key]
    assert 7 == sum(PIECES[name] != TABLES[name] for name in PIECES)  # one has two, and one is in no table


def fields(value: object, rows: Mapping[str, Parameter], path: Path = ()) -> Iterator[tuple[Path, Parameter]]:
    """List the places of a body that have a row in a table, with that row."""
    assert isinstance(value, dict)
    catalog = shipped_catalog()
    for name, inner in value.items():
        row, here = rows[name], (*path, name)
        yield here, row
        if here == ("override", "style"):
            yield from fields(inner, catalog.style_override_by_name, here)
        elif isinstance(inner, dict) and row.fields:
            yield from fields(inner, row.field_by_name, here)
        elif isinstance(inner, list):
            known = catalog.study_by_name if name == "studies" else catalog.drawing_by_name
            for number, piece in enumerate(inner):
                plain = {key: each for key, each in piece.items() if key not in {"input", "override"}}
                yield from fields(plain, row.field_by_name, (*here, number))
                entry, place = known[piece["name"]], (*here, number)
                yield from fields(piece.get("input", {}), entry.input_by_name, (*place, "input"))
                yield from fields(piece.get("override", {}), entry.override_by_name, (*place, "override"))


def path_of(path: Path) -> str:
    """Return a path in the notation of findings."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")


def changed(body: dict[str, object], path: Path, change: Mapping[str, object]) -> dict[str, object]:
    """Return the body without the value at *path*, and with *change* in its object."""
    copied: Any = copy.deepcopy(body)
    at = copied
    for part in path[:-1]:
        at = at[part]
    del at[path[-1]]
    at.update(change)
    return copied  # type: ignore[no-any-return]


def forbidden(row: Parameter) -> Iterator[tuple[object, bool]]:
    """List forbidden values of a place, and whether the type alone is wrong."""
    for wrong in WRONG_TYPES[row.type]:
        yield wrong, True
    yield None, row.required
    if row.min is not None:
        yield row.min - 1, False
    if row.max is not None:
        yield row.max + 1, False
    yield from ((wrong, True) for wrong in OTHER_TEXTS.get(row.name, ()))
    if row.enum and row.type is ValueType.STRING:
        yield "none of these", False
        yield f"{row.enum[0]}".swapcase(), False


def places() -> Iterator[tuple[str, Path, Parameter]]:
    """List the places of all examples, each with the name of its example."""
    for name, body in EXAMPLES.items():
        yield from ((name, *place) for place in fields(body, shipped_catalog().parameter_by_name))


@pytest.mark.gate
def test_no_field_can_be_changed_to_what_the_page_forbids_unnoticed() -> None:
    """A value of another type, out of range, not in the list, or null, has a finding at its place."""
    for name, path, row in places():
        at = path_of(path)
        for value, wrong_type in forbidden(row):
            found = chartimg.check(changed(EXAMPLES[name], path, {str(path[-1]): value}))
            here = {each.severity for each in found if each.path == at or each.path.startswith((f"{at}.", f"{at}["))}

            assert here, (name, path, value)
            if wrong_type and not (row.type is ValueType.COLOUR and isinstance(value, str)):
                assert Severity.ERROR in here, (name, path, value)


@pytest.mark.gate
def test_no_key_can_be_misspelled_unnoticed() -> None:
    """A key with a letter too many has a finding."""
    for name, path, _ in places():
        found = chartimg.check(changed(EXAMPLES[name], path, {f"{path[-1]}x": 1}))

        assert f"{path_of(path)}x" in {each.path for each in found}, (name, path)


def test_no_required_key_can_be_left_out_unnoticed() -> None:
    """A missing required key is an ERROR at its place."""
    for name, path, row in places():
        if row.required:
            found = chartimg.check(changed(EXAMPLES[name], path, {}))

            assert (path_of(path), Severity.ERROR) in {(each.path, each.severity) for each in found}, (name, path)


def test_no_study_or_drawing_can_be_misnamed_unnoticed() -> None:
    """A name in another case, or in the plural, has the right one as a suggestion."""
    for kind, _, right in (name.partition(" ") for name in PIECES):
        if kind == "style":
            continue
        place = ("studies" if kind == "study" else "drawings", 0, "name")
        for wrong in (right.swapcase(), f"{right}s"):
            found = chartimg.check(changed(EXAMPLES[f"{kind} {right}"], place, {"name": wrong}))

            assert [right] == [each.suggestion for each in found if each.path == path_of(place)], wrong
