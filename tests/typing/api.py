"""The types of the public calls, for mypy to check. NOT meant to be executed, and not collected by pytest.

Each public call is assigned to a variable of the type a host relies on: a change of a signature fails the type check.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import assert_type

import chartimg
from chartimg.adapters.catalog import shipped_catalog
from chartimg.adapters.clock import SystemClock
from chartimg.adapters.fixture import FixtureTransport
from chartimg.adapters.http import Urllib3Transport
from chartimg.adapters.memory import MemoryAccountStore
from chartimg.adapters.recording import RecordingTransport
from chartimg.adapters.sqlite import SqliteAccountStore
from chartimg.app.export import ExportFailure, ExportItem, Manifest
from chartimg.domain.account.forecast import Forecast
from chartimg.domain.chart.template import ChartTemplate
from chartimg.domain.events import CallFinished, Event
from chartimg.domain.ports import AccountStore, Clock, Listener, Transport
from chartimg.domain.reply import Reply, TransportFailure
from chartimg.testing import EventLog, ScriptedTransport, VirtualClock, picture

version: str = chartimg.__version__

# Values.
request: chartimg.ChartRequest = chartimg.ChartRequest("BINANCE:BTCUSDT", "1h", "price_v1")
with_payload: chartimg.ChartRequest = chartimg.ChartRequest(
    symbol="BINANCE:BTCUSDT", timeframe="1h", chart_template_id="price_v1", payload={"theme": "dark", "studies": []}
)
body: dict[str, object] = request.body
symbol: str = request.symbol

account: chartimg.Account = chartimg.Account("main", "key")
full_account: chartimg.Account = chartimg.Account(
    id="main", api_key="key", daily_limit=44, plan="BASIC", requests_per_second=1.0, burst=3
)
policy: chartimg.RetryPolicy = chartimg.RetryPolicy(max_attempts=3, base_delay=0.5, max_delay=8.0, deadline=120.0)

# Adapters fit their ports.
clock: Clock = SystemClock()
virtual: Clock = VirtualClock()
memory: AccountStore = MemoryAccountStore()
sqlite: AccountStore = SqliteAccountStore(Path("accounts.sqlite3"))
http: Transport = Urllib3Transport(
    base_url="https://api.chart-img.com", connect_timeout=5.0, read_timeout=60.0, max_body=16 * 1024 * 1024
)
fixtures: Transport = FixtureTransport("fixtures")
recording: Transport = RecordingTransport(http, Path("fixtures"))
scripted: Transport = ScriptedTransport([Reply(200, {}, picture()), TransportFailure(chartimg.FaultKind.NETWORK, "no")])
outcome: Reply | TransportFailure = http.send(request, account, timeout=3.0)


class Printer:
    """A listener of a host's own."""

    def notify(self, event: Event) -> None:
        """Take note of *event*."""


listener: Listener = Printer()
heard: EventLog = EventLog()
log: Listener = heard
events: list[Event] = heard.events
finished: list[CallFinished] = heard.of(CallFinished)

# The pool.
pool: chartimg.AccountPool = chartimg.AccountPool([account, full_account])
durable: chartimg.AccountPool = chartimg.AccountPool((account,), store=sqlite, clock=clock)
pool.mark_account_exhausted("main")
pool.suspend("main", "stolen")
pool.reinstate("main")
left: list[int] = [status.left for status in pool.status()]
back: list[datetime | None] = [status.available_at for status in pool.status()]

# Settings and the client.
config: chartimg.WorkerConfig = chartimg.WorkerConfig.from_env()
given: chartimg.WorkerConfig = chartimg.WorkerConfig.from_env({"CHARTS_API_MODE": "mock"})
client: chartimg.ChartClient = chartimg.ChartClient(config)
from_env: chartimg.ChartClient = chartimg.ChartClient.from_env({"CHARTS_API_MODE": "mock"})
own: chartimg.ChartClient = chartimg.ChartClient(transport=http, accounts=pool, policy=policy, listener=listener)
free: chartimg.ChartClient = chartimg.ChartClient(transport=fixtures)
with chartimg.ChartClient(config) as entered:
    assert_type(entered, chartimg.ChartClient)
