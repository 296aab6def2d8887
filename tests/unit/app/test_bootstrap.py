"""The public constructors: their arguments, the objects that they build, and their errors."""

from __future__ import annotations

import json
from pathlib import Path

import attrs
import pytest

import chartimg
from chartimg import (
    Account,
    AccountPool,
    Catalog,
    ChartApiResult,
    ChartClient,
    ChartRequest,
    ConfigError,
    FaultKind,
    RetryPolicy,
    StoreUnavailable,
    WorkerConfig,
    fetch_with_retries,
)
from chartimg.adapters.catalog import shipped_catalog
from chartimg.adapters.clock import SystemClock
from chartimg.adapters.memory import MemoryAccountStore
from chartimg.app.bootstrap import open_catalog, open_templates
from chartimg.domain.events import AccountExhausted, RequestDoubtful
from chartimg.domain.plan import PlanName
from chartimg.domain.reply import Reply
from chartimg.testing import EventLog, ScriptedTransport, VirtualClock, picture
from loopback import answer, serving
from samples import REQUEST
from variables import accounts_json

PNG = picture(8, 6)
ACCOUNT = Account("a", "canary-key-7f3a9", daily_limit=2)
SHIPPED = {
    "price_ma1226_vol_v1",
    "price_ma1226_bb_macd1226_v1",
    "price_psar_adi_v1",
    "price_rsi14_stochrsi_v1",
    "price_vpvr_obv_v1",
}


def settings(**variables: str) -> WorkerConfig:
    """Read settings with one account and *variables*."""
    return WorkerConfig.from_env({"CHART_IMG_ACCOUNTS_JSON": accounts_json(ACCOUNT), **variables})


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"config": WorkerConfig(), "transport": ScriptedTransport([])},
        {"config": WorkerConfig(), "accounts": [ACCOUNT]},
        {"accounts": [ACCOUNT]},
    ],
    ids=["nothing", "both", "a config and accounts", "accounts alone"],
)
def test_a_client_takes_a_config_or_a_transport(arguments: dict[str, object]) -> None:
    """A client takes a config, or a transport with or without accounts; another combination is a ConfigError."""
    with pytest.raises(ConfigError, match="either a config, or a transport"):
        ChartClient(**arguments)  # type: ignore[arg-type]


def test_a_pool_pays_in_place_of_the_accounts_of_a_config() -> None:
    """A client with a config and a pool calls with the key of the pool, and leaves the pool open."""
    pool = AccountPool([ACCOUNT])
    with serving(answer(200, PNG, content_type="image/png")) as server:
        config = WorkerConfig(
            accounts=[Account("b", "other-key")], base_url=server.url, account_store="memory://", cache="off"
        )
        with ChartClient(config, accounts=pool) as client:
            result = client.fetch(REQUEST)

    assert pool is client.accounts
    assert ([ACCOUNT.api_key], "a", 1) == (server.keys, result.account_id, pool.status()[0].used)


def test_a_client_over_a_transport_pays_from_a_sequence_of_accounts() -> None:
    """The books of a sequence of accounts last as long as the client: the third request finds the day spent."""
    clock = VirtualClock()
    worker = ChartClient(transport=ScriptedTransport([Reply(200, {}, PNG)] * 3), accounts=[ACCOUNT], clock=clock)
    results = [worker.fetch(REQUEST) for _ in range(3)]

    assert [True, True, False] == [result.ok for result in results]
    assert results[2].error is not None
    assert FaultKind.NO_ACCOUNT == results[2].error.kind


def test_a_client_over_a_transport_pays_from_the_hosts_pool() -> None:
    """A client uses the host's pool and does not close it."""
    clock = VirtualClock()
    pool = AccountPool([ACCOUNT], clock=clock)
    with ChartClient(transport=ScriptedTransport([Reply(200, {}, PNG)]), accounts=pool, clock=clock) as worker:
        assert worker.fetch(REQUEST).ok

    assert [1] == [status.used for status in pool.status()]


def test_a_client_obeys_its_policy() -> None:
    """A client makes as many calls as its policy allows."""
    transport = ScriptedTransport([Reply(500)] * 5)
    policy = RetryPolicy(max_attempts=4, max_delay=0.0)
    ChartClient(
        transport=transport, accounts=[Account("b", "key-of-b", burst=9)], policy=policy, clock=VirtualClock()
    ).fetch(REQUEST)

    assert 4 == len(transport.calls)


