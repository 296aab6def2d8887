"""The one place that names concrete adapters: the public constructors, with their defaults."""

from __future__ import annotations

import os
import random
from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Self

import attrs

from ..adapters.clock import SystemClock
from ..adapters.logs import LogListener
from ..adapters.memory import MemoryAccountStore
from ..domain.account import Account
from ..domain.chart import ChartKey, ChartRequest
from ..domain.chart.template import ChartTemplate
from ..domain.check.catalog import Catalog
from ..domain.check.check import check_body, check_request
from ..domain.errors import ConfigError
from ..domain.events import RequestDoubtful
from ..domain.finding import Finding, Severity
from ..domain.plan import PlanName
from ..domain.ports import AccountStore, Clock, Listener, Transport
from ..domain.result import ChartApiResult
from ..domain.retry import RetryPolicy
from .checking import Checker, CheckMode, as_catalog, check_mode, plan_named
from .client import Route, RoutedClient
from .config import ApiMode, WorkerConfig, read_catalog, rules_of
from .fetch import fetch
from .listeners import Guarded
from .pool import Pool

if TYPE_CHECKING:
    from ..domain.fixture import FixtureEntry

__all__ = [
    "AccountPool",
    "ChartClient",
    "check",
    "fetch_with_retries",
    "open_catalog",
    "open_pool",
    "open_store",
    "open_templates",
    "take_fixture_inventory",
]


class AccountPool(Pool):
    """The host's accounts, in configured order, and what is left of their day.

    Args:
        accounts: the accounts; their ids must differ.
        store: where the books are kept; in memory when it is left out, so that they end with the process.
        clock: time; that of the store when it is left out and the store has one, else the machine's.
        listener: is told when an account is throttled, exhausted or suspended; the log when it is left out.
        catalog: the provider's rules, of which the plans are asked; those that come with chartimg when it is left out.

    Attributes:
        catalog: the one it was given, if it was.

    Raises:
        ConfigError: two accounts have the same id.
    """

    def __init__(
        self,
        accounts: Sequence[Account],
        store: AccountStore | None = None,
        clock: Clock | None = None,
        *,
        listener: Listener | None = None,
        catalog: Catalog | None = None,
    ) -> None:
        self.catalog = catalog
        store = MemoryAccountStore() if store is None else store
        super().__init__(accounts, store, clock or _clock_of(store), _heard(listener), lambda: rules_of(catalog).plans)


