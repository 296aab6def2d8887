"""Keep a key out of everything that is written or shown, should the provider ever repeat it."""

from __future__ import annotations

import json
from typing import Final

import attrs

from .reply import Reply, TransportFailure

__all__ = ["MASK", "scrub", "scrub_reply"]

MASK: Final = "[key]"
_PNG: Final = b"\x89PNG\r\n\x1a\n"
_OK: Final = 200
_SHORTEST: Final = 4
"""No real key is shorter; to mask less would only garble text."""


def scrub(outcome: Reply | TransportFailure, key: str) -> Reply | TransportFailure:
    """Give *outcome* without *key*; the same object when it holds none."""
    if isinstance(outcome, Reply):
        return scrub_reply(outcome, key)
    details = tuple(
        {_without(name, key): _clean(value, key) for name, value in each.items()} for each in outcome.details
    )
    return attrs.evolve(outcome, message=_without(outcome.message, key), details=details)


def scrub_reply(reply: Reply, key: str) -> Reply:
    """Give *reply* without *key*, plain or however JSON may spell it; the same object when it holds none."""
    headers = {_without(name, key): _without(value, key) for name, value in reply.headers.items()}
    body = reply.body
    if reply.status != _OK or not body.startswith(
        _PNG
    ):  # a picture has no room for a key, and a change would damage it
        body = _without_spelled(_without(body.decode("latin-1"), key).encode("latin-1"), key)
    return reply if body == reply.body and headers == reply.headers else attrs.evolve(reply, body=body, headers=headers)


def _without(text: str, key: str) -> str:
    return text.replace(key, MASK) if len(key) >= _SHORTEST else text


def _without_spelled(body: bytes, key: str) -> bytes:
    """Write JSON again when its escapes spell the key; JSON may escape any character."""
    if b"\\" not in body:
        return body
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return body
    try:
        clean = _clean(value, key)
    except RecursionError:  # what can't be looked through isn't shown
        return b""
    return body if clean == value else json.dumps(clean, separators=(",", ":")).encode()


def _clean(value: object, key: str) -> object:
    match value:
        case str():
            return _without(value, key)
        case list() | tuple():
            return [_clean(inner, key) for inner in value]
        case dict():
            return {_without(str(name), key): _clean(inner, key) for name, inner in value.items()}
        case _:
            return value
