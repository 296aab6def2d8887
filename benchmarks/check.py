"""The cost of checking a request: microseconds, and the ratio to ``json.dumps`` of the same body in the same run.

``make bench`` prints the table. No test asserts these figures: machines differ.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping

import chartimg
from chartimg.adapters.catalog import shipped_catalog
from chartimg.app.checking import Checker

PAYLOAD: Mapping[str, object] = {
    "theme": "dark",
    "width": 800,
    "height": 600,
    "timezone": "Etc/UTC",
    "studies": [
        chartimg.study("Moving Average Double", firstPeriods=12, secondPeriods=26, method="Simple"),
        chartimg.study("Bollinger Bands", in_0=20, in_1=2.0),
        chartimg.study("MACD", force_overlay=False, in_0=12, in_1=26, in_2=9, in_3="close"),
    ],
}
"""A typical request: three studies."""


def request() -> chartimg.ChartRequest:
    """Make a new request, without cached views."""
    return chartimg.ChartRequest("BINANCE:BTCUSDT", "1h", "price_v1", PAYLOAD)


def main() -> None:
    """Measure everything and print the table."""
    body, known, checker = request().body, request(), Checker(shipped_catalog)
    shipped_catalog()
    rows: list[tuple[str, Callable[[], object]]] = [
        ("chartimg.check of a request", lambda: chartimg.check(known, "BASIC")),
        ("the same, with making and encoding the request", lambda: chartimg.check(request(), "BASIC")),
        ("the same body once more on the way of a fetch", lambda: checker(known)),
    ]
    print(f"{'what':<62} {'ratio':>6} {'µs':>7}  at most")
    for what, ours in rows:
        ratio, micros = against(ours, lambda: json.dumps(body))
        print(f"{what:<62} {ratio:>6.2f} {micros:>7.1f}  6 times, 40 µs")
    print(f"{'reading the catalog, in a new process':<62} {load_microseconds():>14.0f}  10,000 µs")


def against(ours: Callable[[], object], theirs: Callable[[], object]) -> tuple[float, float]:
    """Return the median time of *ours* over interleaved rounds, as a multiple of *theirs* and in microseconds."""
    calls, times = 500, ([], [])  # type: tuple[int, tuple[list[float], list[float]]]
    for number in range(41):
        for which, work in ((0, ours), (1, theirs)) if number % 2 else ((1, theirs), (0, ours)):
            started = time.perf_counter()
            for _ in range(calls):
                work()
            times[which].append((time.perf_counter() - started) / calls)
    mine, other = map(statistics.median, times)
    return mine / other, mine * 1e6


def load_microseconds() -> float:
    """Measure reading the catalog for the first time, as the median over processes."""
    code = (
        "import time, chartimg.adapters.catalog as c; a = time.perf_counter(); c.shipped_catalog();"
        "print((time.perf_counter() - a) * 1e6)"
    )
    runs = [
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
        for _ in range(9)
    ]
    return statistics.median(runs)


if __name__ == "__main__":
    main()
