"""The command ``chartimg check``: check chart requests and templates in files, and report as a linter does.

It needs no account and makes no call. The provider's lists that are kept tell of symbols.
"""

from __future__ import annotations

import os
from typing import Annotated, Final

import attrs
import typer

from ...domain.errors import ConfigError
from ...domain.finding import Severity
from ...domain.plan import PlanName
from ..bootstrap import kept_lists, open_catalog
from ..checking import plan_named
from ..config import WorkerConfig
from ..mode import ApiMode
from ..stores import list_refusals
from .options import Json, emit
from .process import FAILED
from .refusals_view import show_refusals
from .request_file import finding_line
from .sources import sources_of
from .text import counted

__all__ = ["check"]

_STORE: Final = "CHARTS_ACCOUNT_STORE"
_READ: Final = ("CHARTS_FIXTURES_DIR",)
_ARGUMENT = (
    "A JSON file with a body or a template, a folder of JSON files, the id of a template, or - for standard input."
)


def check(
    arguments: Annotated[list[str] | None, typer.Argument(metavar="[FILE|TEMPLATE]...", help=_ARGUMENT)] = None,
    *,
    plan: Annotated[
        PlanName | None, typer.Option(case_sensitive=False, help="The plan that must allow the charts.")
    ] = None,
    refused: Annotated[
        bool, typer.Option("--refused", help="List what the provider has refused for good, in calls and in fixtures.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Check requests and templates without a call. If the provider would refuse one, the exit code is 1."""
    if refused:
        if arguments or plan is not None:
            raise ConfigError("--refused lists what was refused before; leave files, templates and --plan out")
        _list_refused(as_json=as_json)
        return
    if not arguments:
        raise ConfigError("name a file or a template to check, or list what was refused before with --refused")
    catalog = open_catalog()
    limit = None if plan is None else plan_named(plan, catalog)
    sources = [source for each in arguments for source in sources_of(each)]
    with kept_lists(catalog) as lists:
        read = [(source.name, source.read(catalog, limit, lists.about)) for source in sources]
    found = [(name, finding) for name, file in read for finding in file.findings]
    errors = sum(finding.severity is Severity.ERROR for _, finding in found)
    warnings = len(found) - errors

    def show() -> None:
        files = counted(len(sources), "file")
        for name, finding in found:
            typer.echo(finding_line(name, finding))
        if found:
            typer.echo(f"{counted(errors, 'error')}, {counted(warnings, 'warning')} in {files}", err=True)
        else:
            typer.echo(f"{files}, nothing found")

    findings = [{"file": name, **attrs.asdict(finding)} for name, finding in found]
    emit({"findings": findings, "errors": errors, "warnings": warnings}, show, as_json=as_json)
    if errors:
        raise SystemExit(FAILED)


def _list_refused(*, as_json: bool) -> None:
    """List the final refusals of the account books of the settings, and of their fixtures."""
    read = {name: os.environ[name] for name in _READ if name in os.environ}
    config = attrs.evolve(
        WorkerConfig.from_env({"CHARTS_API_MODE": ApiMode.MOCK, **read}), account_store=os.environ.get(_STORE) or None
    )
    refusals = list_refusals(config)
    emit({"refused": refusals}, lambda: show_refusals(refusals), as_json=as_json)
