"""The commands ``chartimg fixtures``: what lies in a folder of fixtures, whether it is sound, and how it looks.

They need no account and make no call, whatever the mode.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from ...codec import dump
from ...domain.errors import missing_extra
from ...domain.fixture import FixtureEntry, FixtureKind
from ..bootstrap import take_fixture_inventory
from ..config import WorkerConfig
from ..mode import ApiMode
from .fixtures_view import show_fixtures, sum_up_fixtures
from .process import FAILED, Json, refuse_unwritable_file, write
from .text import counted, printable

__all__ = ["fixtures_app"]

_READ: Final = ("CHARTS_FIXTURES_DIR", "CHARTS_TEMPLATES_DIR", "CHARTS_DEFAULT_TIMEZONE")

fixtures_app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="List, verify and look at recorded fixtures.",
)

Folder = Annotated[
    Path | None, typer.Option("--dir", help="The folder of fixtures; CHARTS_FIXTURES_DIR when left out.")
]


@fixtures_app.command("list")
def list_fixtures(*, directory: Folder = None, as_json: Json = False) -> None:
    """List the fixtures with their size, age and origin."""
    folder, entries = _inventory(directory)
    if as_json:
        typer.echo(dump({"directory": str(folder), "fixtures": entries}), nl=False)
        return
    show_fixtures(entries, datetime.now(UTC))


@fixtures_app.command()
def verify(*, directory: Folder = None, as_json: Json = False) -> None:
    """Check digests, pictures, bodies and names; exit code 1 when anything is wrong."""
    folder, entries = _inventory(directory)
    checked = sum(entry.kind is not FixtureKind.OTHER for entry in entries)
    findings = [finding for entry in entries for finding in entry.findings]
    if as_json:
        typer.echo(dump({"directory": str(folder), "checked": checked, "findings": findings}), nl=False)
    elif findings:
        for finding in findings:
            typer.echo(printable(str(finding)))
    else:
        typer.echo(f"checked {counted(checked, 'fixture')} in {printable(str(folder))}: nothing is wrong")
    if findings:
        raise SystemExit(FAILED)


@fixtures_app.command()
def gallery(
    *,
    directory: Folder = None,
    out: Annotated[Path, typer.Option(help="The HTML file to write.")] = Path("gallery.html"),
) -> None:
    """Write one HTML page with all pictures and errors."""
    folder, entries = _inventory(directory)
    refuse_unwritable_file(out)
    write(out, _page(folder, entries).encode())
    typer.echo(f"{printable(str(out))}: {sum_up_fixtures(entries)}")


def _page(folder: Path, entries: Sequence[FixtureEntry]) -> str:
    from .gallery import render

    try:
        return render(entries, lambda name: (folder / name).read_bytes(), f"Fixtures in {folder}")
    except ModuleNotFoundError:
        raise missing_extra("the gallery", "cli") from None


def _inventory(directory: Path | None) -> tuple[Path, tuple[FixtureEntry, ...]]:
    """Take stock of *directory*, or else of the folder of the settings; a variable that plays no part is not read."""
    read = {name: os.environ[name] for name in _READ if name in os.environ}
    config = WorkerConfig.from_env({**read, "CHARTS_API_MODE": ApiMode.MOCK})
    folder = config.fixtures_dir if directory is None else directory
    return folder, take_fixture_inventory(config, folder)
