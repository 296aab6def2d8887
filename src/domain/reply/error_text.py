"""Read what the provider says about an error, in every shape it documents and in those it doesn't."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final

import attrs

__all__ = ["ErrorText", "read_error_text"]

_MAX_KNOWN: Final = 4 * 1024
_MAX_PARSED: Final = 256 * 1024
_MAX_MESSAGE: Final = 300
_MAX_DETAILS: Final = 50
_MESSAGE_NAMES: Final = ("message", "Message", "error", "msg")
_TAG: Final = re.compile(r"<(?:script|style)\b.*?</(?:script|style)\s*>|<[^<>]*>", re.IGNORECASE | re.DOTALL)


@attrs.frozen
class ErrorText:
    """What an error body says: one line for a person, and each field error the provider listed."""

    message: str
    details: tuple[Mapping[str, object], ...] = ()


def read_error_text(body: bytes) -> ErrorText:
    """Read *body*: ``message``, ``error``, ``errors[]``, a bare array of field errors, or plain text. Never raises.

    Source: the API page, "Errors" (v1 mixes ``message``, ``error`` and ``errors``; a v2 422 is an array or an object).
    """
    if len(body) > _MAX_KNOWN:
        return _read(body)
    known = _read_known(body)
    if not known.details:
        return known
    # Whoever gets details may change them, so each gets his own.
    if all(isinstance(value, str | int | float | None) for entry in known.details for value in entry.values()):
        return ErrorText(known.message, tuple(dict(entry) for entry in known.details))
    return _read(body)


def _read(body: bytes) -> ErrorText:
    text = body[:_MAX_PARSED].decode("utf-8", "replace").removeprefix("\ufeff")
    try:
        value: object = json.loads(text)
    except (ValueError, RecursionError):
        return ErrorText(_one_line(_TAG.sub(" ", text[: 8 * 1024])))
    details = tuple(_field_errors(value))[:_MAX_DETAILS]
    message = _message(value) or "; ".join(filter(None, map(_describe, details)))
    return ErrorText(_one_line(message), details)


_read_known = lru_cache(maxsize=64)(_read)  # the provider has few errors to tell


def _field_errors(value: object) -> Iterator[Mapping[str, object]]:
    """Find the listed errors: the bare array, or the array under ``errors``."""
    listed = value.get("errors") if isinstance(value, Mapping) else value
    if isinstance(listed, list):
        for entry in listed:
            yield entry if isinstance(entry, Mapping) else {"msg": entry}


def _message(value: object) -> str:
    """Find the sentence of an error object, one level deep."""
    if isinstance(value, str):
        return value
    if not isinstance(value, Mapping):
        return ""
    for name in _MESSAGE_NAMES:
        match value.get(name):
            case str(text) if text.strip():
                return text
            case {"message": str(text)}:
                return text
            case _:
                continue
    return ""


def _describe(entry: Mapping[str, object]) -> str:
    """Say one field error in a phrase: ``interval: Invalid value``."""
    parts = (entry.get("param"), entry.get("msg") or entry.get("message"))
    return ": ".join(str(part)[:_MAX_MESSAGE] for part in parts if part and isinstance(part, str | int | float))


def _one_line(text: str) -> str:
    """Keep what can be shown on one line of a terminal or log."""
    shown = "".join(character if character.isprintable() else " " for character in text[: 8 * 1024])
    return " ".join(shown.split())[:_MAX_MESSAGE].rstrip()
