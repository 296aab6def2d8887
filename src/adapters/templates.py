"""Chart templates from folders of JSON files."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from ..codec import load
from ..domain.chart.template import ChartTemplate, name_problems
from ..domain.errors import ConfigError
from ..files import DATA, json_files, read_text

__all__ = ["SHIPPED", "load_templates"]

SHIPPED: Final = DATA / "templates"
"""The folder of the templates that ship."""


def load_templates(*folders: str | os.PathLike[str]) -> Mapping[str, ChartTemplate]:
    """Return the templates ``<id>.json`` in *folders* by id, by default those that ship. An earlier folder wins.

    The folders are listed once, when the mapping is first used. A file is read once, when its template is first asked for.
    So a broken file spoils only its own template.

    Raises:
        ConfigError: later, from the mapping: a folder or a file can't be read, or has mistakes; one line for each.
    """
    return _Templates([Path(folder) for folder in folders] or [SHIPPED])


class _Templates(Mapping[str, ChartTemplate]):
    def __init__(self, folders: list[Path]) -> None:
        self._folders = folders
        self._listed: Mapping[str, Path] | None = None
        self._read: dict[str, ChartTemplate] = {}

    def _files(self) -> Mapping[str, Path]:
        if self._listed is None:  # without a lock, which a forked child might find taken
            listed: dict[str, Path] = {}
            for folder in self._folders:
                for file in json_files(folder, what="templates folder", may_be_empty=True):
                    listed.setdefault(file.stem, file)
            self._listed = listed
        return self._listed

    def __getitem__(self, template_id: str) -> ChartTemplate:
        if template_id not in self._read:
            self._read[template_id] = _load(self._files()[template_id])
        return self._read[template_id]

    def __contains__(self, template_id: object) -> bool:
        return template_id in self._files()

    def __iter__(self) -> Iterator[str]:
        return iter(self._files())

    def __len__(self) -> int:
        return len(self._files())


def _load(file: Path) -> ChartTemplate:
    """Read one template; its id must be the name of its file."""
    template = load(read_text(str(file), what="template"), ChartTemplate, where=f"template {file}")
    found = name_problems(template.id, template.symbol_pattern, file.stem)
    if problems := [f"template {file}, at $.{each.path}: {each.message}" for each in found]:
        raise ConfigError(problems)
    return template
