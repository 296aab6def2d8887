"""The handle on an emulator: when it listens, which settings point at it, and what can be asked of it from a test."""

from __future__ import annotations

import socket
import threading
from datetime import UTC, datetime

import attrs
import pytest

from chartimg import Account, ChartClient, ChartRequest, ConfigError, WorkerConfig
from chartimg.adapters.catalog import shipped_catalog
from chartimg.domain.check.catalog import Catalog
from chartimg.domain.plan import PlanName
from chartimg.emulator.accounts import EmulatedAccount
from chartimg.emulator.running import Emulator
from chartimg.emulator.scenario import Fault, Rule
from chartimg.testing import VirtualClock, emulator

REQUEST = ChartRequest("BINANCE:BTCUSDT", "1h", "small", {"width": 400, "height": 300})


def test_the_settings_it_gives_point_a_client_at_it() -> None:
    """With accounts whose limits are the provider's, and books that touch nothing of the host's."""
    with Emulator([EmulatedAccount("a", "key-of-a", plan="MEGA", daily_limit=7)]) as running:
        config = WorkerConfig.from_env(running.environ)
        with ChartClient(config) as client:
            result = client.fetch(REQUEST)

        assert (Account("a", "key-of-a", 7, "MEGA", 15, 25),) == config.accounts
        assert ("memory://", running.url) == (config.account_store, config.base_url)
        assert result.ok
        assert 1 == running.ledger().accounts["a"].total.charged


def test_it_stops_listening_at_the_end() -> None:
    """Its port is free, its threads are gone, and to stop again does nothing."""
    with Emulator() as running:
        port = int(running.url.rpartition(":")[2])
    running.stop()

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=1)
    assert not any(thread.name == "chartimg-emulator" for thread in threading.enumerate())


def test_its_books_can_be_asked_for_before_and_after() -> None:
    """They begin empty, stay when it stops, and go on when it listens again."""
    emulator = Emulator([EmulatedAccount("a", "key-of-a", plan="MEGA")])
    counts = [emulator.ledger().accounts["a"].total.charged]
    for _ in range(2):
        with emulator as running, ChartClient.from_env(running.environ) as client:
            assert client.fetch(REQUEST).ok
            with pytest.raises(ConfigError, match="listens already"):
                running.start()
        emulator.play(Rule(latency=0.01))
        counts.append(emulator.ledger().accounts["a"].total.charged)

    assert [0, 1, 2] == counts


def test_a_port_that_is_taken_is_told() -> None:
    """In one line that names it."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"port {port} can't be listened on"), Emulator(port=port):
            """Not reached."""


def test_it_listens_on_loopback_only() -> None:
    """Nobody else's machine can reach it."""
    with Emulator() as running:
        assert running.url.startswith("http://127.0.0.1:")


def test_it_lives_on_the_clock_it_is_given() -> None:
    """A client's virtual clock and the provider's show the same day; a move is on top of it."""
    clock = VirtualClock(datetime(2026, 1, 5, 12, tzinfo=UTC))
    with Emulator(now=clock.now) as running:
        clock.advance(60)

        assert datetime(2026, 1, 5, 12, 1, tzinfo=UTC) == running.ledger().now
        assert datetime(2026, 1, 6, 12, 1, tzinfo=UTC) == running.move_clock(86_400)


def test_it_decides_by_the_catalog_it_is_given() -> None:
    """A host's own rules are the provider's then."""
    catalog = shipped_catalog().extended(Catalog(intervals=("9h",), exchanges=("NOWHERE",)))
    request = ChartRequest("NOWHERE:X", "9h", "small", {"width": 400, "height": 300})
    told = []
    for rules in (catalog, None):
        with (
            emulator(catalog=rules) as running,
            ChartClient.from_env({**running.environ, "CHARTS_CHECK": "off"}) as client,
        ):
            told.append(client.fetch(request).http_status)

    assert [200, 422] == told


def test_its_settings_state_the_limits_of_the_catalog_it_is_given() -> None:
    """So that a client paces by them, whether it knows the catalog or not."""
    basic = attrs.evolve(shipped_catalog().plan_by_name[PlanName.BASIC], requests_per_second=7, burst=9, daily_limit=70)
    catalog = shipped_catalog().extended(Catalog(plans=(basic,)))
    with emulator(EmulatedAccount("a", "key-of-a"), EmulatedAccount("b", "key-of-b", 5), catalog=catalog) as running:
        config = WorkerConfig.from_env(running.environ)

    assert (Account("a", "key-of-a", 70, "BASIC", 7, 9), Account("b", "key-of-b", 5, "BASIC", 7, 9)) == config.accounts


def test_a_catalog_that_lacks_the_plan_of_an_account_is_refused_at_once() -> None:
    """Before it listens, and also of the account for demos."""
    basic = shipped_catalog().plan_by_name[PlanName.BASIC]
    with pytest.raises(ConfigError, match="the account 'demo' is on the plan PRO, which the catalog lacks"):
        emulator(catalog=Catalog(plans=(basic,)))


def test_a_scenario_is_begun_and_ended_in_the_middle() -> None:
    """Without rules nothing goes wrong any more."""
    with Emulator() as running, ChartClient.from_env(running.environ) as client:
        running.play(Rule(Fault.JSON))
        wrong = client.fetch(REQUEST)
        running.play()
        right = client.fetch(REQUEST)

    assert (False, True) == (wrong.ok, right.ok)


def test_a_scenario_that_can_not_be_played_is_refused() -> None:
    """In the thread of the caller."""
    with Emulator() as running, pytest.raises(ConfigError, match="not there: b"):
        running.play(Rule(Fault.CUT, account="b"))
