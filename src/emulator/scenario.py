"""What an emulator is to do wrong, as a script: latency and faults for the next calls, or for a share of all calls.

::

    {"seed": 7, "rules": [{"next": 2, "fault": "500"}, {"share": 0.2, "fault": "503", "latency": 0.5}]}
"""

from __future__ import annotations

import random
from enum import StrEnum
from typing import Final

import attrs

from ..codec import load
from ..domain.errors import ConfigError

__all__ = ["Effect", "Fault", "Rule", "Scenario", "Script", "read_scenario"]

_DAY: Final = 86_400.0  # seconds


class Fault(StrEnum):
    """What can go wrong; the call is charged all the same."""

    SERVER_ERROR = "500"
    UNAVAILABLE = "503"
    TIMEOUT = "504"
    GATEWAY_TIMEOUT = "504-gateway"
    BAD_GATEWAY = "502-html"
    SILENT_429 = "429-silent"
    REDIRECT = "redirect"
    JSON = "200-json"
    TRUNCATED_PNG = "200-truncated"
    RESET = "reset"
    RESET_AFTER_HEADERS = "reset-after-headers"
    CUT = "cut"
    STALL = "stall"
    WRONG_LENGTH = "wrong-length"


def _fault(name: str | None) -> Fault | None:
    """Take a fault by its name."""
    if name is None or name in set(Fault):
        return None if name is None else Fault(name)
    raise ConfigError(f"fault must be one of {', '.join(Fault)}, not {name!r}")


@attrs.frozen
class Rule:
    """One line of a scenario: which calls, and what happens to them.

    Attributes:
        fault: what goes wrong; nothing when it is left out.
        status: an HTTP status to answer with, in place of a fault.
        body: the body of that answer, as JSON; none when it is null.
        latency: seconds the answer takes longer.
        next: how many calls it is for; all when it is left out.
        share: the part of those calls that it strikes, from 0 to 1.
        account: the id of the account it is for; all when it is left out.

    Raises:
        ConfigError: a value is out of its range.
    """

    fault: Fault | None = attrs.field(default=None, converter=_fault)
    latency: float = 0.0
    next: int | None = None
    share: float = 1.0
    account: str | None = None
    status: int | None = None
    body: object = None

    def __attrs_post_init__(self) -> None:
        kinds = (
            ("latency", (int, float)),
            ("share", (int, float)),
            ("next", (int, type(None))),
            ("status", (int, type(None))),
        )
        if wrong := [name for name, kind in kinds if not isinstance(getattr(self, name), kind)]:
            raise ConfigError([f"{name} must be a number" for name in wrong])
        rules = (
            (0 <= self.latency <= _DAY, f"latency must be a number of seconds from 0 to a day, not {self.latency}"),
            (self.next is None or self.next >= 0, f"next must be a number of calls, not {self.next}"),
            (0 <= self.share <= 1, f"share must be from 0 to 1, not {self.share}"),
            (self.status is None or 200 <= self.status <= 599, f"status must be from 200 to 599, not {self.status}"),  # noqa: PLR2004
            (self.status is None or self.fault is None, "a rule has either a fault or a status"),
            (self.status is not None or self.body is None, "a body needs a status"),
            (self.status not in {204, 304} or self.body is None, f"an answer with status {self.status} has no body"),
            (
                self.fault is not None or self.status is not None or self.latency > 0,
                "a rule needs a fault, a status or a latency",
            ),
        )
        if problems := [text for holds, text in rules if not holds]:
            raise ConfigError(problems)

    @property
    def changes_answer(self) -> bool:
        """Whether it changes the answer, and not only when it comes."""
        return self.fault is not None or self.status is not None


@attrs.frozen
class Scenario:
    """Rules, and the *seed* of the chance by which shares are drawn: the same calls in order get the same faults."""

    rules: tuple[Rule, ...] = ()
    seed: int = 0


@attrs.frozen
class Effect:
    """What happens to one call: how much later it is answered, and the rule that has it answered otherwise."""

    latency: float = 0.0
    rule: Rule | None = None


class Script:
    """A scenario under way: it knows how many calls each rule still is for."""

    def __init__(self, scenario: Scenario) -> None:
        self._rules = scenario.rules
        self._left = [rule.next for rule in scenario.rules]
        self._chance = random.Random(scenario.seed)  # noqa: S311 (not a secret)

    def next_effect(self, account_id: str) -> Effect:
        """Say what happens to the next call of an account: all latencies that fit it, and the first fault or status."""
        latency: float = 0.0
        striking: Rule | None = None
        for place, rule in enumerate(self._rules):
            left = self._left[place]
            if left == 0 or rule.account not in {None, account_id} or (striking is not None and rule.changes_answer):
                continue  # of two rules with faults the later one waits until the earlier one is over
            if left is not None:
                self._left[place] = left - 1
            if rule.share < 1 and self._chance.random() >= rule.share:
                continue
            latency += rule.latency
            if rule.changes_answer:
                striking = rule
        return Effect(latency, striking)


def read_scenario(text: str, *, where: str) -> Scenario:
    """Read a scenario from JSON.

    Raises:
        ConfigError: with one line for every mistake.
    """
    return load(text, Scenario, where=where)
