"""Find the files that arguments and settings name: bodies and templates to check, show or start from."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO, Final, TypeVar

import attrs
import typer

from ...domain.check.catalog import Catalog
from ...domain.check.suggestion import hint, likely_name
from ...domain.errors import ConfigError
from ...domain.finding import Finding, Severity
from ...domain.plan import Plan
from ...files import json_files, refuse_special
from ..bootstrap import SHIPPED
from ..config import read_templates_dir
from .request_file import MAX_FILE_BYTES, RequestFile, read_request_file

__all__ = [
    "TEMPLATES_DIR",
    "Source",
    "own_templates_folder",
    "sources_of",
    "template_named",
    "templates_folder",
    "templates_in",
]

TEMPLATES_DIR: Final = "CHARTS_TEMPLATES_DIR"
_STDIN: Final = "<stdin>"
T = TypeVar("T")


@attrs.frozen
class Source:
    """A file that holds a body or a template.

    Attributes:
        name: its path, or ``<stdin>``.
        content: its bytes, at most one more than a file may have; or the reason why it can't be read.
        template_id: the id that a template in it must have.
        is_template: whether it must hold a template.
    """

    name: str
    content: bytes | Finding = attrs.field(repr=False)
    template_id: str | None = None
    is_template: bool = False

    def read(self, catalog: Catalog, plan: Plan | None = None) -> RequestFile:
        """Read the content and check it by the rules of *catalog*, for an account of *plan*."""
        if isinstance(self.content, Finding):
            return RequestFile(None, None, (self.content,))
        return read_request_file(
            self.content, catalog, plan, template_id=self.template_id, is_template=self.is_template
        )


def sources_of(argument: str) -> list[Source]:
    """Find the sources that *argument* names: ``-``, a file, the files of a folder, or a template by its id.

    Raises:
        ConfigError: there is no such source, or the system refuses to read it.
    """
    if argument == "-":
        return [Source(_STDIN, _standard_input())]
    path = Path(argument)
    try:
        if path.is_dir():
            return [_in_folder(file) for file in json_files(path, what="folder")]
        if path.exists():
            named = path.stem if path.suffix == ".json" else None
            return [Source(argument, _content(path), named, is_template=_is_template(path))]
    except OSError as error:
        raise ConfigError(f"{argument!a} can't be read: {error.strerror}") from None
    return [template_named(argument, templates_in(templates_folder()), noun="file or template")]


def template_named(template_id: str, templates: Mapping[str, T], *, noun: str = "template") -> T:
    """Return the one of *templates* with an id.

    Raises:
        ConfigError: there is no such template. The message suggests the nearest id, or lists them all.
    """
    if template_id in templates:
        return templates[template_id]
    end = hint(likely_name(template_id, templates), f"the templates are {', '.join(templates)}")
    raise ConfigError(f"there is no {noun} {template_id!a}; {end}")


def templates_in(folder: Path) -> Mapping[str, Source]:
    """List the templates of a folder by the names of their files, the broken ones too.

    Raises:
        ConfigError: the folder can't be read, or is empty.
    """
    return {file.stem: attrs.evolve(_in_folder(file), is_template=True) for file in json_files(folder, what="folder")}


def templates_folder(directory: Path | None = None) -> Path:
    """Return the folder of templates: *directory*, else the one in the settings, else the one that ships.

    Raises:
        ConfigError: the settings name a path that is not a folder.
    """
    return directory or read_templates_dir() or SHIPPED


def own_templates_folder() -> Path | None:
    """Return the host's own folder of templates if the settings name one. It may not exist yet."""
    folder = os.environ.get(TEMPLATES_DIR, "").strip()
    return Path(folder) if folder else None


def _in_folder(file: Path) -> Source:
    """Read a file of a folder. If it can't be read, that is a finding about this file alone."""
    try:
        refuse_special(file.stat(), str(file))
        content: bytes | Finding = _content(file)
    except OSError as error:
        content = Finding("", Severity.ERROR, f"can't be read: {error.strerror}")
    return Source(str(file), content, file.stem, is_template=_is_template(file))


def _is_template(file: Path) -> bool:
    """Return whether a fetch reads *file* as a template: the folder of templates holds nothing else."""
    folder = own_templates_folder() or SHIPPED
    return file.suffix == ".json" and folder.is_dir() and folder.samefile(file.parent)


def _content(file: Path) -> bytes:
    with file.open("rb") as opened:
        return _capped(opened)


def _standard_input() -> bytes:
    if sys.stdin is None:
        raise ConfigError("standard input can't be read: it is closed")
    return _capped(typer.get_binary_stream("stdin"))


def _capped(opened: BinaryIO) -> bytes:
    """Read at most one byte more than a file may have."""
    return opened.read(MAX_FILE_BYTES + 1)
