"""The commands ``chartimg fixtures``: list, verify and look at the fixtures in a folder.

They need no account and make no call in any mode.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from ...domain.errors import missing_extra
from ...domain.fixture import FixtureEntry, FixtureKind
from ..bootstrap import take_fixture_inventory
from ..config import WorkerConfig
from ..mode import ApiMode
from .fixtures_view import show_fixtures, sum_up_fixtures
from .options import Json, emit, group
from .process import FAILED, STANDARD_OUTPUT, check_out_file, write
from .text import counted, printable

__all__ = ["fixtures_app"]

_READ: Final = ("CHARTS_FIXTURES_DIR", "CHARTS_TEMPLATES_DIR", "CHARTS_DEFAULT_TIMEZONE")

fixtures_app = group("List, verify and look at recorded fixtures.")

Folder = Annotated[
    Path | None,
    typer.Option("--dir", metavar="FOLDER", help="The folder of fixtures; CHARTS_FIXTURES_DIR if left out."),
]


@fixtures_app.command("list")
def list_fixtures(*, directory: Folder = None, as_json: Json = False) -> None:
    """List the fixtures with their size, age and origin."""
    folder, entries = _inventory(directory)
    emit(
        {"directory": str(folder), "fixtures": entries},
        lambda: show_fixtures(entries, datetime.now(UTC)),
        as_json=as_json,
    )


@fixtures_app.command()
def verify(*, directory: Folder = None, as_json: Json = False) -> None:
    """Check digests, pictures, bodies and names. If there is a finding, the exit code is 1."""
    folder, entries = _inventory(directory)
    checked = sum(entry.kind is not FixtureKind.OTHER for entry in entries)
    findings = [finding for entry in entries for finding in entry.findings]

    def show() -> None:
        for finding in findings:
            typer.echo(printable(str(finding)))
        if not findings:
            typer.echo(f"checked {counted(checked, 'fixture')} in {printable(str(folder))}: nothing is wrong")

    emit({"directory": str(folder), "checked": checked, "findings": findings}, show, as_json=as_json)
    if findings:
        raise SystemExit(FAILED)


@fixtures_app.command()
def gallery(
    *,
    directory: Folder = None,
    out: Annotated[Path, typer.Option(metavar="FILE", help="The HTML file to write, or - for standard output.")] = Path(
        "gallery.html"
    ),
) -> None:
    """Write one HTML page with all pictures and errors."""
    folder, entries = _inventory(directory)
    check_out_file(out)
    write(out, _page(folder, entries).encode())
    if out != STANDARD_OUTPUT:
        typer.echo(f"{printable(str(out))}: {sum_up_fixtures(entries)}")


def _page(folder: Path, entries: Sequence[FixtureEntry]) -> str:
    from .gallery import render

    try:
        return render(entries, lambda name: (folder / name).read_bytes(), f"Fixtures in {folder}")
    except ModuleNotFoundError:
        raise missing_extra("the gallery", "cli") from None


def _inventory(directory: Path | None) -> tuple[Path, tuple[FixtureEntry, ...]]:
    """Read the fixtures in *directory*, or else in the folder of the settings. Other settings are not read."""
    read = {name: os.environ[name] for name in _READ if name in os.environ}
    config = WorkerConfig.from_env({**read, "CHARTS_API_MODE": ApiMode.MOCK})
    folder = config.fixtures_dir if directory is None else directory
    return folder, take_fixture_inventory(config, folder)
