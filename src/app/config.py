"""The settings of a worker, read from environment variables. All mistakes are reported at once.

One file because one reader collects the mistakes of all settings.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Final, TypeVar

import attrs

from ..adapters.catalog import load_catalog, shipped_catalog
from ..address import DEFAULT_BASE_URL, read_address
from ..codec import load
from ..domain.account import Account
from ..domain.argument import require, typed
from ..domain.chart import DEFAULT_TIMEZONE, TradingViewSession
from ..domain.chart.freshness import MAX_SECONDS, Freshness
from ..domain.check.catalog import Catalog
from ..domain.check.check import check_payload
from ..domain.check.suggestion import likely_name
from ..domain.errors import STORES, ConfigError
from ..domain.retry import RetryPolicy
from .checking import as_catalog
from .mode import ApiMode, CheckMode, M, mode_named

__all__ = [
    "DEFAULT_FIXTURES_DIR",
    "SETTINGS",
    "WorkerConfig",
    "read_cache",
    "read_catalog",
    "read_templates_dir",
    "rules_of",
]

T = TypeVar("T")
N = TypeVar("N", int, float)

DEFAULT_CACHE_BYTES: Final = 256 * 1024 * 1024
DEFAULT_FIXTURES_DIR: Final = Path("fixtures/chart-api/chart-img/advanced-chart-v2")
SETTINGS: Final = frozenset(
    {
        "CHARTS_ACCOUNT_STORE",
        "CHARTS_API_BASE_URL",
        "CHARTS_API_MODE",
        "CHARTS_CACHE",
        "CHARTS_CACHE_MAX_BYTES",
        "CHARTS_CATALOG",
        "CHARTS_CHECK",
        "CHARTS_DEADLINE",
        "CHARTS_DEFAULT_TIMEZONE",
        "CHARTS_FIXTURES_DIR",
        "CHARTS_GATEWAY_TOKENS",
        "CHARTS_FRESH",
        "CHARTS_MAX_ATTEMPTS",
        "CHARTS_MCP_BUDGET",
        "CHARTS_OUTAGE",
        "CHARTS_STALE_IF_ERROR",
        "CHARTS_TEMPLATES_DIR",
        "CHARTS_TRADINGVIEW_SESSION_JSON",
        "CHART_IMG_ACCOUNTS_JSON",
        "CHART_IMG_API_KEY",
    }
)
"""The variables of the library's own."""
_MIN_LIKENESS: Final = 0.9  # one other letter in the shortest name is 0.92
_PRODUCTION: Final = frozenset({"prod", "production"})
_ACCOUNTS: Final = "CHART_IMG_ACCOUNTS_JSON"
_KEY: Final = "CHART_IMG_API_KEY"
_SESSION: Final = "CHARTS_TRADINGVIEW_SESSION_JSON"
_TIMEZONE: Final = re.compile(r"[A-Z][A-Za-z0-9_+\-]*(?:/[A-Za-z0-9_+\-]+)+")
_CACHE_SERVERS: Final = frozenset({"redis", "rediss", "unix"})
_SERVER_PLACE: Final = re.compile(r"(redis|rediss|unix|postgres|postgresql):|[\w.\-]+:\d+(/\d*)?$", re.IGNORECASE)
_NO_CACHE: Final = frozenset({"0", "false", "no", "none", "null"})
_SERVERS: Final = frozenset({"postgres", "postgresql", "redis", "rediss", "unix"})
_EXAMPLE: Final = '[{"id": "main", "apiKey": "<your key>"}]'


def _api_mode(name: str) -> ApiMode:
    return mode_named(ApiMode, name, where="mode")


def _check_mode(name: str) -> CheckMode:
    return mode_named(CheckMode, name, where="check")


def _fresh(fresh: Freshness | str | float) -> Freshness:
    return Freshness.of(fresh, where="fresh")


def _seconds(text: str) -> float:
    """Read seconds.

    Raises:
        ValueError: they are not a number from 0 to a year.
    """
    seconds = float(text)
    if not 0 <= seconds <= MAX_SECONDS:
        raise ValueError(text)
    return seconds


def _accounts(accounts: Iterable[Account]) -> tuple[Account, ...]:
    return tuple(accounts) if isinstance(accounts, Iterable) else accounts


