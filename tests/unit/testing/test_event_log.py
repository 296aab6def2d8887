"""An event log keeps the events of a client."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from chartimg.domain.events import AccountExhausted, AccountSuspended
from chartimg.testing import EventLog
from samples import NOON

EXHAUSTED, SUSPENDED = AccountExhausted("a", NOON, "spent"), AccountSuspended("b", "stolen")


def test_an_event_log_keeps_events_in_order() -> None:
    """All events, even from many threads, and those of one kind come in order until the log is cleared; a list stays as it was."""
    log = EventLog()
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(log.notify, [EXHAUSTED] * 200))
    before = log.events
    log.notify(SUSPENDED)
    log.notify(EXHAUSTED)

    assert [EXHAUSTED] * 200 == before
    assert [*before, SUSPENDED, EXHAUSTED] == log.events
    assert [SUSPENDED] == log.of(AccountSuspended)
    log.clear()
    assert [] == log.events
