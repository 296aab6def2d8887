"""Exceptions for a host: mistakes, and a store that can't be reached. A failed chart request is a result, not one of these."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from .faults import ChartApiError
    from .result import ChartApiFailure

__all__ = [
    "OTHER_STORES",
    "STORES",
    "CacheUnavailable",
    "ChartUnavailable",
    "ChartimgError",
    "ConfigError",
    "StoreBusy",
    "StoreUnavailable",
    "missing_extra",
]

STORES: Final = "sqlite:///path, redis://host:port/0, postgresql://host/database or memory://"
OTHER_STORES: Final = f"CHARTS_ACCOUNT_STORE may name another: {STORES}"
"""The end of a message about books that can't be found or opened."""


class ChartimgError(Exception):
    """The base of all exceptions that chartimg raises on purpose."""


class ConfigError(ChartimgError, ValueError):
    """Settings, a template or an argument are wrong; *problems* has one line for each mistake, never a key."""

    def __init__(self, problems: str | Sequence[str]) -> None:
        self.problems = (problems,) if isinstance(problems, str) else tuple(problems)
        super().__init__("\n".join(self.problems))


def missing_extra(part: str, extra: str) -> ConfigError:
    """Return the error of a *part* without its *extra*, with the command that installs it."""
    return ConfigError(f"{part} needs the extra {extra}; in a clone of chartimg, run: pip install '.[{extra}]'")


class ChartUnavailable(ChartimgError):  # noqa: N818 (a public name)
    """There is no picture. Raised by ``result.unwrap()``. A note of the exception has the address of the error's ``help``.

    Attributes:
        error: the :class:`ChartApiError` with the reason.
        result: the whole :class:`ChartApiFailure`; None if there is only an error.
    """

    def __init__(self, error: ChartApiError, result: ChartApiFailure | None = None) -> None:
        self.error = error
        self.result = result
        super().__init__(f"{error.code} ({error.kind}): {error.message}")
        self.add_note(f"see {error.help}")

    def __reduce__(self) -> tuple[type[ChartUnavailable], tuple[ChartApiError, ChartApiFailure | None]]:
        """Pickle the error and the result, not only the text."""
        return type(self), (self.error, self.result)


class StoreUnavailable(ChartimgError):  # noqa: N818 (a public name)
    """The account store can't be reached, so no claim is taken and no call is made. The quota may be untouched."""


class StoreBusy(StoreUnavailable):
    """The account store stayed locked until the wait ended. Retrying may help."""


class CacheUnavailable(ChartimgError):  # noqa: N818 (a public name)
    """The cache of pictures can't be used. A fetch goes on without it, so no host sees this from a client."""
