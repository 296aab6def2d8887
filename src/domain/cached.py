"""A kept picture, and its entry: all but its bytes."""

from __future__ import annotations

import hashlib
from datetime import datetime

import attrs

__all__ = ["CacheEntry", "CachedPicture"]


@attrs.frozen(kw_only=True)
class CacheEntry:
    """All about a kept picture but its bytes.

    Attributes:
        body_digest: names the picture: the digest of the body that was posted for it. It also covers the address it was posted to,
            if that is not the provider's own.
        chart: the symbol, the timeframe and the template id, for people.
        taken_at: the moment (UTC) when the picture came.
        drawn_at: the moment (UTC) when its call was sent; it shows the candles of that moment or a later one.
        size: bytes of the picture.
        sha256: the digest of the picture, in hexadecimal.
        account_id: the account that paid for it.
    """

    body_digest: str
    chart: str
    taken_at: datetime
    drawn_at: datetime
    size: int
    sha256: str
    account_id: str | None = None


@attrs.frozen
class CachedPicture:
    """A kept picture.

    Attributes:
        entry: all but its bytes.
        png_bytes: the picture.
    """

    entry: CacheEntry
    png_bytes: bytes = attrs.field(repr=lambda png: f"<{len(png)} bytes>")

    @classmethod
    def of(
        cls,
        png_bytes: bytes,
        *,
        body_digest: str,
        chart: str,
        taken_at: datetime,
        drawn_at: datetime,
        account_id: str | None = None,
    ) -> CachedPicture:
        """Return *png_bytes* with their size and digest."""
        entry = CacheEntry(
            body_digest=body_digest,
            chart=chart,
            taken_at=taken_at,
            drawn_at=drawn_at,
            size=len(png_bytes),
            sha256=hashlib.sha256(png_bytes).hexdigest(),
            account_id=account_id,
        )
        return cls(entry, png_bytes)

    @property
    def is_whole(self) -> bool:
        """Whether the bytes are those that were kept."""
        return (len(self.png_bytes), hashlib.sha256(self.png_bytes).hexdigest()) == (self.entry.size, self.entry.sha256)
