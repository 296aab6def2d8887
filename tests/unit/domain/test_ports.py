"""The ports, and that each adapter that is shipped fits its port."""

from __future__ import annotations

from pathlib import Path

from chartimg.adapters.clock import SystemClock
from chartimg.adapters.fixture import FixtureTransport
from chartimg.adapters.memory import MemoryAccountStore
from chartimg.adapters.redis import RedisAccountStore
from chartimg.domain.ports import (
    AccountStore,
    Clock,
    ClockedStore,
    LastingTransport,
    Listener,
    RecordedTransport,
    Transport,
)
from chartimg.testing import EventLog, ScriptedTransport, VirtualClock


def verbs(port: type) -> set[str]:
    """List the public methods of a port."""
    return {name for name in vars(port) if not name.startswith("_")}


def test_every_port_has_a_few_verbs_and_its_adapters_have_them_all() -> None:
    """A port names no more than the domain needs; the type checker compares the signatures right here."""
    transport: Transport = ScriptedTransport([])
    store: AccountStore = MemoryAccountStore()
    clocks: tuple[Clock, ...] = (SystemClock(), VirtualClock())
    listener: Listener = EventLog()

    assert verbs(Transport) == {"send"} <= set(dir(transport))
    assert verbs(AccountStore) == {"read", "replace", "close"} <= set(dir(store))
    assert verbs(Listener) == {"notify"} <= set(dir(listener))
    for clock in clocks:
        assert verbs(Clock) == {"now", "monotonic", "sleep"} <= set(dir(clock))


def test_a_port_with_a_further_member_is_reported_apart_by_it(tmp_path: Path) -> None:
    """Recorded answers and a store's own clock are documented ports: an object that has the member is of the port."""
    fixtures: LastingTransport = FixtureTransport(tmp_path)
    redis: ClockedStore = RedisAccountStore("redis://127.0.0.1:1")

    assert isinstance(fixtures, LastingTransport)
    assert isinstance(fixtures, RecordedTransport)
    assert not isinstance(ScriptedTransport([]), RecordedTransport)
    assert isinstance(redis, ClockedStore)
    assert not isinstance(MemoryAccountStore(), ClockedStore)
