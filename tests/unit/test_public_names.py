"""The public face: exactly the names of the contract, each loaded when it is first used."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

import chartimg
from chartimg.testing import picture
from command import run_python
from rows import for_each

NAMES = [
    "Account",
    "AccountPool",
    "AsyncChartClient",
    "Catalog",
    "ChartApiError",
    "ChartApiResult",
    "ChartClient",
    "ChartExport",
    "ChartRequest",
    "ChartUnavailable",
    "ChartimgError",
    "CheckMode",
    "CheckWarning",
    "ConfigError",
    "ErrorCode",
    "FaultKind",
    "Finding",
    "LayoutRequest",
    "RetryPolicy",
    "Severity",
    "StoreUnavailable",
    "StoredChart",
    "TradingViewSession",
    "WorkerConfig",
    "check",
    "drawing",
    "fetch_with_retries",
    "override",
    "study",
    "templates",
]
PUBLIC_AT_THEIR_PATH = (
    "chartimg.adapters.http.Urllib3Transport",
    "chartimg.adapters.fixture.FixtureTransport",
    "chartimg.adapters.recording.RecordingTransport",
    "chartimg.adapters.memory.MemoryAccountStore",
    "chartimg.adapters.sqlite.SqliteAccountStore",
    "chartimg.adapters.redis.RedisAccountStore",
    "chartimg.adapters.clock.SystemClock",
    "chartimg.domain.account.Account",
    "chartimg.domain.account.AccountSnapshot",
    "chartimg.domain.chart.ChartRequest",
    "chartimg.domain.reply.Reply",
    "chartimg.domain.reply.TransportFailure",
    "chartimg.domain.plan.PlanName",
    "chartimg.domain.ports.Transport",
    "chartimg.domain.ports.AccountStore",
    "chartimg.domain.ports.Clock",
    "chartimg.domain.ports.Listener",
    "chartimg.testing.EventLog",
    "chartimg.testing.VirtualClock",
    "chartimg.testing.ScriptedTransport",
    "chartimg.testing.AccountStoreContract",
    "chartimg.testing.emulator",
)


def child(code: str, cwd: Path, **variables: str) -> str:
    """Run *code* in a process of its own and give what it printed."""
    done = run_python(textwrap.dedent(code), cwd=cwd, **variables)
    assert (0, "") == (done.returncode, done.stderr)
    return done.stdout


def test_the_public_names_are_those_of_the_contract() -> None:
    """__all__ is the documented names, sorted, and no other."""
    assert NAMES == chartimg.__all__
    assert sorted(NAMES) == NAMES


@for_each("name", NAMES)
def test_every_public_name_is_there(name: str) -> None:
    """Each name gives a documented thing of that name, and the same one each time."""
    value = getattr(chartimg, name)

    assert name in (getattr(value, "__name__", None), "ChartApiResult")  # a union has no name
    assert value.__doc__
    assert value is getattr(chartimg, name)
    assert name in dir(chartimg)


@for_each("path", PUBLIC_AT_THEIR_PATH)
def test_adapters_ports_and_helpers_are_public_at_their_own_path(path: str) -> None:
    """What the contract names by path is in the __all__ of its module."""
    from importlib import import_module

    module, _, name = path.rpartition(".")

    assert name in import_module(module).__all__


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    """A slip of the pen is told as Python tells it."""
    with pytest.raises(AttributeError, match="module 'chartimg' has no attribute 'ChartClent'"):
        chartimg.ChartClent  # noqa: B018 (asked for what it raises)


def test_the_version_is_lazy_and_there() -> None:
    """__version__ is text like 1.2.3, and not among the public names."""
    assert 3 == len(chartimg.__version__.split("."))
    assert "__version__" not in chartimg.__all__


def test_a_star_import_gives_the_public_names(tmp_path: Path) -> None:
    """From chartimg import * works and brings nothing else."""
    code = """
        names = {}
        exec("from chartimg import *", names)
        print(*sorted(names.keys() - {"__builtins__"}))
    """
    assert NAMES == child(code, tmp_path).split()


def test_importing_the_library_loads_nothing_it_does_not_use(tmp_path: Path) -> None:
    """A process that only imports chartimg has none of its dependencies in memory."""
    code = """
        import sys
        before = set(sys.modules)
        import chartimg
        heavy = {"attrs", "attr", "cattrs", "urllib3", "structlog", "rich", "typer", "redis", "platformdirs", "sqlite3"}
        heavy |= {"mcp", "pydantic", "starlette", "uvicorn"}
        print(*sorted((heavy & set(sys.modules)) - before), *[name for name in sys.modules if name.startswith("chartimg.")])
    """
    assert "\n" == child(code, tmp_path)


def test_the_command_loads_a_face_when_it_is_asked_for(tmp_path: Path) -> None:
    """The command with all its parts has the libraries of no face in memory."""
    code = """
        import sys
        import chartimg.app.cli
        print(*sorted({"mcp", "pydantic", "starlette", "uvicorn"} & set(sys.modules)))
    """
    assert "\n" == child(code, tmp_path)


def test_a_client_in_mock_mode_loads_no_http_client(tmp_path: Path) -> None:
    """From settings to picture nothing that only HTTP, the books or the command need is loaded."""
    (tmp_path / "BINANCE_BTCUSDT__1h__price_v1.png").write_bytes(picture())
    code = """
        import sys
        before = set(sys.modules)
        from chartimg import ChartClient, ChartRequest
        with ChartClient.from_env() as client:
            assert client.fetch(ChartRequest("BINANCE:BTCUSDT", "1h", "price_v1")).ok
        heavy = {"urllib3", "http.client", "ssl", "sqlite3", "structlog", "rich", "typer", "redis", "platformdirs"}
        print(*sorted((heavy & set(sys.modules)) - before))
    """
    assert "\n" == child(code, tmp_path, CHARTS_API_MODE="mock", CHARTS_FIXTURES_DIR=str(tmp_path))


def test_no_module_has_a_name_that_would_collide_in_a_host(tmp_path: Path) -> None:
    """Neither domain, adapters nor app can be imported at the top level."""
    code = """
        import chartimg.app.bootstrap, importlib.util
        print(*[name for name in ("domain", "adapters", "app", "codec", "files") if importlib.util.find_spec(name)])
    """
    assert "\n" == child(code, tmp_path)
