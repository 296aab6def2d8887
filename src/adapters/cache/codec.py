"""The entry of a kept picture, as one line of JSON."""

from __future__ import annotations

import json
from datetime import datetime

import attrs

from ...domain.cached import CacheEntry

__all__ = ["decode_entry", "encode_entry"]


def encode_entry(entry: CacheEntry) -> bytes:
    """Write *entry* as JSON without a line break."""
    return json.dumps(attrs.asdict(entry, value_serializer=_plain)).encode()


def decode_entry(text: bytes, body_digest: str) -> CacheEntry | None:
    """Read an entry. Return None if the text is damaged, or tells of another picture than that of *body_digest*."""
    try:
        head = json.loads(text)
        moments = {name: datetime.fromisoformat(head[name]) for name in ("taken_at", "drawn_at")}
        entry = CacheEntry(**{**head, **moments})
    except (ValueError, TypeError, KeyError):
        return None
    return entry if entry.body_digest == body_digest else None


def _plain(_: object, __: object, value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value
