"""Scenarios: which calls a rule is for, what share of them it strikes, and scripts that can't be used."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartimg import ConfigError
from chartimg.emulator.scenario import Effect, Fault, Rule, Scenario, Script, read_scenario

NOTHING = Effect()


def strikes(scenario: Scenario, *accounts: str) -> list[Effect]:
    """Give what happens to calls of *accounts*, in order."""
    script = Script(scenario)
    return [script.next_effect(account) for account in accounts]


def test_a_rule_for_the_next_calls_is_over_after_them() -> None:
    """Two calls fail, the third does not."""
    rule = Rule(Fault.SERVER_ERROR, next=2)

    assert [Effect(0.0, rule)] * 2 + [NOTHING] == strikes(Scenario((rule,)), *"aaa")


def test_rules_with_faults_take_their_turns_and_latencies_add_up() -> None:
    """The second fault begins when the first is over; a slow answer can be a wrong one, too."""
    rules = (Rule(latency=0.5), Rule(Fault.RESET, latency=0.25, next=1), Rule(Fault.CUT, next=2))

    assert [Effect(0.75, rules[1]), Effect(0.5, rules[2]), Effect(0.5, rules[2]), Effect(0.5)] == strikes(
        Scenario(rules), *"aaaa"
    )


def test_a_rule_for_an_account_leaves_the_others_alone() -> None:
    """Nor do the calls of others use it up."""
    rule = Rule(Fault.STALL, next=1, account="b")

    assert [NOTHING, Effect(0.0, rule), NOTHING] == strikes(Scenario((rule,)), *"abb")


@given(st.floats(0, 1), st.integers())
def test_a_share_strikes_the_same_calls_each_time(share: float, seed: int) -> None:
    """The seed decides; none are struck at 0, all at 1."""
    rule = Rule(Fault.UNAVAILABLE, share=share)
    scenario = Scenario((rule,), seed)
    struck = strikes(scenario, *"a" * 20)

    assert struck == strikes(scenario, *"a" * 20)
    assert {NOTHING} == set(struck) or share > 0
    assert {Effect(0.0, rule)} == set(struck) or share < 1


def test_a_share_strikes_about_as_many_as_it_says() -> None:
    """A fifth of a thousand calls is about two hundred."""
    struck = strikes(Scenario((Rule(Fault.UNAVAILABLE, share=0.2),), seed=1), *"a" * 1000)

    assert 150 < sum(effect.rule is not None for effect in struck) < 250


def test_a_scenario_is_read_from_json() -> None:
    """Each fault has a name that says what a client sees."""
    text = """{"seed": 7, "rules": [
        {"next": 2, "fault": "500"}, {"share": 0.2, "latency": 1, "account": "a"}, {"status": 409, "body": {"a": [1]}}
    ]}"""
    rules = (
        Rule(Fault.SERVER_ERROR, next=2),
        Rule(latency=1, share=0.2, account="a"),
        Rule(status=409, body={"a": [1]}),
    )

    assert Scenario(rules, 7) == read_scenario(text, where="here")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"rules": [{"fault": "418"}]}', "one of 500, 503"),
        ('{"rules": [{"next": 2}]}', "needs a fault, a status or a latency"),
        ('{"rules": [{"fault": "500", "share": 1.5}]}', "share must be from 0 to 1"),
        ('{"rules": [{"fault": "500", "next": -1}]}', "next must be a number of calls"),
        ('{"rules": [{"latency": -1}]}', "latency must be"),
        ('{"rules": [{"status": 600}]}', "status must be from 200 to 599"),
        ('{"rules": [{"status": 503, "fault": "503"}]}', "either a fault or a status"),
        ('{"rules": [{"fault": "503", "body": {}}]}', "a body needs a status"),
        ('{"rules": [{"status": 204, "body": {}}]}', "status 204 has no body"),
        ('{"rules": {}}', "an array"),
        ('{"rule": []}', "unknown field rule"),
        ("[]", "an object"),
    ],
)
def test_a_scenario_that_can_not_be_played_is_told(text: str, told: str) -> None:
    """With the place of the mistake."""
    with pytest.raises(ConfigError, match=r"--script s\.json") as caught:
        read_scenario(text, where="--script s.json")

    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "told"),
    [({"fault": "nope"}, "fault must be one of 500, 503"), ({"latency": "1"}, "latency must be a number")],
)
def test_a_rule_of_plain_python_is_checked_as_one_of_json(fields: dict[str, Any], told: str) -> None:
    """A fault may be given by its name."""
    assert Rule(Fault.SERVER_ERROR) == Rule("500")
    with pytest.raises(ConfigError, match=told):
        Rule(**fields)
