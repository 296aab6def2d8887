"""A picture in a cache."""

from __future__ import annotations

import hashlib

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartimg.domain.cached import CachedPicture, CacheEntry
from samples import NOON


@given(png=st.binary(max_size=50), other=st.binary(max_size=50))
def test_a_picture_is_whole_exactly_if_its_bytes_are_those_that_were_kept(png: bytes, other: bytes) -> None:
    """Size and digest are those of the bytes, and no other bytes have both."""
    picture = CachedPicture.of(png, body_digest="d", chart="c", taken_at=NOON, drawn_at=NOON)

    assert (len(png), hashlib.sha256(png).hexdigest()) == (picture.entry.size, picture.entry.sha256)
    assert picture.is_whole
    assert picture.entry.account_id is None
    assert (other == png) is attrs.evolve(picture, png_bytes=other).is_whole


def test_the_bytes_of_a_picture_are_not_shown() -> None:
    """A log of the value has the size alone."""
    picture = CachedPicture.of(b"png", body_digest="d", chart="c", taken_at=NOON, drawn_at=NOON)

    assert "<3 bytes>" in repr(picture)


def test_an_entry_is_made_of_named_fields() -> None:
    """Two texts or two moments can't change places; the account is left out where it is not known."""
    fields = {"body_digest": "d", "chart": "c", "taken_at": NOON, "drawn_at": NOON, "size": 3, "sha256": "s"}

    assert CacheEntry(**fields).account_id is None  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        CacheEntry(*fields.values())  # type: ignore[call-arg]