def test_books_of_a_single_fetch_last_for_it_alone() -> None:
    """Books of a sequence of accounts begin anew with each fetch; books of a pool go on."""
    clock, poor = VirtualClock(), [Account("p", "key-of-p", daily_limit=1)]
    pool = AccountPool(poor, clock=clock)

    def ok(accounts: AccountPool | list[Account]) -> bool:
        """Fetch one chart and return whether it came."""
        transport = ScriptedTransport([Reply(200, {}, PNG)])
        return fetch_with_retries(transport=transport, request=REQUEST, accounts=accounts, clock=clock).ok

    assert [True, True] == [ok(poor), ok(poor)]
    assert [True, False] == [ok(pool), ok(pool)]


def test_a_fetch_without_accounts_makes_no_call() -> None:
    """A fetch with an empty sequence of accounts is NO_ACCOUNT at once."""
    clock, transport = VirtualClock(), ScriptedTransport([])
    result = fetch_with_retries(transport=transport, request=REQUEST, accounts=[], clock=clock)

    assert result.error is not None
    assert FaultKind.NO_ACCOUNT == result.error.kind
    assert [] == transport.calls
    assert [] == clock.slept


def test_two_accounts_of_one_id_are_refused() -> None:
    """Accounts with the same id are a ConfigError that names the id and no key."""
    same_ids = [Account("a", "canary-key-1"), Account("a", "canary-key-2")]
    with pytest.raises(ConfigError, match="must differ: a") as caught:
        AccountPool(same_ids)

    assert "canary" not in str(caught.value)


def test_a_pool_goes_by_the_clock_of_its_store() -> None:
    """The clock of a store with a clock is that of the pool, and of the client, unless the host names another."""
    store, other = MemoryAccountStore(), VirtualClock()
    store.clock = VirtualClock()  # type: ignore[attr-defined]

    assert store.clock is AccountPool([ACCOUNT], store).clock  # type: ignore[attr-defined]
    assert other is AccountPool([ACCOUNT], store, other).clock
    assert isinstance(AccountPool([ACCOUNT], MemoryAccountStore()).clock, SystemClock)


def test_a_pool_tells_its_listener() -> None:
    """The listener of a pool hears of its accounts."""
    listener = EventLog()
    pool = AccountPool([ACCOUNT], MemoryAccountStore(), VirtualClock(), listener=listener)
    pool.mark_account_exhausted("a")

    assert [AccountExhausted] == list(map(type, listener.events))


def test_a_store_that_can_not_be_opened_is_store_unavailable(tmp_path: Path) -> None:
    """A store at a path under a file is StoreUnavailable at the first claim, and no call is made."""
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with serving() as server:
        config = settings(
            CHARTS_ACCOUNT_STORE=f"sqlite:///{tmp_path}/file/books.sqlite3", CHARTS_API_BASE_URL=server.url
        )
        with ChartClient(config) as worker, pytest.raises(StoreUnavailable, match="can't be used"):
            worker.fetch(REQUEST)

        assert [] == server.requests


def test_closing_a_client_of_settings_closes_its_store_and_its_connections(tmp_path: Path) -> None:
    """Closing a client closes its store, so that no write-ahead log is left; closing again does no harm."""
    with serving(answer(200, PNG)) as server:
        worker = ChartClient(
            settings(CHARTS_ACCOUNT_STORE=f"sqlite:///{tmp_path}/books.sqlite3", CHARTS_API_BASE_URL=server.url)
        )
        assert worker.fetch(REQUEST).ok
        worker.close()
        worker.close()

    assert ["books.sqlite3"] == [path.name for path in tmp_path.iterdir()]


def test_record_mode_finds_an_unwritable_folder_before_any_call(tmp_path: Path) -> None:
    """In record mode a fixtures folder that can't be made is a ConfigError of the constructor that names the setting."""
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with serving() as server:
        config = settings(
            CHARTS_API_MODE="record",
            CHARTS_FIXTURES_DIR=str(tmp_path / "file" / "fixtures"),
            CHARTS_API_BASE_URL=server.url,
            CHARTS_ACCOUNT_STORE="memory://",
        )
        with pytest.raises(ConfigError, match="CHARTS_FIXTURES_DIR"):
            ChartClient(config)

        assert [] == server.requests
    assert "in the way" == (tmp_path / "file").read_text(encoding="utf-8")