def _path(path: str | os.PathLike[str]) -> Path:
    """Return a path; any other value is returned unchanged and refused by the settings."""
    return Path(path) if isinstance(path, str | os.PathLike) else path


@attrs.frozen(field_transformer=typed)
class WorkerConfig:
    """All settings.

    Attributes:
        mode: real, mock or record.
        accounts: the accounts; empty in mock mode, where no key is read.
        fixtures_dir: the folder with the fixture files themselves.
        templates_dir: the folder of the host's own chart templates, laid over those that ship.
        account_store: ``sqlite:///path``, ``redis://host:port/0``, ``postgresql://host/database`` or ``memory://``; None
            for a file in the user's state folder.
        base_url: the provider's address.
        default_timezone: for requests without a time zone.
        check: the consequence of an ERROR in a request: error, warn or off.
        catalog: the rules of the check; None for those that ship.
        policy: limits of the calls and the time of one request.
        outage: whether an outage of the service ends calls, but for one probe at a time.
        fresh: how recently a kept picture must have been drawn, if a fetch does not say: off, candle or seconds.
        cache: the place of kept pictures: a folder, ``redis://host:port/0``, ``memory://`` or ``off``; None for a folder in
            the user's cache folder.
        cache_max_bytes: bound of the kept pictures; the least recently used leave first.
        stale_if_error: seconds; a kept picture of this age will do in place of an error that time may mend.
        tradingview_session: the session that goes with each call; None in mock mode, where no secret is read.

    Raises:
        ConfigError: a mode is unknown, or a value is of a wrong type.
    """

    mode: ApiMode = attrs.field(default=ApiMode.REAL, converter=_api_mode)
    accounts: tuple[Account, ...] = attrs.field(default=(), converter=_accounts)
    fixtures_dir: Path = attrs.field(default=DEFAULT_FIXTURES_DIR, converter=_path)
    templates_dir: Path | None = attrs.field(default=None, converter=attrs.converters.optional(_path))
    account_store: str | None = None
    base_url: str = DEFAULT_BASE_URL
    default_timezone: str = DEFAULT_TIMEZONE
    check: CheckMode = attrs.field(default=CheckMode.ERROR, converter=_check_mode)
    catalog: Catalog | None = attrs.field(default=None, converter=attrs.converters.optional(as_catalog))
    policy: RetryPolicy = attrs.field(factory=RetryPolicy)
    outage: bool = True
    fresh: Freshness = attrs.field(factory=Freshness, converter=_fresh)
    cache: str | None = None
    cache_max_bytes: int = DEFAULT_CACHE_BYTES
    stale_if_error: float = 0.0
    tradingview_session: TradingViewSession | None = None

    def __attrs_post_init__(self) -> None:
        if not 0 <= self.stale_if_error <= MAX_SECONDS:
            raise ConfigError(f"stale_if_error must be seconds from 0 to {MAX_SECONDS:.0f}, not {self.stale_if_error}")
        if self.cache_max_bytes < 1:
            raise ConfigError(f"cache_max_bytes must be at least 1, not {self.cache_max_bytes}")

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> WorkerConfig:
        """Read the settings from *environ*, by default that of the process. An empty variable counts as not set.

        Raises:
            ConfigError: with one line for every mistake; a line names the variable and never a key.
        """
        require("environ", environ, Mapping | None)
        require("the names of environ", list(environ or ()), list[str])
        reader = _Reader(os.environ if environ is None else environ)
        mode, check, catalog = reader.api_mode(), reader.mode("CHARTS_CHECK", CheckMode.ERROR), reader.catalog()
        config = cls(
            mode=mode or ApiMode.REAL,
            accounts=() if mode is ApiMode.MOCK else reader.accounts(required=mode is not None),
            fixtures_dir=Path(reader.text("CHARTS_FIXTURES_DIR", str(DEFAULT_FIXTURES_DIR))),
            templates_dir=reader.templates_dir(),
            account_store=None if mode is ApiMode.MOCK else reader.account_store(),
            base_url=reader.base_url(),
            default_timezone=reader.timezone(catalog, check),
            check=check,
            catalog=catalog,
            policy=reader.policy(),
            outage=reader.is_on("CHARTS_OUTAGE"),
            fresh=reader.fresh(),
            cache=None if mode is ApiMode.MOCK else reader.cache(),
            cache_max_bytes=reader.cache_max_bytes(),
            stale_if_error=reader.stale_if_error(),
            tradingview_session=None if mode is ApiMode.MOCK else reader.tradingview_session(),
        )
        reader.check_plans(config.accounts, catalog)
        reader.refuse_misspelt()
        reader.raise_problems()
        return config


