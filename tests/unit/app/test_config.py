"""The settings: the meaning of each variable, and the message of each mistake."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import cast

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import chartimg
from chartimg import Account, ChartClient, CheckMode, ConfigError, RetryPolicy, WorkerConfig
from chartimg.app.config import DEFAULT_FIXTURES_DIR, SETTINGS, read_cache, read_catalog
from chartimg.app.mode import ApiMode
from chartimg.domain.chart import TradingViewSession
from chartimg.domain.chart.freshness import Freshness
from places import ROOT, SRC
from rows import for_each

KEY = "canary-key-7f3a9"
ONE: Mapping[str, str] = {"CHART_IMG_ACCOUNTS_JSON": json.dumps([{"id": "main", "apiKey": KEY}])}
VARIABLES = (
    "CHART_IMG_ACCOUNTS_JSON",
    "CHART_IMG_API_KEY",
    "CHARTS_CACHE",
    "CHARTS_CACHE_MAX_BYTES",
    "CHARTS_DEADLINE",
    "CHARTS_FRESH",
    "CHARTS_MAX_ATTEMPTS",
    "CHARTS_OUTAGE",
    "CHARTS_STALE_IF_ERROR",
    "CHARTS_API_MODE",
    "TDA_ENV",
    "ENV",
    "CHARTS_DEFAULT_TIMEZONE",
    "CHARTS_FIXTURES_DIR",
    "CHARTS_ACCOUNT_STORE",
    "CHARTS_API_BASE_URL",
    "CHARTS_TEMPLATES_DIR",
    "CHARTS_CHECK",
    "CHARTS_CATALOG",
    "CHARTS_TRADINGVIEW_SESSION_JSON",
)


def problems(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the lines of the ConfigError that *environ* leads to; check that they hold no key and no line break."""
    with pytest.raises(ConfigError) as caught:
        WorkerConfig.from_env(environ)
    assert all(KEY not in line and "\n" not in line for line in caught.value.problems)
    assert str(caught.value) == "\n".join(caught.value.problems)
    return caught.value.problems


def accounts(text: str) -> dict[str, str]:
    """Write settings whose accounts are *text*."""
    return {"CHART_IMG_ACCOUNTS_JSON": text}


def test_accounts_alone_are_enough() -> None:
    """If only accounts are set, the other settings have their documented defaults."""
    assert WorkerConfig.from_env(ONE) == WorkerConfig(
        mode=ApiMode.REAL,
        accounts=(Account("main", KEY, daily_limit=None, plan=None, requests_per_second=None, burst=None),),
        fixtures_dir=Path("fixtures/chart-api/chart-img/advanced-chart-v2"),
        templates_dir=None,
        account_store=None,
        base_url="https://api.chart-img.com",
        default_timezone="Etc/UTC",
    )
    assert Path("fixtures/chart-api/chart-img/advanced-chart-v2") == DEFAULT_FIXTURES_DIR


def test_every_variable_has_its_field(tmp_path: Path) -> None:
    """Each variable sets the field for which it is documented."""
    listed = [
        {"id": "a", "apiKey": KEY, "dailyLimit": 900, "plan": "pro", "requestsPerSecond": 10.5, "burst": 15},
        {"id": "b", "apiKey": f"{KEY}-2"},
    ]
    config = WorkerConfig.from_env(
        {
            "CHART_IMG_ACCOUNTS_JSON": json.dumps(listed),
            "CHARTS_API_MODE": "record",
            "TDA_ENV": "dev",
            "CHARTS_DEFAULT_TIMEZONE": "America/Argentina/Buenos_Aires",
            "CHARTS_FIXTURES_DIR": "some/fixtures",
            "CHARTS_ACCOUNT_STORE": "sqlite:////var/lib/accounts.sqlite3",
            "CHARTS_API_BASE_URL": "https://proxy.example/charts",
            "CHARTS_TEMPLATES_DIR": str(tmp_path),
        }
    )

    assert config == WorkerConfig(
        mode=ApiMode.RECORD,
        accounts=(Account("a", KEY, 900, "PRO", 10.5, 15), Account("b", f"{KEY}-2")),
        fixtures_dir=Path("some/fixtures"),
        templates_dir=tmp_path,
        account_store="sqlite:////var/lib/accounts.sqlite3",
        base_url="https://proxy.example/charts",
        default_timezone="America/Argentina/Buenos_Aires",
    )


