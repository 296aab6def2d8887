"""How the final refusals of the provider look."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import typer

from ...domain.refusal import Refusal
from .text import add_row, counted, show_table, table

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["show_refusals"]

_DIGEST_CHARACTERS: Final = 12


def show_refusals(refusals: Sequence[Refusal]) -> None:
    """Print a row for each refusal: when (UTC), chart, status, place in the body, message, and the digest of the body if there is room."""
    if not refusals:
        typer.echo("no refusal is known")
        return
    show_table(_rows(refusals, digests=True), _rows(refusals, digests=False))


def _rows(refusals: Sequence[Refusal], *, digests: bool) -> Table:
    headings = ("when", "chart", "status", "place", "message", *(("body",) if digests else ()))
    rows = table(
        *headings, folding=("message", "chart"), right=("status",), title=counted(len(refusals), "final refusal")
    )
    for each in refusals:
        add_row(
            rows,
            "" if each.refused_at is None else f"{each.refused_at:%Y-%m-%d %H:%M}",
            each.chart,
            "" if each.http_status is None else str(each.http_status),
            ", ".join(each.paths),
            each.message,
            *(((each.body_sha256 or "")[:_DIGEST_CHARACTERS],) if digests else ()),
        )
    return rows
