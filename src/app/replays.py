"""The results of recorded replies: each reply is judged once, until its fixture changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ..domain.chart import PictureKey, Request
from ..domain.classification import classify
from ..domain.faults import ChartApiError, FaultKind
from ..domain.ports import Clock, LastingTransport, Transport
from ..domain.reply import Reply, TransportFailure
from ..domain.result import FetchResult, result_of

__all__ = ["Replays", "is_answer"]

_MAX_REMEMBERED_REPLIES: Final = 64
_UNSEEN: Final = (None, None, None)


class Replays:
    """Answers requests over transports without cost. Safe from many threads.

    A recorded transport returns the same object until a file of the fixture changes. The error that it means is remembered,
    if there was no warning, and if the moment has no part in it.

    Args:
        clock: time.
        warned: returns a result with the warnings about the request and the picture.
    """

    def __init__(self, clock: Clock, warned: Callable[[Request, FetchResult], FetchResult]) -> None:
        self._clock = clock
        self._warned = warned
        self._judged: dict[PictureKey, tuple[Request, Reply | TransportFailure, ChartApiError | None]] = {}

    def again(self, request: Request, transport: LastingTransport, fetch_id: str) -> FetchResult | None:
        """Return the answer of *transport* to this very object if it was judged before, and stands; else None."""
        judged = self._judged.get(request.key)
        if judged is None or judged[0] is not request or not transport.is_unchanged(request, judged[1]):
            return None
        _, seen, error = judged
        return result_of(seen, error, fetch_id=fetch_id, answer=request.endpoint.answer)

    def answer(self, request: Request, transport: Transport, fetch_id: str) -> FetchResult:
        """Return the answer of *transport*; without warnings if it has no fixture."""
        outcome = transport.send(request, None)
        asked, seen, error = self._judged.get(request.key, _UNSEEN)
        if asked is request and seen is outcome:
            return result_of(outcome, error, fetch_id=fetch_id, answer=request.endpoint.answer)
        now = self._clock.now()
        error = classify(outcome, now=now, request=request)
        result = result_of(outcome, error, taken_at=now, fetch_id=fetch_id, answer=request.endpoint.answer)
        if not is_answer(result):
            return result
        warned = self._warned(request, result)
        of_a_moment = outcome.fixture_path is None or (error is not None and error.retry_after is not None)
        if warned is result and not of_a_moment:
            if len(self._judged) >= _MAX_REMEMBERED_REPLIES:
                self._judged = {}
            self._judged[request.key] = request, outcome, error
        return warned


def is_answer(result: FetchResult) -> bool:
    """Return whether *result* is that of its request: a missing fixture sends the request to the next route."""
    return result.error is None or result.error.kind is not FaultKind.FIXTURE_MISSING
