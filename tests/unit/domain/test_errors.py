"""Exceptions for a host."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime

from chartimg.domain.errors import (
    OTHER_STORES,
    ChartimgError,
    ChartUnavailable,
    ConfigError,
    StoreUnavailable,
    missing_extra,
)
from chartimg.domain.faults import ChartApiError, FaultKind
from rows import for_each


def test_everything_has_one_base() -> None:
    """Every exception is a ChartimgError, and a ConfigError is a ValueError, too."""
    assert all(issubclass(kind, ChartimgError) for kind in (ChartUnavailable, ConfigError, StoreUnavailable))
    assert issubclass(ConfigError, ValueError)


def test_a_mistake_is_a_line() -> None:
    """One problem or several are kept as a tuple, also between processes, and each is a line of the text."""
    several = ConfigError(["one", "two"])

    assert ("one",) == ConfigError("one").problems
    assert (("one", "two"), "one\ntwo") == (several.problems, str(several))
    assert several.problems == pickle.loads(pickle.dumps(several)).problems


@for_each("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_an_unavailable_chart_travels_between_processes(protocol: int) -> None:
    """A pickled ChartUnavailable keeps its text, its note and all of its error, by every protocol of pickle."""
    error = ChartApiError.of(
        FaultKind.THROTTLED,
        "slow",
        http_status=429,
        retry_after=2.0,
        available_at=datetime(2026, 1, 5, tzinfo=UTC),
        details=({"param": "width"},),
    )

    arrived = pickle.loads(pickle.dumps(ChartUnavailable(error), protocol))

    assert (error, "CHART_API_LIMIT_EXCEEDED (THROTTLED): slow") == (arrived.error, str(arrived))
    assert (None, [f"see {error.help}"]) == (arrived.result, arrived.__notes__)


def test_each_kind_of_store_is_named_for_who_lacks_one() -> None:
    """The end of a message about books names the setting and the address of each kind of store."""
    stores = "sqlite:///path, redis://host:port/0, postgresql://host/database or memory://"

    assert f"CHARTS_ACCOUNT_STORE may name another: {stores}" == OTHER_STORES


def test_a_missing_extra_is_an_error_that_says_how_to_install_it() -> None:
    """The message names the part that needs the extra, and the command to run in a clone."""
    error = missing_extra("the command", "cli")

    assert isinstance(error, ConfigError)
    assert "the command needs the extra cli; in a clone of chartimg, run: pip install '.[cli]'" == str(error)
