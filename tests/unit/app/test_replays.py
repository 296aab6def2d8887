"""Recorded replies: judged once while they are the same, and with the same results as if they were judged each time."""

from __future__ import annotations

from pathlib import Path

import attrs
from hypothesis import given
from hypothesis import strategies as st

from chartimg import ChartRequest, FaultKind, Finding, Severity
from chartimg.app.replays import Replays
from chartimg.domain.chart import Request
from chartimg.domain.reply import Reply, TransportFailure
from chartimg.domain.result import FetchResult
from chartimg.testing import Outcome, ScriptedTransport, VirtualClock, picture

REQUEST = ChartRequest("BINANCE:BTCUSDT", "1h", "price_v1", {"theme": "dark"})
REQUESTS = (
    REQUEST,
    ChartRequest("BINANCE:BTCUSDT", "1h", "price_v1", {"theme": "light"}),
    ChartRequest("BINANCE:BTCUSDT", "4h", "price_v1"),
)
PICTURE = Reply(200, {}, picture(), Path("a.png"))
INVALID = Reply(422, {}, b'[{"param":"interval","msg":"Invalid value"}]', Path("a__422.json"))
DATED = Reply(429, {"retry-after": "Mon, 05 Jan 2026 12:00:30 GMT"}, b"", Path("a__429.json"))
OUTCOMES: tuple[Outcome, ...] = (
    PICTURE,
    attrs.evolve(PICTURE),
    attrs.evolve(PICTURE, body=b"no picture"),
    INVALID,
    attrs.evolve(INVALID, status=503),
    DATED,
    attrs.evolve(PICTURE, fixture_path=None),
    TransportFailure(FaultKind.FIXTURE_MISSING, "there is no fixture", fixture_path=Path("a.png")),
    TransportFailure(FaultKind.BAD_IMAGE, "the fixture is damaged", fixture_path=Path("a.png")),
)
DOUBT = Finding("theme", Severity.WARNING, "is doubtful")


class Judge:
    """Adds warnings to the results of one request, and counts how often it is asked."""

    def __init__(self) -> None:
        """Begin to count."""
        self.asked = 0

    def warned(self, request: Request, result: FetchResult) -> FetchResult:
        """Return *result* with a warning if *request* is the second one."""
        self.asked += 1
        return attrs.evolve(result, warnings=(DOUBT,)) if request is REQUESTS[1] else result


@given(
    st.lists(st.tuples(st.sampled_from(REQUESTS), st.sampled_from(OUTCOMES), st.integers(0, 20)), min_size=1),
)
def test_a_remembered_reply_has_the_result_of_a_new_one(
    exchanges: list[tuple[ChartRequest, Outcome, int]],
) -> None:
    """Each reply has the result that it has where no reply is remembered, under its own name and at any moment."""
    clock = VirtualClock()
    replays, judge = Replays(clock, Judge().warned), Judge()
    for number, (request, outcome, seconds) in enumerate(exchanges):
        clock.sleep(seconds)
        found, expected = (
            each.answer(request, ScriptedTransport([outcome]), str(number))
            for each in (replays, Replays(clock, judge.warned))
        )

        assert expected == found
        assert str(number) == found.fetch_id


def test_the_same_reply_to_the_same_request_is_judged_once() -> None:
    """A picture and an error are judged when they are new: another object, another request, or a warning."""
    judge = Judge()
    replays = Replays(VirtualClock(), judge.warned)

    def judged(request: ChartRequest, *outcomes: Outcome) -> int:
        before = judge.asked
        transport = ScriptedTransport(outcomes)
        for _ in outcomes:
            replays.answer(request, transport, "")
        return judge.asked - before

    assert 1 == judged(REQUEST, PICTURE, PICTURE, PICTURE)
    assert 1 == judged(REQUEST, INVALID, INVALID)
    assert 2 == judged(REQUEST, attrs.evolve(INVALID), INVALID)
    assert 2 == judged(REQUESTS[1], PICTURE, PICTURE)
    assert 2 == judged(REQUEST, DATED, DATED)


def test_a_client_of_many_charts_remembers_the_last_ones() -> None:
    """With more charts than are remembered each result is right, and the last one is remembered."""
    judge = Judge()
    replays = Replays(VirtualClock(), judge.warned)
    requests = [ChartRequest("BINANCE:BTCUSDT", f"{minutes}m", "price_v1") for minutes in range(1, 100)]
    for request in [*requests, requests[-1]]:
        assert replays.answer(request, ScriptedTransport([PICTURE]), "").ok

    assert len(requests) == judge.asked
