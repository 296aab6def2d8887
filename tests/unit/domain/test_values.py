"""Values of the domain never change, show no picture and no secret, and enumerations are words that logs and files hold."""

from __future__ import annotations

import ast
import enum
import inspect
from importlib import import_module
from pkgutil import walk_packages

import attrs
import pytest

from chartimg import domain
from rows import for_each

MODULES = [import_module(found.name) for found in walk_packages(domain.__path__, f"{domain.__name__}.")]
VALUES = sorted(
    {
        each
        for module in MODULES
        for name, each in inspect.getmembers(module, inspect.isclass)
        if attrs.has(each) and each.__module__ == module.__name__ and not name.startswith("_")
    },
    key=lambda each: each.__qualname__,
)


@for_each("kind", VALUES)
def test_no_field_of_a_value_can_be_set(kind: type[attrs.AttrsInstance]) -> None:
    """Every public class of fields in the domain is frozen, so no listener or host changes one for the next."""
    value = object.__new__(kind)
    for name in [*(field.name for field in attrs.fields(kind)), "anything"]:
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            setattr(value, name, None)


ENUMERATIONS = {
    each
    for module in MODULES
    for _, each in inspect.getmembers(module, inspect.isclass)
    if issubclass(each, enum.Enum) and each.__module__ == module.__name__
}
WORDS = {
    "Answer": ["a picture", "the address of a picture, as JSON", "a list, as JSON"],
    "FixtureKind": ["picture", "error", "answer", "other"],
    "Remedy": ["none", "other_account", "wait"],
    "Retriable": ["no", "yes", "yes, if `available_at` is known"],
    "ValueType": [
        "String",
        "Integer",
        "Float",
        "Boolean",
        "Color",
        "DateTime",
        "Object",
        "Object[]",
        "String or Object",
    ],
}
NOT_SHOWN = {
    "Account": ["api_key"],
    "ChartApiFailure": ["ok", "png_bytes"],
    "ChartApiSuccess": ["ok", "error"],
    "ChartRequest": ["payload"],
    "ChartTemplate": ["payload"],
    "JsonSuccess": ["ok", "error"],
    "LayoutRequest": ["payload"],
    "Listing": ["ok", "error"],
    "Reply": ["headers", "with_session"],
    "StoredChart": ["ok", "error"],
    "TradingViewSession": ["session_id", "session_id_sign"],
}


@for_each("kind", ENUMERATIONS)
def test_a_member_is_the_word_of_its_name(kind: type[enum.Enum]) -> None:
    """A member of an enumeration is its name, or the words that tables and files have for it."""
    assert WORDS.get(kind.__name__, list(kind.__members__)) == [each.value for each in kind]


@for_each("kind", VALUES)
def test_what_is_large_secret_or_evident_is_not_shown(kind: type[attrs.AttrsInstance]) -> None:
    """The text of a value leaves out keys, sessions, payloads and bytes; what a kind of result decides can't be given."""
    fields = attrs.fields(kind)

    assert NOT_SHOWN.get(kind.__name__, []) == [field.name for field in fields if not field.repr]
    decided = {"ok", "png_bytes" if kind.__name__ == "ChartApiFailure" else "error"}
    results = {"ChartApiFailure", "ChartApiSuccess", "JsonSuccess", "Listing", "StoredChart"}
    assert (decided if kind.__name__ in results else set()) == {field.name for field in fields if not field.init}


@for_each("kind", VALUES)
def test_values_are_compared_by_all_but_the_name_of_their_fetch(kind: type[attrs.AttrsInstance]) -> None:
    """Two results are equal although their fetches are two; the address of a call is that of its request."""
    left_out = {"CallStarted": {"fetch_id", "method", "path"}, "Fetch": set[str]()}.get(kind.__name__, {"fetch_id"})
    fields = {field.name for field in attrs.fields(kind)}

    assert (left_out & fields) == {field.name for field in attrs.fields(kind) if not field.eq}


def test_an_argument_is_named_as_it_is_written() -> None:
    """Each argument that is required to be of a type is named in the message as the host writes it."""
    for module in MODULES:
        for call in ast.walk(ast.parse(inspect.getsource(module))):
            match call:
                case ast.Call(func=ast.Name("require"), args=[ast.Constant(name), ast.Name(variable), _]):
                    assert name == variable or " " in str(name), module.__name__
