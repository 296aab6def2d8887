"""Read the text of an error body, in every documented shape and in any other."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Final

import attrs

__all__ = ["ErrorText", "read_error_text"]

_MAX_BODY_BYTES: Final = 256 * 1024
_MAX_TEXT_CHARACTERS: Final = 8 * 1024  # a longer text is cut before it becomes one line
_MAX_MESSAGE_CHARACTERS: Final = 300
_MAX_DETAILS: Final = 50
_decode: Final = json.JSONDecoder().decode  # a fifth quicker than json.loads
_PLAIN: Final = str, int, float
_MESSAGE_NAMES: Final = ("message", "Message", "error", "msg")
_TAG: Final = re.compile(r"<(?:script|style)\b.*?</(?:script|style)\s*>|<[^<>]*>", re.IGNORECASE | re.DOTALL)


@attrs.frozen
class ErrorText:
    """The text of an error body: one line for a person, and each field error the provider listed."""

    message: str
    details: tuple[Mapping[str, object], ...] = ()


def read_error_text(body: bytes) -> ErrorText:
    """Read *body*: ``message``, ``error``, ``errors[]``, a bare array of field errors, or plain text. Never raises.

    Source: the API page, "Errors" (v1 mixes ``message``, ``error`` and ``errors``; a v2 422 is an array or an object).
    """
    text = body[:_MAX_BODY_BYTES].decode("utf-8", "replace").removeprefix("\ufeff")
    try:
        value: object = _decode(text)
    except (ValueError, RecursionError):
        return ErrorText(_one_line(_TAG.sub(" ", text[:_MAX_TEXT_CHARACTERS])))
    details = tuple(_field_errors(value))[:_MAX_DETAILS]
    message = _message(value) or "; ".join(filter(None, map(_describe, details)))
    return ErrorText(_one_line(message), details)


def _field_errors(value: object) -> Iterator[Mapping[str, object]]:
    """Find the listed errors: the bare array, or the array under ``errors``."""
    listed = value.get("errors") if isinstance(value, dict) else value
    if isinstance(listed, list):
        for entry in listed:
            yield entry if isinstance(entry, dict) else {"msg": entry}


def _message(value: object) -> str:
    """Find the message of an error object, one level deep."""
    if isinstance(value, str):
        return value
    if not isinstance(value, dict):
        return ""
    for name in _MESSAGE_NAMES:
        match value.get(name):
            case str(text) if text.strip():
                return text
            case {"message": str(text)}:
                return text
    return ""


def _describe(entry: Mapping[str, object]) -> str:
    """Write one field error as a phrase: ``interval: Invalid value``."""
    parts = (entry.get("param"), entry.get("msg") or entry.get("message"))
    return ": ".join(str(part) for part in parts if part and isinstance(part, _PLAIN))


def _one_line(text: str) -> str:
    """Make *text* one line for a terminal or log: printable, without runs of spaces, cut."""
    shown = text[:_MAX_TEXT_CHARACTERS]
    if not shown.isprintable():
        shown = "".join(character if character.isprintable() else " " for character in shown)
    return " ".join(shown.split())[:_MAX_MESSAGE_CHARACTERS].rstrip()
