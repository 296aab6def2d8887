"""What a host may catch. Failures of a chart request are results; these are for mistakes and for a store that is gone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .faults import ChartApiError

__all__ = ["ChartUnavailable", "ChartimgError", "ConfigError", "StoreBusy", "StoreUnavailable"]


class ChartimgError(Exception):
    """The base of everything chartimg raises on purpose."""


class ConfigError(ChartimgError, ValueError):
    """Settings, a template or an argument are wrong; *problems* holds one line for each mistake, never a key."""

    def __init__(self, problems: str | Sequence[str]) -> None:
        self.problems = (problems,) if isinstance(problems, str) else tuple(problems)
        super().__init__("\n".join(self.problems))


class ChartUnavailable(ChartimgError):  # noqa: N818 (a public name)
    """There is no picture: raised by ``result.unwrap()``; *error* is the :class:`ChartApiError` that says why."""

    def __init__(self, error: ChartApiError) -> None:
        self.error = error
        super().__init__(f"{error.code} ({error.kind}): {error.message}")

    def __reduce__(self) -> tuple[type[ChartUnavailable], tuple[ChartApiError]]:
        """Travel between processes with the error, not only its text."""
        return type(self), (self.error,)


class StoreUnavailable(ChartimgError):  # noqa: N818 (a public name)
    """The account store can't be reached, so no claim can be taken and no call is made; this is not "no quota"."""


class StoreBusy(StoreUnavailable):
    """Others use the account store just now, and it was waited for; worth asking again while the deadline allows it."""
