"""The types of arguments: which values are of a type, and how an error speaks of another."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from functools import partial
from typing import Protocol

import attrs
import pytest

from chartimg.domain.argument import require, text_of, typed
from chartimg.domain.errors import ConfigError
from rows import for_each


class Bell(Protocol):
    """A port."""

    def ring(self, times: int) -> None:
        """Ring."""

    def stop(self) -> None:
        """Stop."""


class Brass:
    """A bell."""

    def ring(self, times: int) -> None:
        """Ring."""

    def stop(self) -> None:
        """Stop."""


class Written:
    """A bell whose functions are not written in Python."""

    ring = stop = print


class XRay:
    """A class with a letter that is not a vowel."""


class Cracked(Brass):
    """A bell that can't ring."""

    ring = None  # type: ignore[assignment]


class Later(Brass):
    """A bell that nobody awaits."""

    async def stop(self) -> None:  # type: ignore[override]
        """Stop."""


class Rung(Brass):
    """A bell with a partial function."""

    ring = staticmethod(partial(print, "ring"))


class Tune(Brass):
    """A bell whose function is a generator, so that a call does nothing."""

    def stop(self) -> Iterator[int]:  # type: ignore[override]
        """Stop."""
        yield 0


class Tunes(Brass):
    """A bell whose function is an asynchronous generator."""

    async def stop(self) -> AsyncIterator[int]:  # type: ignore[override]
        """Stop."""
        yield 0


class Wrapped(Brass):
    """A bell with an asynchronous function in a partial."""

    stop = staticmethod(partial(Later().stop))  # type: ignore[assignment]


class Called(Brass):
    """A bell with an object whose call is asynchronous."""

    class Stop:
        """Stops."""

        async def __call__(self) -> None:
            """Stop."""

    stop = Stop()  # type: ignore[assignment]


@attrs.frozen(field_transformer=typed)
class Sign:
    """A class with typed fields."""

    text: str
    size: float = 1.0
    lines: tuple[str, ...] = ()


@for_each(
    ("value", "hint"),
    [
        ("", str),
        (5, int),
        (5, float),
        (10**300, int),
        (5.5, float),
        (True, bool),
        (None, str | None),
        ("", str | None),
        (True, object),
        ("", object),
        ({}, Mapping[str, object]),
        ({}, Mapping | None),
        ((), tuple[str, ...]),
        (("a", "b"), tuple[str, ...]),
        (["a"], Sequence[str]),
        (["a"], int | Sequence[str]),
        (Brass(), Bell),
        (Written(), Bell),
        (Rung(), Bell),
        (None, Bell | None),
        (Brass(), Brass),
    ],
)
def test_a_value_of_the_type_passes(value: object, hint: object) -> None:
    """A value of the type, with elements of the type, is accepted."""
    require("it", value, hint)


@for_each(
    ("value", "hint", "told"),
    [
        (5, str, "text, not int"),
        (b"key", str, "text, not bytes"),
        (10**300 + 1, float, "a number, not int of more than 300 digits"),
        (5.5, int, "a whole number, not float"),
        (True, int, "a whole number, not bool"),
        (True, float, "a number, not bool"),
        ("5", float, "a number, not str"),
        (1, bool, "True or False, not int"),
        (5, str | None, "text or None, not int"),
        ([], Mapping[str, object], "a mapping, not list of no elements"),
        (["a"], tuple[str, ...], "a sequence of str, not list of str"),
        (("a", 5, None, 6), tuple[str, ...], "a sequence of str, not tuple of NoneType, int, str"),
        ("ab", Sequence[str], "a sequence of str, not str"),
        ({}, Sequence[str], "a sequence of str, not dict"),
        ([b"a"], Sequence[str | int], "a sequence of str or int, not list of bytes"),
        ((b"a",), tuple[str | int, ...], "a sequence of str or int, not tuple of bytes"),
        (5, Brass, "a Brass, not int"),
        (5, XRay, "a XRay, not int"),
        (Brass, Brass, "a Brass, not the class Brass"),
        (Brass(), ConfigError, "a ConfigError, not Brass"),
        (5, ArithmeticError, "an ArithmeticError, not int"),
        (Brass, Bell, "an object with ring(), stop(), not async, not the class Brass"),
        (Cracked(), Bell, "an object with ring(), stop(), not async, not Cracked"),
        (Later(), Bell, "an object with ring(), stop(), not async, not Later"),
        (Tune(), Bell, "an object with ring(), stop(), not async, not Tune"),
        (Tunes(), Bell, "an object with ring(), stop(), not async, not Tunes"),
        (Wrapped(), Bell, "an object with ring(), stop(), not async, not Wrapped"),
        (Called(), Bell, "an object with ring(), stop(), not async, not Called"),
        (print, Bell | None, "an object with ring(), stop(), not async or None, not builtin_function_or_method"),
    ],
)
def test_a_value_of_another_type_is_reported_with_its_type_and_the_right_one(
    value: object, hint: object, told: str
) -> None:
    """The error names the argument, the right type, and the type of the value without the value."""
    with pytest.raises(ConfigError) as caught:
        require("it", value, hint)
    assert (f"it must be {told}",) == caught.value.problems


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"text": 5}, "text must be text, not int"),
        ({"text": "", "size": "x"}, "size must be a number, not str"),
        ({"text": "", "lines": ["a"]}, "lines must be a sequence of str, not list of str"),
        ({"text": "", "lines": "a"}, "lines must be a sequence of str, not str"),
    ],
)
def test_a_class_with_typed_fields_requires_their_types(fields: Mapping[str, object], told: str) -> None:
    """Each field of a typed class must be of its annotated type."""
    assert Sign("a", 2, ("b",)) == Sign("a", 2.0, ("b",))
    with pytest.raises(ConfigError) as caught:
        Sign(**fields)  # type: ignore[arg-type]
    assert told == str(caught.value)


def test_a_text_is_shown_in_quotes_and_any_other_value_as_its_type() -> None:
    """A message shows a text as it was written, and of other values the type alone."""
    assert ("'5'", "int", "list of str", "the class Brass") == tuple(map(text_of, ("5", 5, ["a"], Brass)))
