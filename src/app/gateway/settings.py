"""The callers that a gateway knows, read from ``CHARTS_GATEWAY_TOKENS``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final

import attrs

from ...codec import parse
from ...domain.errors import ConfigError

__all__ = ["TOKENS", "Caller", "read_callers"]

TOKENS: Final = "CHARTS_GATEWAY_TOKENS"
_MIN_CHARACTERS: Final = 16
_EXAMPLE: Final = '{"node-bot": "<its token>", "sheet": {"token": "<its token>", "perDay": 20}}'


class _NamedTwiceError(Exception):
    """A name is twice in one object."""


@attrs.frozen
class Caller:
    """A caller with a token.

    Attributes:
        name: the name in logs and books.
        token: the text that it sends as ``x-api-key``.
        per_day: units of its UTC day; None for all that the accounts have.
    """

    name: str
    token: str = attrs.field(repr=False)
    per_day: int | None = None


def read_callers(environ: Mapping[str, str] | None = None) -> tuple[Caller, ...]:
    """Read the callers; empty if the variable is not set.

    Raises:
        ConfigError: with one line for every mistake, without a token.
    """
    text = (os.environ if environ is None else environ).get(TOKENS, "").strip()
    if not text:
        return ()
    try:
        named = parse(text, read_object=_read_object)
    except _NamedTwiceError:
        raise ConfigError(f"{TOKENS}: a name is there twice; each caller needs its own") from None
    except ValueError as error:
        raise ConfigError(f"{TOKENS} {error}") from None
    if not isinstance(named, dict) or not named:
        raise ConfigError(f"{TOKENS} must be an object, name to token, like {_EXAMPLE}")
    callers: list[Caller] = []
    problems: list[str] = []
    for number, (name, value) in enumerate(named.items(), start=1):
        match {"token": value} if isinstance(value, str) else value:
            case {"token": str(token), **rest} if rest.keys() <= {"perDay"} and type(rest.get("perDay", 1)) is int:
                per_day = rest.get("perDay")
                caller = Caller(name, token, per_day if isinstance(per_day, int) else None)
                callers.append(caller)
                problem = _problem(caller)
            case _:
                problem = "it must be a token, or an object with token and perDay (a whole number)"
        if problem:
            problems.append(f"{TOKENS}, caller {number}: {problem}")
    if len({caller.token for caller in callers}) < len(callers):
        problems.append(f"{TOKENS}: two callers have the same token; each needs its own")
    if problems:
        raise ConfigError(problems)
    return tuple(callers)


def _read_object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Make an object of *pairs*.

    Raises:
        _NamedTwiceError: a name is there twice.
    """
    if len(made := dict(pairs)) < len(pairs):
        raise _NamedTwiceError
    return made


def _problem(caller: Caller) -> str | None:
    if not caller.name.strip() or not caller.name.isprintable():
        return "its name must be visible text"
    if len(caller.token) < _MIN_CHARACTERS or not (caller.token.isascii() and caller.token.isprintable()):
        return f"its token must be at least {_MIN_CHARACTERS} visible ASCII characters"
    if " " in caller.token:
        return "its token holds a space"
    return "its perDay must be above 0" if caller.per_day is not None and caller.per_day < 1 else None