@pytest.mark.parametrize(("mode", "zone"), [("real", "Asia/Tokyo"), ("record", "America/New_York")])
def test_the_zone_of_the_settings_is_posted(mode: str, zone: str, tmp_path: Path) -> None:
    """CHARTS_DEFAULT_TIMEZONE reaches the provider in every mode that calls it."""
    with serving(answer(200, PNG)) as server:
        config = settings(
            CHARTS_API_MODE=mode,
            CHARTS_DEFAULT_TIMEZONE=zone,
            CHARTS_FIXTURES_DIR=str(tmp_path),
            CHARTS_API_BASE_URL=server.url,
            CHARTS_ACCOUNT_STORE="memory://",
        )
        with ChartClient(config) as worker:
            assert worker.fetch(REQUEST).ok
        (received,) = server.requests

    assert zone == json.loads(received.body)["timezone"]


def test_record_mode_replays_with_the_zone_it_was_recorded_with(tmp_path: Path) -> None:
    """A fixture recorded with the default time zone of the settings is not stale with the same settings."""
    listener = EventLog()
    with serving(answer(200, PNG)) as server:
        config = settings(
            CHARTS_API_MODE="record",
            CHARTS_DEFAULT_TIMEZONE="Asia/Tokyo",
            CHARTS_FIXTURES_DIR=str(tmp_path),
            CHARTS_API_BASE_URL=server.url,
            CHARTS_ACCOUNT_STORE="memory://",
        )
        with ChartClient(config, listener=listener) as worker:
            results = [worker.fetch(REQUEST), worker.fetch(REQUEST)]

    assert [False, True] == [result.from_fixture for result in results]
    assert "FixtureStale" not in [type(event).__name__ for event in listener.events]


def test_own_templates_are_all_that_is_exported_and_lie_over_those_that_ship(tmp_path: Path) -> None:
    """Without CHARTS_TEMPLATES_DIR all templates are those that ship. With it they are its own, and the others by their ids."""
    own = {
        "id": "own_v1",
        "description": "mine",
        "chartImgSymbolTemplate": "NYSE:{symbol}",
        "request": {"theme": "dark"},
    }
    (tmp_path / "own_v1.json").write_text(json.dumps(own), encoding="utf-8")

    mine, empty = settings(CHARTS_TEMPLATES_DIR=str(tmp_path)), tmp_path / "empty"
    empty.mkdir()

    assert SHIPPED == {each.id for each in open_templates(settings())}
    assert SHIPPED == {each.id for each in open_templates(settings(CHARTS_TEMPLATES_DIR=str(empty)))}
    assert ["own_v1"] == [each.id for each in open_templates(mine)]
    assert sorted(SHIPPED) == [each.id for each in open_templates(mine, sorted(SHIPPED))]
    assert {"own_v1"} | SHIPPED == set(chartimg.templates({"CHARTS_TEMPLATES_DIR": str(tmp_path)}))
    assert SHIPPED == set(chartimg.templates({}))
    with pytest.raises(ConfigError, match="CHARTS_TEMPLATES_DIR names /nowhere"):
        chartimg.templates({"CHARTS_TEMPLATES_DIR": "/nowhere"})


def templates_folder(folder: Path, **payloads: object) -> str:
    """Write a template for each payload, named after its id."""
    for name, payload in payloads.items():
        own = {"id": name, "description": "", "chartImgSymbolTemplate": "BINANCE:{symbol}", "request": payload}
        (folder / f"{name}.json").write_text(json.dumps(own), encoding="utf-8")
    return str(folder)


def accounts(*plans: str | None) -> str:
    """Write an account of each plan."""
    return accounts_json(*(Account(f"a{place}", f"key-{place}", plan=plan) for place, plan in enumerate(plans)))


def test_a_template_the_provider_would_refuse_is_a_mistake_when_it_is_loaded(tmp_path: Path) -> None:
    """Each ERROR in a template is a line with its place in the file; a WARNING is not a mistake."""
    folder = templates_folder(tmp_path, one={"theme": "Dark", "colour": 1}, two={"width": 5}, three={})

    with pytest.raises(ConfigError) as caught:
        open_templates(settings(CHARTS_TEMPLATES_DIR=folder))

    assert [
        "template one, at request.theme: ",
        "template two, at request.width: ",
    ] == [line[: line.index(": ") + 2] for line in caught.value.problems]


