"""The handle of a running emulator: its address, its settings, its tallies, its clock and its faults."""

from __future__ import annotations

import socket
import threading
from datetime import UTC, datetime

import pytest

from chartimg import Account, ChartClient, ChartRequest, ConfigError, WorkerConfig
from chartimg.adapters.catalog import shipped_catalog
from chartimg.domain.check.catalog import Catalog
from chartimg.domain.plan import PlanName
from chartimg.emulator.accounts import EmulatedAccount
from chartimg.emulator.running import Emulator
from chartimg.emulator.scenario import Fault, Rule
from chartimg.testing import VirtualClock, emulator
from samples import NOON

REQUEST = ChartRequest("BINANCE:BTCUSDT", "1h", "small", {"width": 400, "height": 300})


def test_its_settings_point_a_client_at_it() -> None:
    """The settings state its address on loopback, its accounts with their limits, and books in memory."""
    with Emulator([EmulatedAccount("a", "key-of-a", plan="MEGA", daily_limit=7)]) as running:
        config = WorkerConfig.from_env(running.environ)
        with ChartClient(config) as client:
            result = client.fetch(REQUEST)

        assert (Account("a", "key-of-a", 7, "MEGA", 15, 25),) == config.accounts
        assert ("memory://", running.url) == (config.account_store, config.base_url)
        assert running.url.startswith("http://127.0.0.1:")
        assert result.ok
        assert 1 == running.ledger().accounts["a"].total.charged


def test_it_stops_listening_at_the_end() -> None:
    """At the end the port is free and the threads are gone, and stopping again does nothing."""
    with Emulator() as running:
        port = int(running.url.rpartition(":")[2])
    running.stop()

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=1)
    assert not any(thread.name == "chartimg-emulator" for thread in threading.enumerate())


def test_its_tallies_can_be_read_before_and_after() -> None:
    """The tallies begin empty, stay when it stops, and go on when it listens again."""
    emulator = Emulator([EmulatedAccount("a", "key-of-a", plan="MEGA")])
    counts = [emulator.ledger().accounts["a"].total.charged]
    for _ in range(2):
        with emulator as running, ChartClient.from_env(running.environ) as client:
            assert client.fetch(REQUEST).ok
            with pytest.raises(ConfigError, match="already listens"):
                running.start()
        emulator.play(Rule(latency=0.01))
        counts.append(emulator.ledger().accounts["a"].total.charged)

    assert [0, 1, 2] == counts


def test_a_port_that_is_taken_is_refused() -> None:
    """A taken port is a ConfigError that names it."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"can't listen on port {port}"), Emulator(port=port):
            """Not reached."""


def test_it_lives_on_the_given_clock() -> None:
    """A client's virtual clock and the provider's show the same day, and a move is added to it."""
    clock = VirtualClock(NOON)
    with Emulator(now=clock.now) as running:
        clock.advance(60)

        assert datetime(2026, 1, 5, 12, 1, tzinfo=UTC) == running.ledger().now
        assert datetime(2026, 1, 6, 12, 1, tzinfo=UTC) == running.move_clock(86_400)


def test_a_catalog_that_lacks_the_plan_of_an_account_is_refused_at_once() -> None:
    """The plan of the default account is checked before it listens."""
    basic = shipped_catalog().plan_by_name[PlanName.BASIC]
    with pytest.raises(ConfigError, match="the account 'demo' is on the plan PRO, which the catalog lacks"):
        emulator(catalog=Catalog(plans=(basic,)))


def test_a_scenario_can_be_replaced_while_it_runs() -> None:
    """New rules count from the next call, without rules there are no more faults, and wrong rules raise in the caller."""
    with Emulator() as running, ChartClient.from_env(running.environ) as client:
        running.play(Rule(Fault.JSON))
        wrong = client.fetch(REQUEST)
        running.play()
        right = client.fetch(REQUEST)
        with pytest.raises(ConfigError, match="unknown accounts: b"):
            running.play(Rule(Fault.CUT, account="b"))

    assert (False, True) == (wrong.ok, right.ok)
