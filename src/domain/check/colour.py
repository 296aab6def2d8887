"""The provider's notation of a colour."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["is_colour"]

_CHANNEL: Final = r" ?(?:25[0-5]|2[0-4]\d|[01]?\d?\d) ?"
_COLOUR: Final = re.compile(
    rf"rgb\({_CHANNEL},{_CHANNEL},{_CHANNEL}\)|rgba\({_CHANNEL},{_CHANNEL},{_CHANNEL}, ?(?:0?\.\d|0|1|1\.0) ?\)",
    re.ASCII,
)


def is_colour(text: str) -> bool:
    """Return whether the provider takes *text* for a colour.

    Channels are from 0 to 255, and an alpha is from 0 to 1 with one decimal at most: two decimals are refused (logs of
    public users, ``must be a valid rgb/rgba color``).
    """
    return _COLOUR.fullmatch(text) is not None
