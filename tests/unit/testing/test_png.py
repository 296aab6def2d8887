"""A test's picture is a valid PNG."""

from __future__ import annotations

import pytest

from chartimg.domain.reply.png import Picture, inspect
from chartimg.testing import picture


@pytest.mark.parametrize("size", [(1, 1), (800, 600), (3, 500)])
def test_a_picture_has_the_size_asked_for(size: tuple[int, int]) -> None:
    """The picture is a valid PNG of that size."""
    assert Picture(*size) == inspect(picture(*size))


@pytest.mark.parametrize("size", [(0, 1), (1, 0), (2**31, 1)])
def test_an_impossible_size_is_refused(size: tuple[int, int]) -> None:
    """A size outside of 1 to 2**31 - 1 is a ValueError."""
    with pytest.raises(ValueError, match="pixels"):
        picture(*size)
