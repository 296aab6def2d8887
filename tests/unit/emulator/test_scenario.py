"""A scenario applies its rules to calls, and a wrong one is refused."""

from __future__ import annotations

import math
import statistics
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartimg import ConfigError
from chartimg.emulator.scenario import Effect, Fault, Rule, Scenario, Script, read_scenario
from rows import for_each

NOTHING = Effect()


def effects(scenario: Scenario, *accounts: str) -> list[Effect]:
    """Return the effects on calls of *accounts*, in order."""
    script = Script(scenario)
    return [script.next_effect(account) for account in accounts]


TWICE, SLOW, RESET = Rule(Fault.SERVER_ERROR, next=2), Rule(latency=0.5), Rule(Fault.RESET, latency=0.25, next=1)
CUT, STALL = Rule(Fault.CUT, next=2), Rule(Fault.STALL, next=1, account="b")


@pytest.mark.parametrize(
    ("rules", "accounts", "expected"),
    [
        ((TWICE,), "aaa", [Effect(0.0, TWICE), Effect(0.0, TWICE), NOTHING]),
        ((SLOW, RESET, CUT), "aaaa", [Effect(0.75, RESET), Effect(0.5, CUT), Effect(0.5, CUT), Effect(0.5)]),
        ((STALL,), "abb", [NOTHING, Effect(0.0, STALL), NOTHING]),
        ((Rule(Fault.CUT, next=0),), "a", [NOTHING]),
    ],
    ids=["the next calls", "faults in turn, latencies together", "one account", "no call"],
)
def test_a_rule_counts_for_its_calls(rules: tuple[Rule, ...], accounts: str, expected: list[Effect]) -> None:
    """A rule has an effect on its next calls and its account alone; a fault begins when the one before is over."""
    assert expected == effects(Scenario(rules), *accounts)


@given(st.floats(0, 1), st.integers())
def test_a_share_is_of_the_same_calls_each_time(share: float, seed: int) -> None:
    """The seed decides about each call; 0 is of no call, 1 of all, and a fifth of a thousand between 150 and 250."""
    rule = Rule(Fault.UNAVAILABLE, share=share)
    scenario = Scenario((rule,), seed)
    drawn = effects(scenario, *"a" * 20)

    assert drawn == effects(scenario, *"a" * 20)
    assert {NOTHING} == set(drawn) or share > 0
    assert {Effect(0.0, rule)} == set(drawn) or share < 1

    fifth = effects(Scenario((Rule(Fault.UNAVAILABLE, share=0.2),), seed=1), *"a" * 1000)
    assert 150 < sum(effect.rule is not None for effect in fifth) < 250


def test_a_scenario_is_read_from_json() -> None:
    """A scenario of JSON equals the same rules in Python."""
    text = """{"seed": 7, "rules": [
        {"next": 2, "fault": "500"}, {"share": 0.2, "latency": 1, "account": "a"}, {"status": 409, "body": {"a": [1]}}
    ]}"""
    rules = (
        Rule(Fault.SERVER_ERROR, next=2),
        Rule(latency=1, share=0.2, account="a"),
        Rule(status=409, body={"a": [1]}),
    )

    assert Scenario(rules, 7) == read_scenario(text, where="here")


@for_each(
    ("text", "message"),
    [
        ('{"rules": [{"fault": "418"}]}', "one of 500, 503"),
        ('{"rules": [{"next": 2}]}', "needs a fault, a status or a latency"),
        ('{"rules": [{"fault": "500", "share": 1.5}]}', "share must be from 0 to 1"),
        ('{"rules": [{"fault": "500", "next": -1}]}', "next must be a number of calls"),
        ('{"rules": [{"latency": -1}]}', "latency must be"),
        ('{"rules": [{"latency": 86400.5}]}', "latency must be"),
        ('{"rules": [{"status": 199}]}', "status must be from 200 to 599"),
        ('{"rules": [{"status": 600}]}', "status must be from 200 to 599"),
        ('{"rules": [{"status": 503, "fault": "503"}]}', "either a fault or a status"),
        ('{"rules": [{"fault": "503", "body": {}}]}', "a body needs a status"),
        ('{"rules": [{"status": 204, "body": {}}]}', "status 204 has no body"),
        ('{"rules": {}}', "an array"),
        ('{"rule": []}', "unknown field rule; did you mean rules?"),
        ("[]", "an object"),
    ],
)
def test_a_wrong_scenario_is_refused(text: str, message: str) -> None:
    """The message names the source and the mistake."""
    with pytest.raises(ConfigError, match=r"--script s\.json") as caught:
        read_scenario(text, where="--script s.json")

    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "message"),
    [({"fault": "nope"}, "fault must be one of 500, 503"), ({"latency": "1"}, "latency must be a number")],
)
def test_a_rule_of_plain_python_is_checked_as_one_of_json(fields: dict[str, Any], message: str) -> None:
    """A rule in Python may name its fault by text, and a wrong value is a ConfigError."""
    assert Rule(Fault.SERVER_ERROR) == Rule("500")
    assert (86_400, 200, 599) == (Rule(latency=86_400).latency, Rule(status=200).status, Rule(status=599).status)
    with pytest.raises(ConfigError, match=message):
        Rule(**fields)


def test_latencies_are_log_normal_around_their_median() -> None:
    """With a spread, half of the latencies are below the stated one, and their logarithms have that deviation."""
    script = Script(Scenario((Rule(latency=5.9, spread=0.9),), seed=3))
    drawn = [math.log(script.next_effect("a").latency) for _ in range(2000)]

    assert 0.05 > abs(statistics.median(drawn) - math.log(5.9))
    assert 0.05 > abs(statistics.stdev(drawn) - 0.9)


def test_latencies_vary_for_a_share_of_the_calls() -> None:
    """A share of the calls is late; without a spread they all are equally late."""
    script = Script(Scenario((Rule(latency=2.0, spread=0.5, share=0.5), Rule(latency=1.0)), seed=1))
    drawn = [script.next_effect("a").latency for _ in range(200)]

    assert 60 < drawn.count(1.0) < 140
    assert 50 < len({each for each in drawn if each != 1.0})
    for wrong in ({"spread": -1.0, "latency": 1.0}, {"spread": 6.0, "latency": 1.0}, {"spread": 1.0, "status": 500}):
        with pytest.raises(ConfigError, match="spread"):
            Rule(**wrong)  # type: ignore[arg-type]
