"""The commands that look at accounts, and put them right by hand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from ...codec import dump
from ...domain.errors import ConfigError
from ..bootstrap import AccountPool, open_pool
from ..config import WorkerConfig
from ..mode import ApiMode
from .accounts_view import show_accounts, show_forecast
from .process import COME_BACK, Json

__all__ = ["accounts_app"]

accounts_app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,  # they show local variables, and so keys
    rich_markup_mode=None,
    help="Show what each account has left and when it comes back; reinstate, exhaust, forecast.",
)

AccountId = Annotated[str, typer.Argument(help="The id of the account.")]


@accounts_app.callback(invoke_without_command=True)
def accounts(context: typer.Context, *, as_json: Json = False) -> None:
    """Show what each account has left and when it comes back."""
    if context.invoked_subcommand is not None:
        return
    if WorkerConfig.from_env().mode is ApiMode.MOCK:
        typer.echo(dump({"accounts": ()}) if as_json else "CHARTS_API_MODE=mock uses no accounts.\n", nl=False)
        return
    with _pool() as pool:
        _show(pool, as_json=as_json)


@accounts_app.command()
def reinstate(account_id: AccountId, *, as_json: Json = False) -> None:
    """Use a suspended account again; what its day has spent stays spent."""
    with _pool() as pool:
        pool.reinstate(account_id)
        _show(pool, as_json=as_json)


@accounts_app.command()
def exhaust(account_id: AccountId, *, as_json: Json = False) -> None:
    """Take the account's day as spent, to the end of the UTC day."""
    with _pool() as pool:
        pool.mark_account_exhausted(account_id, "marked by hand")
        _show(pool, as_json=as_json)


@accounts_app.command()
def forecast(
    charts: Annotated[int, typer.Argument(min=0, help="How many charts.")],
    *,
    as_json: Json = False,
) -> None:
    """Say whether so many charts can be had today, by when, and if not, when; exit code 75 if not today."""
    with _pool() as pool:
        outlook = pool.forecast(charts)
    if as_json:
        typer.echo(dump({"enough": outlook.enough, "forecast": outlook}), nl=False)
    else:
        show_forecast(outlook)
    if not outlook.enough:
        raise SystemExit(COME_BACK)


@contextmanager
def _pool() -> Iterator[AccountPool]:
    """Open the books of the settings' accounts."""
    config = WorkerConfig.from_env()
    if config.mode is ApiMode.MOCK:
        raise ConfigError("CHARTS_API_MODE=mock uses no accounts; set it to real")
    pool = open_pool(config)
    try:
        yield pool
    finally:
        pool.close()


def _show(pool: AccountPool, *, as_json: bool) -> None:
    statuses = pool.status()
    if as_json:
        typer.echo(dump({"accounts": statuses}), nl=False)
    else:
        show_accounts(statuses)
