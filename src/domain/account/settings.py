"""The settings of an account: its id, its API key and its limits."""

from __future__ import annotations

import hashlib
import math
import re
from datetime import timedelta
from functools import cached_property
from typing import Final

import attrs

from ..errors import ConfigError
from ..plan import PlanName

__all__ = ["MARGIN", "Account"]

MARGIN: Final = timedelta(milliseconds=100)
"""How much longer one call may travel to the provider than another."""

_MICROSECOND: Final = timedelta(microseconds=1)
_APART: Final = 1.05

_YEAR: Final = 31_536_000  # seconds
_UNSHOWN: Final = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_VISIBLE: Final = re.compile(r"[\x21-\x7e]+")


def _plan_name(plan: str | None) -> PlanName | str | None:
    """Return the plan of a name in upper or lower case; an unknown name is returned unchanged and refused by the account."""
    return PlanName(plan.upper()) if isinstance(plan, str) and plan.upper() in PlanName.__members__ else plan


_KINDS: Final = (
    ("id", str, "text"),
    ("api_key", str, "text"),
    ("daily_limit", int, "a whole number"),
    ("requests_per_second", (int, float), "a number"),
    ("burst", int, "a whole number"),
)


def _is_a(value: object, kind: type | tuple[type, ...]) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool)


@attrs.frozen
class Account:
    """One CHART-IMG API key of the host's.

    Attributes:
        id: the host's name for it, shown in logs and files.
        api_key: the key; never shown, not even in repr.
        daily_limit: units a UTC day. The default is 44 and not BASIC's 50: calls that others make on the same key would
            otherwise be paid for with refusals.
        plan: the provider's plan (BASIC, PRO, MEGA, ULTRA, ENTERPRISE), if known.
        requests_per_second: calls a second that the provider allows (API page, "Rate Limit").
        burst: calls that it allows at once.

    Raises:
        ConfigError: a value is out of range. The message names the field and shows no text of the account: it may be a key.
    """

    id: str
    api_key: str = attrs.field(repr=False)
    daily_limit: int = 44
    plan: PlanName | str | None = attrs.field(default=None, converter=_plan_name)
    requests_per_second: float = 1.0
    burst: int = 3

    def __attrs_post_init__(self) -> None:
        if problems := self._problems():
            raise ConfigError(problems)

    def _problems(self) -> list[str]:
        """List the mistakes in the fields."""
        if wrong := [f"{name} must be {what}" for name, kind, what in _KINDS if not _is_a(getattr(self, name), kind)]:
            return wrong
        rules = (
            (bool(self.id.strip()), "id is empty"),
            (not self.id.strip() or not _UNSHOWN.search(self.id), "id holds a control character or a lone surrogate"),
            (bool(self.api_key), "api_key is empty"),
            (
                not self.api_key or bool(_VISIBLE.fullmatch(self.api_key)),
                "api_key holds a space, a line break or a character outside ASCII; was it copied whole?",
            ),
            (self.daily_limit >= 0, f"daily_limit must be 0 or more, not {self.daily_limit}"),
            (
                self.plan is None or isinstance(self.plan, PlanName),
                f"plan must be one of {', '.join(PlanName)}",
            ),
            (
                0 < self.requests_per_second < math.inf,
                f"requests_per_second must be more than 0, not {self.requests_per_second}",
            ),
            (self.burst >= 1, f"burst must be at least 1, not {self.burst}"),
            (
                not self.requests_per_second > 0 or self.burst <= _YEAR * self.requests_per_second,
                "burst / requests_per_second must be at most a year in seconds",
            ),
        )
        return [text for holds, text in rules if not holds]

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
        microseconds = 1_000_000 / self.requests_per_second
        if microseconds * (self.burst - 1) < MARGIN / _MICROSECOND:
            microseconds *= _APART
        return timedelta(microseconds=max(1, math.ceil(microseconds)))

    @cached_property
    def tolerance(self) -> timedelta:
        """How far the bucket may run ahead of time: a burst, less one call."""
        return self.emission * (self.burst - 1)
