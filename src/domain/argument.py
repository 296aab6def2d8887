"""The types of arguments: a wrong one is a ConfigError that names the argument and the right type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import UnionType
from typing import TYPE_CHECKING, Any, Final, get_args, get_origin, get_type_hints

from .errors import ConfigError

if TYPE_CHECKING:
    import attrs

__all__ = ["is_of", "require", "text_of", "typed"]

_LAZY: Final = 0x20 | 0x80 | 0x200  # a call of a generator or a coroutine only makes it (inspect.CO_GENERATOR, …)
_MAX_DIGITS: Final = 300
_MAX_INT: Final = 10**_MAX_DIGITS  # a larger int is neither a float nor, at last, printed
_WORDS: Final[Mapping[object, str]] = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "True or False",
    type(None): "None",
}


def require(argument: str, value: object, hint: Any) -> None:
    """Check that *value* is of the type *hint*, and so is each element of a sequence.

    An int is a float, and a bool is neither. An int that no float can hold is of no type. An object is of a port if it has the
    port's methods and none of them is async.

    Raises:
        ConfigError: *value* is of another type. The message shows that type alone, since the value may be a key.
    """
    kind = type(value)
    if kind is hint and kind is not int:
        return
    is_one_of = isinstance(hint, UnionType) and kind is not int and kind in hint.__args__
    if not is_one_of and not is_of(value, hint):
        raise ConfigError(f"{argument} must be {_words(hint)}, not {_type_of(value)}")


def text_of(value: object) -> str:
    """Return *value* in quotes if it is text, and else its type: other values may be of any length."""
    return repr(value) if isinstance(value, str) else _type_of(value)


def typed(cls: type, fields: list[attrs.Attribute[Any]]) -> list[attrs.Attribute[Any]]:
    """Require the annotated type of every field of a class: ``attrs.frozen(field_transformer=typed)``."""
    hints = get_type_hints(cls)
    return [field.evolve(validator=_validator(hints[field.name])) for field in fields]


def _validator(hint: object) -> Callable[[object, attrs.Attribute[Any], object], None]:
    plain = frozenset(get_args(hint) if get_origin(hint) is UnionType else (hint,)) - {int}  # which may be too large
    is_right = _test(hint)

    def check(_: object, field: attrs.Attribute[Any], value: object) -> None:
        if type(value) not in plain and not is_right(value):
            require(field.name, value, hint)

    return check


def is_of(value: object, hint: Any) -> bool:
    """Return whether *value* is of the type *hint*, as :func:`require` has it."""
    return _test(hint)(value)


def _test(hint: Any) -> Callable[[Any], bool]:
    """Return the function that tells whether a value is of the type *hint*."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin is UnionType:
        tests = list(map(_test, parts))
        return lambda value: any(test(value) for test in tests)
    if origin is Mapping:
        return lambda value: isinstance(value, Mapping)
    if origin is not None:
        test = _test(parts[0])
        return lambda value: isinstance(value, origin) and not isinstance(value, str) and all(map(test, value))
    if methods := _methods(hint):
        return lambda value: _has(value, methods)
    kinds = (int, float) if hint is float else hint

    def is_plain(value: object) -> bool:
        if isinstance(value, bool):
            return hint in {bool, object}
        if isinstance(value, int) and abs(value) > _MAX_INT:
            return hint is object
        return isinstance(value, kinds)

    return is_plain


def _has(value: object, methods: list[str]) -> bool:
    """Return whether *value* is an object with these *methods*, each of which does its work when it is called."""
    found = [getattr(value, method, None) for method in methods]
    return not isinstance(value, type) and all(callable(each) and not _is_lazy(each) for each in found)


def _is_lazy(function: object) -> bool:
    """Return whether a call of *function*, a partial or any object with ``__call__``, does nothing by itself."""
    function = getattr(function, "func", function)
    codes = (getattr(each, "__code__", None) for each in (function, vars(type(function)).get("__call__")))
    return any(getattr(code, "co_flags", 0) & _LAZY for code in codes)


def _methods(hint: Any) -> list[str]:
    """List the methods of a port."""
    return [name for name in vars(hint) if name[0] != "_"] if getattr(hint, "_is_protocol", False) else []


def _words(hint: Any) -> str:
    origin, parts = get_origin(hint), get_args(hint)
    if origin is UnionType:
        return " or ".join(map(_words, parts))
    if origin is Mapping:
        return "a mapping"
    if origin is not None:
        return f"a sequence of {' or '.join(each.__name__ for each in get_args(parts[0]) or parts[:1])}"
    if methods := _methods(hint):
        return f"an object with {', '.join(f'{method}()' for method in methods)}, not async"
    return _WORDS.get(hint) or f"{'an' if hint.__name__[0] in 'AEIO' else 'a'} {hint.__name__}"


def _type_of(value: object) -> str:
    if isinstance(value, type):
        return f"the class {value.__name__}"
    name = type(value).__name__
    if isinstance(value, int) and abs(value) > _MAX_INT:
        return f"{name} of more than {_MAX_DIGITS} digits"
    if isinstance(value, list | tuple):
        return f"{name} of {', '.join(sorted({type(each).__name__ for each in value})) or 'no elements'}"
    return name
