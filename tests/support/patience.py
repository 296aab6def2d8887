"""Properties of real time, checked so that a loaded machine can't break them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pytest

LONG = 60.0
"""Seconds for what surely happens, however loaded the machine."""


def with_patience(check: Callable[[float], None], limit: float = 0.2) -> None:
    """Run *check* with a *limit* in seconds, and if it fails with longer ones: ten times, then a hundred times as long.

    A loaded machine misses a short limit. A wrong program misses each limit, if the check compares times with it.
    """
    for longer in (limit, 10 * limit):
        with suppress(Exception, pytest.fail.Exception):
            return check(longer)
    return check(100 * limit)
