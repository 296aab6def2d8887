"""Pieces of a payload, checked when they are built."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from datetime import date

import pytest

import chartimg
from chartimg import Catalog, CheckWarning, ConfigError
from chartimg.adapters.catalog import shipped_catalog
from chartimg.domain.check.catalog import Entry
from rows import for_each


def test_a_piece_is_the_plain_dict_one_would_write() -> None:
    """A study, drawing or override becomes a plain dict, with or without its optional parts."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")

        assert {"name": "Volume"} == chartimg.study("Volume")
        assert {"name": "MACD", "forceOverlay": False, "input": {"in_0": 12}, "override": {}} == chartimg.study(
            "MACD", force_overlay=False, override={}, in_0=12
        )
        assert {"name": "Horizontal Line", "input": {"price": 23520}} == chartimg.drawing(
            "Horizontal Line", price=23520
        )
        assert {
            "name": "Text",
            "input": {"datetime": "2024-01-01", "price": 1, "text": "x"},
            "zOrder": "top",
            "override": {"fontSize": 20},
        } == chartimg.drawing(
            "Text", datetime="2024-01-01", price=1, text="x", z_order="top", override={"fontSize": 20}
        )
        assert {"showLegend": False} == chartimg.override(showLegend=False)


@for_each(
    ("build", "line"),
    [
        (lambda: chartimg.study("MACD", in_0="12"), "study 'MACD', at input.in_0: must be a whole number"),
        (lambda: chartimg.study(""), "study '', at name: is empty"),
        (
            lambda: chartimg.study("RSI"),
            'study \'RSI\', at name: "RSI" is not in the catalog; did you mean "Relative Strength Index"?',
        ),
        (lambda: chartimg.study("MACD", in_0=float("nan")), "study 'MACD', at input.in_0: is nan"),
        (lambda: chartimg.study("MACD", override=5), "study 'MACD', at override: must be an object"),  # type: ignore[arg-type]
        (lambda: chartimg.drawing("Horizontal Line", price=1, override=[]), "drawing 'Horizontal Line', at override: "),  # type: ignore[arg-type]
        (
            lambda: chartimg.drawing("Vertical Line", datetime=date(2026, 1, 1)),
            "drawing 'Vertical Line', at input.datetime: is date; write",
        ),
        (lambda: chartimg.drawing("Horizontal Line"), "drawing 'Horizontal Line', at input.price: is required"),
        (lambda: chartimg.drawing("Text", z_order="up"), "drawing 'Text', at zOrder: \"up\" is not one of top, bottom"),
        (lambda: chartimg.override(showLegend=1), "override, at showLegend: must be true or false"),
        (lambda: chartimg.override(style=5), "override, at style: must be an object"),
    ],
)
def test_a_piece_that_would_be_refused_is_a_mistake(build: Callable[[], object], line: str) -> None:
    """An error in a piece is a ConfigError with its place in the piece."""
    with pytest.raises(ConfigError) as caught:
        build()

    assert any(problem.startswith(line) for problem in caught.value.problems)


@pytest.mark.parametrize(
    ("build", "phrase"),
    [
        (lambda: chartimg.study("MACD", in_0=0), "at input.in_0: 0 is not from 1 to 2,000"),
        (lambda: chartimg.drawing("Horizontal Line", price=1, prize=2), "at input.prize"),
        (lambda: chartimg.override(showLegnd=True), 'did you mean "showLegend"?'),
    ],
)
def test_a_piece_that_may_be_wrong_is_built_with_a_warning(build: Callable[[], object], phrase: str) -> None:
    """A piece that may be wrong is a warning at the line of the host."""
    with pytest.warns(CheckWarning) as caught:
        assert build()

    assert [True] == [phrase in str(each.message) for each in caught]
    assert __file__ == caught[0].filename


def test_a_host_s_catalog_counts_here_too() -> None:
    """A host's catalog decides which names are known."""
    catalog = shipped_catalog().extended(Catalog(studies=(Entry("Mine"),)))

    assert {"name": "Mine"} == chartimg.study("Mine", catalog=catalog)
    with pytest.raises(ConfigError, match="name it in CHARTS_CATALOG"):
        chartimg.drawing("Mine", catalog=catalog)