def test_a_template_is_checked_against_the_plan_of_every_account(tmp_path: Path) -> None:
    """A template that all accounts refuse is a mistake; one that some refuse is reported; an unknown plan allows all."""
    folder = templates_folder(tmp_path, wide={"width": 1920})
    listener = EventLog()

    def load(*plans: str | None, check: str = "error") -> None:
        variables = {"CHARTS_TEMPLATES_DIR": folder, "CHART_IMG_ACCOUNTS_JSON": accounts(*plans)}
        open_templates(settings(**variables, CHARTS_CHECK=check), listener=listener)

    with pytest.raises(
        ConfigError, match=r"at request.width: 1920 is more than BASIC allows \(800\); PRO is the smallest"
    ):
        load("BASIC", "BASIC")
    assert [] == listener.events
    load("PRO")
    assert [] == listener.events
    load("BASIC", None)
    load("BASIC", "PRO")
    same, reported = listener.events
    assert same == reported
    assert isinstance(reported, RequestDoubtful)
    assert ("template wide", ["request.width"]) == (reported.chart, [each.path for each in reported.findings])
    load("BASIC", check="warn")
    assert 3 == len(listener.events)
    load("BASIC", check="off")
    assert 3 == len(listener.events)


def test_only_templates_that_are_asked_for_are_read(tmp_path: Path) -> None:
    """A mistake in a template is raised if the template is asked for, with those of others, and is no matter if it is not."""
    folder = templates_folder(tmp_path, good={}, bad={"width": 5})
    (tmp_path / "broken.json").write_text("{")
    config, listener = settings(CHARTS_TEMPLATES_DIR=folder), EventLog()

    assert ["good"] == [each.id for each in open_templates(config, ["good"], listener=listener)]
    assert [] == listener.events
    with pytest.raises(ConfigError) as caught:
        open_templates(config, ["bad", "broken", "goood", "good"])
    bad, broken, misspelt = caught.value.problems
    assert "template bad, at request.width" in bad
    assert "broken.json is not JSON" in broken
    assert "there is no template 'goood'; did you mean good?" == misspelt


def test_a_client_checks_by_the_catalog_of_its_pool() -> None:
    """A client checks by the catalog of its pool, unless it has one of its own."""
    pro = attrs.evolve(shipped_catalog().plan_by_name[PlanName.PRO], max_width=4000)
    catalog = shipped_catalog().extended(Catalog(plans=(pro,)))
    wide = ChartRequest("BINANCE:BTCUSDT", "1h", "t", {"width": 3000})

    def fetched(**given: Catalog) -> ChartApiResult:
        pool = AccountPool([Account("a", "key-a", plan="PRO")], clock=VirtualClock(), catalog=catalog)
        transport = ScriptedTransport([Reply(200, {}, picture(3000, 600))])
        return ChartClient(transport=transport, accounts=pool, **given).fetch(wide)  # type: ignore[arg-type]

    assert fetched().ok
    assert not fetched(catalog=shipped_catalog()).ok


def test_the_catalog_of_the_settings_is_that_of_the_client_and_of_its_plans(tmp_path: Path) -> None:
    """A plan that the catalog of the settings makes larger counts in the check and in the choice of the account."""
    plan = {
        "name": "BASIC", "requestsPerSecond": 1, "burst": 3, "dailyLimit": 50, "maxWidth": 1000, "maxHeight": 600,
        "maxParameters": 3, "watermark": True, "customWatermark": False, "storageDays": 14,
    }  # fmt: skip
    (tmp_path / "catalog.json").write_text(json.dumps({"plans": [plan], "intervals": ["9h"]}))
    request = ChartRequest("BINANCE:BTCUSDT", "9h", "price_v1", {"width": 1000})

    with serving(answer(200, picture(1000, 600))) as server:
        config = settings(
            CHARTS_CATALOG=str(tmp_path / "catalog.json"),
            CHARTS_API_BASE_URL=server.url,
            CHARTS_ACCOUNT_STORE="memory://",
            CHART_IMG_ACCOUNTS_JSON=accounts("BASIC"),
        )
        with ChartClient(config) as worker:
            result = worker.fetch(request)

    assert (True, ()) == (result.ok, result.warnings)
    assert "9h" in open_catalog({"CHARTS_CATALOG": str(tmp_path / "catalog.json")}).interval_set
    assert open_catalog({}) is shipped_catalog()
