"""Pictures that came after their caller had gone."""

from __future__ import annotations

import os

import pytest

from chartimg import ChartRequest
from chartimg.app.late import KEPT_SECONDS, LateAnswers
from chartimg.domain.result import ChartApiSuccess, Source, Success

LOOK = {"theme": "dark"}
REQUEST = ChartRequest("BINANCE:BTCUSDT", "1h", "price_v1", LOOK)
OTHER = ChartRequest("BINANCE:BTCUSDT", "4h", "price_v1", LOOK)


def result(png: bytes) -> ChartApiSuccess:
    """Return a result with these bytes."""
    return ChartApiSuccess(png_bytes=png, source=Source.HTTP)


def taken(kept: LateAnswers, request: ChartRequest = REQUEST, now: float = 0.0) -> bytes | None:
    """Take the picture of *request*."""
    found: Success | None = kept.take(request, now)
    return found.png_bytes if isinstance(found, ChartApiSuccess) else None


def test_a_picture_is_kept_for_its_body_and_one_time_only() -> None:
    """The next request with the same body gets the picture, also by another template id; the one after that does not."""
    kept = LateAnswers()
    kept.keep(REQUEST, result(b"one"), 0.0)

    assert taken(kept, OTHER) is None
    assert b"one" == taken(kept, ChartRequest("BINANCE:BTCUSDT", "1h", "another_v2", LOOK))
    assert taken(kept) is None


@pytest.mark.parametrize(("now", "found"), [(0.0, b"one"), (KEPT_SECONDS - 0.1, b"one"), (KEPT_SECONDS, None)])
def test_a_picture_is_kept_for_a_minute(now: float, found: bytes | None) -> None:
    """A picture can be taken for less than a minute after it came."""
    kept = LateAnswers()
    kept.keep(REQUEST, result(b"one"), 0.0)

    assert found == taken(kept, now=now)


def test_each_picture_of_one_body_is_kept_and_the_newest_is_taken_first() -> None:
    """Pictures of one body are all kept, whichever is told first, and are taken from the newest to the oldest."""
    kept = LateAnswers()
    for png, came in ((b"old", 1.0), (b"new", 3.0), (b"middle", 2.0)):
        kept.keep(REQUEST, result(png), came)

    assert [b"new", b"middle", b"old", None] == [taken(kept, now=4.0) for _ in range(4)]


def test_the_oldest_pictures_leave_when_all_are_larger_than_the_bound() -> None:
    """Pictures of 64 MiB are kept; for a further one the oldest leaves."""
    kept, size = LateAnswers(), 16 * 1024 * 1024
    for number in range(5):
        kept.keep(REQUEST, result(bytes([number]) * size), float(number))

    assert [4, 3, 2, 1] == [(taken(kept, now=5.0) or b"")[0] for _ in range(4)]
    assert taken(kept, now=5.0) is None


def test_a_picture_that_does_not_suit_stays_for_another() -> None:
    """The newest picture that suits is taken, and the others can be taken later."""
    kept = LateAnswers()
    for png, came in ((b"old", 1.0), (b"new", 2.0)):
        kept.keep(REQUEST, result(png), came)
    found = kept.take(REQUEST, 3.0, lambda each: isinstance(each, ChartApiSuccess) and each.png_bytes == b"old")

    assert isinstance(found, ChartApiSuccess)
    assert b"old" == found.png_bytes
    assert [b"new", None] == [taken(kept, now=4.0) for _ in range(2)]


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_child_does_not_wait_for_a_lock_of_its_parent() -> None:
    """A child that is forked while a thread of the parent keeps a picture can keep one."""
    kept = LateAnswers()
    with kept._lock:  # noqa: SLF001 (as a thread of the parent would)
        pid = os.fork()
        if not pid:
            kept.keep(REQUEST, result(b"one"), 0.0)
            os._exit(taken(kept) != b"one")

    assert 0 == os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
