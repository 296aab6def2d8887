"""Keep a key out of everything that is written or shown, should the provider ever repeat it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

import attrs

from ..finding import Finding
from .reply import Reply, TransportFailure

__all__ = ["MASK", "scrub", "scrub_findings", "scrub_reply"]

MASK: Final = "[key]"
_TELLING: Final = 24  # characters of a key that are worth hiding alone
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


def scrub_findings(findings: tuple[Finding, ...], keys: Iterable[str]) -> tuple[Finding, ...]:
    """Give *findings* without any of the *keys*, should a host have written one into a request.

    What findings show of a long value is cut, so that the beginning of a long key is masked, too.
    """
    for key in (part for whole in keys for part in (whole, whole[:_TELLING])):
        findings = tuple(
            attrs.evolve(
                each,
                path=_without(each.path, key),
                message=_without(each.message, key),
                suggestion=None if each.suggestion is None else _without(each.suggestion, key),
            )
            for each in findings
        )
    return findings


def scrub_reply(reply: Reply, key: str) -> Reply:
    """Give *reply* without *key*, plain or however JSON may spell it; the same object when it holds none."""
    headers, body = reply.headers, reply.body
    said = "\n".join((*headers, *headers.values()))
    if said != _without(said, key):
        headers = {_without(name, key): _without(value, key) for name, value in headers.items()}
    if not reply.begins_a_picture:  # in a picture there is no room, and a change would damage it
        body = _without(body.decode("latin-1"), key).encode("latin-1")
    if headers is reply.headers and body == reply.body:
        return reply
    return attrs.evolve(reply, headers=headers, body=body)


def _without(text: str, key: str) -> str:
    """Mask *key*, each of whose characters JSON may also write as an escape, be the text whole JSON or not."""
    if len(key) < _SHORTEST:
        return text
    text = text.replace(key, MASK)
    return re.sub("".join(map(_spellings, key)), MASK, text) if "\\" in text else text


def _spellings(character: str) -> str:
    """Write the pattern of a character as JSON may write it: itself, behind a backslash, or by its number."""
    number = "".join(f"[{digit}{digit.upper()}]" for digit in f"{ord(character):04x}")
    backslash = r"\\?" if character in '"/\\' else ""
    return rf"(?:{backslash}{re.escape(character)}|\\u{number})"


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
