"""What in a payload can't be written as JSON, and where."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from itertools import islice
from typing import Final

from ..finding import Finding, Severity

__all__ = ["Place", "encode", "place", "unencodable", "unwritable", "written"]

_DEEPEST: Final = 200  # levels; the slowest of readers gives up at some hundreds
_HALF: Final = re.compile(r"[\ud800-\udfff]")  # surrogates
_ESCAPED_HALF: Final = re.compile(rb"\\ud[89a-f]")  # of which a whole character has two
_LONGEST_KEY: Final = 80  # characters
_LONGEST_PATH: Final = 300  # characters
_MOST_FOUND: Final = 100  # of what can't be written at all the first will do
_TOO_LONG: Final = 10**4300  # Python writes no more digits unless it is told to

Place = tuple["Place", object, bool] | None
"""Where a value lies, as a chain of keys from the inside out; None is the whole. It costs nothing until it is written."""


def unwritable(payload: Mapping[str, object], reason: str | None) -> tuple[Finding, ...]:
    """List the first places of *payload* that keep it from being JSON; *reason* is told when none is found."""
    found = tuple(islice(_walk(payload), _MOST_FOUND))
    if found or reason is None:
        return found
    return (Finding("", Severity.ERROR, f"can't be written as JSON ({reason})"),)


def encode(body: Mapping[str, object]) -> bytes:
    """Write *body* as canonical JSON.

    Raises:
        ValueError, TypeError, RecursionError: it can't be; :func:`unencodable` says where.
    """
    return json.dumps(body, allow_nan=False, sort_keys=True, separators=(",", ":")).encode()


def unencodable(payload: Mapping[str, object], encoded: Callable[[], bytes] | None = None) -> tuple[Finding, ...]:
    """List the first places of *payload* that keep it from being JSON which every reader takes; none when it is.

    *encoded* gives the JSON of what it is a part of, if that is not written anew for this.
    """
    try:
        text = encode(payload) if encoded is None else encoded()
    except (ValueError, TypeError, RecursionError) as error:
        return unwritable(payload, str(error))
    return unwritable(payload, None) if _ESCAPED_HALF.search(text) else ()


def place(path: str, key: object) -> str:
    """Give the path of what lies at *key* of the object at *path*, whatever the key holds."""
    name = str(key)
    if not 0 < len(name) <= _LONGEST_KEY or not name.isprintable():
        name = ascii(name[:_LONGEST_KEY])
    return f"{path}.{name}" if path else name


def written(where: Place) -> str:
    """Write a place as a path, shortened in the middle where it is long."""
    chain = []
    while where is not None:
        where, key, listed = where
        chain.append((key, listed))
    path = ""
    for key, listed in reversed(chain):
        path = f"{path}[{key}]" if listed else place(path, key)
        if len(path) > _LONGEST_PATH:
            return f"{path[:_LONGEST_PATH]}…"
    return path


def _walk(payload: Mapping[str, object]) -> Iterator[Finding]:
    """Look at every value once, however deep it lies and however often it is met."""
    seen: set[int] = set()
    waiting: list[tuple[Place, object, int]] = [(None, payload, 0)]
    while waiting:
        where, value, depth = waiting.pop()
        if isinstance(value, dict | list | tuple):
            if id(value) in seen:
                continue
            seen.add(id(value))
            if depth > _DEEPEST:
                yield Finding(written(where), Severity.ERROR, f"is nested more than {_DEEPEST} levels deep")
            elif isinstance(value, dict):
                yield from (Finding(written(where), Severity.ERROR, problem) for problem in _key_problems(value))
                waiting += reversed([((where, key, False), each, depth + 1) for key, each in value.items()])
            else:
                waiting += reversed([((where, number, True), each, depth + 1) for number, each in enumerate(value)])
        elif (problem := _problem(value)) is not None:
            yield Finding(written(where), Severity.ERROR, problem)


def _key_problems(fields: Mapping[object, object]) -> Iterator[str]:
    """Say what is wrong with the keys of an object; numbers and the like are written as text, but not among text."""
    kinds = {type(key) for key in fields}
    if len(kinds) > 1 and not all(isinstance(key, str) for key in fields):
        yield "has keys that are not all text"
        return
    for key in fields:
        if isinstance(key, str):
            if _HALF.search(key):
                yield f"the key {key[:_LONGEST_KEY]!a} holds a lone surrogate"
        elif not isinstance(key, int | float | None) or (isinstance(key, float) and not math.isfinite(key)):
            yield f"has a key that is {key if isinstance(key, float) else type(key).__name__} and not text"


def _problem(value: object) -> str | None:
    """Say why one value can't be written."""
    match value:
        case None | bool():
            return None
        case int():
            return None if -_TOO_LONG < value < _TOO_LONG else "is a number with thousands of digits"
        case float():
            return None if math.isfinite(value) else f"is {value}, which is no number in JSON"
        case str():
            return "holds a lone surrogate; was it cut, or read in the wrong encoding?" if _HALF.search(value) else None
        case bytes() | bytearray() | memoryview():
            return f"is {type(value).__name__} and not text; decode it"
        case date():
            return f"is {type(value).__name__}; write it as text, with isoformat()"
        case _:
            return f"is {type(value).__name__}, for which JSON has no form"
