"""The settings of an account, and the mistakes in them."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartimg.adapters.catalog import shipped_catalog
from chartimg.domain.account import Account
from chartimg.domain.errors import ConfigError
from chartimg.domain.finding import Severity
from chartimg.domain.plan import CallLimits, PlanName
from paper import FLOAT
from rows import for_each
from samples import NOON

KEY = "canary-key-51f0"
PLANS = shipped_catalog().plan_by_name
UNFIT = "api_key holds a space, a line break or a character outside ASCII; was it copied whole?"


def test_an_account_needs_an_id_and_a_key_and_has_defaults_for_the_rest() -> None:
    """Without a plan the limits are those of BASIC, less six units a day."""
    account = Account("a", KEY)

    assert (None, None, None) == (account.daily_limit, account.requests_per_second, account.burst)
    assert CallLimits(requests_per_second=1.0, burst=3, daily_limit=44) == account.calls


@given(
    name=st.sampled_from(PlanName),
    stated=st.fixed_dictionaries(
        {},
        optional={
            "daily_limit": st.integers(0, 9_999),
            "requests_per_second": st.floats(0.1, 99),
            "burst": st.integers(1, 99),
        },
    ),
)
def test_a_plan_fills_in_what_is_left_out_and_exceeds_nothing(name: PlanName, stated: dict[str, Any]) -> None:
    """On a plan each limit is the stated one, else the plan's; a WARNING names exactly each stated one above the plan's."""
    plan = PLANS[name]
    account = Account("a", KEY, plan=name, **stated).on(plan)

    assert attrs.evolve(plan.calls, **stated) == account.calls
    assert account == account.on(plan)
    assert {limit for limit, value in stated.items() if value > getattr(plan.calls, limit)} == {
        finding.path for finding in account.excess(plan)
    }
    assert {Severity.WARNING} >= {finding.severity for finding in account.excess(plan)}


def test_a_plan_that_is_not_known_yet_allows_no_more_than_any_plan() -> None:
    """Before a pool fills in the plan's numbers, an account has limits that every plan allows."""
    without = Account("a", KEY, plan="PRO").calls

    assert Account("a", KEY).calls == without
    assert all(() == Account("a", KEY, **attrs.asdict(without)).excess(plan) for plan in PLANS.values())


def test_a_limit_above_that_of_the_plan_is_reported_beside_it() -> None:
    """The warning has both numbers and the name of the plan."""
    (finding,) = Account("a", KEY, 51, requests_per_second=1.0).excess(PLANS[PlanName.BASIC])

    assert "daily_limit: 51 is more than BASIC allows (50)" == finding.text


@for_each("calls", [CallLimits(1.0, 31_536_000, 0), CallLimits(1e9, 1, 1)])
def test_the_bounds_of_the_limits_are_allowed(calls: CallLimits) -> None:
    """A limit of no units, a burst of a year of calls, and a call each nanosecond are accepted."""
    assert calls == Account("a", KEY, **attrs.asdict(calls)).calls


@for_each(
    ("field", "value", "problem"),
    [
        ("id", "", "id is empty"),
        ("id", " \t", "id is empty"),
        ("id", "a\nb", "id holds a control character or a lone surrogate"),
        ("id", "a\x7f", "id holds a control character or a lone surrogate"),
        ("id", "\ud800", "id holds a control character or a lone surrogate"),
        ("api_key", "", "api_key is empty"),
        ("api_key", "two words", UNFIT),
        ("api_key", "line\n", UNFIT),
        ("api_key", "schlüssel", UNFIT),
        ("daily_limit", -1, "daily_limit must be 0 or more, not -1"),
        ("plan", "GOLD", "plan must be one of BASIC, PRO, MEGA, ULTRA, ENTERPRISE"),
        ("requests_per_second", 0.0, "requests_per_second must be more than 0, not 0.0"),
        ("requests_per_second", -1.0, "requests_per_second must be more than 0, not -1.0"),
        ("requests_per_second", float("nan"), "requests_per_second must be more than 0, not nan"),
        ("requests_per_second", float("inf"), "requests_per_second must be more than 0, not inf"),
        ("requests_per_second", 1e9 + 1, "requests_per_second must be at most 1,000,000,000"),
        ("burst", 0, "burst must be at least 1, not 0"),
        ("burst", 31_536_001, "burst / requests_per_second must be at most a year in seconds"),
    ],
)
def test_a_value_out_of_its_range_is_refused_by_name(field: str, value: object, problem: str) -> None:
    """A wrong setting raises with the name of the field, and with the value if that is a number."""
    settings: dict[str, Any] = {"id": "a", "api_key": KEY, field: value}
    with pytest.raises(ConfigError) as caught:
        Account(**settings)

    assert (problem,) == tuple(caught.value.problems)


