"""Account books that last as long as the process."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from ..domain.account import AccountSnapshot
from ..fork import begin_in_children

__all__ = ["MemoryAccountStore"]


class MemoryAccountStore:
    """Keeps snapshots in a dictionary. Safe from many threads."""

    def __init__(self) -> None:
        self._snapshots: dict[str, AccountSnapshot] = {}
        self.begin()
        begin_in_children(self)

    def begin(self) -> None:
        """Make the lock, also in a forked child."""
        self._lock = threading.Lock()

    def read(self, account_ids: Sequence[str]) -> tuple[AccountSnapshot | None, ...]:
        """Return the snapshot of each id, None for an unknown id."""
        with self._lock:
            return tuple(map(self._snapshots.get, account_ids))

    def replace(self, old: AccountSnapshot | None, new: AccountSnapshot) -> bool:
        """Swap *old* for *new* if *old* is kept now; return whether it was swapped."""
        with self._lock:
            kept = self._snapshots.get(new.account_id)
            if kept is not old and kept != old:
                return False
            self._snapshots[new.account_id] = new
            return True

    def close(self) -> None:
        """Do nothing: no file or connection is open."""
