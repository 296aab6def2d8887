"""A picture at an address, as a client returns it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, TypeAlias

import attrs

from .chart.storage import Address, read_address
from .finding import Finding, Severity
from .result import ChartApiFailure, Circumstances, FetchResult, JsonSuccess, Source

__all__ = ["StoreResult", "StoredChart", "stored"]


@attrs.frozen
class StoredChart(Circumstances):
    """A picture that the provider has stored at an address. **Whoever has the address sees the picture**, without a key.

    Attributes:
        url: the address.
        etag: the tag of the stored file; empty if the provider does not say.
        expires_at: the moment (UTC) from which the picture is gone; None if the provider does not say. By the plan it is 14 to
            120 days away (API page, "Plans").
        size: bytes of the picture; None if the provider does not say, as for a chart.
        ok: True.
        error: None.
    """

    url: str
    etag: str = ""
    expires_at: datetime | None = None
    size: int | None = None
    ok: Literal[True] = attrs.field(default=True, init=False, repr=False)
    error: None = attrs.field(default=None, init=False, repr=False)

    @classmethod
    def of(cls, result: JsonSuccess, now: datetime) -> StoredChart:
        """Return the address in *result*; one that has expired *now* (UTC) has a warning."""
        address = read_address(result.body)
        assert isinstance(address, Address)  # noqa: S101 (else it is a failure)
        warnings, ends = result.warnings, address.expires_at
        if ends is not None and ends <= now:
            message = f"the address has expired at {ends:%Y-%m-%d %H:%M} UTC, and the picture is gone"
            if result.source is Source.FIXTURE:
                message = f"its fixture is stale: {message}; delete it and record it again"
            warnings = (*warnings, Finding("", Severity.WARNING, message))
        return cls(
            address.url,
            address.etag,
            ends,
            address.size,
            http_status=result.http_status,
            source=result.source,
            fixture_path=result.fixture_path,
            account_id=result.account_id,
            attempts=result.attempts,
            taken_at=result.taken_at,
            warnings=warnings,
            fetch_id=result.fetch_id,
        )

    def __bool__(self) -> Literal[True]:
        """Return True: there is an address."""
        return True

    def unwrap(self) -> str:
        """Return the address."""
        return self.url


StoreResult: TypeAlias = StoredChart | ChartApiFailure
"""An address, or the reason for its absence."""


def stored(result: FetchResult, now: datetime) -> StoreResult:
    """Return the *result* of a request for an address; one that has expired *now* (UTC) has a warning."""
    if isinstance(result, ChartApiFailure):
        return result
    assert isinstance(result, JsonSuccess)  # noqa: S101 (a picture is no answer to the request)
    return StoredChart.of(result, now)
