"""The settings of a worker, read from environment variables; every mistake is reported at once."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Final, TypeVar

import attrs

from ..adapters.catalog import load_catalog, shipped_catalog
from ..address import read_address
from ..domain.account import Account
from ..domain.chart import DEFAULT_TIMEZONE
from ..domain.check.catalog import Catalog
from ..domain.check.check import check_payload
from ..domain.errors import ConfigError
from .checking import CheckMode, as_catalog, check_mode

__all__ = ["DEFAULT_FIXTURES_DIR", "ApiMode", "WorkerConfig", "read_catalog", "read_templates_dir", "rules_of"]

T = TypeVar("T")

DEFAULT_FIXTURES_DIR: Final = Path("fixtures/chart-api/chart-img/advanced-chart-v2")
_PRODUCTION: Final = frozenset({"prod", "production"})
_ACCOUNTS: Final = "CHART_IMG_ACCOUNTS_JSON"
_TIMEZONE: Final = re.compile(r"[A-Z][A-Za-z0-9_+\-]*(?:/[A-Za-z0-9_+\-]+)+")
_REDIS: Final = frozenset({"redis", "rediss", "unix"})
_EXAMPLE: Final = '[{"id": "main", "apiKey": "<your key>"}]'


class ApiMode(StrEnum):
    """Where charts come from (``CHARTS_API_MODE``)."""

    REAL = "real"
    MOCK = "mock"
    RECORD = "record"


def _api_mode(name: str) -> ApiMode:
    """Take a mode by its name; a host writes ``"mock"`` as well as ``ApiMode.MOCK``."""
    if name not in set(ApiMode):
        raise ConfigError(f"mode must be one of {', '.join(ApiMode)}, not {name!r}")
    return ApiMode(name)


def _accounts(accounts: Iterable[Account]) -> tuple[Account, ...]:
    return tuple(accounts)


def _path(path: str | os.PathLike[str]) -> Path:
    return Path(path)


@attrs.frozen
class WorkerConfig:
    """All settings, checked.

    Attributes:
        mode: real, mock or record.
        accounts: empty in mock mode, where no key is read.
        fixtures_dir: the folder that holds the fixture files themselves.
        templates_dir: the folder of chart templates, None for those that ship.
        account_store: ``sqlite:///path``, ``redis://host:port/0``, ``memory://``, or None for the file in the user's
            state folder.
        base_url: the provider's address.
        default_timezone: for requests that name none.
        check: what becomes of a request that the provider would refuse: error, warn or off.
        catalog: the rules requests are checked by, None for those that come with chartimg.

    Raises:
        ConfigError: there is no such mode.
    """

    mode: ApiMode = attrs.field(default=ApiMode.REAL, converter=_api_mode)
    accounts: tuple[Account, ...] = attrs.field(default=(), converter=_accounts)
    fixtures_dir: Path = attrs.field(default=DEFAULT_FIXTURES_DIR, converter=_path)
    templates_dir: Path | None = attrs.field(default=None, converter=attrs.converters.optional(_path))
    account_store: str | None = None
    base_url: str = "https://api.chart-img.com"
    default_timezone: str = DEFAULT_TIMEZONE
    check: CheckMode = attrs.field(default=CheckMode.ERROR, converter=check_mode)
    catalog: Catalog | None = attrs.field(default=None, converter=attrs.converters.optional(as_catalog))

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> WorkerConfig:
        """Read the settings from *environ*, by default the process's own; an empty variable counts as not set.

        Raises:
            ConfigError: with one line for every mistake, each naming its variable and never a key.
        """
        reader = _Reader(os.environ if environ is None else environ)
        mode, check, catalog = reader.mode(), reader.check(), reader.catalog()
        config = cls(
            mode=mode,
            accounts=() if mode is ApiMode.MOCK else reader.accounts(),
            fixtures_dir=Path(reader.text("CHARTS_FIXTURES_DIR", str(DEFAULT_FIXTURES_DIR))),
            templates_dir=reader.templates_dir(),
            account_store=None if mode is ApiMode.MOCK else reader.account_store(),
            base_url=reader.base_url(),
            default_timezone=reader.timezone(catalog, check),
            check=check,
            catalog=catalog,
        )
        reader.refuse_unknown_plans(config.accounts, catalog)
        if reader.problems:
            raise ConfigError(reader.problems)
        return config


def rules_of(catalog: Catalog | None) -> Catalog:
    """Return *catalog*, or without one the rules that ship.

    Raises:
        ConfigError: it is something else.
    """
    return shipped_catalog() if catalog is None else as_catalog(catalog)


def read_catalog(environ: Mapping[str, str] | None = None) -> Catalog | None:
    """Read the catalog of the host's that ``CHARTS_CATALOG`` names, laid over the one that ships; None when it names none.

    Raises:
        ConfigError: with one line for every mistake in the file.
    """
    return _alone(_Reader.catalog, environ)


def read_templates_dir(environ: Mapping[str, str] | None = None) -> Path | None:
    """Read the folder of chart templates that ``CHARTS_TEMPLATES_DIR`` names; None when it names none.

    Raises:
        ConfigError: it is no folder.
    """
    return _alone(_Reader.templates_dir, environ)


def _alone(read: Callable[[_Reader], T], environ: Mapping[str, str] | None) -> T:
    """Read one setting for a command that needs no others."""
    reader = _Reader(os.environ if environ is None else environ)
    value = read(reader)
    if reader.problems:
        raise ConfigError(reader.problems)
    return value


class _Reader:
    """Reads variables one by one and collects what is wrong with them."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.problems: list[str] = []

    def text(self, name: str, default: str) -> str:
        """Give a variable without the space around it; only those that are asked for are read."""
        return self._environ.get(name, "").strip() or default

    def mode(self) -> ApiMode:
        name = self.text("CHARTS_API_MODE", ApiMode.REAL).lower()
        if name not in set(ApiMode):
            self.problems.append(f"CHARTS_API_MODE must be one of {', '.join(ApiMode)}, not {name!r}")
            return ApiMode.REAL
        variable = "TDA_ENV" if self.text("TDA_ENV", "") else "ENV"
        environment = self.text(variable, "")
        if name == ApiMode.RECORD and environment.lower() in _PRODUCTION:
            self.problems.append(
                f"CHARTS_API_MODE=record is refused in production ({variable}={environment}); use real, or mock"
            )
        return ApiMode(name)

    def accounts(self) -> tuple[Account, ...]:
        from ..codec import load

        text = self.text(_ACCOUNTS, "")
        if not text:
            self.problems.append(f"{_ACCOUNTS} is not set; it holds the accounts, like {_EXAMPLE}")
            return ()
        try:
            accounts = load(text, tuple[Account, ...], where=_ACCOUNTS)
        except ConfigError as error:
            self.problems.extend(error.problems)
            return ()
        if not accounts:
            self.problems.append(f"{_ACCOUNTS} holds no account; write it like {_EXAMPLE}")
        self._refuse_twins("id", [account.id for account in accounts])
        self._refuse_twins("apiKey", [account.api_key for account in accounts])
        return accounts

    def _refuse_twins(self, field: str, values: list[str]) -> None:
        """Two books over one quota would spend it twice."""
        twice = {value for value, count in Counter(values).items() if count > 1}
        places = [f"$[{place}].{field}" for place, value in enumerate(values) if value in twice]
        if places:
            self.problems.append(f"{_ACCOUNTS}, at {', '.join(places)}: these are the same; each account needs its own")

    def templates_dir(self) -> Path | None:
        folder = self.text("CHARTS_TEMPLATES_DIR", "")
        if folder and not os.path.isdir(folder):  # noqa: PTH112 (never raises)
            self.problems.append(f"CHARTS_TEMPLATES_DIR names {folder}, which is not a folder")
        return Path(folder) if folder else None

    def account_store(self) -> str | None:
        url = self.text("CHARTS_ACCOUNT_STORE", "")
        scheme, _, rest = url.partition("://")
        if not url or url == "memory://" or (scheme == "sqlite" and len(rest) > 1 and rest[0] == "/"):
            return url or None
        if scheme in _REDIS and rest:
            return url
        self.problems.append(
            f"CHARTS_ACCOUNT_STORE must be sqlite:///path, redis://host:port/0 or memory://, not {scheme}://…"
        )
        return None

    def check(self) -> CheckMode:
        name = self.text("CHARTS_CHECK", CheckMode.ERROR).lower()
        if name not in set(CheckMode):
            self.problems.append(f"CHARTS_CHECK must be one of {', '.join(CheckMode)}, not {name!r}")
            return CheckMode.ERROR
        return CheckMode(name)

    def catalog(self) -> Catalog | None:
        path = self.text("CHARTS_CATALOG", "")
        if not path:
            return None
        try:
            return shipped_catalog().extended(load_catalog(path))
        except ConfigError as error:
            self.problems.extend(f"CHARTS_CATALOG: {problem}" for problem in error.problems)
            return None

    def refuse_unknown_plans(self, accounts: tuple[Account, ...], catalog: Catalog | None) -> None:
        """Find a plan that a catalog of the host's does not have: nothing would be known of it."""
        if catalog is not None and catalog.plans:
            self.problems.extend(
                f"{_ACCOUNTS}, at $[{place}].plan: {account.plan} is no plan of the catalog that CHARTS_CATALOG names"
                for place, account in enumerate(accounts)
                if account.plan is not None and account.plan not in catalog.plan_by_name
            )

    def base_url(self) -> str:
        url = self.text("CHARTS_API_BASE_URL", "https://api.chart-img.com")
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