def rules_of(catalog: Catalog | None) -> Catalog:
    """Return *catalog*, by default the rules that ship.

    Raises:
        ConfigError: *catalog* is not a Catalog.
    """
    return shipped_catalog() if catalog is None else as_catalog(catalog)


def read_catalog(environ: Mapping[str, str] | None = None) -> Catalog | None:
    """Read the rules that ship with the file in ``CHARTS_CATALOG`` laid over them; None if the variable is not set.

    Raises:
        ConfigError: with one line for every mistake in the file.
    """
    return _alone(_Reader.catalog, environ)


def read_templates_dir(environ: Mapping[str, str] | None = None) -> Path | None:
    """Read the folder of chart templates in ``CHARTS_TEMPLATES_DIR``; None if the variable is not set.

    Raises:
        ConfigError: the folder does not exist.
    """
    return _alone(_Reader.templates_dir, environ)


def read_cache(environ: Mapping[str, str] | None = None) -> tuple[str | None, int]:
    """Read the place of kept pictures in ``CHARTS_CACHE``, and their bound in ``CHARTS_CACHE_MAX_BYTES``.

    Raises:
        ConfigError: one of them is wrong.
    """
    return _alone(lambda reader: (reader.cache(), reader.cache_max_bytes()), environ)


def read_kept(environ: Mapping[str, str] | None = None) -> WorkerConfig:
    """Read the settings of what is kept, and for which provider: a config with ``CHARTS_CACHE`` and the address alone.

    Raises:
        ConfigError: one of them is wrong.
    """
    return _alone(
        lambda reader: WorkerConfig(
            base_url=reader.base_url(), cache=reader.cache(), cache_max_bytes=reader.cache_max_bytes()
        ),
        environ,
    )


def _alone(read: Callable[[_Reader], T], environ: Mapping[str, str] | None) -> T:
    """Read one setting for a command that needs no other."""
    require("environ", environ, Mapping | None)
    reader = _Reader(os.environ if environ is None else environ)
    value = read(reader)
    reader.raise_problems()
    return value