@pytest.mark.parametrize("nothing", ["", "  ", "\n"])
def test_an_empty_variable_counts_as_not_set(nothing: str) -> None:
    """Variables without text leave every default as it is."""
    empty = dict.fromkeys(VARIABLES, nothing)

    assert WorkerConfig.from_env(ONE) == WorkerConfig.from_env({**empty, **ONE})


@pytest.mark.parametrize("written", ["mock", "MOCK", " Mock "])
def test_the_mode_is_read_in_any_case(written: str) -> None:
    """The mode is read in upper and lower case, with and without space around it."""
    assert ApiMode.MOCK is WorkerConfig.from_env({"CHARTS_API_MODE": written}).mode


@pytest.mark.parametrize("store", ["memory://", "sqlite:///relative.sqlite3", "sqlite:///~/accounts.sqlite3"])
def test_an_account_store_is_taken_as_it_is_written(store: str) -> None:
    """Each documented form of a store address is taken unchanged."""
    assert store == WorkerConfig.from_env({**ONE, "CHARTS_ACCOUNT_STORE": store}).account_store


@pytest.mark.parametrize(
    "zone", ["Etc/UTC", "America/New_York", "Africa/Johannesburg", "America/Argentina/Buenos_Aires"]
)
def test_a_zone_with_a_region_passes(zone: str) -> None:
    """A zone in any form of the provider's list is accepted."""
    assert zone == WorkerConfig.from_env({**ONE, "CHARTS_DEFAULT_TIMEZONE": zone}).default_timezone


def test_every_mistake_is_reported_at_once(tmp_path: Path) -> None:
    """If every variable is wrong, the error has one line for each, with its name."""
    lines = problems(
        {
            "CHART_IMG_ACCOUNTS_JSON": "{}",
            "CHARTS_API_MODE": "live",
            "CHARTS_DEFAULT_TIMEZONE": "UTC",
            "CHARTS_ACCOUNT_STORE": "mysql://somewhere",
            "CHARTS_API_BASE_URL": "ftp://somewhere",
            "CHARTS_TEMPLATES_DIR": str(tmp_path / "nowhere"),
        }
    )

    assert [
        "CHARTS_ACCOUNT_STORE",
        "CHARTS_API_BASE_URL",
        "CHARTS_API_MODE",
        "CHARTS_DEFAULT_TIMEZONE",
        "CHARTS_TEMPLATES_DIR",
        "CHART_IMG_ACCOUNTS_JSON",
    ] == sorted(line.split()[0].strip(":,") for line in lines)


@for_each(
    ("name", "value", "message"),
    [
        ("CHARTS_API_MODE", "live", "'live'"),
        ("CHARTS_DEFAULT_TIMEZONE", "UTC", "the provider refuses plain UTC"),
        ("CHARTS_DEFAULT_TIMEZONE", "utc", "the provider refuses plain UTC"),
        ("CHARTS_DEFAULT_TIMEZONE", "Mars", "'Mars'"),
        ("CHARTS_DEFAULT_TIMEZONE", "../../etc/passwd", "Etc/UTC"),
        ("CHARTS_ACCOUNT_STORE", "mysql://user:password@host/db", "sqlite:///path"),
        ("CHARTS_ACCOUNT_STORE", "sqlite:///", "sqlite:///path"),
        ("CHARTS_ACCOUNT_STORE", "sqlite://accounts.sqlite3", "sqlite:///path"),
        ("CHARTS_ACCOUNT_STORE", "accounts.sqlite3", "write sqlite:///accounts.sqlite3"),
        ("CHARTS_ACCOUNT_STORE", "/var/books", "write sqlite:////var/books"),
        ("CHARTS_ACCOUNT_STORE", "user:password@host", "redis://host:port/0"),
        (
            "CHARTS_ACCOUNT_STORE",
            "localhost:6379",
            "redis:// or postgresql:// for a server, and with sqlite:/// for a file",
        ),
        (
            "CHARTS_ACCOUNT_STORE",
            "postgresql:/db",
            "redis:// or postgresql:// for a server, and with sqlite:/// for a file",
        ),
        ("CHARTS_ACCOUNT_STORE", ":memory:", "must be memory://"),
        ("CHARTS_ACCOUNT_STORE", "sqlite:///:memory:", "must be memory://"),
        ("CHARTS_ACCOUNT_STORE", "memory", "must be memory://"),
        ("CHARTS_ACCOUNT_STORE", "MEMORY://", "must be memory://"),
        ("CHARTS_ACCOUNT_STORE", "sqlite:///books.sqlite3?mode=ro", "must end after the path"),
        ("CHARTS_API_BASE_URL", "api.chart-img.com", "https://api.chart-img.com"),
        ("CHARTS_API_BASE_URL", "http://example.com", "in the clear"),
        ("CHARTS_API_BASE_URL", "https://user:password@api.chart-img.com", "user name or"),
        ("CHARTS_API_BASE_URL", "https://x\ny.com", "https://api.chart-img.com"),
        ("CHARTS_TEMPLATES_DIR", "/" + 300 * "a", "not a folder"),
        ("CHARTS_TEMPLATES_DIR", "/nowhere/at/all", "/nowhere/at/all"),
        ("CHARTS_TEMPLATES_DIR", __file__, "not a folder"),
    ],
)
def test_a_wrong_variable_is_named_with_what_would_be_right(name: str, value: str, message: str) -> None:
    """A wrong variable leads to one line with its name and a correct example, and without its password."""
    (line,) = problems({**ONE, name: value})

    assert line.startswith(name)
    assert message in line
    assert "password" not in line.replace("user name or password", "")


