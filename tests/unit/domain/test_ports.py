"""The ports: what the domain needs of the world, and that what is shipped for it fits."""

from __future__ import annotations

import attrs

from chartimg.adapters.clock import SystemClock
from chartimg.adapters.memory import MemoryAccountStore
from chartimg.domain.events import Event
from chartimg.domain.ports import AccountStore, Clock, Listener, Transport
from chartimg.testing import ScriptedTransport, VirtualClock


@attrs.define
class Notes:
    """A listener that keeps what it is told."""

    events: list[Event] = attrs.field(factory=list)

    def notify(self, event: Event) -> None:
        """Keep *event*."""
        self.events.append(event)


def verbs(port: type) -> set[str]:
    """List the public methods of a port."""
    return {name for name in vars(port) if not name.startswith("_")}


def test_every_port_has_a_few_verbs_and_its_adapters_have_them_all() -> None:
    """A port names what the domain needs and no more; the type checker holds the signatures to it right here."""
    transport: Transport = ScriptedTransport([])
    store: AccountStore = MemoryAccountStore()
    clocks: tuple[Clock, ...] = (SystemClock(), VirtualClock())
    listener: Listener = Notes()

    assert verbs(Transport) == {"send"} <= set(dir(transport))
    assert verbs(AccountStore) == {"read", "replace", "close"} <= set(dir(store))
    assert verbs(Listener) == {"notify"} <= set(dir(listener))
    for clock in clocks:
        assert verbs(Clock) == {"now", "monotonic", "sleep"} <= set(dir(clock))
