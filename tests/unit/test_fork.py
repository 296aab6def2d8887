"""Objects that begin anew in a forked child."""

from __future__ import annotations

import gc
import os

import pytest

from chartimg.fork import begin_in_children


class Counting:
    """Counts how often it began."""

    def __init__(self) -> None:
        """Begin in the parent."""
        self.begun = 1
        begin_in_children(self)

    def begin(self) -> None:
        """Count."""
        self.begun += 1


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_an_object_begins_anew_in_each_child_and_not_in_the_parent() -> None:
    """A child sees one more beginning than its parent, and an object that is gone begins nowhere."""
    kept, gone = Counting(), Counting()
    del gone
    gc.collect()
    pid = os.fork()
    if not pid:
        os._exit(kept.begun)

    assert 2 == os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert 1 == kept.begun