@for_each(
    ("text", "parts"),
    [
        ("", ("is not set", '[{"id": "main", "apiKey": "<your key>"}]')),
        ("main=" + KEY, ("is not JSON", "line 1, column 1")),
        (f'[{{"id": "a", "apiKey": "{KEY}"', ("is not JSON", "line 1")),
        ("[" * 100_000, ("is not JSON",)),
        (f"[{'1' * 5000}]", ("is not JSON",)),
        ("[]", ("holds no account",)),
        ("null", ("an array",)),
        (f'{{"id": "a", "apiKey": "{KEY}"}}', ("an array",)),
        (f'["{KEY}"]', ("$[0]", "an object")),
        (f'[{{"id": "a", "apiKey": "{KEY}"}}, 7]', ("$[1]", "an object")),
        ("[{}]", ("$[0].id", "$[0].apiKey", "missing")),
        (f'[{{"id": 1, "apiKey": "{KEY}"}}]', ("$[0].id", "text")),
        (f'[{{"id": "a", "apiKey": ["{KEY}"]}}]', ("$[0].apiKey", "text")),
        (f'[{{"id": "a", "apiKey": "{KEY}", "dailyLimit": "44"}}]', ("$[0].dailyLimit", "a whole number")),
        (f'[{{"id": "a", "apiKey": "{KEY}", "dailyLimit": 4.5}}]', ("$[0].dailyLimit", "a whole number")),
        (f'[{{"id": "a", "apiKey": "{KEY}", "dailyLimit": true}}]', ("$[0].dailyLimit", "a whole number")),
        (f'[{{"id": "a", "apiKey": "{KEY}", "requestsPerSecond": "1"}}]', ("$[0].requestsPerSecond", "a number")),
        (f'[{{"id": "a", "apiKey": "{KEY}", "burst": "3"}}]', ("$[0].burst", "a whole number")),
        (f'[{{"id": "a", "apiKey": "{KEY}", "plan": 3}}]', ("$[0].plan", "text")),
        (
            f'[{{"id": "a", "apiKey": "{KEY}", "plan": "GOLD"}}]',
            ("$[0]", "plan", "BASIC, PRO, MEGA, ULTRA, ENTERPRISE"),
        ),
        (f'[{{"id": "a", "apiKey": "{KEY}", "limit": 3}}]', ("$[0]", "unknown field limit")),
        (f'[{{"id": "a", "apiKey": "x", "{KEY}": 3}}]', ("$[0]", "an unknown field", "known fields: id, apiKey")),
        ('[{"id": "a", "apiKey": "x", "canaryKeyOfLetters": 3}]', ("$[0]", "an unknown field")),
        (f'[{{"id": " ", "apiKey": "{KEY}"}}]', ("$[0]", "id is empty")),
        ('[{"id": "a", "apiKey": ""}]', ("$[0]", "empty")),
        (f'[{{"id": "a", "apiKey": "{KEY} "}}]', ("$[0]", "copied whole")),
        (f'[{{"id": "a", "apiKey": "{KEY}", "requestsPerSecond": NaN}}]', ("$[0]", "more than 0")),
        (f'[{{"id": "a", "apiKey": "{KEY}", "requestsPerSecond": 0}}]', ("$[0]", "more than 0")),
        (f'[{{"id": "a", "apiKey": "{KEY}", "burst": 0}}]', ("$[0]", "at least 1")),
        (f'[{{"id": "a", "apiKey": "{KEY}"}}, {{"id": "a", "apiKey": "k2"}}]', ("$[0].id", "$[1].id", "equal")),
        (
            f'[{{"id": "a", "apiKey": "{KEY}"}}, {{"id": "b", "apiKey": "{KEY}"}}]',
            ("$[0].apiKey", "$[1].apiKey", "equal"),
        ),
    ],
)
def test_a_mistake_in_the_accounts_is_reported_with_its_place(text: str, parts: tuple[str, ...]) -> None:
    """A mistake in the accounts is named with the variable and the place in its JSON, never with a key."""
    lines = problems(accounts(text))

    assert all(line.startswith("CHART_IMG_ACCOUNTS_JSON") for line in lines)
    assert all(part in "\n".join(lines) for part in parts)