class ChartClient(RoutedClient):
    """Fetches charts: over the routes of *config*'s mode, or over a *transport* of the host's own.

    Args:
        config: the settings. Either this or *transport* is needed.
        transport: any :class:`chartimg.domain.ports.Transport`.
        accounts: what calls over *transport* are paid from; without accounts they are free and made once.
        policy: how much one chart request may cost.
        clock: time; that of the accounts' books when it is left out.
        listener: is told what happens; the log when it is left out.
        check: what becomes of a request that the provider would refuse, ``error``, ``warn`` or ``off``; as *config* says
            when it is left out, and else ``error``.
        catalog: the rules requests are checked by; those of *config* when it is left out.

    Raises:
        ConfigError: the settings can't be used together, or the fixtures folder can't be written in record mode.
    """

    def __init__(
        self,
        config: WorkerConfig | None = None,
        *,
        transport: Transport | None = None,
        accounts: Pool | Sequence[Account] | None = None,
        policy: RetryPolicy | None = None,
        clock: Clock | None = None,
        listener: Listener | None = None,
        check: CheckMode | str | None = None,
        catalog: Catalog | None = None,
    ) -> None:
        heard = _heard(listener)
        settings = config or WorkerConfig()
        mode = settings.check if check is None else check_mode(check)
        rules = settings.catalog if catalog is None else as_catalog(catalog)
        if rules is None and isinstance(accounts, AccountPool):
            rules = accounts.catalog
        with ExitStack() as resources:
            if transport is not None and config is None:
                pool = None if accounts is None else _pool(accounts, clock, heard, rules)
                routes: tuple[Route, ...] = (Route(transport, pool, recorded=getattr(transport, "recorded", False)),)
            elif config is not None and transport is None and accounts is None:
                routes = _routes(config, clock, heard, resources, rules)
            else:
                raise ConfigError("ChartClient takes either a config, or a transport with or without accounts")
            super().__init__(
                routes,
                policy=policy or RetryPolicy(),
                clock=clock or next((route.pool.clock for route in routes if route.pool is not None), SystemClock()),
                chance=random.random,
                listener=heard,
                resources=resources.pop_all(),
                default_timezone=settings.default_timezone,
                checker=Checker(lambda: rules_of(rules), _plans_of(routes), mode),
            )

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Make a client from environment variables, by default the process's own.

        Raises:
            ConfigError: with one line for every mistake in the settings.
        """
        return cls(WorkerConfig.from_env(environ))


def check(
    request: ChartRequest | Mapping[str, object],
    plan: PlanName | str | None = None,
    *,
    catalog: Catalog | None = None,
) -> list[Finding]:
    """List what is wrong with *request*, or may be, by the provider's own documented rules. No call is made.

    Args:
        request: a chart request, or a body to post; of a body that isn't one the findings say so.
        plan: the plan it must be allowed by; without it only what no plan allows is found.
        catalog: the rules; those that come with chartimg when it is left out.

    Raises:
        ConfigError: there is no such plan.
    """
    rules = rules_of(catalog)
    limits = None if plan is None else plan_named(plan, rules)
    if isinstance(request, ChartRequest):
        return check_request(request, rules, limits)
    return check_body(request, rules, limits)


def fetch_with_retries(
    *,
    transport: Transport,
    request: ChartRequest,
    accounts: Pool | Sequence[Account],
    policy: RetryPolicy | None = None,
    clock: Clock | None = None,
    listener: Listener | None = None,
) -> ChartApiResult:
    """Fetch one chart over *transport*, at most ``policy.max_attempts`` calls over all *accounts* together.

    A plain sequence of accounts gets books that last for this one request; give a pool to keep them.

    Raises:
        StoreUnavailable: the account store can't be reached, so no call may be made.
    """
    heard = _heard(listener)
    pool = _pool(accounts, clock, heard)
    return fetch(
        request,
        transport=transport,
        pool=pool,
        policy=policy or RetryPolicy(),
        clock=clock or pool.clock,
        chance=random.random,
        listener=heard,
    )


def open_pool(
    config: WorkerConfig,
    *,
    clock: Clock | None = None,
    listener: Listener | None = None,
    catalog: Catalog | None = None,
) -> AccountPool:
    """Make the pool of the settings' accounts over the store they name; the caller closes it."""
    rules = config.catalog if catalog is None else catalog
    return AccountPool(config.accounts, open_store(config.account_store), clock, listener=listener, catalog=rules)


def open_catalog(environ: Mapping[str, str] | None = None) -> Catalog:
    """Give the provider's rules, with those of the file that ``CHARTS_CATALOG`` names laid over them.

    Raises:
        ConfigError: with one line for every mistake in the file.
    """
    return rules_of(read_catalog(environ))


def open_templates(
    config: WorkerConfig, *, asked: Collection[str] | None = None, listener: Listener | None = None
) -> Mapping[str, ChartTemplate]:
    """Read the chart templates the settings name, or those that ship, and check each against the plan of every account.

    Args:
        config: the settings.
        asked: the ids of those that will be used; all when it is left out. What the provider would refuse is a mistake in
            one of these, and told of the others.
        listener: is told what may be wrong; the log when it is left out.

    Raises:
        ConfigError: with one line for every mistake in them; with the check set to ``warn`` only for those that keep a
            template from being read.
    """
    from ..adapters.templates import SHIPPED, load_templates

    templates = load_templates(config.templates_dir or SHIPPED)
    plans = [account.plan for account in config.accounts]
    checker, heard = Checker(lambda: rules_of(config.catalog), plans, config.check), _heard(listener)
    problems: list[str] = []
    for template in templates.values():
        found = tuple(checker.template(template))
        if checker.refuses(found) and (asked is None or template.id in asked):
            wrong = [each for each in found if each.severity is Severity.ERROR]
            problems += [f"template {template.id}, at {each.path}: {each.message}" for each in wrong]
        elif found:
            heard.notify(RequestDoubtful(f"template {template.id}", found))
    if problems:
        raise ConfigError(problems)
    return templates


