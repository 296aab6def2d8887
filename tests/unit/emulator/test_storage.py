"""Pictures at an address."""

from __future__ import annotations

import hashlib
from datetime import timedelta

from chartimg.emulator.rules import AcceptedChart, read_body
from chartimg.emulator.storage import STORAGE_PATH, Storage
from samples import NOON

BASE = "http://127.0.0.1:80"


def chart(body: bytes = b"{}") -> AcceptedChart:
    """Return an accepted chart."""
    accepted = read_body(body)
    assert isinstance(accepted, AcceptedChart)
    return accepted


def test_a_picture_is_at_its_address_until_it_expires() -> None:
    """The address leads to the chart for the days of the plan, and to nothing afterwards or elsewhere."""
    storage, asked = Storage(), chart()
    stored = storage.keep(asked, BASE, NOON, 14, sized=True)
    path = stored.url.removeprefix(BASE)

    assert path.startswith(STORAGE_PATH)
    assert path.endswith(".png")
    assert NOON + timedelta(days=14) == stored.expires_at
    moments = (NOON, NOON + timedelta(days=13, hours=23), NOON + timedelta(days=14))
    assert [asked, asked, None] == [storage.chart_at(path, moment) for moment in moments]
    assert storage.chart_at(f"{STORAGE_PATH}other.png", NOON) is None


def test_each_call_has_an_address_of_its_own() -> None:
    """The same chart is stored anew each time, and a JPEG has its own suffix."""
    storage = Storage()
    stored = [storage.keep(chart(), BASE, NOON, 14, sized=False) for _ in range(3)]

    assert 3 == len({each.url for each in stored})
    assert storage.keep(chart(b'{"format": "jpeg"}'), BASE, NOON, 14, sized=False).url.endswith(".jpeg")


def test_an_answer_has_the_documented_keys() -> None:
    """The answer has url, etag and expire; only that for a layout states the size."""
    one, other = (Storage().keep(chart(), BASE, NOON, 14, sized=sized) for sized in (False, True))

    assert ["url", "etag", "expire"] == [*one.answer(b"picture")]
    assert ["url", "etag", "size", "expire"] == [*other.answer(b"picture")]
    assert ("2026-01-19T12:00:00.000Z", 7) == (other.answer(b"picture")["expire"], other.answer(b"picture")["size"])
    assert hashlib.md5(b"picture").hexdigest() == one.answer(b"picture")["etag"]
