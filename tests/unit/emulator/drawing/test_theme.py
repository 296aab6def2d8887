"""Words are readable on every background."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chartimg.emulator.drawing.theme import THEMES, contrast, mixed

COLOURS = st.tuples(st.integers(0, 255), st.integers(0, 255), st.integers(0, 255))


@given(colour=COLOURS, other=COLOURS, name=st.sampled_from(sorted(THEMES)))
def test_words_of_any_colour_can_be_read(colour: tuple[int, ...], other: tuple[int, ...], name: str) -> None:
    """Contrast is symmetric, from 1 to 21; a colour of words is moved towards the text's until it is at least 3."""
    theme = THEMES[name]

    assert contrast(theme.ink(colour), theme.background) >= 3.0
    assert 1 <= contrast(colour, other) == contrast(other, colour) <= 21.01


def test_colours_are_those_of_the_theme() -> None:
    """Words on a tag stand out, candles rise in one colour and fall in another, and colours mix by their share."""
    light, dark = THEMES["light"], THEMES["dark"]

    assert [(255, 255, 255), (19, 23, 34)] == [dark.on(colour) for colour in ((0, 0, 0), (240, 230, 160))]
    assert (light.up, light.down) == (light.tint(rising=True), light.tint(rising=False))
    assert (255, 255, 255, 175) == light.ghost
    assert [(0, 0, 0), (100, 200, 50), (50, 100, 25)] == [
        mixed((0, 0, 0), (100, 200, 50), share) for share in (0, 1, 0.5)
    ]
