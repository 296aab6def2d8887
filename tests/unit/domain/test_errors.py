"""What a host may catch."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime

from chartimg.domain.errors import ChartimgError, ChartUnavailable, ConfigError, StoreUnavailable
from chartimg.domain.faults import ChartApiError, FaultKind


def test_everything_has_one_base() -> None:
    """One except clause catches all; a wrong setting is also a ValueError."""
    assert all(issubclass(kind, ChartimgError) for kind in (ChartUnavailable, ConfigError, StoreUnavailable))
    assert issubclass(ConfigError, ValueError)


def test_mistakes_are_told_line_by_line() -> None:
    """One or several."""
    assert ("one",) == ConfigError("one").problems
    assert (("one", "two"), "one\ntwo") == (ConfigError(["one", "two"]).problems, str(ConfigError(["one", "two"])))


def test_an_unavailable_chart_travels_between_processes() -> None:
    """Its error comes along."""
    error = ChartApiError.of(FaultKind.NETWORK, "it broke")
    arrived = pickle.loads(pickle.dumps(ChartUnavailable(error)))

    assert (error, "CHART_API_FAILED (NETWORK): it broke") == (arrived.error, str(arrived))


def test_all_of_an_error_travels_between_processes() -> None:
    """Status, moment and details too, and by every protocol of pickle."""
    error = ChartApiError.of(
        FaultKind.THROTTLED,
        "slow",
        http_status=429,
        retry_after=2.0,
        available_at=datetime(2026, 1, 5, tzinfo=UTC),
        details=({"param": "width"},),
    )

    assert [error] * (pickle.HIGHEST_PROTOCOL + 1) == [
        pickle.loads(pickle.dumps(ChartUnavailable(error), protocol)).error
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1)
    ]


def test_a_list_of_mistakes_travels_between_processes() -> None:
    """Each is still a line of its own."""
    assert ("one", "two") == pickle.loads(pickle.dumps(ConfigError(["one", "two"]))).problems