def test_a_value_out_of_range_is_reported_by_its_name_in_json() -> None:
    """A number out of its range is named by its field in JSON, as one of the wrong type is."""
    lines = problems(accounts(f'[{{"id": "a", "apiKey": "{KEY}", "dailyLimit": -1}}]'))

    assert "dailyLimit" in "\n".join(lines)


def test_every_account_with_a_mistake_is_reported() -> None:
    """One error lists the mistakes of all accounts, several of one account included."""
    reported = "\n".join(
        problems(
            accounts(
                json.dumps(
                    [
                        {"id": "a", "apiKey": KEY, "burst": 0, "requestsPerSecond": -1},
                        {"id": "b", "apiKey": f"{KEY}-2"},
                        {"id": "c", "dailyLimit": "9"},
                    ]
                )
            )
        )
    )

    assert all(part in reported for part in ("$[0]", "at least 1", "more than 0", "$[2].apiKey", "$[2].dailyLimit"))
    assert "$[1]" not in reported


class _Watched(Mapping[str, str]):
    """Settings that note each name that is read."""

    def __init__(self, values: Mapping[str, str]) -> None:
        """Begin with nothing read."""
        self.values_of = values
        self.read: set[str] = set()

    def __getitem__(self, name: str) -> str:
        """Return a setting and note its name."""
        self.read.add(name)
        return self.values_of[name]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names."""
        return iter(self.values_of)

    def __len__(self) -> int:
        """Count the settings."""
        return len(self.values_of)


def test_mock_mode_reads_no_accounts() -> None:
    """In mock mode the variable with the keys is never read."""
    environ = _Watched({"CHARTS_API_MODE": "mock", "CHART_IMG_ACCOUNTS_JSON": "not JSON"})

    assert () == WorkerConfig.from_env(environ).accounts
    assert "CHART_IMG_ACCOUNTS_JSON" not in environ.read


def test_nothing_else_is_read() -> None:
    """Settings are read from the documented variables only."""
    environ = _Watched({**ONE, "HOME": "/root", "CHARTS_API_KEY": "x"})
    WorkerConfig.from_env(environ)

    assert environ.read <= set(VARIABLES)


def test_an_empty_mapping_is_not_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty mapping means no settings; only without a mapping those of the process are read."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CHART_IMG_ACCOUNTS_JSON", ONE["CHART_IMG_ACCOUNTS_JSON"])

    assert WorkerConfig.from_env(ONE) == WorkerConfig.from_env()
    assert "CHART_IMG_ACCOUNTS_JSON is not set" in problems({})[0]
    with pytest.raises(ConfigError, match="CHART_IMG_ACCOUNTS_JSON is not set"):
        ChartClient.from_env({})


def test_tda_env_speaks_before_env() -> None:
    """Recording is allowed if TDA_ENV is set to anything but production, even if ENV is production."""
    config = WorkerConfig.from_env({**ONE, "CHARTS_API_MODE": "record", "TDA_ENV": "dev", "ENV": "prod"})

    assert ApiMode.RECORD is config.mode


@pytest.mark.parametrize("mode", ["real", "mock"])
def test_production_refuses_nothing_but_recording(mode: str) -> None:
    """Real and mock mode are allowed in production."""
    assert mode == WorkerConfig.from_env({**ONE, "CHARTS_API_MODE": mode, "TDA_ENV": "prod"}).mode


def test_settings_of_plain_python_are_what_they_say() -> None:
    """A mode by its name, paths as text and accounts in a list mean the same as their types."""
    account = chartimg.Account("a", "key-of-a")
    config = WorkerConfig(mode="mock", accounts=[account], fixtures_dir="f", templates_dir="t")

    assert WorkerConfig(ApiMode.MOCK, (account,), Path("f"), Path("t")) == config
    assert config.mode is ApiMode.MOCK
    with pytest.raises(ConfigError, match="mode must be one of real, mock, record"):
        WorkerConfig(mode="live")


def test_mock_mode_looks_at_no_account_store() -> None:
    """In mock mode the address of the account store is not read, since no store is opened."""
    assert WorkerConfig.from_env({"CHARTS_API_MODE": "mock", "CHARTS_ACCOUNT_STORE": "mysql://"}).account_store is None


def test_the_settings_show_no_key() -> None:
    """The repr and the str of settings hold no key."""
    config = WorkerConfig.from_env(ONE)

    assert KEY not in repr(config) + str(config)


def test_a_config_error_is_a_value_error_and_a_chartimg_error() -> None:
    """A host may catch wrong settings as a ChartimgError or as a ValueError."""
    with pytest.raises(chartimg.ChartimgError):
        WorkerConfig.from_env({})
    with pytest.raises(ValueError, match="CHART_IMG_ACCOUNTS_JSON"):
        WorkerConfig.from_env({})


@pytest.mark.parametrize(("text", "mode"), [("", "error"), ("error", "error"), ("Warn", "warn"), (" off ", "off")])
def test_what_becomes_of_a_wrong_request_is_a_setting(text: str, mode: str) -> None:
    """CHARTS_CHECK sets the check, in any case and with space around it; code may name the mode as text."""
    assert mode == WorkerConfig.from_env({**ONE, "CHARTS_CHECK": text}).check
    assert CheckMode(mode) is WorkerConfig(check=mode).check


@pytest.mark.parametrize(
    ("mode", "meant"), [("mocked", "mock"), ("MOCKS", "mock"), ("rela", "real"), ("records", "record")]
)
def test_a_misspelt_mode_is_one_line_with_what_is_meant(mode: str, meant: str) -> None:
    """A misspelt mode is the only problem, since no other setting is required in an unknown mode."""
    assert (
        f"CHARTS_API_MODE must be one of real, mock, record, not {mode.lower()!r}; did you mean {meant}?",
    ) == problems({"CHARTS_API_MODE": mode})


def test_an_unknown_check_mode_is_a_mistake() -> None:
    """An unknown check mode is a mistake in the environment and in code; the message lists the modes."""
    assert ("CHARTS_CHECK must be one of error, warn, off, not 'strict'",) == problems(
        {**ONE, "CHARTS_CHECK": "strict"}
    )
    with pytest.raises(ConfigError, match="check must be one of error, warn, off, not 'strict'"):
        WorkerConfig(check="strict")


def test_a_catalog_of_the_host_s_is_laid_over_the_one_that_ships(tmp_path: Path) -> None:
    """The file in CHARTS_CATALOG is laid over the rules that ship; without it the settings hold no catalog."""
    file = tmp_path / "mine.json"
    file.write_text('{"intervals": ["9h"], "timezones": ["Europe/Atlantis"]}')

    config = WorkerConfig.from_env({**ONE, "CHARTS_CATALOG": str(file), "CHARTS_DEFAULT_TIMEZONE": "Europe/Atlantis"})

    assert config.catalog is not None
    assert {"1h", "9h"} <= config.catalog.interval_set
    assert WorkerConfig.from_env(ONE).catalog is None
    assert read_catalog({}) is None


def test_a_catalog_with_mistakes_is_reported_with_the_other_mistakes(tmp_path: Path) -> None:
    """A mistake in the catalog is reported beside the others, with its variable, file and place."""
    file = tmp_path / "mine.json"
    file.write_text('{"intervals": [9]}')
    environ = {**ONE, "CHARTS_CATALOG": str(file), "CHARTS_CHECK": "x"}

    check, catalog = problems(environ)

    assert "CHARTS_CHECK must be" in check
    assert catalog.startswith(f"CHARTS_CATALOG: catalog {file}, at $.intervals[0]: must be text")
    with pytest.raises(ConfigError, match="CHARTS_CATALOG"):
        read_catalog(environ)


def test_a_default_time_zone_the_provider_does_not_know_is_a_mistake() -> None:
    """An unknown default time zone is a mistake, unless the check is off."""
    environ = {**ONE, "CHARTS_DEFAULT_TIMEZONE": "Europe/Belin"}

    (line,) = problems(environ)

    assert 'did you mean "Europe/Berlin"?' in line
    assert "Europe/Belin" == WorkerConfig.from_env({**environ, "CHARTS_CHECK": "off"}).default_timezone


def test_an_account_of_a_plan_that_the_host_s_catalog_lacks_is_a_mistake(tmp_path: Path) -> None:
    """A plan that is not in the host's catalog is a mistake, with the place of its account."""
    file = tmp_path / "mine.json"
    file.write_text('{"replace": ["plans"], "plans": []}')
    plans = json.dumps([{"id": "a", "apiKey": KEY}, {"id": "b", "apiKey": KEY + "b", "plan": "PRO"}])

    assert 2 == len(WorkerConfig.from_env({**accounts(plans), "CHARTS_CATALOG": str(file)}).accounts)
    plan = {
        "name": "BASIC", "requestsPerSecond": 1, "burst": 3, "dailyLimit": 50, "maxWidth": 1000, "maxHeight": 600,
        "maxParameters": 3, "watermark": True, "customWatermark": False, "storageDays": 14,
    }  # fmt: skip
    file.write_text(json.dumps({"replace": ["plans"], "plans": [plan]}))
    (line,) = problems({**accounts(plans), "CHARTS_CATALOG": str(file)})
    assert "at $[1].plan: PRO is not a plan in the catalog" in line


