"""The command ``check``: what is wrong with chart requests and templates in files, told as a linter does.

It needs no account and makes no call.
"""

from __future__ import annotations

from typing import Annotated

import attrs
import typer

from ...codec import dump
from ...domain.finding import Severity
from ...domain.plan import PlanName
from ..bootstrap import open_catalog
from ..checking import plan_named
from .process import FAILED, Json
from .request_file import told
from .sources import named
from .text import counted

__all__ = ["check"]

_WHAT = "A JSON file with a body or a template, a folder of such, the id of a template, or - for standard input."


def check(
    what: Annotated[list[str], typer.Argument(metavar="FILE|TEMPLATE", help=_WHAT)],
    *,
    plan: Annotated[
        PlanName | None, typer.Option(case_sensitive=False, help="The plan that must allow the charts.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Say what the provider would refuse, before it is paid for; exit code 1 when there is an ERROR."""
    catalog = open_catalog()
    limit = None if plan is None else plan_named(plan, catalog)
    sources = [source for each in what for source in named(each)]
    found = [(source.name, finding) for source in sources for finding in source.look(catalog, limit).findings]
    errors = sum(finding.severity is Severity.ERROR for _, finding in found)
    warnings = len(found) - errors
    files = counted(len(sources), "file")
    if as_json:
        findings = [{"file": name, **attrs.asdict(finding)} for name, finding in found]
        typer.echo(dump({"findings": findings, "errors": errors, "warnings": warnings}), nl=False)
    elif found:
        typer.echo("\n".join(told(name, finding) for name, finding in found))
        typer.echo(f"{counted(errors, 'error')}, {counted(warnings, 'warning')} in {files}", err=True)
    else:
        typer.echo(f"{files}, nothing found")
    if errors:
        raise SystemExit(FAILED)
