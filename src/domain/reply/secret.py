"""Keep a key out of all that is written or shown, even if the provider repeats it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

import attrs

from ..argument import require
from ..finding import Finding, Severity
from .png import SIGNATURE
from .reply import OK, Reply, TransportFailure

__all__ = ["MASK", "SECRET_INSIDE", "scrub", "scrub_body", "scrub_findings", "scrub_reply", "scrub_text"]

MASK: Final = "[key]"
SECRET_INSIDE: Final = Finding(
    "", Severity.WARNING, "the picture holds a key or a session, so it is neither kept nor recorded; show it to nobody"
)
_MIN_PREFIX_CHARACTERS: Final = 24  # a shorter beginning of a key reveals little
_MIN_KEY_CHARACTERS: Final = 4  # no real key is shorter, and masking fewer characters would garble the text


def scrub(outcome: Reply | TransportFailure, key: str) -> Reply | TransportFailure:
    """Mask *key* in *outcome*; return the same object if it does not hold the key.

    Raises:
        ConfigError: a transport of the host's own has returned something else.
    """
    if isinstance(outcome, Reply):
        return scrub_reply(outcome, key)
    require("the outcome of a transport", outcome, Reply | TransportFailure)
    details = tuple(
        {_without(name, key): _clean(value, key) for name, value in each.items()} for each in outcome.details
    )
    return attrs.evolve(outcome, message=_without(outcome.message, key), details=details)


def scrub_findings(findings: tuple[Finding, ...], keys: Iterable[str]) -> tuple[Finding, ...]:
    """Mask each of *keys* in *findings*: a host may have written one into a request.

    Findings cut long values, so the beginning of a long key is masked, too.
    """
    for key in (part for whole in keys for part in (whole, whole[:_MIN_PREFIX_CHARACTERS])):
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


def scrub_text(text: str, secrets: Iterable[str]) -> str:
    """Mask each of *secrets* in *text*, and the beginning of a long one."""
    for secret in secrets:
        for part in (secret, secret[:_MIN_PREFIX_CHARACTERS]):
            text = _without(text, part)
    return text


def scrub_body(body: Mapping[str, object], secrets: Iterable[str]) -> Mapping[str, object]:
    """Mask each of *secrets* in the names and texts of *body*."""
    for secret in secrets:
        body = {_without(name, secret): _clean(value, secret) for name, value in body.items()}
    return body


def scrub_reply(reply: Reply, key: str) -> Reply:
    """Mask *key* in *reply*, plain or as JSON may spell it; return the same object if it does not hold the key.

    To mask it in a picture would damage the picture, so a reply with one gets the warning SECRET_INSIDE.
    """
    shown = "\n".join((*reply.headers, *reply.headers.values()))
    headers = reply.headers
    if _without(shown, key) != shown:
        headers = {_without(name, key): _without(value, key) for name, value in headers.items()}
    body, warnings = reply.body, reply.warnings
    if reply.status != OK or not body.startswith(SIGNATURE):
        body = _without(body.decode("latin-1"), key).encode("latin-1")
    elif len(key) >= _MIN_KEY_CHARACTERS and key.encode() in body and SECRET_INSIDE not in warnings:
        warnings = (*warnings, SECRET_INSIDE)
    if headers is reply.headers and body == reply.body and warnings is reply.warnings:
        return reply
    return attrs.evolve(reply, headers=headers, body=body, warnings=warnings)


def _without(text: str, key: str) -> str:
    """Mask *key*, also where JSON escapes some of its characters; *text* need not be complete JSON."""
    if len(key) < _MIN_KEY_CHARACTERS:
        return text
    text = text.replace(key, MASK)
    return re.sub("".join(map(_spellings, key)), MASK, text) if "\\" in text else text


def _spellings(character: str) -> str:
    """Return the pattern of a character in JSON: itself, behind a backslash, or by its number."""
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
