"""What an error of PostgreSQL means for the store, and the remedy."""

from __future__ import annotations

from typing import Final

import psycopg

from ...domain.errors import OTHER_STORES, StoreBusy, StoreUnavailable
from .connection import AnswerMissingError, Options, place_of

__all__ = ["store_failure"]

_MAX_CHARACTERS: Final = 200  # a longer answer is quoted in part
_BUSY: Final = frozenset({"40001", "40P01", "53300", "55P03", "57014"})
"""Serialization failure, deadlock, too many connections, lock not available, query canceled: no row was changed."""
_REMEDIES: Final = {
    "25006": "is a replica, and can't be written; name the primary, or several hosts with target_session_attrs=read-write",
    "42501": "forbids its user what the store needs; see the end of: chartimg accounts schema",
    "42703": "has a table chartimg_account of another form; move it away, and run: chartimg accounts schema | psql ADDRESS",
    "42P01": "has no table chartimg_account; run: chartimg accounts schema | psql ADDRESS",
    "53": "has no space or memory left; give it more",
    "57P": "is starting or ending; try again in a moment",
}
"""The fault and its remedy, by the SQLSTATE of the answer or its beginning."""


def store_failure(error: psycopg.Error, options: Options) -> StoreUnavailable:
    """Return the error of the store, with the place of the server and a remedy, without a password."""
    place, state = place_of(options), error.sqlstate or ""
    if state in _BUSY:
        return StoreBusy(f"the account store {place} is busy; try again in a moment")
    what = next((remedy for start, remedy in _REMEDIES.items() if state.startswith(start)), None)
    if isinstance(error, AnswerMissingError):
        what = "did not answer in time; check whether it is paused, overloaded or out of reach"
    elif what is None and "FATAL" in str(error):
        what = f"refuses the connection ({_said(error, options)}); correct the address, user and password"
    elif what is None and isinstance(error, psycopg.OperationalError):
        what = f"can't be reached ({_said(error, options)}); check whether it runs"
    return StoreUnavailable(
        f"the account store {place} {what or f'answered with an error: {_said(error, options)}'}. {OTHER_STORES}"
    )


def _said(error: psycopg.Error, options: Options) -> str:
    """Return the error's text in one short line, without secrets."""
    text = str(error)
    for secret in (options.get("password"), options.get("sslpassword")):
        text = text.replace(secret, "[secret]") if secret else text
    return " ".join(text.split())[:_MAX_CHARACTERS]
