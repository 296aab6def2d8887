"""The routes of a client: charts that are made smaller for the plans of the accounts, and refusals that are kept."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import ExitStack
from itertools import repeat
from pathlib import Path

import attrs
import pytest

from chartimg import (
    Account,
    AccountPool,
    ChartApiResult,
    ChartClient,
    ChartRequest,
    FaultKind,
    Finding,
    LayoutRequest,
    RetryPolicy,
    Severity,
    WorkerConfig,
)
from chartimg.adapters.catalog import shipped_catalog
from chartimg.adapters.memory import MemoryAccountStore
from chartimg.app.checking import Checker
from chartimg.app.client import SyncClient
from chartimg.app.mode import ApiMode
from chartimg.app.route import Route
from chartimg.app.routes import Routes
from chartimg.domain.events import RequestDoubtful
from chartimg.domain.refusal import Refusal
from chartimg.domain.reply import Reply
from chartimg.domain.result import Source
from chartimg.testing import EventLog, ScriptedTransport, VirtualClock, picture

FOUND = Reply(200, body=picture(800, 450))
TOO_LARGE = Reply(403, body=b'{"message":"Exceed Max Usage Resolution Limit (800x600)"}')
WIDE = ChartRequest("BINANCE:BTCUSDT", "1h", "price_v1", {"width": 1920, "height": 1080, "theme": "dark"})
CUT = Finding("width", Severity.WARNING, "the chart is 800x450 in place of 1920x1080, since BASIC allows 800x600")
BASIC = [Account("a", "key-of-a", plan="BASIC")]
PRO = [*BASIC, Account("b", "key-of-b", plan="PRO")]
UNKNOWN = [Account("a", "key-of-a")]


def test_a_chart_that_no_plan_allows_is_cut_instead_of_refused() -> None:
    """The cut body is sent, and the result and the log have a WARNING about the cut."""
    transport, events = ScriptedTransport([FOUND]), EventLog()
    with transport.client(BASIC, listener=events) as client:
        refused = client.fetch(WIDE)
        result = client.fetch(WIDE, fit="plan")

    assert refused.error is not None
    assert FaultKind.INVALID_BEFORE_CALL is refused.error.kind
    assert [(True, (CUT,))] == [(result.ok, result.warnings)]
    assert [{"width": 800, "height": 450, "theme": "dark"}] == [call.request.payload for call in transport.calls]
    assert [RequestDoubtful(str(WIDE.key), (CUT,))] == events.of(RequestDoubtful)


def test_a_chart_that_one_plan_allows_stays_whole() -> None:
    """The account with the larger plan draws it."""
    transport = ScriptedTransport([FOUND])
    with transport.client(PRO) as client:
        result = client.fetch(WIDE, fit="plan")

    assert [(WIDE, "b")] == [(call.request, call.account and call.account.id) for call in transport.calls]
    assert not any(each == CUT for each in result.warnings)


def test_a_chart_is_cut_to_the_largest_plan() -> None:
    """What the largest plan allows is drawn."""
    transport = ScriptedTransport([Reply(200, body=picture(1920, 960))])
    with transport.client(PRO) as client:
        client.fetch(attrs.evolve(WIDE, payload={"width": 2000, "height": 1000}), fit="plan")

    assert [{"width": 1920, "height": 960}] == [call.request.payload for call in transport.calls]


def test_a_limit_that_an_account_without_a_plan_states_cuts_the_chart_within_the_fetch() -> None:
    """The whole chart is refused, the cut one is drawn; both calls are attempts of the result, and the next fetch needs one."""
    transport = ScriptedTransport([TOO_LARGE, FOUND, FOUND])
    with transport.client(UNKNOWN) as client:
        results = [client.fetch(WIDE, fit="plan") for _ in range(2)]

    assert [1920, 800, 800] == [call.request.payload["width"] for call in transport.calls]
    assert [(True, [403, 200]), (True, [200])] == [
        (result.ok, [each.http_status for each in result.attempts]) for result in results
    ]
    assert [["the chart is 800x450 in place of 1920x1080, since the account 'a' allows 800x600"]] * 2 == [
        [each.message for each in result.warnings] for result in results
    ]


@pytest.mark.parametrize("reply", [TOO_LARGE, Reply(403, body=b'{"message":"Exceed Max Usage Something"}')])
def test_no_chart_is_cut_without_a_call_left_or_a_limit_to_cut_it_to(reply: Reply) -> None:
    """The refusal is the result, as without a fit."""
    max_attempts = 1 if reply is TOO_LARGE else 3
    transport = ScriptedTransport([reply])
    with transport.client(UNKNOWN, policy=RetryPolicy(max_attempts=max_attempts)) as client:
        result = client.fetch(WIDE, fit="plan")

    assert result.error is not None
    assert (FaultKind.PLAN_LIMIT, 1) == (result.error.kind, len(result.attempts))


def test_a_limit_that_another_process_has_learned_costs_no_call() -> None:
    """The books are read before the chart is cut."""
    store, clock = MemoryAccountStore(), VirtualClock()
    first, second = ScriptedTransport([TOO_LARGE], clock=clock), ScriptedTransport([FOUND], clock=clock)
    policy = RetryPolicy(max_attempts=1)
    for transport in (first, second):
        with transport.client(AccountPool(UNKNOWN, store, clock), policy=policy) as client:
            client.fetch(WIDE, fit="plan")

    assert [800] == [call.request.payload["width"] for call in second.calls]


def test_an_account_without_a_plan_counts_as_one_of_the_largest() -> None:
    """A chart that is larger than any plan allows is cut to the largest one."""
    transport = ScriptedTransport([Reply(200, body=picture(1920, 1920))])
    with transport.client(UNKNOWN) as client:
        result = client.fetch(attrs.evolve(WIDE, payload={"width": 4000, "height": 4000}), fit="plan")

    assert ["the chart is 1920x1920 in place of 4000x4000, since the largest plan allows 2048x1920"] == [
        each.message for each in result.warnings
    ]


def test_the_cut_chart_is_kept_and_found_under_the_body_that_was_sent() -> None:
    """A kept picture of the cut body answers the whole one with a fit, and the cut one without."""
    transport = ScriptedTransport([FOUND])
    with transport.client(BASIC, fresh=60.0) as client:
        client.fetch(WIDE, fit="plan")
        again = client.fetch(WIDE, fit="plan")
        cut = client.fetch(attrs.evolve(WIDE, payload={"width": 800, "height": 450, "theme": "dark"}))

    assert [(Source.CACHE, (CUT,)), (Source.CACHE, ())] == [(each.source, each.warnings) for each in (again, cut)]


def test_a_layout_is_cut_like_a_chart() -> None:
    """Its size is in its body."""
    transport = ScriptedTransport([FOUND])
    with transport.client(BASIC) as client:
        client.fetch(LayoutRequest("abc", payload={"width": 1920, "height": 1080}), fit="plan")

    assert [{"width": 800, "height": 450}] == [call.request.payload for call in transport.calls]


def test_both_clients_do_the_same() -> None:
    """The asynchronous client sends the same body."""
    transport = ScriptedTransport([FOUND])

    async def fetch() -> ChartApiResult:
        """Fetch with a new client."""
        async with transport.async_client(BASIC) as client:
            return await client.fetch(WIDE, fit="plan")

    assert (CUT,) == asyncio.run(fetch()).warnings
    assert [800] == [call.request.payload["width"] for call in transport.calls]


@pytest.mark.parametrize("fit", [None, "plan"])
def test_without_accounts_no_chart_is_cut(fit: str | None, tmp_path: Path) -> None:
    """A mock client knows no plan, and replays the fixture of the chart."""
    (tmp_path / "BINANCE_BTCUSDT__1h__price_v1.png").write_bytes(picture())
    with ChartClient(WorkerConfig(mode=ApiMode.MOCK, fixtures_dir=tmp_path)) as client:
        result = client.fetch(WIDE, fit=fit)

    assert (True, Source.FIXTURE) == (result.ok, result.source)


# Refusals that are kept for people


@attrs.define
class Notes:
    """A log of refusals in memory."""

    refusals: list[Refusal] = attrs.field(factory=list)

    def note(self, refusal: Refusal) -> None:
        """Keep it."""
        self.refusals.append(refusal)


def noting(transport: ScriptedTransport, notes: Notes, accounts: Sequence[Account] = UNKNOWN) -> Routes:
    """Return routes that note refusals."""
    pool = AccountPool(accounts, clock=transport.clock)
    return Routes(
        [Route(transport, pool, refusals=notes)],
        policy=RetryPolicy(max_attempts=1),
        clock=transport.clock,
        chance=lambda: 0.5,
        listener=EventLog(),
        resources=ExitStack(),
        checker=Checker(shipped_catalog),
    )


@pytest.mark.parametrize(
    ("reply", "paths"),
    [
        (Reply(422, body=b'{"message":"Invalid Symbol key-of-a"}'), [("symbol",)]),
        (TOO_LARGE, [("width", "height")]),
        (Reply(422, body=b'[{"msg":"bad","param":"theme"}]'), [("theme",)]),
        (Reply(401, body=b'{"message":"Invalid Request"}'), []),
        (Reply(403, body=b'{"message":"Forbidden"}'), []),
        (Reply(429, body=b'{"message":"Limit Exceeded"}'), []),
        (Reply(503), []),
        (FOUND, []),
    ],
)
def test_a_final_refusal_of_a_call_is_noted_once(reply: Reply, paths: list[tuple[str, ...]]) -> None:
    """A call that is refused for good is noted without a key; the kept refusal of the same body is not noted again."""
    notes = Notes()
    client = SyncClient(noting(ScriptedTransport(repeat(reply)), notes))
    for _ in range(2):
        client.fetch(WIDE)

    assert paths == [each.paths for each in notes.refusals]
    assert "key-of-a" not in repr(notes.refusals)
    assert {WIDE.body_digest} >= {each.body_sha256 for each in notes.refusals}


def test_a_list_that_is_refused_is_not_noted() -> None:
    """It has no body that others could learn from."""
    notes = Notes()
    client = SyncClient(noting(ScriptedTransport([Reply(404)]), notes))

    assert not client.symbols("NASDAQ").ok
    assert [] == notes.refusals


def test_each_symbol_of_a_search_is_noted() -> None:
    """The refused symbols have their own bodies in the log."""
    notes = Notes()
    routes = noting(ScriptedTransport(repeat(Reply(422, body=b'{"message":"Invalid Symbol"}'))), notes)
    routes.policy = RetryPolicy(max_attempts=3)
    SyncClient(routes).fetch(WIDE, on_invalid_symbol=["BYBIT", "OKX"])

    assert ["BINANCE:BTCUSDT", "BYBIT:BTCUSDT", "OKX:BTCUSDT"] == [each.symbol for each in notes.refusals]
