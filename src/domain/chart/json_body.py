"""JSON of a body that a host has built: its canonical text, or the places that keep it from being JSON."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from itertools import islice
from typing import Final

from ..finding import Finding, Severity

__all__ = ["Place", "encode", "json_problems", "path_below", "path_of", "text_problem"]

_MAX_LEVELS: Final = 200  # some readers give up at a few hundred nested levels
_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")
_ESCAPED_SURROGATE: Final = re.compile(rb"\\ud[89a-f]")  # matches both halves of a whole character, too
_MAX_KEY_CHARACTERS: Final = 80
_MAX_PATH_CHARACTERS: Final = 300
_MAX_FINDINGS: Final = 100
_MAX_NUMBER: Final = 10**4300  # Python writes no more digits by default

Place = tuple["Place", object, bool] | None
"""Position of a value: linked keys, innermost first; the root has no link. Text is built only when needed."""


def encode(body: Mapping[str, object]) -> bytes:
    """Return *body* as canonical JSON.

    Raises:
        ValueError, TypeError, RecursionError: it is not JSON; :func:`json_problems` lists the places.
    """
    return json.dumps(body, allow_nan=False, sort_keys=True, separators=(",", ":")).encode()


def json_problems(payload: Mapping[str, object], encoded: Callable[[], bytes] | None = None) -> tuple[Finding, ...]:
    """List the first places of *payload* that a JSON reader would refuse.

    Args:
        payload: the value to try.
        encoded: returns the JSON of a body with this payload, so that it is not encoded twice.
    """
    try:
        text, reason = encode(payload) if encoded is None else encoded(), ""
    except (ValueError, TypeError, RecursionError) as error:
        text, reason = b"", str(error) or type(error).__name__
    if not reason and not _ESCAPED_SURROGATE.search(text):
        return ()
    found = tuple(islice(_walk(payload), _MAX_FINDINGS))
    if found or not reason:
        return found
    return (Finding("", Severity.ERROR, f"can't be written as JSON ({reason})"),)


def text_problem(text: str) -> str | None:
    """Return why UTF-8 can't encode *text*, if so."""
    return "holds a lone surrogate; was it cut, or read in the wrong encoding?" if _SURROGATE.search(text) else None


def path_below(path: str, key: object) -> str:
    """Return the path of *key* in the object at *path*. Unprintable and long keys are escaped and cut."""
    name = str(key)
    if not 0 < len(name) <= _MAX_KEY_CHARACTERS or not name.isprintable():
        name = ascii(name[:_MAX_KEY_CHARACTERS])
    return f"{path}.{name}" if path else name


def path_of(place: Place) -> str:
    """Return the path of *place*, cut after 300 characters."""
    chain = []
    while place is not None:
        place, key, listed = place
        chain.append((key, listed))
    path = ""
    for key, listed in reversed(chain):
        path = f"{path}[{key}]" if listed else path_below(path, key)
        if len(path) > _MAX_PATH_CHARACTERS:
            return f"{path[:_MAX_PATH_CHARACTERS]}…"
    return path


def _walk(payload: Mapping[str, object]) -> Iterator[Finding]:
    """Check every value once, at any depth."""
    seen: set[int] = set()
    waiting: list[tuple[Place, object, int]] = [(None, payload, 0)]
    while waiting:
        where, value, depth = waiting.pop()
        if isinstance(value, dict | list | tuple):
            if id(value) in seen:
                continue
            seen.add(id(value))
            if depth > _MAX_LEVELS:
                yield Finding(path_of(where), Severity.ERROR, f"is nested more than {_MAX_LEVELS} levels deep")
            elif isinstance(value, dict):
                yield from (Finding(path_of(where), Severity.ERROR, problem) for problem in _key_problems(value))
                waiting += reversed([((where, key, False), each, depth + 1) for key, each in value.items()])
            else:
                waiting += reversed([((where, number, True), each, depth + 1) for number, each in enumerate(value)])
        elif (problem := _problem(value)) is not None:
            yield Finding(path_of(where), Severity.ERROR, problem)


def _key_problems(fields: Mapping[object, object]) -> Iterator[str]:
    """List the problems of the keys of an object. Numbers and null are written as text, but can't be sorted among text."""
    kinds = {type(key) for key in fields}
    if len(kinds) > 1 and not all(isinstance(key, str) for key in fields):
        yield "has keys that are not all text"
        return
    for key in fields:
        if isinstance(key, str):
            if _SURROGATE.search(key):
                yield f"the key {key[:_MAX_KEY_CHARACTERS]!a} holds a lone surrogate"
        elif not isinstance(key, int | float | None) or (isinstance(key, float) and not math.isfinite(key)):
            yield f"has a key that is {key if isinstance(key, float) else type(key).__name__} and not text"


def _problem(value: object) -> str | None:
    """Return why one value is not JSON, if so."""
    match value:
        case None | bool():
            return None
        case int():
            return None if -_MAX_NUMBER < value < _MAX_NUMBER else "is a number with thousands of digits"
        case float():
            return None if math.isfinite(value) else f"is {value}, which is not a number in JSON"
        case str():
            return text_problem(value)
        case bytes() | bytearray() | memoryview():
            return f"is {type(value).__name__} and not text; decode it"
        case date():
            return f"is {type(value).__name__}; write it as text, with isoformat()"
        case _:
            return f"is {type(value).__name__} and not a JSON value"
