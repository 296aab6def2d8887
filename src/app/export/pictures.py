"""The pictures of an export: charts with the same picture, although they were asked for with bodies that mean another one."""

from __future__ import annotations

import threading
from collections.abc import Callable

import attrs

from ...domain.chart import Request
from ...domain.check.catalog import Catalog
from ...domain.check.picture import duplicate_of, mean_the_same
from ...domain.finding import Finding

__all__ = ["SamePictures"]


@attrs.define(eq=False)
class _SamePicture:
    """Charts with the same picture: the first, and the first with a different body."""

    first: int
    other: int | None = None


class SamePictures:
    """Finds charts with the picture of another one. Safe from many threads.

    Args:
        request_of: returns the request of a chart by its number.
        rules: returns the catalog that decides which bodies mean the same; called only if two bodies give one picture.
    """

    def __init__(self, request_of: Callable[[int], Request], rules: Callable[[], Catalog]) -> None:
        self._request_of = request_of
        self._rules = rules
        self._lock = threading.Lock()
        self._same: dict[bytes, _SamePicture] = {}  # key: digest of the picture
        self._unmarked: dict[int, _SamePicture] = {}  # came before another body gave the same picture

    def add(self, number: int, digest: bytes) -> tuple[Finding, ...]:
        """Add the picture of a chart; return a warning if it is that of a chart with another body."""
        with self._lock:
            same = self._same.setdefault(digest, _SamePicture(number))
        duplicate = None if self._is_like(number, same.first) else same.first
        with self._lock:
            if duplicate is not None:
                same.other = number if same.other is None else same.other
            elif same.other is not None:
                duplicate = same.other
            else:
                self._unmarked[number] = same
        return () if duplicate is None else (duplicate_of(self._request_of(duplicate)),)

    def later(self, number: int) -> tuple[Finding, ...]:
        """Return the warning about a chart whose picture was new, if it is not any more."""
        with self._lock:
            same = self._unmarked.get(number)
            other = None if same is None else same.other
        return () if other is None else (duplicate_of(self._request_of(other)),)

    def _is_like(self, number: int, first: int) -> bool:
        """Return whether two charts were asked for with bodies that mean the same."""
        if number == first:
            return True
        one, other = self._request_of(number), self._request_of(first)
        return one.encoded == other.encoded or mean_the_same(one, other, self._rules().parameters)
