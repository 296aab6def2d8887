"""The provider's rules for a chart request, read from JSON."""

from __future__ import annotations

import os
from functools import cache
from typing import Final

from ..codec import load
from ..domain.check.catalog import Catalog
from ..files import DATA, read_text

__all__ = ["load_catalog", "shipped_catalog"]

_SHIPPED: Final = DATA / "advanced_chart_v2.json"


@cache
def shipped_catalog() -> Catalog:
    """Return the rules that ship. They are read at the first call and kept for the life of the process."""
    return load_catalog(_SHIPPED)


def load_catalog(path: str | os.PathLike[str]) -> Catalog:
    """Read a catalog of the host's: a JSON file like the one that ships; every part is optional.

    Lay it over the rules that ship with ``shipped_catalog().extended(...)``, or use it alone.

    Raises:
        ConfigError: with one line for every mistake in the file.
    """
    file = os.fspath(path)
    return load(read_text(file, what="catalog"), Catalog, where=f"catalog {file}")
