"""An emulated account has the limits of its plan, unless it states its own."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from chartimg import Account, ConfigError
from chartimg.adapters.catalog import shipped_catalog
from chartimg.domain.check.catalog import Catalog
from chartimg.domain.plan import PlanName
from chartimg.emulator.accounts import DEMO, EmulatedAccount, completed, read_accounts
from rows import for_each


@for_each("plan", [None, *PlanName, "pro"])
def test_limits_are_those_of_the_plan(plan: str | None) -> None:
    """The plan of the catalog decides, in upper or lower case; without a plan it is BASIC."""
    name = PlanName((plan or "BASIC").upper())
    limits = attrs.asdict(shipped_catalog().plan_by_name[name].calls)

    assert Account("a", "key-of-a", plan=name, **limits) == EmulatedAccount("a", "key-of-a", plan=plan).account


@pytest.mark.parametrize("plan", [None, "BASIC", "basic"])
def test_the_plans_of_a_catalog_decide_about_limits_that_are_left_out(plan: str | None) -> None:
    """Each limit that is left out is the plan's in the catalog; a stated one counts, also that of a client's account."""
    basic = attrs.evolve(shipped_catalog().plan_by_name[PlanName.BASIC], requests_per_second=7, burst=9, daily_limit=70)
    catalog = shipped_catalog().extended(Catalog(plans=(basic,)))
    account, whole = EmulatedAccount("a", "key-of-a", plan=plan), Account("a", "key-of-a", 70, "BASIC", 7, 9)
    stated: dict[str, Any] = {"daily_limit": 3, "requests_per_second": 0.5, "burst": 2}

    assert whole == completed(account, catalog)
    for name, value in stated.items():
        one = {name: value}
        assert attrs.evolve(whole, **one) == completed(attrs.evolve(account, **one), catalog)
    every = Account("a", "key-of-a", plan=plan, **stated)
    assert attrs.evolve(every, plan="BASIC") == completed(every, catalog) == completed(every, shipped_catalog())


@pytest.mark.parametrize("plan", [None, "BASIC"])
@pytest.mark.parametrize(
    ("kept", "told"), [(("PRO", "MEGA"), "choose one of PRO, MEGA"), ((), "it has no plans")], ids=["others", "none"]
)
def test_a_plan_that_a_catalog_lacks_is_refused(plan: str | None, kept: tuple[str, ...], told: str) -> None:
    """The message names the account, its plan and the plans of the catalog, and never the key."""
    catalog = Catalog(plans=tuple(each for each in shipped_catalog().plans if each.name in kept))
    with pytest.raises(ConfigError) as caught:
        completed(EmulatedAccount("a", "canary-key", 7, plan, 2.5, 4), catalog)

    assert f"the account 'a' is on the plan BASIC, which the catalog lacks; {told}" == str(caught.value)


def test_accounts_are_read_from_the_json_of_the_settings() -> None:
    """The JSON of a client's settings gives the same accounts, and no repr shows a key."""
    text = '[{"id": "a", "apiKey": "k1", "plan": "MEGA", "dailyLimit": 9}, {"id": "b", "apiKey": "k2"}]'

    assert (EmulatedAccount("a", "k1", 9, "MEGA"), EmulatedAccount("b", "k2")) == read_accounts(text, where="here")
    assert DEMO.api_key not in repr((DEMO, DEMO.account))


@for_each(
    ("text", "told"),
    [
        ("[]", "no account"),
        ("{", "not JSON"),
        ('[{"id": "a", "apiKey": "canary-1"}, {"id": "a", "apiKey": "canary-2"}]', "same id"),
        ('[{"id": "a", "apiKey": "canary-1"}, {"id": "b", "apiKey": "canary-1"}]', "same apiKey"),
        ('[{"id": "a", "apiKey": "canary-1", "plan": "GOLD"}]', "plan must be one of"),
        ('[{"id": "a", "apiKey": "canary-1", "burst": 0}]', "burst"),
        ('[{"id": "a", "apiKey": "canary-1", "dailyLimit": "7"}]', "$[0].dailyLimit"),
        ('[{"id": "a"}]', "apiKey"),
    ],
)
def test_wrong_accounts_are_refused_without_their_keys(text: str, told: str) -> None:
    """The message names each mistake and its place, and no key."""
    with pytest.raises(ConfigError) as caught:
        read_accounts(text, where="--accounts a.json")

    assert told in str(caught.value)
    assert "canary" not in str(caught.value)
