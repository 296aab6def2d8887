"""The commands ``chartimg accounts``: show the books, correct them by hand, and forecast."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from shlex import quote
from typing import Annotated

import typer

from ...domain.account import AccountState
from ...domain.account.status import AccountStatus
from ...domain.errors import ConfigError
from ..bootstrap import AccountPool, open_pool
from ..config import WorkerConfig
from ..mode import ApiMode
from ..stores import account_schema
from .accounts_view import show_accounts, show_forecast
from .options import Json, emit, group
from .process import COME_BACK, complain
from .text import is_terminal

__all__ = ["accounts_app"]

_MOCK = "CHARTS_API_MODE=mock uses no accounts"
_SERVICE = (
    "Whether the service is up is known to each process that makes calls: client.accounts.service(), "
    "or GET /accounts of a gateway."
)

accounts_app = group(
    "Show the units that each account has left today. The commands correct the books, or forecast.",
    no_args_is_help=False,
)

AccountId = Annotated[str, typer.Argument(metavar="ID", help="The id of the account.")]


@accounts_app.callback(invoke_without_command=True)
def accounts(context: typer.Context, *, as_json: Json = False) -> None:
    """Show the units that each account has left today. The commands correct the books, or forecast."""
    if context.invoked_subcommand is not None:
        return
    if WorkerConfig.from_env().mode is ApiMode.MOCK:
        emit({"accounts": ()}, lambda: typer.echo(_MOCK), as_json=as_json)
        return
    with _pool() as pool:
        statuses = pool.status()

    def show() -> None:
        show_accounts(statuses)
        typer.echo(_SERVICE)

    emit({"accounts": statuses, "service": None}, show, as_json=as_json)


@accounts_app.command()
def reinstate(account_id: AccountId, *, as_json: Json = False) -> None:
    """Use a suspended account again. Units already spent today stay spent."""
    with _pool() as pool:
        before = _status(pool, account_id)
        pool.reinstate(account_id)
        _show(pool, as_json=as_json)
    if before.state is AccountState.EXHAUSTED:
        complain(
            f"{account_id} is not suspended: its day is spent until {before.window_end:%Y-%m-%d %H:%M} UTC. {_anew(before)}"
        )
    elif before.state is not AccountState.SUSPENDED:
        complain(f"{account_id} is not suspended: there is nothing to reinstate")


@accounts_app.command()
def reset(
    account_id: AccountId,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """Begin the books of an account anew, after its clock was wrong. On a terminal, the command asks first."""
    with _pool() as pool:
        pool.account(account_id)
        if not yes and is_terminal(sys.stdin):
            typer.confirm(f"Forget what {account_id} has spent today, and begin its books anew?", abort=True, err=True)
        pool.reset(account_id)
        _show(pool, as_json=as_json)


@accounts_app.command()
def exhaust(account_id: AccountId, *, as_json: Json = False) -> None:
    """Mark an account as spent until the end of the UTC day."""
    with _pool() as pool:
        pool.mark_account_exhausted(account_id, "marked by hand")
        _show(pool, as_json=as_json)
        after = _status(pool, account_id)
    complain(f"{account_id} makes no call until {after.window_end:%Y-%m-%d %H:%M} UTC. {_anew(after)}")


@accounts_app.command()
def forecast(
    charts: Annotated[int, typer.Argument(metavar="CHARTS", help="How many charts.")], *, as_json: Json = False
) -> None:
    """Forecast when charts can be had. If not all of them can be had today, the exit code is 75."""
    with _pool() as pool:
        outlook = pool.forecast(charts)
        suspended = [each.account_id for each in pool.status() if each.state is AccountState.SUSPENDED]
    emit({"enough": outlook.enough, "forecast": outlook}, lambda: show_forecast(outlook), as_json=as_json)
    if not outlook.enough:
        undo = "is suspended and counts for nothing; change its key or run: chartimg accounts reinstate"
        complain(*(f"{account_id} {undo} {quote(account_id)}" for account_id in suspended))
        raise SystemExit(COME_BACK)


@accounts_app.command()
def schema() -> None:
    """Print the SQL that creates the table of the books in PostgreSQL; nothing else creates it."""
    typer.echo(account_schema(), nl=False)


def _status(pool: AccountPool, account_id: str) -> AccountStatus:
    """Return the status of one account.

    Raises:
        ConfigError: there is no such account.
    """
    pool.account(account_id)
    return next(status for status in pool.status() if status.account_id == account_id)


def _anew(status: AccountStatus) -> str:
    command = f"chartimg accounts reset {quote(status.account_id)}"
    return f"To begin its books anew, as if it had made no call today, run: {command}"


@contextmanager
def _pool() -> Iterator[AccountPool]:
    """Open the books of the accounts in the settings."""
    config = WorkerConfig.from_env()
    if config.mode is ApiMode.MOCK:
        raise ConfigError(f"{_MOCK}; set it to real")
    pool = open_pool(config)
    try:
        yield pool
    finally:
        pool.close()


def _show(pool: AccountPool, *, as_json: bool) -> None:
    statuses = pool.status()
    emit({"accounts": statuses}, lambda: show_accounts(statuses), as_json=as_json)