@for_each(
    ("fields", "problem"),
    [
        ({"id": None}, "id must be text"),
        ({"api_key": b"k"}, "api_key must be text"),
        ({"daily_limit": "44"}, "daily_limit must be a whole number"),
        ({"daily_limit": True}, "daily_limit must be a whole number"),
        ({"requests_per_second": "1"}, "requests_per_second must be a number"),
        ({"burst": 1.5}, "burst must be a whole number"),
        ({"plan": 7}, "plan must be one of BASIC, PRO, MEGA, ULTRA, ENTERPRISE"),
    ],
)
def test_a_value_of_another_type_is_refused_by_name(fields: dict[str, Any], problem: str) -> None:
    """A value of a wrong type raises with the name of the field and the type it should have."""
    with pytest.raises(ConfigError, match=rf"^{problem}$"):
        Account(**{"id": "a", "api_key": "k", **fields})


def test_all_mistakes_are_reported_at_once() -> None:
    """One ConfigError lists every mistake."""
    with pytest.raises(ConfigError) as caught:
        Account("", "", daily_limit=-1, plan="?", requests_per_second=0, burst=0)

    assert len(caught.value.problems) == 6


@given(key=st.text('az09-"\\ \t\n\u00e4\u2603').map(lambda text: f"{KEY}{text}"), limit=st.integers(-5, 5))
def test_the_key_shows_neither_in_repr_nor_in_complaints(key: str, limit: int) -> None:
    """No text of an account shows its key."""
    shown = "only the settings"
    try:
        account = Account("a", key, daily_limit=limit)
    except ConfigError as error:
        shown = f"{error} {error!r} {error.problems}"
    else:
        shown = f"{account} {account!r} {account.key_digest}"

    assert KEY not in shown


@given(
    text=st.sampled_from(PlanName).flatmap(
        lambda plan: st.tuples(*(st.sampled_from((letter, letter.lower())) for letter in plan)).map("".join)
    )
)
def test_a_plan_goes_by_its_name_in_any_case(text: str) -> None:
    """A plan's name is read in upper and lower case."""
    assert PlanName(text.upper()) is Account("a", KEY, plan=text).plan


@given(one=st.text("abc123", min_size=1), other=st.text("abc123", min_size=1))
def test_a_digest_tells_one_key_from_another(one: str, other: str) -> None:
    """Equal keys have equal digests, different keys have different ones."""
    assert (one == other) is (Account("a", one).key_digest == Account("b", other).key_digest)


def test_the_digest_of_a_key_never_changes() -> None:
    """The digest of a key stays the same, since a changed one in the books would lift suspensions."""
    assert "2c70e12b7a0646f9" == Account("a", "key").key_digest


rates = st.floats(0.001, 5_000_000, allow_nan=False)


@given(rate=rates, burst=st.integers(1, 50))
def test_pacing_errs_on_the_quiet_side_by_less_than_a_microsecond(rate: float, burst: int) -> None:
    """A call takes up its share of the rate, a twentieth more if the burst is shorter than the margin."""
    account = Account("a", KEY, requests_per_second=rate, burst=burst)
    exact = 1_000_000 / Fraction(rate)
    if exact * (burst - 1) < 100_000:
        exact *= Fraction(21, 20)
    microseconds = account.emission // timedelta(microseconds=1)

    assert exact <= microseconds * (1 + FLOAT)
    assert microseconds < max(exact, Fraction(1)) * (1 + FLOAT) + 1
    assert account.emission * (burst - 1) == account.tolerance


@for_each(
    ("rate", "burst", "microseconds"),
    [(10, 2, 100_000), (20, 3, 50_000), (20, 2, 52_500), (2_000, 200, 525), (2_000, 201, 500), (1e9, 1, 1)],
)
def test_calls_of_a_burst_shorter_than_a_tenth_of_a_second_are_further_apart(
    rate: float, burst: int, microseconds: int
) -> None:
    """A burst that lasts a tenth of a second keeps the rate; calls of a shorter one are a twentieth further apart."""
    account = Account("a", KEY, requests_per_second=rate, burst=burst)

    assert timedelta(microseconds=microseconds) == account.emission


@for_each(
    ("rate", "burst"),
    [(1.0, 10**11), (1.0, 10**15), (1.0, 10**400), (1e-10, 100), (1e-12, 3), (5e-324, 3), (10**400, 3)],
)
def test_an_account_that_is_accepted_has_a_pace(rate: float, burst: int) -> None:
    """Any rate and burst is refused by name, or gives a pace that a date can be moved by."""
    try:
        account = Account("a", KEY, requests_per_second=rate, burst=burst)
    except ConfigError as error:
        assert {"requests_per_second", "burst"} & set(str(error).split())  # noqa: PT017 (refused is as good as paced)
    else:
        assert NOON - account.tolerance < NOON + account.emission