class _Reader:
    """Reads variables one by one and collects the mistakes in them."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.problems: list[str] = []

    def raise_problems(self) -> None:
        if self.problems:
            raise ConfigError(self.problems)

    def text(self, name: str, default: str = "") -> str:
        """Return a variable without the space around it."""
        value: object = self._environ.get(name, "")
        if not isinstance(value, str):
            self.problems.append(f"{name} must be text, not {type(value).__name__}")
            return default
        return value.strip() or default

    def refuse_misspelt(self) -> None:
        """Record each variable with nearly the name of a setting: without it the client might go real."""
        for name in self._environ:
            if name[:5].upper() != "CHART" or name in SETTINGS:
                continue
            near = get_close_matches(name.upper(), SETTINGS, n=1, cutoff=_MIN_LIKENESS)
            meant = near[0] if near else likely_name(name, SETTINGS)
            if meant and self.text(name):
                self.problems.append(f"{name} is not a setting; did you mean {meant}?")

    def mode(self, name: str, default: M) -> M:
        try:
            return mode_named(type(default), self.text(name, default).lower(), where=name)
        except ConfigError as error:
            self.problems.extend(error.problems)
            return default

    def is_on(self, name: str) -> bool:
        """Return whether a switch is ``on``, the default, or ``off``."""
        value = self.text(name, "on").lower()
        if value not in {"on", "off"}:
            self.problems.append(f"{name} must be on or off, not {value!r}")
        return value != "off"

    def api_mode(self) -> ApiMode | None:
        """Return the mode; None if it is unknown, so that the other settings are not required."""
        before = len(self.problems)
        mode = self.mode("CHARTS_API_MODE", ApiMode.REAL)
        if len(self.problems) > before:
            return None
        variable = "TDA_ENV" if self.text("TDA_ENV") else "ENV"
        environment = self.text(variable)
        if mode is ApiMode.RECORD and environment.lower() in _PRODUCTION:
            self.problems.append(
                f"CHARTS_API_MODE=record is refused in production ({variable}={environment}); use real or mock"
            )
        return mode

    def accounts(self, *, required: bool) -> tuple[Account, ...]:
        text, key = self.text(_ACCOUNTS), self.text(_KEY)
        if not text and key:
            return self._only_account(key)
        if not text and not required:
            return ()
        if not text:
            self.problems.append(
                f"{_ACCOUNTS} is not set; set it to the accounts, like {_EXAMPLE}, or set {_KEY} to one key"
            )
            return ()
        try:
            accounts = load(text, tuple[Account, ...], where=_ACCOUNTS)
        except ConfigError as error:
            self.problems.extend(error.problems)
            return ()
        if not accounts:
            self.problems.append(f"{_ACCOUNTS} holds no account; write it like {_EXAMPLE}")
        self._refuse_equal("id", [account.id for account in accounts])
        self._refuse_equal("apiKey", [account.api_key for account in accounts])
        return accounts

    def tradingview_session(self) -> TradingViewSession | None:
        text = self.text(_SESSION)
        try:
            return load(text, TradingViewSession, where=_SESSION) if text else None
        except ConfigError as error:
            self.problems.extend(error.problems)
            return None

    def _only_account(self, key: str) -> tuple[Account, ...]:
        try:
            return (Account("main", key),)
        except ConfigError as error:
            self.problems.extend(f"{_KEY}: {problem}" for problem in error.problems)
            return ()

    def numeral(self, name: str, default: float | str) -> str:
        """Return the text of a number. Digits of other scripts and ``1_0``, which Python reads, are not numbers here.

        Raises:
            ValueError: the text has one of these.
        """
        text = self.text(name, str(default))
        if "_" in text or not text.isascii():
            raise ValueError(name)
        return text

    def policy(self) -> RetryPolicy:
        """Read the limits of one request; the others have their defaults."""
        default = RetryPolicy()
        try:
            return RetryPolicy(
                max_attempts=int(self.numeral("CHARTS_MAX_ATTEMPTS", default.max_attempts)),
                deadline=float(self.numeral("CHARTS_DEADLINE", default.deadline)),
            )
        except ConfigError as error:
            names = {"max_attempts": "CHARTS_MAX_ATTEMPTS", "deadline": "CHARTS_DEADLINE"}
            self.problems.extend(
                problem.replace(name, variable, 1)
                for problem in error.problems
                for name, variable in names.items()
                if problem.startswith(name)
            )
        except ValueError:
            self.problems.append("CHARTS_MAX_ATTEMPTS must be a whole number, and CHARTS_DEADLINE a number of seconds")
        return default

    def _refuse_equal(self, field: str, values: list[str]) -> None:
        """Record accounts with the same *field*: two books of one key would spend its quota twice."""
        repeated = {value for value, count in Counter(values).items() if count > 1}
        places = [f"$[{place}].{field}" for place, value in enumerate(values) if value in repeated]
        if places:
            self.problems.append(f"{_ACCOUNTS}, at {', '.join(places)}: these are equal; each account needs its own")

    def templates_dir(self) -> Path | None:
        folder = self.text("CHARTS_TEMPLATES_DIR")
        if folder and not os.path.isdir(folder):  # noqa: PTH112 (never raises)
            self.problems.append(f"CHARTS_TEMPLATES_DIR names {folder}, which is not a folder")
        return Path(folder) if folder else None

    def account_store(self) -> str | None:
        url = self.text("CHARTS_ACCOUNT_STORE")
        scheme, _, rest = url.partition("://")
        if not url or url == "memory://" or (scheme in _SERVERS and rest):
            return url or None
        if scheme == "sqlite" and len(rest) > 1 and rest[0] == "/" and rest != "/:memory:" and "?" not in rest:
            return url
        if ":memory:" in url or url.strip(":/").casefold() == "memory":
            wrong = f"must be memory:// for books that end with the process, not {url}"
        elif scheme == "sqlite" and "?" in rest:
            wrong = "must end after the path: sqlite:///path takes no options"
        elif "://" not in url and _SERVER_PLACE.match(url):
            wrong = "must begin with redis:// or postgresql:// for a server, and with sqlite:/// for a file"
        elif "://" not in url and "@" not in url:
            wrong = f"must be an address, not a path; for this file, write sqlite:///{url}"
        else:
            wrong = f"must be {STORES}" + (f", not {scheme}://…" if "://" in url and "@" not in scheme else "")
        self.problems.append(f"CHARTS_ACCOUNT_STORE {wrong}")
        return None

    def cache(self) -> str | None:
        """Return the place of kept pictures. Its scheme alone is repeated, since an address may hold a password."""
        place = self.text("CHARTS_CACHE")
        scheme, separator, rest = place.partition("://")
        if place.casefold() == "off":
            return "off"
        if place != "memory://" and place.strip(":/").casefold() == "memory":
            wrong = f"must be memory:// for pictures that end with the client, not {place}"
        elif place.casefold() in _NO_CACHE:
            wrong = f"must be off to keep no picture, not {place}"
        elif not separator and _SERVER_PLACE.match(place):
            wrong = "must begin with redis:// for a server, and with ./ or / for a folder of such a name"
        elif not separator or place == "memory://" or (scheme in _CACHE_SERVERS and rest):
            return place or None
        else:
            wrong = f"must be a folder, redis://host:port/0, memory:// or off, not {scheme}://…"
        self.problems.append(f"CHARTS_CACHE {wrong}")
        return None

    def fresh(self) -> Freshness:
        try:
            return Freshness.of(self.numeral("CHARTS_FRESH", "off").lower(), where="CHARTS_FRESH")
        except ConfigError as error:
            self.problems.extend(error.problems)
        except ValueError:
            self.problems.append("CHARTS_FRESH must be off, candle or a number of seconds")
        return Freshness()

    def cache_max_bytes(self) -> int:
        size = self._number("CHARTS_CACHE_MAX_BYTES", DEFAULT_CACHE_BYTES, int, "a whole number of bytes")
        if size < 1:
            self.problems.append(
                f"CHARTS_CACHE_MAX_BYTES must be at least 1, not {size}; to keep no picture, set CHARTS_CACHE=off"
            )
            return DEFAULT_CACHE_BYTES
        return size

    def stale_if_error(self) -> float:
        return self._number("CHARTS_STALE_IF_ERROR", 0.0, _seconds, "seconds from 0 to a year")

    def _number(self, name: str, default: N, read: Callable[[str], N], meant: str) -> N:
        try:
            return read(self.numeral(name, default))
        except ValueError:
            self.problems.append(f"{name} must be {meant}, not {self.text(name)!r}")
            return default

    def catalog(self) -> Catalog | None:
        path = self.text("CHARTS_CATALOG")
        if not path:
            return None
        try:
            return shipped_catalog().extended(load_catalog(path))
        except ConfigError as error:
            self.problems.extend(f"CHARTS_CATALOG: {problem}" for problem in error.problems)
            return None

    def check_plans(self, accounts: tuple[Account, ...], catalog: Catalog | None) -> None:
        """Record plans that the host's catalog does not have: their limits would be unknown."""
        if catalog is not None and catalog.plans:
            self.problems.extend(
                f"{_ACCOUNTS}, at $[{place}].plan: {account.plan} is not a plan in the catalog of CHARTS_CATALOG"
                for place, account in enumerate(accounts)
                if account.plan is not None and account.plan not in catalog.plan_by_name
            )

    def base_url(self) -> str:
        url = self.text("CHARTS_API_BASE_URL", DEFAULT_BASE_URL)
        try:
            read_address(url)
        except ConfigError as error:
            self.problems.extend(f"CHARTS_API_BASE_URL: {problem}" for problem in error.problems)
        return url

    def timezone(self, catalog: Catalog | None, check: CheckMode) -> str:
        zone = self.text("CHARTS_DEFAULT_TIMEZONE", DEFAULT_TIMEZONE)
        if not _TIMEZONE.fullmatch(zone):
            self.problems.append(
                f"CHARTS_DEFAULT_TIMEZONE must be a zone like Etc/UTC or America/New_York, not {zone!r}"
                + (" (the provider refuses plain UTC)" if zone.upper() == "UTC" else "")
            )
        elif zone != DEFAULT_TIMEZONE and check is CheckMode.ERROR:
            self.problems.extend(
                f"CHARTS_DEFAULT_TIMEZONE: {each.message}"
                for each in check_payload({"timezone": zone}, rules_of(catalog))
            )
        return zone
