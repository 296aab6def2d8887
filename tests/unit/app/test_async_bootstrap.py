"""The public constructor of the asynchronous client."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from chartimg import AsyncChartClient, ChartApiResult, ChartRequest, ConfigError, ErrorCode, RetryPolicy
from chartimg.domain.reply import Reply
from chartimg.domain.result import Source
from chartimg.testing import EmulatedAccount, EventLog, ScriptedTransport, emulator, picture
from rows import for_each

REQUEST = ChartRequest("BINANCE:BTCUSDT", "1h", "price_v1", {"width": 400, "height": 300})


@for_each("in_flight", [0, -1, True, 1.5, "3", None])
def test_a_wrong_number_of_threads_is_refused(in_flight: Any) -> None:
    """A number of threads that is not a whole one from 1 is a ConfigError that names it."""
    with pytest.raises(ConfigError, match="in_flight must be"):
        AsyncChartClient(transport=ScriptedTransport([]), in_flight=in_flight)
    with pytest.raises(ConfigError, match="in_flight must be"):
        AsyncChartClient.from_env({"CHARTS_API_MODE": "mock"}, in_flight=in_flight)


def test_arguments_that_do_not_belong_together_are_refused() -> None:
    """Without settings and transport there is nothing to call; an unknown argument is named."""
    with pytest.raises(ConfigError, match="either a config, or a transport"):
        AsyncChartClient()
    with pytest.raises(TypeError, match="no argument colour"):
        AsyncChartClient(transport=ScriptedTransport([]), colour=1)  # type: ignore[call-arg]


def test_options_win_over_the_environment() -> None:
    """A client of the environment fetches over HTTP with its accounts, and takes the other client's keywords."""
    log = EventLog()

    async def _main(environ: dict[str, str]) -> list[ChartApiResult]:
        policy = RetryPolicy(max_attempts=1)
        async with AsyncChartClient.from_env(environ, in_flight=2, policy=policy, listener=log, log=False) as client:
            assert client.accounts is not None
            return list(await asyncio.gather(*(client.fetch(REQUEST) for _ in range(3))))

    with emulator(EmulatedAccount("a", "canary-key", plan="MEGA")) as provider:
        results = asyncio.run(_main({**provider.environ, "CHARTS_MAX_ATTEMPTS": "3"}))
        charged = provider.ledger().accounts["a"].total.charged

    shared = [(True, Source.SHARED, 0)] * 2
    assert [(True, Source.HTTP, 1), *shared] == sorted((each.ok, each.source, len(each.attempts)) for each in results)
    assert 1 == charged
    assert {result.fetch_id for result in results} == {event.fetch_id for event in log.events}


def test_mock_mode_replays(tmp_path: Path) -> None:
    """In mock mode a client replays fixtures, and has no accounts."""
    (tmp_path / "BINANCE_BTCUSDT__1h__price_v1.png").write_bytes(picture(400, 300))
    environ = {"CHARTS_API_MODE": "mock", "CHARTS_FIXTURES_DIR": str(tmp_path)}

    async def _main() -> None:
        async with AsyncChartClient.from_env(environ) as client:
            assert client.accounts is None
            found = await client.fetch(REQUEST)
            missing = await client.fetch(ChartRequest("BINANCE:BTCUSDT", "4h", "price_v1"))
        assert (True, Source.FIXTURE) == (found.ok, found.source)
        assert missing.error is not None
        assert ErrorCode.CHART_API_MOCK_MISSING is missing.error.code

    asyncio.run(_main())


def test_a_transport_of_the_host_stays_open() -> None:
    """A client without accounts makes one free call for each fetch, and closes only what it opened itself."""
    transport = ScriptedTransport([Reply(503), Reply(200, body=picture(400, 300))])

    async def _main() -> list[bool]:
        oks = []
        for _ in range(2):
            async with AsyncChartClient(transport=transport) as client:
                oks.append((await client.fetch(REQUEST)).ok)
        return oks

    assert [False, True] == asyncio.run(_main())
