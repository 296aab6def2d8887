"""The files that arguments and settings name: bodies and templates to look at."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO, Final

import attrs
import typer

from ...adapters.templates import SHIPPED
from ...domain.check.catalog import Catalog
from ...domain.check.suggestion import likely_name
from ...domain.errors import ConfigError
from ...domain.finding import Finding, Severity
from ...domain.plan import Plan
from ...files import refuse_special
from ..config import read_templates_dir
from .request_file import MAX_SIZE, RequestFile, read_request_file

__all__ = [
    "TEMPLATES_DIR",
    "Source",
    "named",
    "own_templates_folder",
    "template",
    "templates_folder",
    "templates_in",
]

TEMPLATES_DIR: Final = "CHARTS_TEMPLATES_DIR"
_STDIN: Final = "<stdin>"


@attrs.frozen
class Source:
    """A file.

    Attributes:
        name: what people know it by.
        content: its bytes, of a huge one more than enough; or what keeps it from being read.
        template_id: the id that a template in it must have.
        is_template: there must be a template in it.
    """

    name: str
    content: bytes | Finding = attrs.field(repr=False)
    template_id: str | None = None
    is_template: bool = False

    def look(self, catalog: Catalog, plan: Plan | None = None) -> RequestFile:
        """Look at what it holds by the rules of *catalog*, for an account of *plan*."""
        if isinstance(self.content, Finding):
            return RequestFile(None, None, (self.content,))
        return read_request_file(
            self.content, catalog, plan, template_id=self.template_id, is_template=self.is_template
        )


def named(what: str) -> list[Source]:
    """Find what an argument names: ``-``, a file, a folder of files, or a template by its id.

    Raises:
        ConfigError: it names nothing that can be read.
    """
    if what == "-":
        return [Source(_STDIN, _standard_input())]
    path = Path(what)
    try:
        if path.is_dir():
            return [_unasked(file) for file in _json_files(path)]
        if path.exists():
            return [Source(what, _read(path), path.stem if path.suffix == ".json" else None)]
    except OSError as error:
        raise ConfigError(f"{what!a} can't be read: {error.strerror}") from None
    return [template(what, templates_in(templates_folder()), noun="file or template")]


def template(template_id: str, templates: Mapping[str, Source], *, noun: str = "template") -> Source:
    """Find a template by its id.

    Raises:
        ConfigError: it is none of *templates*.
    """
    if template_id in templates:
        return templates[template_id]
    near = likely_name(template_id, templates)
    hint = f"did you mean {near}?" if near else f"the templates are {', '.join(templates)}"
    raise ConfigError(f"there is no {noun} {template_id!a}; {hint}")


def templates_in(folder: Path) -> Mapping[str, Source]:
    """Find the templates of a folder, the broken ones too, by the ids that their names give them.

    Raises:
        ConfigError: the folder can't be read, or is empty.
    """
    return {file.stem: attrs.evolve(_unasked(file), is_template=True) for file in _json_files(folder)}


def templates_folder(directory: Path | None = None) -> Path:
    """Give the folder of templates: *directory*, or that of the settings, or that of the templates that ship.

    Raises:
        ConfigError: the settings name what is no folder.
    """
    return directory or read_templates_dir() or SHIPPED


def own_templates_folder() -> Path | None:
    """Give the host's own folder of templates, if the settings name one; it need not be there yet."""
    folder = os.environ.get(TEMPLATES_DIR, "").strip()
    return Path(folder) if folder else None


def _json_files(folder: Path) -> list[Path]:
    """List the JSON files of *folder*, sorted by name."""
    try:
        files = sorted((file for file in folder.iterdir() if file.suffix == ".json"), key=lambda file: file.stem)
    except OSError as error:
        raise ConfigError(f"the folder {folder} can't be read: {error.strerror}") from None
    if not files:
        raise ConfigError(f"the folder {folder} holds no JSON file")
    return files


def _unasked(file: Path) -> Source:
    """Read a file of a folder: that it can't be read is a finding, and hides none of the others'."""
    try:
        refuse_special(file.stat(), str(file))
        content: bytes | Finding = _read(file)
    except OSError as error:
        content = Finding("", Severity.ERROR, f"can't be read: {error.strerror}")
    return Source(str(file), content, file.stem)


def _read(file: Path) -> bytes:
    with file.open("rb") as opened:
        return _most(opened)


def _standard_input() -> bytes:
    if sys.stdin is None:
        raise ConfigError("standard input can't be read: it is closed")
    return _most(typer.get_binary_stream("stdin"))


def _most(opened: BinaryIO) -> bytes:
    """Read as much as is needed to tell that it is too much."""
    return opened.read(MAX_SIZE + 1)
