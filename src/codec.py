"""Strict JSON to values and back, with every cattrs hook of the library.

Strict: a number is not read from text, nor text from a number, and an unknown name is a mistake. Each mistake is reported with
its place (``$[0].dailyLimit``) and without its value: that may be a key.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Final, TypeVar, get_args, get_origin

import attrs
from cattrs import Converter, transform_error
from cattrs.errors import BaseValidationError, ForbiddenExtraKeysError
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override

from .domain.account import Account
from .domain.check.suggestion import likely_name
from .domain.errors import ConfigError

__all__ = ["dump", "dump_line", "load", "load_parts", "parse"]

T = TypeVar("T")
_NAME: Final = re.compile(r"[A-Za-z_]{1,24}")  # short, letters alone: a misspelt name and not a key
_FIELD: Final = re.compile(r"\b[a-z]+(?:_[a-z]+)+\b")
_BASICS: Final = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}


class _WrongTypeError(TypeError):
    """A value has the wrong type; *wanted* names the right one."""

    def __init__(self, wanted: str) -> None:
        self.wanted = wanted
        super().__init__(f"must be {wanted}")


def load(text: str, kind: type[T], *, where: str) -> T:
    """Read *text*, JSON from *where*, as a *kind*.

    Raises:
        ConfigError: one line for every mistake in the text.
    """
    try:
        value = parse(text)
    except ValueError as error:
        raise ConfigError(f"{where} {error}") from None
    return _structured(value, kind, where)


def load_parts(text: str, kind: type[T], parts: Mapping[str, type], *, where: str) -> T:
    """Read *text* like :func:`load`, with little memory for a long one: each of its *parts* is a value as soon as it is read.

    An object with one of the names of *parts* in it is of that kind.

    Raises:
        ConfigError: one line for the first mistake in a part, or one for every mistake in the rest.
    """
    mistakes: list[ConfigError] = []

    def read_object(pairs: list[tuple[str, Any]]) -> object:
        value = dict(pairs)
        part = next((parts[name] for name in parts if name in value), None)
        if part is None or mistakes:
            return value
        try:
            return _structured(value, part, f"{where}, in a part of it")
        except ConfigError as error:
            mistakes.append(error)
            return value

    try:
        value = parse(text, read_object=read_object)
    except ValueError as error:
        raise ConfigError(f"{where} {error}") from None
    if mistakes:
        raise mistakes[0]
    return _structured(value, kind, where)


def _structured(value: object, kind: type[T], where: str) -> T:
    try:
        return _converter().structure(value, kind)
    except BaseValidationError as error:
        problems = transform_error(error, format_exception=_phrase)
    except (_WrongTypeError, ConfigError) as error:
        problems = [str(error)]
    raise ConfigError([_placed(problem, where) for problem in problems])


def parse(text: str, *, read_object: Callable[[list[tuple[str, Any]]], object] | None = None) -> object:
    """Parse JSON; *read_object* makes a value of the names and values of an object, by default a dict.

    Raises:
        ValueError: the message is the reason in one line, ``is not JSON: … at line 1, column 2``.
    """
    try:
        return json.loads(text.removeprefix("\ufeff"), object_pairs_hook=read_object)
    except json.JSONDecodeError as error:
        reason = error.msg.removesuffix(" at")
        raise ValueError(f"is not JSON: {reason} at line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise ValueError("is not JSON that can be read: it is nested too deeply") from None
    except ValueError:
        raise ValueError("is not JSON that can be read: it has a number with too many digits") from None


def dump(value: object) -> str:
    """Write *value* as indented JSON in ASCII, with a line break at its end."""
    return json.dumps(_converter().unstructure(value), indent=2) + "\n"


def dump_line(value: object) -> str:
    """Write *value* as one line of JSON in ASCII, with a line break at its end."""
    return json.dumps(_converter().unstructure(value), separators=(",", ":")) + "\n"


def _placed(line: str, where: str) -> str:
    """Put the place first, in the names of JSON: ``X, at $[0].dailyLimit: must be …``."""
    phrase, _, path = line.rpartition(" @ ")
    if path in {"$", line}:
        return f"{where}: {phrase or line}"
    return f"{where}, at {re.sub(r'[a-z][a-z_]+', lambda name: _json_name(name[0]), path)}: {phrase}"


def _phrase(error: BaseException, _: object) -> str:
    """Describe one mistake without its value."""
    match error:
        case KeyError():
            return "is missing"
        case ForbiddenExtraKeysError():
            return _unknown(error)
        case ConfigError():
            return "; ".join(_FIELD.sub(lambda name: _json_name(name[0]), problem) for problem in error.problems)
        case _WrongTypeError():
            return str(error)
        case _:
            return "has the wrong form"


def _unknown(error: ForbiddenExtraKeysError) -> str:
    """Name the unknown fields; in an account only a misspelt name is repeated, since any other text may be a key."""
    known = [_json_name(field.name) for field in attrs.fields(error.cl)]
    names = sorted(name for name in error.extra_fields if _NAME.fullmatch(name))
    if "apiKey" in known:
        names = [name for name in names if difflib.get_close_matches(name, known, n=1)]
    if names:
        likely = list(filter(None, (likely_name(name, known) for name in names)))
        return f"has the unknown field {', '.join(names)}" + (f"; did you mean {', '.join(likely)}?" if likely else "")
    return f"has an unknown field with a strange name; known fields: {', '.join(known)}"


@cache
def _converter() -> Converter:
    """Return the one converter, built when it is first needed."""
    converter = Converter(forbid_extra_keys=True)
    for basic in _BASICS:
        converter.register_structure_hook(basic, _strict)
    converter.register_structure_hook(datetime, lambda value, _: _moment(value))
    converter.register_unstructure_hook(datetime, lambda moment: moment.astimezone(UTC).isoformat())
    converter.register_structure_hook_func(lambda kind: kind is object, lambda value, _: value)
    converter.register_structure_hook_func(_is_scalar_union, _scalar)
    converter.register_structure_hook_func(_is(Mapping), lambda value, _: _object(value))
    converter.register_structure_hook_func(_is(tuple), lambda value, kind: _array(converter, value, get_args(kind)[0]))
    converter.register_structure_hook_func(
        _is(frozenset), lambda value, kind: frozenset(_array(converter, value, get_args(kind)[0]))
    )
    converter.register_unstructure_hook_func(_is(frozenset), sorted)
    converter.register_structure_hook_factory(attrs.has, lambda kind: _reader(kind, converter))
    converter.register_unstructure_hook_factory(
        attrs.has, lambda kind: make_dict_unstructure_fn(kind, converter, **_names(kind))
    )
    return converter


_NAMES: Final[Mapping[str, str]] = {
    "symbol_pattern": "chartImgSymbolTemplate",
    "payload": "request",
    "learned_limits": "told",  # account books that exist have this key
}
"""Fields with a name of their own in JSON; all others are in camel case."""
_LEFT_OUT: Final = frozenset({"layout_id"})
"""Fields that are not written at their default."""


def _is(generic: type) -> Callable[[object], bool]:
    """Recognise ``generic[...]``."""
    return lambda kind: get_origin(kind) is generic


def _is_scalar_union(kind: object) -> bool:
    """Recognise a union of more than one of the basic kinds."""
    kinds = set(get_args(kind)) - {NoneType} if isinstance(kind, UnionType) else set()
    return len(kinds) > 1 and kinds <= set(_BASICS)


def _scalar(value: object, kind: object) -> object:
    """Return *value* if it is one of the kinds of a union."""
    kinds = get_args(kind)
    if value is None and NoneType in kinds:
        return None
    for each in kinds:
        if each in _BASICS and isinstance(value, (int, float) if each is float else each):
            return _strict(value, bool if isinstance(value, bool) and bool in kinds else each)
    raise _WrongTypeError(" or ".join(_BASICS[each] for each in kinds if each in _BASICS))


def _names(kind: type) -> dict[str, Any]:
    """Return the name in JSON of each field of *kind*."""
    return {
        field.name: override(rename=_json_name(field.name), omit_if_default=field.name in _LEFT_OUT)
        for field in attrs.fields(kind)
    }


def _json_name(name: str) -> str:
    """Return the name in JSON of a field."""
    if name in _NAMES:
        return _NAMES[name]
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


def _reader(kind: type[T], converter: Converter) -> Callable[[object, object], T]:
    """Read an object as a *kind*."""
    names = _names(kind)
    if kind is Account:  # its constructor names the plans
        names["plan"] = override(
            rename="plan", struct_hook=lambda value, _: None if value is None else _strict(value, str)
        )
    structure = make_dict_structure_fn(kind, converter, **names)
    return lambda value, _: value if isinstance(value, kind) else structure(_object(value), kind)


def _strict(value: object, kind: type) -> object:
    """Return *value* if it is a *kind*; a whole number is a number, true and false are not."""
    if issubclass(kind, Enum):  # cattrs hands members of a StrEnum to the hook of their base
        return _member(value, kind)
    allowed: tuple[type, ...] = (int, float) if kind is float else (kind,)
    if not isinstance(value, allowed) or (isinstance(value, bool) and kind is not bool):
        raise _WrongTypeError(_BASICS[kind])
    return value


def _member(value: object, kind: type[Enum]) -> Enum:
    """Return the member of an enumeration by its value."""
    try:
        return kind(value)
    except ValueError:
        raise _WrongTypeError(f"one of {', '.join(str(member.value) for member in kind)}") from None


def _object(value: object) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise _WrongTypeError("an object")
    return value


def _array(converter: Converter, value: object, kind: type) -> tuple[object, ...]:
    if not isinstance(value, list):
        raise _WrongTypeError("an array")
    return tuple(converter.structure(value, list[kind]))  # type: ignore[valid-type]


def _moment(value: object) -> datetime:
    """Read a date and time with its zone."""
    try:
        moment = datetime.fromisoformat(str(_strict(value, str)))
    except ValueError:
        raise _WrongTypeError("a date and time in ISO 8601") from None
    if moment.tzinfo is None:
        raise _WrongTypeError("a date and time with its zone")
    return moment
