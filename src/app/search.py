"""The search of the catalog: the names that a text may mean."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence

from ..domain.check.suggestion import hint, likely_name, names_called
from ..domain.errors import ConfigError

__all__ = ["matching_names", "unknown_name"]


def matching_names(
    noun: str, names: Iterable[str], text: str, aliases: Mapping[str, Sequence[str]] | None = None
) -> Sequence[str]:
    """List the *names* that *text* may mean: by alias or spelling, else by their beginning, else by a part of them.

    Raises:
        ConfigError: there is no such name.
    """
    known, folded = tuple(names), text.casefold()
    if called := names_called(text, known, aliases):
        return called
    for fits in (str.startswith, str.__contains__):
        if found := [name for name in known if fits(name.casefold(), folded)]:
            return found
    raise unknown_name(noun, text, known, likely_name(text, known, aliases))


def unknown_name(noun: str, text: str, known: Sequence[str], likely: str | None) -> ConfigError:
    """Return the error about a name that does not exist, with the likely name or else the nearest in spelling."""
    by_folded = {name.casefold(): name for name in known}
    nearest = [by_folded[each] for each in difflib.get_close_matches(text.casefold(), by_folded, n=1, cutoff=0)]
    listed = "leave the name out to list them all"
    otherwise = f"the nearest is {nearest[0]}; {listed}" if nearest else listed
    return ConfigError(f"there is no {noun} {text!r}; {hint(likely, otherwise)}")
