"""Find the files that arguments and settings name: bodies and templates to check, show or start from."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO, Final

import attrs
import typer

from ...domain.check.catalog import Catalog
from ...domain.check.listed import no_lists
from ...domain.errors import ConfigError
from ...domain.finding import Finding, Severity
from ...domain.plan import Plan
from ...files import json_files, refuse_special
from ..bootstrap import SHIPPED
from ..checking import template_named
from ..config import read_templates_dir
from .request_file import MAX_FILE_BYTES, Known, RequestFile, read_request_file

__all__ = [
    "TEMPLATES_DIR",
    "Source",
    "content_of",
    "known_templates",
    "own_templates_folder",
    "sources_of",
    "templates_in",
]

TEMPLATES_DIR: Final = "CHARTS_TEMPLATES_DIR"
_STDIN: Final = "<stdin>"


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

    def read(self, catalog: Catalog, plan: Plan | None = None, lists: Known = no_lists) -> RequestFile:
        """Read the content and check it by the rules of *catalog* and the provider's *lists*, for an account of *plan*."""
        if isinstance(self.content, Finding):
            return RequestFile(None, None, (self.content,))
        return read_request_file(
            self.content, catalog, plan, template_id=self.template_id, is_template=self.is_template, lists=lists
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
    return [template_named(argument, known_templates(), noun="file or template")]


def known_templates(directory: Path | None = None) -> Mapping[str, Source]:
    """List the templates by the names of their files, the broken ones too.

    They are those of *directory*; by default those of the settings, and then those that ship with another id.

    Raises:
        ConfigError: the folder can't be read, *directory* is empty, or the settings name a path that is not a folder.
    """
    if directory is not None:
        return templates_in(directory)
    own = read_templates_dir()
    found = {} if own is None else templates_in(own, may_be_empty=True)
    return {**found, **{each: source for each, source in templates_in(SHIPPED).items() if each not in found}}


def templates_in(folder: Path, *, may_be_empty: bool = False) -> dict[str, Source]:
    """List the templates of one folder.

    Raises:
        ConfigError: the folder can't be read, or is empty and must not be.
    """
    files = json_files(folder, what="folder", may_be_empty=may_be_empty)
    return {file.stem: attrs.evolve(_in_folder(file), is_template=True) for file in files}


def own_templates_folder() -> Path | None:
    """Return the host's own folder of templates if the settings name one. It may not exist yet."""
    folder = os.environ.get(TEMPLATES_DIR, "").strip()
    return Path(folder) if folder else None


def content_of(argument: str) -> bytes:
    """Return the bytes of the file that *argument* names, or of standard input, ``-``.

    Raises:
        ConfigError: it can't be read.
    """
    try:
        return _standard_input() if argument == "-" else _content(Path(argument))
    except OSError as error:
        raise ConfigError(f"{argument!a} can't be read: {error.strerror}") from None


def _in_folder(file: Path) -> Source:
    """Read a file of a folder. If it can't be read, that is a finding about this file alone."""
    try:
        refuse_special(file.stat(), str(file))
        content: bytes | Finding = _content(file)
    except OSError as error:
        content = Finding("", Severity.ERROR, f"can't be read: {error.strerror}")
    return Source(str(file), content, file.stem, is_template=_is_template(file))


def _is_template(file: Path) -> bool:
    """Return whether a fetch reads *file* as a template: a folder of templates holds nothing else."""
    folders = [each for each in (own_templates_folder(), SHIPPED) if each is not None and each.is_dir()]
    return file.suffix == ".json" and any(each.samefile(file.parent) for each in folders)


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
