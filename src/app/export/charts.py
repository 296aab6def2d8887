"""The charts of an export by their numbers: each once, with the name of its file."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from sys import intern
from typing import Final

import attrs

from ...domain.argument import require
from ...domain.chart import PictureKey, PictureRequest, Request
from ...domain.chart.leeway import NO_LEEWAY, Leeway
from ...domain.errors import ConfigError
from .manifest import picture_names
from .source import ChartSource

__all__ = ["ExportCharts"]

_MAX_PROBLEMS: Final = 20


class ExportCharts:
    """The charts of *requests*. A request is made anew from its number, so that a long sequence need not be in memory.

    *leeway* names the parts that a fetch may change.

    Attributes:
        names: the names of the files.
    """

    def __init__(self, source: ChartSource, requests: Sequence[PictureRequest], leeway: Leeway = NO_LEEWAY) -> None:
        self._source = source
        self._leeway = leeway
        self._requests = requests
        self._keys: list[PictureKey] = []
        self._places: list[int] = []
        self.names: Sequence[str] = ()

    def survey(self) -> None:
        """List the charts. Idempotent.

        Raises:
            ConfigError: with one line for each reason to refuse a chart before its call.
        """
        if self._keys:
            return
        seen: set[bytes] = set()
        problems: Counter[str] = Counter()
        for place, given in enumerate(self._requests):
            require(f"request {place + 1} of the export", given, PictureRequest)
            request = given if given.problems else self._source.completed(given)
            if found := request.problems or self._source.errors(request, self._leeway):
                problems.update(each.text for each in found)
                continue
            key = _interned(request.key)
            mark = hashlib.sha256(repr((key, request.body_digest)).encode("utf-8", "surrogatepass")).digest()
            if mark not in seen:
                seen.add(mark)
                self._keys.append(key)
                self._places.append(place)
        if problems:
            raise ConfigError(list(_told(problems)))
        self.names = picture_names(self._keys)

    def __len__(self) -> int:
        """Return the number of charts."""
        return len(self._keys)

    @property
    def symbols(self) -> Sequence[str]:
        """The symbol of each chart; for a layout with its own symbol, its name."""
        return [key.symbol or str(key) for key in self._keys]

    def key(self, number: int) -> PictureKey:
        """Return the name of a chart."""
        return self._keys[number]

    def request(self, number: int) -> Request:
        """Return the request to fetch for a chart."""
        return self._source.completed(self._requests[self._places[number]])

    def possible(self, number: int) -> Iterator[Request]:
        """Return the requests that may be sent for a chart, in order."""
        return self._source.possible(self.request(number), self._leeway)


def _interned(key: PictureKey) -> PictureKey:
    """Return *key* with parts that equal keys of other charts share."""
    parts = (part and intern(part) for part in attrs.astuple(key))
    return type(key)(*parts)


def _told(problems: Counter[str]) -> Iterator[str]:
    """Return a line for each problem, up to a number."""
    shown = list(problems.items())[:_MAX_PROBLEMS]
    for problem, count in shown:
        yield (
            f"the chart request is wrong: {problem}" if count == 1 else f"{count:,} chart requests are wrong: {problem}"
        )
    if (more := len(problems) - len(shown)) > 0:
        yield f"and {more:,} more problems"