def take_fixture_inventory(config: WorkerConfig, directory: Path) -> tuple[FixtureEntry, ...]:
    """Take stock of the fixtures in *directory*; stale is what the settings' templates would not ask for today.

    Raises:
        ConfigError: the folder or the templates can't be read.
    """
    from ..adapters.fixture.inventory import take_inventory

    templates = open_templates(config, asked=())

    def expected(key: ChartKey) -> str | None:
        template = templates.get(key.chart_template_id)
        if template is None:
            return None
        request = attrs.evolve(template.request(key.symbol, key.timeframe), symbol=key.symbol)
        return None if request.problems else request.with_timezone(config.default_timezone).body_digest

    return take_inventory(directory, expected)


def _heard(listener: Listener | None) -> Listener:
    """Guard against a listener of the host's; the log, which does not fail, is the default."""
    return LogListener() if listener is None else Guarded(listener)


def _clock_of(store: AccountStore) -> Clock:
    """Give the time of a store that machines share and that tells one of its own; skewed clocks don't matter then."""
    clock: Clock | None = getattr(store, "clock", None)
    return SystemClock() if clock is None else clock


def _plans_of(routes: Sequence[Route]) -> list[PlanName | str | None]:
    """Give the plans of the accounts that pay for the routes."""
    return [account.plan for route in routes if route.pool is not None for account in route.pool.accounts]


def _pool(
    accounts: Pool | Sequence[Account], clock: Clock | None, listener: Listener, catalog: Catalog | None = None
) -> Pool:
    if isinstance(accounts, Pool):
        return accounts
    return AccountPool(accounts, clock=clock, listener=listener, catalog=catalog)


def _routes(
    config: WorkerConfig, clock: Clock | None, listener: Listener, resources: ExitStack, catalog: Catalog | None
) -> tuple[Route, ...]:
    """Build the routes of a mode, and only what they need."""
    routes: list[Route] = []
    if config.mode is not ApiMode.REAL:
        from ..adapters.fixture import FixtureTransport

        routes.append(Route(FixtureTransport(config.fixtures_dir, listener=listener), recorded=True))
    if config.mode is not ApiMode.MOCK:
        from ..adapters.http import Urllib3Transport

        transport: Transport = resources.enter_context(Urllib3Transport(config.base_url))
        if config.mode is ApiMode.RECORD:
            from ..adapters.recording import RecordingTransport

            now = (clock or SystemClock()).now
            transport = RecordingTransport(transport, config.fixtures_dir, listener=listener, now=now)
        pool = open_pool(config, clock=clock, listener=listener, catalog=catalog)
        resources.callback(pool.close)
        routes.append(Route(transport, pool))
    return tuple(routes)


def open_store(url: str | None) -> AccountStore:
    """Open the account store of an address; the default is a file in the user's state folder."""
    if url == "memory://":
        return MemoryAccountStore()
    if url is not None and not url.startswith("sqlite:///"):
        from ..adapters.redis import RedisAccountStore

        return RedisAccountStore(url)
    from ..adapters.sqlite import SqliteAccountStore

    if url is None:
        import platformdirs

        return SqliteAccountStore(platformdirs.user_state_path("chartimg") / "accounts.sqlite3")
    return SqliteAccountStore(Path(os.path.expanduser(url.removeprefix("sqlite:///"))))  # noqa: PTH111 (a URL's path)