@for_each(
    ("misspelt", "meant"),
    [
        ("CHARTS_API_MODEL", "CHARTS_API_MODE"),
        ("CHARTS_API_MOD", "CHARTS_API_MODE"),
        ("CHARTS_MODE", "CHARTS_API_MODE"),
        ("CHART_API_MODE", "CHARTS_API_MODE"),
        ("CHARTS_APIMODE", "CHARTS_API_MODE"),
        ("charts_api_mode", "CHARTS_API_MODE"),
        ("CHARTS_FIXTURE_DIR", "CHARTS_FIXTURES_DIR"),
        ("CHARTS_TEMPLATE_DIR", "CHARTS_TEMPLATES_DIR"),
        ("CHARTS_ACCOUNTS_STORE", "CHARTS_ACCOUNT_STORE"),
        ("CHARTS_BASE_URL", "CHARTS_API_BASE_URL"),
        ("CHARTS_TIMEZONE", "CHARTS_DEFAULT_TIMEZONE"),
        ("CHART_IMG_ACCOUNT_JSON", "CHART_IMG_ACCOUNTS_JSON"),
        ("CHARTS_IMG_ACCOUNTS_JSON", "CHART_IMG_ACCOUNTS_JSON"),
    ],
)
def test_a_misspelt_variable_is_reported_with_the_one_that_is_meant(misspelt: str, meant: str) -> None:
    """A variable that nearly has the name of a setting is a mistake, so that a client never goes real by a slip."""
    assert (f"{misspelt} is not a setting; did you mean {meant}?",) == problems({**ONE, misspelt: "mock"})


