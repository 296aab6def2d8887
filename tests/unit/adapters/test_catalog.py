"""Reading the catalog: the one that ships, and a host's own."""

from __future__ import annotations

import itertools
import json
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import attrs
import pytest

import chartimg
from chartimg.adapters.catalog import load_catalog, shipped_catalog
from chartimg.domain.check.catalog import Catalog, Parameter, ValueType
from chartimg.domain.check.suggestion import bare
from chartimg.domain.errors import ConfigError
from chartimg.domain.plan import PlanName
from chartimg.files import DATA
from chartimg.testing import ScriptedTransport
from rows import for_each


def test_what_ships_is_as_large_as_the_page() -> None:
    """The catalog that ships has as many entries of each kind as the provider's page."""
    catalog = shipped_catalog()

    assert (21, 82, 207) == (len(catalog.intervals), len(catalog.timezones), len(catalog.exchanges))
    assert (92, 15, 9) == (len(catalog.studies), len(catalog.drawings), len(catalog.styles))
    assert (189, 712) == (
        sum(len(study.inputs) for study in catalog.studies),
        sum(len(study.overrides) for study in catalog.studies),
    )
    assert set(catalog.unavailable_exchanges) < catalog.exchange_set
    assert 6 == len(catalog.unavailable_exchanges)
    assert 68 == sum(len(style.overrides) for style in catalog.styles)
    assert 19 == len(catalog.parameters)
    assert 19 == len(catalog.parameter_by_name["override"].fields)
    assert 13 == len(catalog.layout_parameters)
    assert list(PlanName) == [plan.name for plan in catalog.plans]


def test_what_ships_is_what_the_codec_reads() -> None:
    """The catalog that ships equals its own file, read as a host's."""
    shipped, read = shipped_catalog(), load_catalog(DATA / "advanced_chart_v2.json")

    assert [] == [name for name in attrs.fields_dict(Catalog) if getattr(shipped, name) != getattr(read, name)]


def rows() -> list[Parameter]:
    """List every row of every table, nested ones too."""
    catalog = shipped_catalog()
    waiting = [*catalog.parameters, *catalog.style_override_by_name.values()]
    for entry in (*catalog.studies, *catalog.drawings):
        waiting += [*entry.inputs, *entry.overrides]
    for row in waiting:
        waiting += row.fields
    return waiting


def test_every_row_is_sound() -> None:
    """In every row names are unique, a range is not empty, and the default fits its type, range and list."""
    kinds: Mapping[ValueType, type | tuple[type, ...]] = {
        ValueType.STRING: str,
        ValueType.COLOUR: str,
        ValueType.INTEGER: int,
        ValueType.FLOAT: (int, float),
        ValueType.BOOLEAN: bool,
    }
    for row in rows():
        assert row.min is None or row.max is None or row.min < row.max
        assert len(row.fields) == len(row.field_by_name)
        if row.default is not None:
            assert isinstance(row.default, kinds[row.type])
            assert not row.enum or row.default in row.enum
            if isinstance(row.default, int | float):
                assert row.min is None or row.min <= row.default
                assert row.max is None or row.default <= row.max
            if row.type is ValueType.COLOUR:
                assert re.fullmatch(r"rgba?\(\d+(,[\d.]+){2,3}\)", str(row.default))
    for entries in (shipped_catalog().studies, shipped_catalog().drawings, shipped_catalog().styles):
        assert len(entries) == len({entry.name for entry in entries})
        assert all(len(entry.inputs) == len(entry.input_by_name) for entry in entries)
        assert all(len(entry.overrides) == len(entry.override_by_name) for entry in entries)


def test_a_number_that_the_page_once_calls_an_integer_is_a_number() -> None:
    """The multiplier of Keltner Channels and every line at zero take 1.5; a label says if the page states Integer."""
    catalog = shipped_catalog()
    zeros = [row for study in catalog.studies for row in study.overrides if row.name == "Zero.value"]
    multiplier = catalog.study_by_name["Keltner Channels"].input_by_name["in_2"]

    assert {ValueType.FLOAT} == {row.type for row in (*zeros, multiplier)}
    assert 4 == sum("the page states Integer" in row.label for row in (*zeros, multiplier))


def test_every_alias_is_of_one_entry_and_differs_from_all_names() -> None:
    """No alias hides a study or drawing, and only RVI is an alias of two."""
    catalog = shipped_catalog()
    for aliases, names in (
        (catalog.study_by_alias, catalog.study_by_name),
        (catalog.drawing_by_alias, catalog.drawing_by_name),
    ):
        assert set() == aliases.keys() & {bare(name) for name in names}
        assert {"rvi"} >= {alias for alias, called in aliases.items() if len(called) > 1}


