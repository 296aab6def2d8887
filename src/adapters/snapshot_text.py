"""The text of a snapshot on a server: read it, or say why it can't be used."""

from __future__ import annotations

from ..codec import load
from ..domain.account import AccountSnapshot
from ..domain.errors import ConfigError, StoreUnavailable

__all__ = ["damaged", "read_snapshot"]


def read_snapshot(text: str, account_id: str, *, where: str, place: str) -> AccountSnapshot:
    """Return the snapshot of an account from its *text*, kept *where* in the store at *place*.

    Raises:
        StoreUnavailable: the text is damaged, from a newer version, or of another account.
    """
    try:
        snapshot = load(text, AccountSnapshot, where=where)
    except ConfigError as error:
        raise damaged("; ".join(error.problems), place) from None
    if snapshot.account_id != account_id:
        raise damaged(f"{where} is that of another account", place)
    return snapshot


def damaged(problem: str, place: str) -> StoreUnavailable:
    """Return the error of books that can't be read."""
    return StoreUnavailable(
        f"{problem}, in the account store {place}; "
        "it is damaged or from a newer chartimg: keep it aside, or install that version"
    )