@pytest.mark.parametrize("known", sorted(SETTINGS))
@given(st.data())
def test_a_slip_in_any_name_is_reported(known: str, data: st.DataObject) -> None:
    """If a letter of a setting's name is left out, doubled, or another one, the setting is named."""
    place = data.draw(st.integers(7, len(known) - 1))
    instead = data.draw(st.sampled_from(["", known[place] * 2, "X"]))
    slip = known[:place] + instead + known[place + 1 :]
    assume(slip != known)

    assert [f"{slip} is not a setting; did you mean {known}?"] == [*problems({**ONE, slip: "x"})]


@for_each("other", ["CHARTS_API_KEY", "CHARTS_PALETTE", "CHARTER_PLANE", "HIGHCHARTS_MODE", "CHART_IMG_API_KEY"])
def test_a_variable_of_the_host_that_resembles_no_setting_is_ignored(other: str) -> None:
    """A variable with a name of its own changes nothing, and so does an empty one."""
    assert WorkerConfig.from_env(ONE) == WorkerConfig.from_env({**ONE, other: "mock", "CHARTS_API_MODEL": " "})


def test_every_variable_that_is_read_is_known() -> None:
    """Each name of a setting in the source and in the table of docs/settings.md is one of the known settings, and no other is."""
    named = re.compile(r"\b(?:CHARTS|CHART_IMG)_[A-Z_]+[A-Z]\b")
    sources = "".join(file.read_text(encoding="utf-8") for file in SRC.rglob("*.py"))
    table = "".join(re.findall(r"^\| `.*$", (ROOT / "docs/settings.md").read_text(encoding="utf-8"), re.MULTILINE))

    assert SETTINGS == set(named.findall(sources)) == set(named.findall(table))


