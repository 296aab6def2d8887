"""The layouts of the emulator."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from chartimg.emulator.layout import is_layout_id, saved_look
from chartimg.emulator.rules import AcceptedChart, Refusal, read_body
from rows import for_each


@given(st.from_regex(r"[A-Za-z0-9]{1,12}", fullmatch=True))
def test_what_is_saved_in_a_layout_is_a_chart_that_is_served(layout: str) -> None:
    """An id stands for one look, and the look is an acceptable body of a chart."""
    assert is_layout_id(layout)
    assert saved_look(layout) == saved_look(layout)
    assert isinstance(read_body(json.dumps(saved_look(layout)).encode()), AcceptedChart)


def test_layouts_differ() -> None:
    """Different ids have different looks."""
    assert 30 < len({json.dumps(saved_look(f"layout{number}")) for number in range(40)})


@for_each("text", ["", "a/b", "a b", "é", "a" * 65, "<LAYOUT_ID>", "storage"])
def test_other_texts_are_not_the_id_of_a_layout(text: str) -> None:
    """Signs of paths, spaces, other scripts and long texts are refused."""
    assert not is_layout_id(text)


def test_a_body_changes_what_is_saved() -> None:
    """A symbol, an interval and a size replace what is saved; keys of other endpoints are ignored."""
    plain, stated = (
        read_body(b"", None, "abc"),
        read_body(b'{"symbol": "SP:SPX", "width": 500, "theme": "x"}', None, "abc"),
    )

    assert isinstance(plain, AcceptedChart)
    assert isinstance(stated, AcceptedChart)
    assert {**plain.body, "symbol": "SP:SPX", "width": 500} == stated.body
    assert (saved_look("abc")["symbol"], "abc", 0) == (plain.body["symbol"], plain.body["layoutId"], plain.parameters)
    assert plain != read_body(b"", None, "abd")
    assert plain.identity != stated.identity


@for_each("body", [{"moveLeft": 51}, {"zoomIn": 0}, {"resetZoom": 1}, {"interval": "1H"}, {"symbol": "A"}])
def test_a_body_for_a_layout_has_a_table_of_its_own(body: dict[str, object]) -> None:
    """Ranges and types are those of the layout's table; the same body is another matter for a chart."""
    assert isinstance(read_body(json.dumps(body).encode(), None, "abc"), Refusal)
