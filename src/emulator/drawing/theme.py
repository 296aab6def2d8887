"""The colours of a picture: the provider's light and dark theme."""

from __future__ import annotations

import math
from typing import Final

import attrs

from .layers import Colour

_MIN_CONTRAST: Final = 3.0  # less is hard to read (WCAG 2, large text)
_PALE: Final = 150  # a colour with more of each part needs dark words


@attrs.frozen
class Theme:
    """The colours of a picture."""

    background: Colour
    grid: Colour
    border: Colour
    text: Colour
    muted: Colour
    up: Colour = (8, 153, 129)
    down: Colour = (242, 54, 69)
    line: Colour = (41, 98, 255)

    @property
    def ghost(self) -> Colour:
        """The background, slightly transparent, below words over candles."""
        return (*self.background, 175)

    def tint(self, *, rising: bool) -> Colour:
        """Return the colour of a candle."""
        return self.up if rising else self.down

    def ink(self, colour: Colour) -> Colour:
        """Return *colour*, moved towards the text's until words in it are readable on the background."""
        tries = (mixed(colour, self.text, share) for share in (0.0, 0.3, 0.5, 0.7))
        return next((made for made in tries if contrast(made, self.background) >= _MIN_CONTRAST), self.text)

    def on(self, colour: Colour) -> Colour:
        """Return the colour of words on a tag of *colour*."""
        return (19, 23, 34) if min(colour) > _PALE else (255, 255, 255)


def mixed(colour: Colour, other: Colour, share: float) -> Colour:
    """Return *colour* with a *share* of the *other*."""
    return tuple(round(a + (b - a) * share) for a, b in zip(colour[:3], other[:3], strict=True))


def contrast(colour: Colour, other: Colour) -> float:
    """Return the contrast of two colours as in WCAG 2, from 1 to 21."""
    dark, light = sorted((_luminance(colour), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: Colour) -> float:
    """Return the lightness of a colour, from 0 to 1."""
    red, green, blue = (math.pow(part / 255, 2.2) for part in colour[:3])
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


THEMES: Final = {
    "dark": Theme((19, 23, 34), (32, 36, 48), (54, 58, 69), (209, 212, 220), (134, 137, 147)),
    "light": Theme((255, 255, 255), (240, 243, 250), (209, 212, 220), (19, 23, 34), (106, 109, 120)),
}
"""The themes by name."""
