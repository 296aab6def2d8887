"""What in a payload can't be written as JSON, and where."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Final

from .finding import Finding, Severity

__all__ = ["place", "unwritable"]

_DEEPEST: Final = 200  # levels; the slowest of readers gives up at some hundreds
_HALF: Final = re.compile(r"[\ud800-\udfff]")  # surrogates
_LONGEST_KEY: Final = 80  # characters


def unwritable(payload: Mapping[str, object], reason: str | None) -> tuple[Finding, ...]:
    """List the places of *payload* that keep it from being JSON; *reason* is told when none is found."""
    found = tuple(_walk(payload))
    if found or reason is None:
        return found
    return (Finding("", Severity.ERROR, f"the payload can't be written as JSON ({reason})"),)


def place(path: str, key: object) -> str:
    """Give the path of what lies at *key* of the object at *path*, whatever the key holds."""
    name = str(key)
    if not 0 < len(name) <= _LONGEST_KEY or not name.isprintable():
        name = ascii(name[:_LONGEST_KEY])
    return f"{path}.{name}" if path else name


def _walk(payload: Mapping[str, object]) -> Iterator[Finding]:
    """Look at every value once, however deep it lies and however often it is met."""
    seen: set[int] = set()
    waiting: list[tuple[str, object, int]] = [("", payload, 0)]
    while waiting:
        path, value, depth = waiting.pop()
        if isinstance(value, dict | list | tuple):
            if id(value) in seen:
                continue
            seen.add(id(value))
            if depth > _DEEPEST:
                yield Finding(path, Severity.ERROR, f"is nested more than {_DEEPEST} levels deep")
                continue
            if isinstance(value, dict):
                yield from (
                    Finding(path, Severity.ERROR, f"has a key that is {type(key).__name__} and not text")
                    for key in value
                    if not isinstance(key, str | int | float | None)
                )
                yield from (
                    Finding(path, Severity.ERROR, f"the key {key!a} holds half a character")
                    for key in value
                    if isinstance(key, str) and _HALF.search(key)
                )
                waiting += reversed([(place(path, key), each, depth + 1) for key, each in value.items()])
            else:
                waiting += reversed([(f"{path}[{number}]", each, depth + 1) for number, each in enumerate(value)])
        elif (problem := _problem(value)) is not None:
            yield Finding(path, Severity.ERROR, problem)


def _problem(value: object) -> str | None:
    """Say why one value can't be written."""
    match value:
        case None | int():
            return None
        case float():
            return None if math.isfinite(value) else f"is {value}, which is no number in JSON"
        case str():
            return "holds half a character; was it cut, or read in the wrong encoding?" if _HALF.search(value) else None
        case bytes() | bytearray() | memoryview():
            return f"is {type(value).__name__} and not text; decode it"
        case _:
            return f"is {type(value).__name__}, for which JSON has no form"
