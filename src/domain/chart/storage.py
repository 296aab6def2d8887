"""The request for the address of a picture, and the reading of its answer.

Source: API page, "API v2 TradingView Advanced Chart to Storage" and "… Shared Layout To Storage".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cached_property
from typing import Final

import attrs

from ..finding import Finding
from ..plan.demand import Demand
from .endpoint import ChartEndpoint
from .key import ChartKey, LayoutKey
from .layout import LayoutRequest
from .request import ChartRequest, Request

__all__ = ["Address", "StorageRequest", "read_address"]

_EXPIRY: Final = ("expire", "expireAt")
"""Names of the moment: that of version 2, and that of version 1."""


@attrs.frozen
class Address:
    """The address of a picture.

    Attributes:
        url: the address; whoever has it sees the picture.
        etag: the tag of the stored file; empty if the answer has none.
        expires_at: the moment (UTC) from which the picture is gone; None if the answer does not say.
        size: bytes of the picture; None if the answer does not say, as that for a chart.
    """

    url: str
    etag: str = ""
    expires_at: datetime | None = None
    size: int | None = None


@attrs.frozen
class StorageRequest(Request):
    """One picture to store at the provider.

    Attributes:
        of: the request for the picture.
    """

    of: ChartRequest | LayoutRequest

    @property
    def endpoint(self) -> ChartEndpoint:
        """The endpoint that stores."""
        storage = self.of.endpoint.storage
        assert storage is not None  # noqa: S101 (each endpoint that draws has one)
        return storage

    @property
    def symbol(self) -> str | None:
        """The symbol of the picture."""
        return self.of.symbol

    @property
    def timeframe(self) -> str | None:
        """The interval of the picture."""
        return self.of.timeframe

    @property
    def payload(self) -> Mapping[str, object]:
        """The payload of the picture."""
        return self.of.payload

    @property
    def key(self) -> ChartKey | LayoutKey:
        """The name of the picture."""
        return self.of.key

    @property
    def path(self) -> str:
        """The path to post the body to."""
        return self.endpoint.path + self.of.path.removeprefix(self.of.endpoint.path)

    @property
    def parts(self) -> Mapping[str, object]:
        """The body of the picture."""
        return self.of.parts

    @property
    def problems(self) -> tuple[Finding, ...]:
        """Problems of the request for the picture."""
        return self.of.problems

    @cached_property
    def demand(self) -> Demand:
        """The demand on a plan."""
        return self.of.demand

    def with_timezone(self, timezone: str) -> StorageRequest:
        """Return the request for the picture in *timezone*, unless it has one."""
        return StorageRequest(self.of.with_timezone(timezone))

    def problem_of(self, body: bytes) -> str | None:
        """Return why *body* is not the address of a picture."""
        read = read_address(body)
        return read if isinstance(read, str) else None


def read_address(body: bytes) -> Address | str:
    """Return the address in the *body* of a reply, or one phrase about why there is none. Total for any bytes."""
    try:
        whole = json.loads(body)
    except (ValueError, RecursionError):
        return "it is not JSON"
    match whole:
        case {"url": str(url), **rest} if url.startswith(("https://", "http://")) and url.isprintable():
            etag, size = rest.get("etag"), rest.get("size")
            moments = (_moment(rest.get(name)) for name in _EXPIRY)
            return Address(
                url,
                etag if isinstance(etag, str) and etag.isprintable() else "",
                next(filter(None, moments), None),
                size if isinstance(size, int) and not isinstance(size, bool) and 0 <= size < 2**53 else None,
            )
        case _:
            return 'it is not an object with "url"'


def _moment(value: object) -> datetime | None:
    """Read a moment in ISO 8601, in UTC if it has no time zone."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        return moment if moment is None else (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
