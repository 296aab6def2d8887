"""Pictures at an address: stored for the days of a plan, and served to everybody until they expire."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

import attrs

from .rules import AcceptedChart

__all__ = ["STORAGE_PATH", "Storage", "StoredPicture"]

STORAGE_PATH: Final = "/_storage/"
_MAX_KEPT: Final = 10_000  # the oldest goes first


@attrs.frozen
class StoredPicture:
    """A picture at an address.

    Attributes:
        chart: the chart to draw.
        url: the address.
        expires_at: the moment (UTC) from which it is gone.
        sized: whether the answer states the size; that for a layout does (API page, "Shared Layout To Storage").
    """

    chart: AcceptedChart
    url: str
    expires_at: datetime
    sized: bool

    def answer(self, picture: bytes) -> Mapping[str, object]:
        """Return the body of the answer about the drawn *picture*."""
        size = {"size": len(picture)} if self.sized else {}
        expire = self.expires_at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return {"url": self.url, "etag": hashlib.md5(picture).hexdigest(), **size, "expire": expire}  # noqa: S324 (an etag)


class Storage:
    """The stored pictures by their path."""

    def __init__(self) -> None:
        self._pictures: dict[str, StoredPicture] = {}

    def keep(self, chart: AcceptedChart, base_url: str, now: datetime, days: int, *, sized: bool) -> StoredPicture:
        """Store the picture of *chart* at *now* for so many *days*, at an address of its own below *base_url*."""
        suffix = "jpeg" if chart.body["format"] == "jpeg" else "png"
        name = hashlib.sha256(f"{len(self._pictures)} {now}".encode() + chart.identity).hexdigest()[:32]
        path = f"{STORAGE_PATH}{name}.{suffix}"
        stored = StoredPicture(chart, base_url + path, now + timedelta(days=days), sized)
        self._pictures[path] = stored
        if len(self._pictures) > _MAX_KEPT:
            del self._pictures[next(iter(self._pictures))]
        return stored

    def chart_at(self, path: str, now: datetime) -> AcceptedChart | None:
        """Return the chart stored at *path*, or None if there is none or it has expired."""
        stored = self._pictures.get(path)
        return None if stored is None or stored.expires_at <= now else stored.chart
