"""A forked child begins anew: it must use neither the locks nor the connections of its parent.

A thread that holds a lock in the parent does not exist in the child. A connection that both use mixes their replies up.
"""

from __future__ import annotations

import os
import weakref
from typing import Final, Protocol

__all__ = ["Forkable", "begin_in_children"]


class Forkable(Protocol):
    """An object with locks or connections of its own."""

    def begin(self) -> None:
        """Make all locks and connections anew, without a use of the old ones."""
        ...


_ALL: Final[weakref.WeakSet[Forkable]] = weakref.WeakSet()


def begin_in_children(each: Forkable) -> None:
    """Call ``begin`` of *each* in every child that is forked while *each* lives."""
    _ALL.add(each)


def _after_fork() -> None:
    for each in list(_ALL):
        each.begin()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_after_fork)
