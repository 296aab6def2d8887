"""Values of the domain never change."""

from __future__ import annotations

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
