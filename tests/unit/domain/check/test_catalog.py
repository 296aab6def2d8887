"""The rules as values: how they are looked up, and how others are laid over them."""

from __future__ import annotations

import attrs
import pytest

from chartimg.adapters.catalog import shipped_catalog
from chartimg.domain.chart.endpoint import ADVANCED_CHART, LAYOUT_CHART
from chartimg.domain.check.catalog import Catalog, Endpoint, Entry, Opening, Parameter, ValueType
from chartimg.domain.errors import ConfigError
from chartimg.domain.plan import PlanName
from rows import for_each


def test_everything_is_found_by_its_name() -> None:
    """Each kind of rule can be looked up by name."""
    catalog = shipped_catalog()

    assert 12 == catalog.study_by_name["MACD"].input_by_name["in_0"].default
    assert catalog.study_by_name["MACD"].override_by_name["Histogram.plottype"].type is ValueType.STRING
    assert catalog.drawing_by_name["Horizontal Line"].input_by_name["price"].required
    assert 400 == catalog.parameter_by_name["width"].min
    assert catalog.parameter_by_name["range"].field_by_name["from"].type is ValueType.MOMENT
    assert catalog.style_override_by_name["candleStyle.upColor"].type is ValueType.COLOUR
    assert (800, 600, 3) == attrs.astuple(catalog.plan_by_name[PlanName.BASIC].chart)[:3]
    assert "2m" in catalog.interval_set
    assert "Etc/UTC" in catalog.timezone_set
    assert "BINANCE" in catalog.exchange_set
    assert ["Moving Average"] == catalog.study_by_alias["simplemovingaverage"]
    assert ["Horizontal Line"] == catalog.drawing_by_alias["hline"]


def test_another_catalog_adds_and_replaces_by_name() -> None:
    """New names are added at the end, a known one is replaced in its place, and the rest stays."""
    below = Catalog("old", intervals=("1h",), studies=(Entry("A"), Entry("B")), paths=(Endpoint("v2", "POST", "/x"),))
    above = Catalog(
        intervals=("1h", "9h"),
        studies=(Entry("B", (Parameter("length", ValueType.INTEGER),)), Entry("C")),
        paths=(Endpoint("v2", "POST", "/x"),),
    )

    both = below.extended(above)

    assert ("old", ("1h", "9h"), below.paths) == (both.source, both.intervals, both.paths)
    assert [("A", 0), ("B", 1), ("C", 0)] == [(each.name, len(each.inputs)) for each in both.studies]


def test_an_alias_may_be_of_several() -> None:
    """Each name is listed once, by the letters and digits of the alias."""
    catalog = Catalog(studies=(Entry("A", aliases=("%X", "x")), Entry("B", aliases=("X.",)), Entry("C")))

    assert {"x": ["A", "B"]} == catalog.study_by_alias


def test_a_part_can_replace_that_of_another_catalog() -> None:
    """A time zone that the provider has dropped is gone."""
    both = shipped_catalog().extended(Catalog("mine", timezones=("Etc/UTC",), replace=("timezones",)))

    assert ("mine", ("Etc/UTC",)) == (both.source, both.timezones)
    assert shipped_catalog().studies == both.studies
    assert shipped_catalog().unavailable_exchanges == both.unavailable_exchanges
    assert () == both.extended(Catalog(replace=("unavailableExchanges",))).unavailable_exchanges


@for_each("part", [field.name for field in attrs.fields(Catalog) if field.name not in {"source", "replace"}])
def test_every_part_survives_an_empty_catalog_and_can_be_replaced(part: str) -> None:
    """The name of a part in a file is that of its attribute in camel case."""
    first, *others = part.split("_")
    name = first + "".join(map(str.capitalize, others))

    assert getattr(shipped_catalog(), part)
    assert getattr(shipped_catalog(), part) == getattr(shipped_catalog().extended(Catalog()), part)
    assert () == getattr(shipped_catalog().extended(Catalog(replace=(name,))), part)


def test_only_parts_can_be_replaced() -> None:
    """An unknown part is an error that lists the known ones."""
    with pytest.raises(ConfigError, match=r"replace names 'z\\xf6nes'; parts are intervals"):
        Catalog(replace=("z\u00f6nes",))
    with pytest.raises(
        ConfigError, match=r"replace names 'zones', 'hours'; parts are intervals, unconfirmedIntervals, "
    ):
        Catalog(replace=("zones", "hours"))


def test_only_a_catalog_extends_another() -> None:
    """Another value is an error that names it, and each catalog is equal to itself alone."""
    with pytest.raises(ConfigError, match=r"^more must be a Catalog"):
        Catalog().extended({})  # type: ignore[arg-type]
    assert Catalog() != Catalog()


def test_each_endpoint_has_keys_of_its_own() -> None:
    """A layout has other keys than a chart."""
    catalog = Catalog(
        parameters=(Parameter("a", ValueType.STRING),), layout_parameters=(Parameter("b", ValueType.STRING),)
    )

    assert (["a"], ["b"]) == ([*catalog.rows_of(ADVANCED_CHART)], [*catalog.rows_of(LAYOUT_CHART)])


def test_trade_opens_at_multiples_of_1_to_30_minutes() -> None:
    """Each exchange has the grid of its row; an exchange without a row has the half hours."""
    catalog = Catalog(crypto_exchanges=("A", "B"), openings=(Opening("B", 1), Opening("C", 30)))

    assert [0, 1, 30, 30] == [catalog.grid_of_exchange(each).minutes for each in "ABCD"]
    for minutes in (0, 31):
        with pytest.raises(ValueError, match="minutes"):
            Opening("E", minutes)