client.close()

# Results.
result: chartimg.ChartApiResult = client.fetch(request)
leniently: chartimg.ChartApiResult = client.fetch(request, on_invalid_symbol=("NASDAQ", "NYSE"), fit="plan")
once: chartimg.ChartApiResult = chartimg.fetch_with_retries(
    transport=http, request=request, accounts=[account], policy=policy, clock=clock
)
pooled: chartimg.ChartApiResult = chartimg.fetch_with_retries(transport=http, request=request, accounts=pool)
ok: bool = result.ok
png: bytes | None = result.png_bytes
unwrapped: bytes = result.unwrap()
status: int | None = result.http_status
from_fixture: bool = result.from_fixture
fixture_path: Path | None = result.fixture_path
account_id: str | None = result.account_id
calls: int = len(result.attempts)

warnings: tuple[chartimg.Finding, ...] = result.warnings

# Exports.
export: chartimg.ChartExport = chartimg.ChartExport(client, [request], "charts", jobs=2, resume=True, fresh="candle")
for end in export:
    assert_type(end, ExportItem | ExportFailure)
manifest: Manifest = export.manifest
planned: Forecast | None = export.plan().forecast


async def exported(client: chartimg.AsyncChartClient) -> int:
    """Iterate on a loop."""
    ends = [end async for end in chartimg.ChartExport(client, iter([request]), Path("charts"))]
    return sum(end.calls for end in ends)


# The check.
found: list[chartimg.Finding] = chartimg.check(request)
for_a_plan: list[chartimg.Finding] = chartimg.check({"symbol": "BINANCE:BTCUSDT"}, plan="BASIC")
for finding in found:
    path: str = finding.path
    severity: chartimg.Severity = finding.severity
    text: str = finding.message
    instead: str | None = finding.suggestion
macd: dict[str, object] = chartimg.study("MACD", in_0=12)
line: dict[str, object] = chartimg.drawing("Horizontal Line", price=23520)
look: dict[str, object] = chartimg.override(showLegend=False)
rules: chartimg.Catalog = shipped_catalog().extended(chartimg.Catalog(intervals=("9h",)))
looks: Mapping[str, ChartTemplate] = chartimg.templates()
own_looks: Mapping[str, ChartTemplate] = chartimg.templates({"CHARTS_TEMPLATES_DIR": "templates"})
of_a_look: chartimg.ChartRequest = looks["price_psar_adi_v1"].request("BTCUSDT", "1h")
changed: chartimg.ChartRequest = client.request("BTCUSDT", "1h", template="price_psar_adi_v1", width=640, theme="light")
by_own_rules: list[chartimg.Finding] = chartimg.check(request, catalog=rules)
careless: chartimg.ChartClient = chartimg.ChartClient(transport=http, accounts=pool, check="warn", catalog=rules)
mode: chartimg.CheckMode = config.check

if result.error is not None:
    error: chartimg.ChartApiError = result.error
    code: chartimg.ErrorCode = error.code
    kind: chartimg.FaultKind = error.kind
    word: str = error.code
    message: str = error.message
    retriable: bool = error.retriable
    http_status: int | None = error.http_status
    retry_after: float | None = error.retry_after
    available_at: datetime | None = error.available_at
    details: tuple[Mapping[str, object], ...] = error.details

# Exceptions.
try:
    result.unwrap()
except chartimg.ChartUnavailable as unavailable:
    reason: chartimg.ChartApiError = unavailable.error
except chartimg.ConfigError as wrong:
    problems: tuple[str, ...] = wrong.problems
except chartimg.StoreUnavailable as gone:
    base: chartimg.ChartimgError = gone
