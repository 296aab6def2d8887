"""Tables that are gone through in one test, since each test of its own costs more than most rows do."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any

Test = Callable[..., None]


def for_each(names: str | tuple[str, ...], rows: Iterable[Any]) -> Callable[[Test], Test]:
    """Return a decorator that calls a test with each row, as ``pytest.mark.parametrize`` does; a failure names its row.

    A row is the value of the one name, or the values of several. The test has no state that a row could leave behind.
    """
    columns, table = tuple(names.split(", ")) if isinstance(names, str) else names, tuple(rows)

    def decorate(test: Test) -> Test:
        @functools.wraps(test)
        def all_rows(**fixtures: object) -> None:
            for row in table:
                try:
                    test(**fixtures, **dict(zip(columns, row if len(columns) > 1 else (row,), strict=True)))
                except BaseException as error:
                    error.add_note(f"of the row {row!r}")
                    raise

        signature = inspect.signature(test)
        rest = [each for name, each in signature.parameters.items() if name not in columns]
        assert len(rest) + len(columns) == len(signature.parameters), (
            f"{test.__name__} takes other names than {columns}"
        )
        assert table, f"{test.__name__} has no row"
        all_rows.__signature__ = signature.replace(parameters=rest)  # type: ignore[attr-defined]
        return all_rows

    return decorate
