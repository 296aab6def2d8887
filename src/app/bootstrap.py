"""The public constructors, with their defaults. This module and ``stores.py`` alone name concrete adapters.

One file because constructors, shortcuts and their defaults are one front door.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypedDict, Unpack

import attrs

from ..adapters.clock import SystemClock
from ..adapters.logs import LogListener
from ..adapters.memory import MemoryAccountStore
from ..adapters.templates import SHIPPED, load_templates
from ..address import DEFAULT_BASE_URL
from ..domain.account import Account
from ..domain.argument import require
from ..domain.chart import ChartKey, ChartRequest, LayoutRequest, PictureRequest, TradingViewSession
from ..domain.chart.candle import Grid
from ..domain.chart.freshness import Freshness
from ..domain.chart.storage import StorageRequest
from ..domain.chart.template import ChartTemplate
from ..domain.check.catalog import Catalog
from ..domain.check.check import check_body, check_request
from ..domain.check.grid import grid_of
from ..domain.errors import ConfigError
from ..domain.events import RequestDoubtful
from ..domain.finding import Finding, Severity
from ..domain.plan import PlanName
from ..domain.ports import AccountStore, Clock, ClockedStore, Listener, PictureCache, Transport
from ..domain.result import ChartApiResult
from ..domain.retry import RetryPolicy
from .cache import CachedAnswers
from .checking import Checker, as_catalog, plan_named, template_named
from .client import SyncClient
from .config import WorkerConfig, read_catalog, read_kept, read_templates_dir, rules_of
from .listeners import Listeners
from .lists import Lists
from .mode import ApiMode, CheckMode, mode_named
from .outage_watch import OutageWatch
from .pool import Pool
from .route import Route
from .routes import Routes
from .stores import open_cache, open_refusals, open_store

if TYPE_CHECKING:
    from ..domain.fixture import FixtureEntry

__all__ = [
    "SHIPPED",
    "AccountPool",
    "ChartClient",
    "Options",
    "check",
    "fetch_with_retries",
    "kept_lists",
    "open_catalog",
    "open_pool",
    "open_routes",
    "open_templates",
    "take_fixture_inventory",
    "templates",
]


class AccountPool(Pool):
    """The host's accounts, in configured order, and their claims.

    Args:
        accounts: the accounts; their ids must differ.
        store: keeps the books; by default memory, so that they end with the process.
        clock: time; by default the clock of the store, if it has one, else of the machine.
        listener: notified when an account is throttled, exhausted, suspended or reinstated; by default the log.
        catalog: the provider's rules, for their plans; by default those that ship.
        outage: whether an outage of the service ends calls, but for one probe at a time.

    Attributes:
        catalog: the catalog that was passed, None by default.

    Raises:
        ConfigError: two accounts have the same id.
    """

    def __init__(
        self,
        accounts: Sequence[Account],
        store: AccountStore | None = None,
        clock: Clock | None = None,
        *,
        listener: Listener | Sequence[Listener] | None = None,
        catalog: Catalog | None = None,
        outage: bool = True,
    ) -> None:
        require("outage", outage, bool)
        require("store", store, AccountStore | None)
        require("clock", clock, Clock | None)
        require("catalog", catalog, Catalog | None)
        self.catalog = catalog
        store = MemoryAccountStore() if store is None else store
        if clock is None:
            clock = store.clock if isinstance(store, ClockedStore) else SystemClock()
        heard = _heard(listener)
        watch = OutageWatch(clock, heard, random.random, is_on=outage)
        super().__init__(accounts, store, clock, heard, lambda: rules_of(catalog).plans, watch)


class Options(TypedDict, total=False):
    """Arguments that both clients take; :class:`ChartClient` describes them."""

    policy: RetryPolicy | None
    clock: Clock | None
    listener: Listener | Sequence[Listener] | None
    log: bool
    check: CheckMode | str | None
    catalog: Catalog | None
    fresh: Freshness | str | float | None
    cache: PictureCache | None
    stale_if_error: float | None
    session: TradingViewSession | None


def refuse_unknown(options: Mapping[str, object]) -> None:
    """Check the names of arguments as Python does for a signature.

    Raises:
        TypeError: a client has no argument of a name.
    """
    if unknown := options.keys() - Options.__annotations__.keys():
        raise TypeError(f"a client takes no argument {', '.join(sorted(unknown))}")


class ChartClient(SyncClient):
    """Fetches charts over the routes of a mode (*config*), or over a *transport* of the host's own.

    Args:
        config: the settings.
        transport: any :class:`chartimg.domain.ports.Transport`, instead of a config.
        accounts: pay for the calls over *transport*; without accounts calls are free and made once. With a config, a pool that
            pays in place of the accounts it names; the host closes the pool.
        policy: limits of the calls and the time of one request; by default those of *config*.
        clock: time; by default the clock of the pool of accounts.
        listener: one or several that hear of events, beside the log.
        log: whether events are logged.
        check: the consequence of an ERROR in a request, ``error``, ``warn`` or ``off``; by default that of *config*, else
            ``error``.
        catalog: the rules of the check; by default those of *config* or of the pool, else those that ship.
        fresh: how recently a kept picture must have been drawn, if a fetch does not say; by default that of *config*, else
            ``off``.
        cache: keeps pictures for fetches that ask for a fresh one, in place of that of *config*; the host closes it. By default
            a client over a *transport* keeps them in memory.
        stale_if_error: seconds; a kept picture of this age will do in place of an error that time may mend. By default that of
            *config*, else 0.
        session: the TradingView session to send with each request, by default that of *config*. A *transport* of the host's own
            sends its own.

    Raises:
        ConfigError: the arguments or settings can't be used together, or in record mode the fixtures folder can't be
            written.
    """

    def __init__(
        self,
        config: WorkerConfig | None = None,
        *,
        transport: Transport | None = None,
        accounts: Pool | Sequence[Account] | None = None,
        **options: Unpack[Options],
    ) -> None:
        refuse_unknown(options)
        super().__init__(open_routes(config, transport, accounts, **options))

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None, **options: Unpack[Options]) -> Self:
        """Build a client from environment variables, by default those of the process. *options* win over variables.

        Raises:
            ConfigError: with one line for every mistake in the settings.
        """
        return cls(WorkerConfig.from_env(environ), **options)


def open_routes(  # noqa: PLR0913 (those of a client)
    config: WorkerConfig | None,
    transport: Transport | None,
    accounts: Pool | Sequence[Account] | None,
    *,
    policy: RetryPolicy | None = None,
    clock: Clock | None = None,
    listener: Listener | Sequence[Listener] | None = None,
    log: bool = True,
    check: CheckMode | str | None = None,
    catalog: Catalog | None = None,
    fresh: Freshness | str | float | None = None,
    cache: PictureCache | None = None,
    stale_if_error: float | None = None,
    session: TradingViewSession | None = None,
) -> Routes:
    """Build the routes of a client from its arguments."""
    heard = _heard(listener, log=log)
    require("config", config, WorkerConfig | None)
    require("log", log, bool)
    require("transport", transport, Transport | None)
    require("policy", policy, RetryPolicy | None)
    require("clock", clock, Clock | None)
    require("cache", cache, PictureCache | None)
    require("session", session, TradingViewSession | None)
    if transport is not None and session is not None:
        raise ConfigError(
            "a transport of your own sends its own session; give it to the transport, and not to the client"
        )
    if (config is None) is (transport is None) or (transport is None and not isinstance(accounts, Pool | None)):
        raise ConfigError("ChartClient takes either a config, or a transport with or without accounts")
    settings = WorkerConfig() if config is None else config
    mode = settings.check if check is None else mode_named(CheckMode, check, where="check")
    rules = settings.catalog if catalog is None else as_catalog(catalog)
    if rules is None and isinstance(accounts, AccountPool):
        rules = accounts.catalog
    known = _templates(settings.templates_dir)
    require("stale_if_error", stale_if_error, float | None)
    if stale_if_error is not None:
        settings = attrs.evolve(settings, stale_if_error=stale_if_error)
    if session is not None:
        settings = attrs.evolve(settings, tradingview_session=session)
    caching = _Caching(settings, cache, heard, lambda symbol: grid_of(symbol, rules_of(rules)))
    with ExitStack() as resources:
        if transport is None:
            given = accounts if isinstance(accounts, Pool) else None
            routes = _configured_routes(settings, clock, heard, resources, rules, caching, given)
        else:
            pool = None if accounts is None else _pool(accounts, clock, heard, rules)
            kept = None if pool is None else caching.open(pool.clock, resources, of_memory=True)
            routes = (Route(transport, pool, cache=kept),)
        pools = [route.pool for route in routes if route.pool is not None]
        plans = [account.plan for pool in pools for account in pool.accounts]
        time = clock or next((pool.clock for pool in pools), SystemClock())
        peek = next((route.cache.peek for route in routes if route.cache is not None), None)
        lists = Lists(peek, time, lambda: rules_of(rules).exchanges)
        return Routes(
            routes,
            policy=policy or settings.policy,
            clock=time,
            chance=random.random,
            listener=heard,
            resources=resources.pop_all(),
            default_timezone=settings.default_timezone,
            checker=Checker(lambda: rules_of(rules), plans, mode, known, lists.about),
            fresh=settings.fresh if fresh is None else Freshness.of(fresh, where="fresh"),
            lists=lists,
            session=settings.tradingview_session,
        )


def check(
    request: ChartRequest | LayoutRequest | Mapping[str, object],
    plan: PlanName | str | None = None,
    *,
    catalog: Catalog | None = None,
    templates: Mapping[str, ChartTemplate] | None = None,
) -> list[Finding]:
    """Check *request* by the provider's documented rules, and return the findings. No call is made.

    Args:
        request: a request for a chart or a layout, or the body of a chart; any other value is a finding. A request
            without a payload is checked as the template that its id names, since that is sent.
        plan: the plan that must allow the chart; by default the largest.
        catalog: the rules; by default those that ship.
        templates: the templates by id; by default :func:`templates` of the environment.

    Raises:
        ConfigError: the plan is unknown, or ``CHARTS_TEMPLATES_DIR`` does not name a folder.
    """
    if templates is not None:  # the type of a union takes as long to look at as a check
        require("templates", templates, Mapping)
    rules = rules_of(catalog)
    limits = None if plan is None else plan_named(plan, rules)
    if isinstance(request, LayoutRequest):
        return check_request(request, rules, limits)
    if not isinstance(request, ChartRequest):
        return check_body(request, rules, limits)
    if request.payload or request.problems:
        return check_request(request, rules, limits)
    known = _templates(read_templates_dir()) if templates is None else templates
    checker = Checker(lambda: rules, () if limits is None else (limits.name,), templates=known)
    try:
        asked = checker.completed(request)
        return list(asked.problems or checker(asked))
    except ConfigError as error:  # the file of the template can't be used
        return [Finding("chart_template_id", Severity.ERROR, problem) for problem in error.problems]


def fetch_with_retries(
    *,
    transport: Transport,
    request: PictureRequest,
    accounts: Pool | Sequence[Account],
    policy: RetryPolicy | None = None,
    clock: Clock | None = None,
    listener: Listener | Sequence[Listener] | None = None,
) -> ChartApiResult:
    """Fetch one chart or layout over *transport*, at most ``policy.max_attempts`` calls over all *accounts* together.

    The books of a plain sequence of accounts last for this one request. The books of a pool go on. The request is not checked.

    Raises:
        StoreUnavailable: the account store can't be reached, so no call may be made.
    """
    require("transport", transport, Transport)
    require("accounts", accounts, Pool | Sequence[Account])
    client = ChartClient(
        transport=transport, accounts=accounts, policy=policy, clock=clock, listener=listener, check=CheckMode.OFF
    )
    return client.fetch(request)


def open_pool(
    config: WorkerConfig,
    *,
    clock: Clock | None = None,
    listener: Listener | Sequence[Listener] | None = None,
    catalog: Catalog | None = None,
) -> AccountPool:
    """Open the pool of accounts that the settings name. The caller closes it."""
    rules = config.catalog if catalog is None else catalog
    store = open_store(config.account_store)
    return AccountPool(config.accounts, store, clock, listener=listener, catalog=rules, outage=config.outage)


def open_catalog(environ: Mapping[str, str] | None = None) -> Catalog:
    """Return the rules that ship, with the file in ``CHARTS_CATALOG`` laid over them.

    Raises:
        ConfigError: with one line for every mistake in the file.
    """
    return rules_of(read_catalog(environ))


def templates(environ: Mapping[str, str] | None = None) -> Mapping[str, ChartTemplate]:
    """Return the chart templates by id: those in ``CHARTS_TEMPLATES_DIR``, and then those that ship.

    One in the folder wins over one that ships with the same id. Each is read when it is first looked up, and a broken file
    raises ConfigError then.

    Raises:
        ConfigError: ``CHARTS_TEMPLATES_DIR`` does not name a folder.
    """
    return _templates(read_templates_dir(environ))


def _templates(own: Path | None) -> Mapping[str, ChartTemplate]:
    return load_templates(SHIPPED) if own is None else load_templates(own, SHIPPED)


def open_templates(
    config: WorkerConfig,
    asked: Sequence[str] | None = None,
    *,
    listener: Listener | Sequence[Listener] | None = None,
    fits: bool = False,
) -> list[ChartTemplate]:
    """Read the chart templates that are *asked* for, and check each by the plan of every account.

    Args:
        config: the settings.
        asked: the ids; by default those of the host's own templates, or of those that ship if there are none.
        listener: notified of a WARNING; by default the log.
        fits: whether each chart will be cut for the plans, so that no template is too large.

    Raises:
        ConfigError: with one line for every mistake. If the check is ``warn`` or ``off``, only for templates that can't be
            read.
    """
    known = _templates(config.templates_dir)
    if asked is None:
        own = () if config.templates_dir is None else tuple(load_templates(config.templates_dir))
        asked = own or tuple(known)
    plans = [account.plan for account in config.accounts]
    checker, heard = Checker(lambda: rules_of(config.catalog), plans, config.check), _heard(listener)
    read: list[ChartTemplate] = []
    problems: list[str] = []
    for template_id in asked:
        try:
            template = template_named(template_id, known)
        except ConfigError as error:
            problems += error.problems
            continue
        read.append(template)
        found = tuple(checker.template(template, fits=fits))
        if checker.refuses(found):
            errors = [each for each in found if each.severity is Severity.ERROR]
            problems += [f"template {template.id}, at {each.path}: {each.message}" for each in errors]
        elif found:
            heard.notify(RequestDoubtful(f"template {template.id}", found))
    if problems:
        raise ConfigError(problems)
    return read


def take_fixture_inventory(config: WorkerConfig, directory: Path) -> tuple[FixtureEntry, ...]:
    """List the fixtures in *directory*. A fixture is stale if its template would post another body today.

    Raises:
        ConfigError: the folder, or that of the templates, can't be read.
    """
    from ..adapters.fixture.inventory import take_inventory

    known = _templates(config.templates_dir)
    folder = directory.resolve().name

    def expected(key: ChartKey) -> str | None:
        template = known.get(key.chart_template_id)
        if template is None:
            return None
        request = template.fill(ChartRequest(key.symbol, key.timeframe, key.chart_template_id))
        if request.problems:
            return None
        posted = request.with_timezone(config.default_timezone)
        stored = StorageRequest(posted)
        return (stored if stored.endpoint.folder == folder else posted).body_digest

    return take_inventory(directory, expected)


def _heard(listener: Listener | Sequence[Listener] | None, *, log: bool = True) -> Listener:
    """Return one listener for the log and all that the host gave; an exception of theirs is logged."""
    if isinstance(listener, Listeners):
        return listener
    if listener is None:
        listener = ()
    given = tuple(listener) if isinstance(listener, Sequence) else (listener,)
    for each in given:
        require("listener", each, Listener)
    return Listeners((LogListener(), *given) if log else given)


def _pool(
    accounts: Pool | Sequence[Account], clock: Clock | None, listener: Listener, catalog: Catalog | None = None
) -> Pool:
    if isinstance(accounts, Pool):
        return accounts
    return AccountPool(accounts, clock=clock, listener=listener, catalog=catalog)


def _configured_routes(
    config: WorkerConfig,
    clock: Clock | None,
    listener: Listener,
    resources: ExitStack,
    catalog: Catalog | None,
    caching: _Caching,
    given: Pool | None,
) -> tuple[Route, ...]:
    """Build the routes of a mode; import and open only the adapters that it needs. A *given* pool is not closed."""
    routes: list[Route] = []
    if config.mode is not ApiMode.REAL:
        from ..adapters.fixture import FixtureTransport

        routes.append(Route(FixtureTransport(config.fixtures_dir, listener=listener)))
    if config.mode is not ApiMode.MOCK:
        from ..adapters.http import Urllib3Transport

        pool, refusals = given, None
        if pool is None:
            refusals = open_refusals(config.account_store)
            pool = open_pool(config, clock=clock, listener=listener, catalog=catalog)
            resources.callback(pool.close)
        http = resources.enter_context(Urllib3Transport(config.base_url, session=config.tradingview_session))
        kept = None
        if config.mode is ApiMode.REAL:
            kept = caching.open(clock or pool.clock, resources)
        if config.mode is ApiMode.RECORD:
            from ..adapters.recording import RecordingTransport

            now = (clock or SystemClock()).now
            recording = RecordingTransport(http, config.fixtures_dir, listener=listener, now=now)
            routes.append(Route(recording, pool, cut_off=http.close, lock=recording.lock, refusals=refusals))
        else:
            routes.append(Route(http, pool, cut_off=http.close, cache=kept, refusals=refusals))
    return tuple(routes)


@attrs.frozen
class _Caching:
    """All that a route with a cache needs, but its clock."""

    config: WorkerConfig
    given: PictureCache | None
    listener: Listener
    grid_of: Callable[[str | None], Grid]

    def open(self, clock: Clock, resources: ExitStack, *, of_memory: bool = False) -> CachedAnswers | None:
        """Return the kept answers; None if the settings turn the cache off. A cache that was not given is closed with *resources*."""
        config, given = self.config, self.given
        if given is None and config.cache == "off":
            return None
        opened = given
        if given is None and config.cache is not None:
            opened = open_cache(config.cache, config.cache_max_bytes)  # a mistake in the address is told at once
        place = "memory://" if of_memory else config.cache
        answers = CachedAnswers(
            (lambda: opened) if opened is not None else partial(open_cache, place, config.cache_max_bytes),
            clock=clock,
            listener=self.listener,
            grid_of=self.grid_of,
            scope=_scope(config),
            address=_scope(attrs.evolve(config, tradingview_session=None)),
            stale_seconds=config.stale_if_error,
        )
        if given is None:
            resources.callback(answers.close)
        return answers


def _scope(config: WorkerConfig) -> str:
    """Return what makes pictures of one body differ: the address of the provider, if it is not the usual one, and the session."""
    address = "" if config.base_url == DEFAULT_BASE_URL else config.base_url
    session = config.tradingview_session
    return address if session is None else f"{address}\n{session.digest}"


@contextmanager
def kept_lists(catalog: Catalog, environ: Mapping[str, str] | None = None) -> Iterator[Lists]:
    """Open the provider's lists that the cache of the settings keeps. A cache that can't be used is as one without lists."""
    clock, cache = SystemClock(), None
    with ExitStack() as resources:
        with suppress(ConfigError):  # of a setting that is not needed for any other finding
            caching = _Caching(read_kept(environ), None, Listeners(()), lambda symbol: grid_of(symbol, catalog))
            cache = caching.open(clock, resources)
        yield Lists(None if cache is None else cache.peek, clock, lambda: catalog.exchanges)
