"""A list of the provider's, as a client returns it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, Self, TypeAlias, TypeVar, overload

import attrs

from .chart.listing import Exchange, Rows, Symbol
from .result import ChartApiFailure, Circumstances, JsonSuccess

__all__ = ["ExchangesResult", "Listing", "SymbolsResult"]

T_co = TypeVar("T_co", covariant=True)


@attrs.frozen(kw_only=True)
class Listing(Circumstances, Sequence[T_co]):
    """A list of the provider's: a sequence of its rows, which may be empty.

    Attributes:
        rows: the rows in the provider's order, or those of a search, the nearest first.
        updated_at: the moment when the provider last made the list; None if it does not say.
        ok: True.
        error: None.
    """

    rows: tuple[T_co, ...] = attrs.field(repr=lambda rows: f"<{len(rows)} rows>")
    updated_at: datetime | None = None
    ok: Literal[True] = attrs.field(default=True, init=False, repr=False)
    error: None = attrs.field(default=None, init=False, repr=False)

    @classmethod
    def of(cls, result: JsonSuccess, rows: Rows[T_co]) -> Listing[T_co]:
        """Return the *rows* that were read from *result*."""
        return cls(
            rows=rows.rows,
            updated_at=rows.updated_at,
            http_status=result.http_status,
            source=result.source,
            fixture_path=result.fixture_path,
            account_id=result.account_id,
            attempts=result.attempts,
            taken_at=result.taken_at,
            warnings=(*result.warnings, *rows.problems),
            fetch_id=result.fetch_id,
        )

    @overload
    def __getitem__(self, place: int) -> T_co: ...

    @overload
    def __getitem__(self, place: slice) -> tuple[T_co, ...]: ...

    def __getitem__(self, place: int | slice) -> T_co | tuple[T_co, ...]:
        """Return the row at *place*, or the rows of a slice."""
        return self.rows[place]

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.rows)

    def __bool__(self) -> Literal[True]:
        """Return True: there is a list, even one without rows."""
        return True

    def unwrap(self) -> Self:
        """Return the list."""
        return self


ExchangesResult: TypeAlias = Listing[Exchange] | ChartApiFailure
"""The exchanges, or the reason for their absence."""

SymbolsResult: TypeAlias = Listing[Symbol] | ChartApiFailure
"""The symbols of an exchange, or the reason for their absence."""
