"""Words are readable on every background."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartimg.emulator.drawing.theme import THEMES, contrast, mixed

COLOURS = st.tuples(st.integers(0, 255), st.integers(0, 255), st.integers(0, 255))


@given(colour=COLOURS, name=st.sampled_from(sorted(THEMES)))
def test_words_of_any_colour_can_be_read(colour: tuple[int, ...], name: str) -> None:
    """The colour of words is moved towards the text's until the contrast is at least 3."""
    theme = THEMES[name]

    assert contrast(theme.ink(colour), theme.background) >= 3.0


@given(colour=COLOURS, other=COLOURS)
def test_contrast_is_the_same_both_ways(colour: tuple[int, ...], other: tuple[int, ...]) -> None:
    """The contrast is symmetric, from 1 to 21."""
    assert contrast(colour, other) == contrast(other, colour)
    assert 1 <= contrast(colour, other) <= 21.01


@pytest.mark.parametrize(("colour", "expected"), [((0, 0, 0), (255, 255, 255)), ((240, 230, 160), (19, 23, 34))])
def test_a_tag_has_words_that_stand_out(colour: tuple[int, ...], expected: tuple[int, ...]) -> None:
    """Words are white on strong colours and dark on pale ones."""
    assert expected == THEMES["dark"].on(colour)


def test_candles_are_green_or_red() -> None:
    """A rising candle has one colour and a falling one another, and the ground below words is slightly transparent."""
    theme = THEMES["light"]

    assert (theme.up, theme.down) == (theme.tint(rising=True), theme.tint(rising=False))
    assert (255, 255, 255, 175) == theme.ghost


def test_colours_mix_by_their_share() -> None:
    """A share of 0, 1 and 0.5 is the one colour, the other, and their middle."""
    assert [(0, 0, 0), (100, 200, 50), (50, 100, 25)] == [
        mixed((0, 0, 0), (100, 200, 50), share) for share in (0, 1, 0.5)
    ]
