"""The guard around listeners: their exceptions are logged and never raised."""

from __future__ import annotations

import logging
import threading
from contextvars import copy_context

import pytest

from chartimg.app.listeners import WITNESS, Doubts, Listeners
from chartimg.domain.events import CallStarted, Event, MockMissing
from chartimg.domain.ports import Listener
from chartimg.testing import EventLog
from rows import for_each

STARTED = CallStarted("BINANCE:BTCUSDT 1h price_v1", "a", 1)
MISSING = MockMissing("BINANCE:BTCUSDT 1h price_v1", "nowhere.png")


class _Failing:
    """Raises *error* on every event."""

    def __init__(self, error: BaseException) -> None:
        """Keep the exception to raise."""
        self.error = error

    def notify(self, event: Event) -> None:
        """Raise it."""
        raise self.error


def test_events_are_passed_on_as_they_are_and_in_order(caplog: pytest.LogCaptureFixture) -> None:
    """A listener gets the very events in order, and no line is logged."""
    hearing = EventLog()
    guarded = Listeners([hearing])
    guarded.notify(STARTED)
    guarded.notify(MISSING)

    assert [STARTED, MISSING] == hearing.events
    assert hearing.events[0] is STARTED
    assert [] == caplog.records


@pytest.mark.parametrize(
    "error", [RuntimeError("full disk"), AssertionError(), StopIteration(), OSError(28, "no space")]
)
def test_what_a_listener_raises_is_logged_and_dropped(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    """An exception of a listener is logged with the event's name and the traceback, and not raised."""
    Listeners([_Failing(error)]).notify(STARTED)

    (record,) = caplog.records
    assert ("chartimg", logging.ERROR) == (record.name, record.levelno)
    assert "CallStarted" in record.getMessage()
    assert record.exc_info is not None
    assert record.exc_info[1] is error


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3)])
def test_what_ends_the_process_is_not_held_back(error: BaseException) -> None:
    """KeyboardInterrupt and SystemExit in a listener are raised on."""
    with pytest.raises(type(error)):
        Listeners([_Failing(error)]).notify(STARTED)


def test_a_guard_around_a_guard_logs_once(caplog: pytest.LogCaptureFixture) -> None:
    """A guard around a guard logs an exception once."""
    Listeners([Listeners([_Failing(RuntimeError("once"))])]).notify(STARTED)

    assert 1 == len(caplog.records)


class _Selective(EventLog):
    """Takes note of *kinds* of events; an exception among them is raised."""

    def __init__(self, *kinds: type[Event] | Exception) -> None:
        """Keep the kinds."""
        super().__init__()
        self.kinds = kinds

    def hears(self, kind: type[Event]) -> bool:
        """Return whether the kind is among them."""
        for each in self.kinds:
            if isinstance(each, Exception):
                raise each
        return kind in self.kinds


@for_each(
    ("listeners", "heard"),
    [
        ([], False),
        ([_Selective()], False),
        ([_Selective(MockMissing)], False),
        ([_Selective(MockMissing), _Selective(CallStarted)], True),
        ([_Selective(), EventLog()], True),
        ([_Selective(RuntimeError("a defect of the host's"))], True),
        ([Listeners([_Selective(MockMissing)])], False),
    ],
)
def test_an_event_is_of_use_if_a_listener_hears_it(listeners: list[Listener], *, heard: bool) -> None:
    """A kind of event is heard if one listener says so, does not say, or fails to say."""
    assert heard == Listeners(listeners).hears(CallStarted)


@pytest.mark.parametrize("told_before", [False, True])
def test_doubts_are_told_once_and_before_the_first_call(*, told_before: bool) -> None:
    """The doubts come before the start of the first call, unless they were told, and every event is passed on."""
    hearing = EventLog()
    doubts = Doubts(hearing, lambda: hearing.notify(MISSING))
    if told_before:
        doubts.tell()
    for event in (STARTED, STARTED):
        doubts.notify(event)

    assert [MISSING, STARTED, STARTED] == hearing.events


def test_a_witness_hears_the_events_of_its_own_thread_alone() -> None:
    """A witness gets the events of the thread that set it, and of contexts that were copied from it."""
    witness, others = EventLog(), EventLog()
    guarded = Listeners([others])
    token = WITNESS.set(witness)
    thread = threading.Thread(target=guarded.notify, args=(MISSING,))
    thread.start()
    thread.join()
    copy_context().run(guarded.notify, STARTED)
    WITNESS.reset(token)
    guarded.notify(STARTED)

    assert [STARTED] == witness.events
    assert [MISSING, STARTED, STARTED] == others.events
