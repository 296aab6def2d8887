"""TradingView chart pictures from the CHART-IMG REST API, for hosts that can't afford to waste a call.

    import chartimg

    with chartimg.ChartClient.from_env() as client:
        result = client.fetch(client.request("BTCUSDT", "1h", template="price_psar_adi_v1"))

Each name below is imported from its module when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .app.async_bootstrap import AsyncChartClient
    from .app.bootstrap import AccountPool, ChartClient, check, fetch_with_retries, templates
    from .app.config import WorkerConfig
    from .app.export.chart_export import ChartExport
    from .app.mode import CheckMode
    from .app.payload import CheckWarning, drawing, override, study
    from .domain.account import Account
    from .domain.chart import ChartRequest, LayoutRequest, TradingViewSession
    from .domain.check.catalog import Catalog
    from .domain.errors import ChartimgError, ChartUnavailable, ConfigError, StoreUnavailable
    from .domain.faults import ChartApiError, ErrorCode, FaultKind
    from .domain.finding import Finding, Severity
    from .domain.result import ChartApiResult
    from .domain.retry import RetryPolicy
    from .domain.stored import StoredChart
    from .version import __version__ as __version__

__all__ = [
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

_HOME = {
    "Account": "domain.account",
    "AccountPool": "app.bootstrap",
    "AsyncChartClient": "app.async_bootstrap",
    "Catalog": "domain.check.catalog",
    "ChartApiError": "domain.faults",
    "ChartApiResult": "domain.result",
    "ChartClient": "app.bootstrap",
    "ChartExport": "app.export.chart_export",
    "ChartRequest": "domain.chart",
    "ChartUnavailable": "domain.errors",
    "ChartimgError": "domain.errors",
    "CheckMode": "app.mode",
    "CheckWarning": "app.payload",
    "ConfigError": "domain.errors",
    "ErrorCode": "domain.faults",
    "FaultKind": "domain.faults",
    "Finding": "domain.finding",
    "LayoutRequest": "domain.chart",
    "RetryPolicy": "domain.retry",
    "Severity": "domain.finding",
    "StoreUnavailable": "domain.errors",
    "StoredChart": "domain.stored",
    "TradingViewSession": "domain.chart",
    "WorkerConfig": "app.config",
    "__version__": "version",
    "check": "app.bootstrap",
    "drawing": "app.payload",
    "fetch_with_retries": "app.bootstrap",
    "override": "app.payload",
    "study": "app.payload",
    "templates": "app.bootstrap",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first used."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(f".{_HOME[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the names of the package, imported or not."""
    return sorted({*globals(), *_HOME})
