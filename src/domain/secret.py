"""Keep a key out of everything that is written or shown, should the provider ever repeat it."""

from __future__ import annotations

import json
from typing import Final

import attrs

from .reply import Reply, TransportFailure

__all__ = ["MASK", "scrub", "scrub_reply"]

MASK: Final = "[key]"
_PNG: Final = b"\x89PNG\r\n\x1a\n"
_SHORTEST: Final = 4
"""No real key is shorter; to mask less would only garble text."""


def scrub(outcome: Reply | TransportFailure, key: str) -> Reply | TransportFailure:
    """Give *outcome* without *key*; the same object when it holds none."""
    if isinstance(outcome, Reply):
        return scrub_reply(outcome, key)
    return attrs.evolve(outcome, message=_without(outcome.message, _spellings(key)))


def scrub_reply(reply: Reply, key: str) -> Reply:
    """Give *reply* without *key*, plain or as it stands in JSON; the same object when it holds none."""
    spellings, body = _spellings(key), reply.body
    if body.startswith(_PNG):  # a picture has no room for a key, and any change would damage it
        return reply
    if not any(spelling.encode() in body or spelling in str(reply.headers) for spelling in spellings):
        return reply
    for spelling in spellings:
        body = body.replace(spelling.encode(), MASK.encode())
    return attrs.evolve(
        reply, body=body, headers={name: _without(value, spellings) for name, value in reply.headers.items()}
    )


def _spellings(key: str) -> set[str]:
    return {key, json.dumps(key)[1:-1]} if len(key) >= _SHORTEST else set()


def _without(text: str, spellings: set[str]) -> str:
    for spelling in spellings:
        text = text.replace(spelling, MASK)
    return text
