"""A script of faults and delays, for the next calls or for a share of all calls.

::

    {"seed": 7, "rules": [{"next": 2, "fault": "500"}, {"share": 0.2, "fault": "503", "latency": 0.5}]}
"""

from __future__ import annotations

import random
from enum import StrEnum
from typing import Final

import attrs

from ..codec import load
from ..domain.argument import text_of, typed
from ..domain.errors import ConfigError

_DAY: Final = 86_400.0  # seconds
_MAX_SPREAD: Final = 5.0
_STATUSES: Final = range(200, 600)


class Fault(StrEnum):
    """A fault of an answer; the call is charged all the same."""

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
    if name is None or (isinstance(name, str) and name in set(Fault)):
        return None if name is None else Fault(name)
    raise ConfigError(f"fault must be one of {', '.join(Fault)}, not {text_of(name)}")


@attrs.frozen(field_transformer=typed)
class Rule:
    """One line of a scenario: calls, and the fault or delay of their answers.

    Attributes:
        fault: the fault of the answer, if there is one.
        latency: seconds before the answer.
        spread: how much that varies. The latencies of many calls are log-normal, with the median *latency* and this standard
            deviation of their logarithm: ``"latency": 5.9, "spread": 0.9`` is what a user's log of twelve charts shows.
        next: the number of calls; None is all.
        share: the part of those calls, from 0 to 1.
        account: the id of the account; None is any.
        status: an HTTP status to answer with instead of a fault.
        body: the JSON body of that answer; it is empty for None.

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
    spread: float = 0.0

    def __attrs_post_init__(self) -> None:
        rules = (
            (0 <= self.latency <= _DAY, f"latency must be a number of seconds from 0 to a day, not {self.latency}"),
            (0 <= self.spread <= _MAX_SPREAD, f"spread must be a number from 0 to {_MAX_SPREAD:g}, not {self.spread}"),
            (self.spread == 0 or self.latency > 0, "a spread needs a latency"),
            (self.next is None or self.next >= 0, f"next must be a number of calls from 0, not {self.next}"),
            (0 <= self.share <= 1, f"share must be from 0 to 1, not {self.share}"),
            (self.status is None or self.status in _STATUSES, f"status must be from 200 to 599, not {self.status}"),
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
        """Whether the answer changes, beside its delay."""
        return self.fault is not None or self.status is not None


@attrs.frozen
class Scenario:
    """Rules, and the *seed* that shares are drawn with: the same calls in the same order get the same faults."""

    rules: tuple[Rule, ...] = ()
    seed: int = 0


@attrs.frozen
class Effect:
    """The effect on one call: seconds before its answer, and the rule that changes the answer."""

    latency: float = 0.0
    rule: Rule | None = None


class Script:
    """A scenario under way, with the calls left of each rule."""

    def __init__(self, scenario: Scenario) -> None:
        self._rules = scenario.rules
        self._left = [rule.next for rule in scenario.rules]
        self._chance = random.Random(scenario.seed)  # noqa: S311 (not a secret)

    def next_effect(self, account_id: str) -> Effect:
        """Return the effect on an account's next call: the sum of all latencies, and the first rule with a fault or status."""
        latency: float = 0.0
        changing: Rule | None = None
        for place, rule in enumerate(self._rules):
            left = self._left[place]
            if left == 0 or rule.account not in {None, account_id} or (changing is not None and rule.changes_answer):
                continue  # a later rule with a fault waits until the earlier one is over
            if left is not None:
                self._left[place] = left - 1
            if rule.share < 1 and self._chance.random() >= rule.share:
                continue
            latency += self._varied(rule)
            if rule.changes_answer:
                changing = rule
        return Effect(latency, changing)

    def _varied(self, rule: Rule) -> float:
        """Return the latency of one call."""
        if not rule.spread:
            return rule.latency
        return min(_DAY, rule.latency * self._chance.lognormvariate(0, rule.spread))


def read_scenario(text: str, *, where: str) -> Scenario:
    """Return the scenario of a JSON text.

    Raises:
        ConfigError: one line for each mistake.
    """
    return load(text, Scenario, where=where)
