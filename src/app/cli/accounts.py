"""The command that shows accounts."""

from __future__ import annotations

import typer

from ...codec import dump
from ..bootstrap import open_pool
from ..config import ApiMode, WorkerConfig
from ..pool import AccountStatus
from ..terminal import show_accounts
from .process import Json

__all__ = ["accounts"]


def accounts(*, as_json: Json = False) -> None:
    """Show what each account has left and when it comes back."""
    config = WorkerConfig.from_env()
    if config.mode is ApiMode.MOCK:
        statuses: tuple[AccountStatus, ...] = ()
    else:
        pool = open_pool(config)
        try:
            statuses = pool.status()
        finally:
            pool.close()
    if as_json:
        typer.echo(dump({"accounts": statuses}), nl=False)
    elif config.mode is ApiMode.MOCK:
        typer.echo("CHARTS_API_MODE=mock uses no accounts.")
    else:
        show_accounts(statuses)
