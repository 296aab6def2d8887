"""What a fetch may change in its request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartimg import ConfigError
from chartimg.domain.chart.leeway import Leeway
from rows import for_each

EXCHANGES = ("NASDAQ", "NYSE", "AMEX")


@for_each(
    ("symbol", "expected"),
    [
        ("NYSE:AAPL", ("NASDAQ:AAPL", "AMEX:AAPL")),
        ("LSE:BT.A", ("NASDAQ:BT.A", "NYSE:BT.A", "AMEX:BT.A")),
        ("AAPL", ("NASDAQ:AAPL", "NYSE:AAPL", "AMEX:AAPL")),
        ("CME:ES1!", ("NASDAQ:ES1!", "NYSE:ES1!", "AMEX:ES1!")),
        ("NSE:M&M", ("NASDAQ:M&M", "NYSE:M&M", "AMEX:M&M")),
        ("NYSE:AAPL/NYSE:MSFT", ()),
        ("NYSE:AAPL/2", ()),
        ("(NYSE:A+NYSE:B)/2", ()),
        ("NYSE:", ()),
        ("", ()),
        (None, ()),
    ],
)
def test_the_ticker_of_a_symbol_is_tried_at_the_other_exchanges(symbol: str | None, expected: tuple[str, ...]) -> None:
    """The exchanges keep their order, the refused symbol is not tried again, and a formula has no ticker."""
    assert expected == Leeway.of(EXCHANGES, None).symbols(symbol)


@given(st.lists(st.sampled_from([*EXCHANGES, "LSE"])), st.from_regex(r"(\w{1,5}:)?[A-Z.]{0,5}", fullmatch=True))
def test_no_symbol_is_tried_twice(exchanges: Sequence[str], symbol: str) -> None:
    """Equal exchanges are one, and the symbol itself is not among the others."""
    others = Leeway.of(exchanges, None).symbols(symbol)

    assert len(set(others)) == len(others) <= len(set(exchanges))
    assert symbol not in others


@for_each(
    ("arguments", "message"),
    [
        (("NASDAQ", None), r"on_invalid_symbol must be a sequence of str or None, not str"),
        (([5], None), r"on_invalid_symbol must be a sequence of str or None, not list of int"),
        ((["NASDAQ:"], None), r"on_invalid_symbol must be names of exchanges, .*, not 'NASDAQ:'"),
        (([""], None), r"on_invalid_symbol must be names of exchanges, .*, not ''"),
        ((None, True), r"fit must be text or None, not bool"),
        ((None, "PRO"), r"fit must be plan, not 'PRO'"),
    ],
)
def test_a_wrong_argument_is_a_mistake_that_names_it(arguments: tuple[Any, Any], message: str) -> None:
    """A host that passes one exchange as text, or another word for the plan, learns which argument is wrong."""
    with pytest.raises(ConfigError, match=message):
        Leeway.of(*arguments)


def test_a_ticker_alone_is_asked_for_only_if_it_has_nowhere_else_to_go() -> None:
    """Without an exchange it is not sent, unless there are none to try it at."""
    some = Leeway(("NASDAQ",))

    assert [True, False, True, True] == [some.is_sent(each) for each in ("NYSE:AAPL", "AAPL", "A/B", None)]
    assert Leeway().is_sent("AAPL")


def test_without_arguments_nothing_may_be_changed() -> None:
    """Both changes are opt-in."""
    assert Leeway() == Leeway.of(None, None) == Leeway.of((), None)
    assert Leeway(("NYSE",), fits=True) == Leeway.of(["NYSE", "NYSE"], "plan")


def test_the_word_for_a_chart_that_may_be_made_smaller_is_that_of_the_argument() -> None:
    """A leeway that is read from its own words is the same."""
    for fit in (None, "plan"):
        assert fit == Leeway.of(None, fit).fit
