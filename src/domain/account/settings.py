"""The settings of an account: its id, its API key and its limits."""

from __future__ import annotations

import hashlib
import math
import re
from datetime import timedelta
from functools import cached_property
from typing import Any, Final

import attrs

from ..argument import is_of
from ..errors import ConfigError
from ..finding import Finding, Severity
from ..plan import CallLimits, Plan, PlanName

__all__ = ["MARGIN", "Account"]

MARGIN: Final = timedelta(milliseconds=100)
"""How much longer one call may travel to the provider than another."""

_WITHOUT_PLAN: Final = CallLimits(requests_per_second=1.0, burst=3, daily_limit=44)
"""BASIC, less six units: calls that others make on the same key would otherwise be paid for with refusals."""

_MICROSECOND: Final = timedelta(microseconds=1)
_APART: Final = 1.05

_MAX_RATE: Final = 1e9
_YEAR: Final = 31_536_000  # seconds
_UNSHOWN: Final = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_VISIBLE: Final = re.compile(r"[\x21-\x7e]+")


def _plan_name(plan: str | None) -> PlanName | str | None:
    """Return the plan of a name in upper or lower case; an unknown name is returned unchanged and refused by the account."""
    return PlanName(plan.upper()) if isinstance(plan, str) and plan.upper() in PlanName.__members__ else plan


_KINDS: Final = (
    ("id", str, "text"),
    ("api_key", str, "text"),
    ("daily_limit", int | None, "a whole number"),
    ("requests_per_second", float | None, "a number"),
    ("burst", int | None, "a whole number"),
)


@attrs.frozen
class Account:
    """One CHART-IMG API key of the host's. A limit that is left out is its plan's; an :class:`AccountPool` fills it in.

    Attributes:
        id: the host's name for it, shown in logs and files.
        api_key: the key; never shown, not even in repr.
        daily_limit: units a UTC day; without a plan 44, not BASIC's 50, since others may make calls on the same key.
        plan: the provider's plan (BASIC, PRO, MEGA, ULTRA, ENTERPRISE), if known.
        requests_per_second: calls a second that the provider allows (API page, "Rate Limit"); without a plan 1.
        burst: calls that it allows at once; without a plan 3.

    Raises:
        ConfigError: a value is out of range. The message names the field and shows no text of the account: it may be a key.
    """

    id: str
    api_key: str = attrs.field(repr=False)
    daily_limit: int | None = None
    plan: PlanName | str | None = attrs.field(default=None, converter=_plan_name)
    requests_per_second: float | None = None
    burst: int | None = None

    def __attrs_post_init__(self) -> None:
        if problems := self._problems():
            raise ConfigError(problems)

    def _problems(self) -> list[str]:
        """List the mistakes in the fields."""
        if wrong := [f"{name} must be {what}" for name, kind, what in _KINDS if not is_of(getattr(self, name), kind)]:
            return wrong
        calls = self.calls
        rules = (
            (bool(self.id.strip()), "id is empty"),
            (not self.id.strip() or not _UNSHOWN.search(self.id), "id holds a control character or a lone surrogate"),
            (bool(self.api_key), "api_key is empty"),
            (
                not self.api_key or bool(_VISIBLE.fullmatch(self.api_key)),
                "api_key holds a space, a line break or a character outside ASCII; was it copied whole?",
            ),
            (calls.daily_limit >= 0, f"daily_limit must be 0 or more, not {calls.daily_limit}"),
            (
                self.plan is None or isinstance(self.plan, PlanName),
                f"plan must be one of {', '.join(PlanName)}",
            ),
            (
                0 < calls.requests_per_second < math.inf,
                f"requests_per_second must be more than 0, not {calls.requests_per_second}",
            ),
            (
                not math.inf > calls.requests_per_second > _MAX_RATE,
                f"requests_per_second must be at most {_MAX_RATE:,.0f}",
            ),
            (calls.burst >= 1, f"burst must be at least 1, not {calls.burst}"),
            (
                not calls.requests_per_second > 0 or calls.burst <= _YEAR * calls.requests_per_second,
                "burst / requests_per_second must be at most a year in seconds",
            ),
        )
        return [text for holds, text in rules if not holds]

    @property
    def _stated(self) -> dict[str, Any]:
        """The limits that are not left out, by name."""
        fields = (field.name for field in attrs.fields(CallLimits))
        return {name: value for name in fields if (value := getattr(self, name)) is not None}

    @cached_property
    def calls(self) -> CallLimits:
        """The limits of its calls; one that is left out is that of an account without a plan, which any plan allows."""
        return attrs.evolve(_WITHOUT_PLAN, **self._stated)

    def on(self, plan: Plan) -> Account:
        """Return the account with the numbers of *plan* for the limits that are left out."""
        return attrs.evolve(self, **{**attrs.asdict(plan.calls), **self._stated})

    def excess(self, plan: Plan) -> tuple[Finding, ...]:
        """Return a WARNING for each limit above that of *plan*: the provider would refuse the calls between the two."""
        return tuple(
            Finding(name, Severity.WARNING, f"{value} is more than {plan.name} allows ({most})")
            for name, value in self._stated.items()
            if value > (most := getattr(plan.calls, name))
        )

    @cached_property
    def key_digest(self) -> str:
        """A digest that tells this key from the next one without holding it."""
        return hashlib.sha256(self.api_key.encode()).hexdigest()[:16]

    @cached_property
    def emission(self) -> timedelta:
        """Time that one call takes up in the bucket, rounded up so that pacing is rather too slow.

        A burst shorter than the margin has no tokens in reserve for a call that travels longer than the next. Its calls are
        a twentieth further apart.
        """
        microseconds = 1_000_000 / self.calls.requests_per_second
        if microseconds * (self.calls.burst - 1) < MARGIN / _MICROSECOND:
            microseconds *= _APART
        return timedelta(microseconds=math.ceil(microseconds))

    @cached_property
    def tolerance(self) -> timedelta:
        """How far the bucket may run ahead of time: a burst, less one call."""
        return self.emission * (self.calls.burst - 1)