def test_one_key_alone_is_one_account() -> None:
    """CHART_IMG_API_KEY is the account main with the defaults of an account; the array wins over it."""
    key = "k" * 30

    assert (Account("main", key),) == WorkerConfig.from_env({"CHART_IMG_API_KEY": key}).accounts
    assert WorkerConfig.from_env(ONE).accounts == WorkerConfig.from_env({**ONE, "CHART_IMG_API_KEY": key}).accounts
    assert problems({"CHART_IMG_API_KEY": "k\u20ac"})[0].startswith("CHART_IMG_API_KEY: api_key holds a ")


def test_the_limits_of_a_fetch_are_settings() -> None:
    """CHARTS_DEADLINE and CHARTS_MAX_ATTEMPTS are the policy of the clients, and each mistake names its variable."""
    limits = {"CHARTS_DEADLINE": "20.5", "CHARTS_MAX_ATTEMPTS": "2"}

    assert RetryPolicy(deadline=20.5, max_attempts=2) == WorkerConfig.from_env({**ONE, **limits}).policy
    assert RetryPolicy() == WorkerConfig.from_env(ONE).policy
    assert ("CHARTS_DEADLINE must be a number of seconds from 0 to a year, not -1.0",) == problems(
        {**ONE, "CHARTS_DEADLINE": "-1"}
    )
    for name, text in (("MAX_ATTEMPTS", "two"), ("MAX_ATTEMPTS", "1_0"), ("MAX_ATTEMPTS", "٣"), ("DEADLINE", "٣")):
        assert "CHARTS_MAX_ATTEMPTS must be a whole number" in problems({**ONE, f"CHARTS_{name}": text})[0]


@pytest.mark.parametrize("name", [b"CHARTS_API_MODE", 1, None])
def test_a_name_that_is_not_text_is_reported(name: object) -> None:
    """A variable whose name is not text is a ConfigError; it is not left out of account."""
    with pytest.raises(ConfigError, match="the names of environ must be a sequence of str, not list of"):
        WorkerConfig.from_env(cast("dict[str, str]", {name: "mock"}))


@for_each("cache", ["/pictures", "~/pictures", "off", "memory://", "redis://host:6379/0", "unix:///socket"])
def test_the_settings_of_kept_pictures_are_read(cache: str) -> None:
    """Their place, their bound, their freshness and their age in place of an error are settings; all have defaults."""
    variables = {"CHARTS_FRESH": "Candle", "CHARTS_CACHE_MAX_BYTES": "1000", "CHARTS_STALE_IF_ERROR": "90.5"}
    config = WorkerConfig.from_env({**ONE, **variables, "CHARTS_CACHE": cache})
    default = WorkerConfig.from_env(ONE)

    assert (cache, 1000, Freshness(by_candle=True), 90.5) == (
        config.cache,
        config.cache_max_bytes,
        config.fresh,
        config.stale_if_error,
    )
    assert (None, 256 * 1024 * 1024, Freshness(), 0.0) == (
        default.cache,
        default.cache_max_bytes,
        default.fresh,
        default.stale_if_error,
    )
    assert (cache, 1000) == read_cache({**variables, "CHARTS_CACHE": cache})
    assert ("off", 1000) == read_cache({**variables, "CHARTS_CACHE": "OFF"})


