"""Settings of all tests.

``CHARTIMG_TEST_NO_SKIP=1``, as in the gate: a skip is a failure. A property that names no number of examples of its own
gets ``CHARTIMG_TEST_EXAMPLES``: few by default, and more where the gate runs all properties again.
"""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, settings

from loopback import LoopbackServer, serving

pytest_plugins = ["pytester"]  # tests of chartimg.pytest_plugin

# A background job of a shell ignores SIGINT, and its children inherit that; a handler of our own does not reach them.
signal.signal(signal.SIGINT, signal.default_int_handler)
examples = int(os.environ.get("CHARTIMG_TEST_EXAMPLES", "12"))
settings.register_profile(  # speed is for benchmarks, never asserted
    "chartimg", deadline=None, max_examples=examples, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("chartimg")  # the parent of the one below
settings.register_profile(
    "mutants", max_examples=50, phases=(Phase.explicit, Phase.generate), database=None
)  # no time for a smaller example


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Use two workers for each processor, since tests wait for as long as they compute."""
    return 2 * (os.cpu_count() or 1)


def pytest_collection_finish() -> None:
    """Keep the collector off the thousands of objects that live until the end, and let it run less often."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run in which a test was skipped."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or not os.environ.get("CHARTIMG_TEST_NO_SKIP"):
        return
    if skipped := reporter.stats.get("skipped"):
        reporter.write_line(f"{len(skipped)} skipped, and nothing may be skipped here", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    """Run a server on loopback whose script each test fills."""
    with serving() as running:
        yield running