def test_plans_go_from_the_smallest_to_the_largest() -> None:
    """No later plan allows less than an earlier one, so the first that allows a chart is the smallest."""
    plans = shipped_catalog().plans
    for small, large in itertools.pairwise(plans):
        assert small.max_width <= large.max_width
        assert small.max_height <= large.max_height
        assert small.max_parameters < large.max_parameters


def test_a_host_s_file_may_have_any_part(tmp_path: Path) -> None:
    """A host's file may have any part of a catalog; laid over the catalog that ships, it adds to it."""
    file = tmp_path / "mine.json"
    file.write_text(
        json.dumps({"intervals": ["9h"], "studies": [{"name": "Mine", "aliases": ["My Own"], "inputs": []}]})
    )

    catalog = shipped_catalog().extended(load_catalog(file))

    assert "9h" in catalog.interval_set
    assert ["Mine"] == catalog.study_by_alias["myown"]
    assert "MACD" in catalog.study_by_name


@pytest.mark.parametrize(
    ("content", "phrase"),
    [
        ("{", "is not JSON"),
        ('{"studys": []}', "has the unknown field studys"),
        ('{"intervals": [5]}', "at $.intervals[0]: must be text"),
        ('{"parameters": [{"name": "x", "type": "Text"}]}', "must be one of String, Integer"),
        ('{"parameters": [{"name": "x", "type": "String", "enum": [[]]}]}', "must be text or a whole number"),
        (
            '{"parameters": [{"name": "x", "type": "String", "default": []}]}',
            "must be text or a number or true or false",
        ),
        ('{"studies": [{"inputs": []}]}', "name: is missing"),
        ('{"studies": [{"name": "x", "aliases": "y"}]}', "aliases: must be an array"),
        ('{"plans": [{"name": "HUGE"}]}', "must be one of BASIC"),
        ('{"replace": ["zones"]}', "replace names 'zones'"),
    ],
)
def test_every_mistake_in_a_host_s_file_is_reported_with_its_place(tmp_path: Path, content: str, phrase: str) -> None:
    """Every mistake in a host's file is named with the file and the place."""
    file = tmp_path / "mine.json"
    file.write_text(content)

    with pytest.raises(ConfigError) as caught:
        load_catalog(file)

    assert f"catalog {file}" in str(caught.value)
    assert phrase in str(caught.value)


def test_a_file_that_can_not_be_read_is_a_mistake(tmp_path: Path) -> None:
    """A missing catalog is a ConfigError that names the file."""
    with pytest.raises(ConfigError, match=r"catalog .*none\.json can't be read: No such file"):
        load_catalog(tmp_path / "none.json")


def test_nothing_is_read_before_it_is_needed() -> None:
    """The catalog is read by the first check, not by importing chartimg."""
    code = (
        "import chartimg, chartimg.adapters.catalog as c; chartimg.check; before = c.shipped_catalog.cache_info().currsize;"
        "chartimg.check({}); print(before, c.shipped_catalog.cache_info().currsize)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "0 1" == ran.stdout.strip()


def test_an_empty_catalog_rules_nothing_out() -> None:
    """An empty catalog finds no fault, and a part of a catalog is applied alone."""
    body = {"symbol": "NOWHERE:X", "interval": "9h", "timezone": "UTC", "studies": [{"name": 5}], "width": 9_999}
    alone = Catalog(intervals=("1h",), timezones=("Etc/UTC",))

    assert [] == chartimg.check(body, catalog=Catalog())
    assert ["interval", "timezone"] == [each.path for each in chartimg.check(body, catalog=alone)]


@for_each(
    "use",
    [
        lambda wrong: chartimg.check({}, catalog=wrong),
        lambda wrong: chartimg.study("MACD", catalog=wrong),
        lambda wrong: chartimg.WorkerConfig(mode="mock", catalog=wrong),
        lambda wrong: chartimg.ChartClient(transport=ScriptedTransport([]), catalog=wrong),
    ],
)
@for_each("wrong", ["catalog.json", 5, {}])
def test_another_value_than_a_catalog_is_a_mistake(use: Callable[[Any], object], wrong: object) -> None:
    """Another value in place of a catalog is a ConfigError that names load_catalog."""
    with pytest.raises(ConfigError, match=r"catalog must be a chartimg\.Catalog, not .*load_catalog reads a file"):
        use(wrong)