@for_each(
    ("variable", "value", "message"),
    [
        ("CHARTS_FRESH", "daily", "CHARTS_FRESH must be off, candle or seconds from 0 to 31622400, not 'daily'"),
        ("CHARTS_FRESH", "1_0", "CHARTS_FRESH must be off, candle or a number of seconds"),
        (
            "CHARTS_CACHE",
            "http://user:pw@host",
            "CHARTS_CACHE must be a folder, redis://host:port/0, memory:// or off, not http://…",
        ),
        (
            "CHARTS_CACHE",
            "redis://",
            "CHARTS_CACHE must be a folder, redis://host:port/0, memory:// or off, not redis://…",
        ),
        *(
            ("CHARTS_CACHE", text, f"CHARTS_CACHE must be memory:// for pictures that end with the client, not {text}")
            for text in ("memory", ":memory:", "Memory://", "memory:/")
        ),
        *(
            ("CHARTS_CACHE", text, f"CHARTS_CACHE must be off to keep no picture, not {text}")
            for text in ("none", "False", "0")
        ),
        *(
            (
                "CHARTS_CACHE",
                text,
                "CHARTS_CACHE must begin with redis:// for a server, and with ./ or / for a folder of such a name",
            )
            for text in ("localhost:6379", "10.0.0.1:6379/0", "redis:host", "Redis:/host:6379", "rediss:6379")
        ),
        (
            "CHARTS_CACHE_MAX_BYTES",
            "0",
            "CHARTS_CACHE_MAX_BYTES must be at least 1, not 0; to keep no picture, set CHARTS_CACHE=off",
        ),
        ("CHARTS_CACHE_MAX_BYTES", "1e6", "CHARTS_CACHE_MAX_BYTES must be a whole number of bytes, not '1e6'"),
        ("CHARTS_STALE_IF_ERROR", "-1", "CHARTS_STALE_IF_ERROR must be seconds from 0 to a year, not '-1'"),
        ("CHARTS_STALE_IF_ERROR", "nan", "CHARTS_STALE_IF_ERROR must be seconds from 0 to a year, not 'nan'"),
    ],
)
def test_a_wrong_setting_of_kept_pictures_names_its_variable(variable: str, value: str, message: str) -> None:
    """It is one line, without a password."""
    assert (message,) == problems({**ONE, variable: value})


@pytest.mark.parametrize(
    ("name", "value"), [("stale_if_error", -1.0), ("stale_if_error", math.nan), ("cache_max_bytes", 0)]
)
def test_a_wrong_bound_of_kept_pictures_is_refused(name: str, value: float) -> None:
    """The message names the argument."""
    with pytest.raises(ConfigError, match=name):
        WorkerConfig(**{name: value})  # type: ignore[arg-type]


def test_a_session_is_read_and_never_shown() -> None:
    """The two cookies are read with the other settings, and are in neither a representation nor a mistake."""
    text = '{"sessionId": "canary-session", "sessionIdSign": "canary-sign"}'
    config = WorkerConfig.from_env({**ONE, "CHARTS_TRADINGVIEW_SESSION_JSON": text})

    assert TradingViewSession("canary-session", "canary-sign") == config.tradingview_session
    assert "canary" not in repr(config) + str(config)
    assert WorkerConfig.from_env(ONE).tradingview_session is None
    mock = WorkerConfig.from_env({"CHARTS_API_MODE": "mock", "CHARTS_TRADINGVIEW_SESSION_JSON": text})
    assert mock.tradingview_session is None


@for_each(
    "text",
    [
        "canary-session",
        '["canary-session", "canary-sign"]',
        '{"sessionId": "canary-session"}',
        '{"sessionId": "canary session", "sessionIdSign": "canary-sign"}',
        '{"sessionId": "", "sessionIdSign": "canary-sign"}',
        '{"sessionId": "canary-session", "sessionIdSign": 5, "canary-other": 1}',
        '{"sessionid": "canary-session", "sessionIdSign": "canary-sign"}',
    ],
)
def test_a_mistake_in_a_session_names_its_variable_alone(text: str) -> None:
    """A wrong form is reported with the name of the variable, and never with a part of the session."""
    with pytest.raises(ConfigError, match="CHARTS_TRADINGVIEW_SESSION_JSON") as caught:
        WorkerConfig.from_env({**ONE, "CHARTS_TRADINGVIEW_SESSION_JSON": text})

    assert "canary-s" not in str(caught.value)


@pytest.mark.parametrize(("value", "is_on"), [("", True), ("on", True), ("OFF", False)])
def test_whether_an_outage_is_heeded_is_a_setting(value: str, *, is_on: bool) -> None:
    """An outage is heeded, unless the setting is ``off``."""
    assert is_on is WorkerConfig.from_env({**ONE, "CHARTS_OUTAGE": value}).outage
    assert ("CHARTS_OUTAGE must be on or off, not 'no'",) == problems({**ONE, "CHARTS_OUTAGE": "no"})
