"""Chart templates from a folder of JSON files."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from ..codec import load
from ..domain.chart.template import ChartTemplate, name_problems
from ..domain.errors import ConfigError
from ..files import DATA, json_files, read_text

__all__ = ["SHIPPED", "load_templates"]

SHIPPED: Final = DATA / "templates"
"""The folder of the templates that ship."""


def load_templates(folder: str | os.PathLike[str] = SHIPPED) -> Mapping[str, ChartTemplate]:
    """Read every ``<id>.json`` in *folder*, sorted by id.

    Raises:
        ConfigError: with one line for every mistake: the folder, a file, or a template in it.
    """
    templates: dict[str, ChartTemplate] = {}
    problems: list[str] = []
    for file in json_files(Path(folder), what="templates folder"):
        try:
            templates[file.stem] = _load(file)
        except ConfigError as error:
            problems.extend(error.problems)
    if problems:
        raise ConfigError(problems)
    return templates


def _load(file: Path) -> ChartTemplate:
    """Read one template; its id must be the name of its file."""
    template = load(read_text(str(file), what="template"), ChartTemplate, where=f"template {file}")
    found = name_problems(template.id, template.symbol_pattern, file.stem)
    if problems := [f"template {file}, at $.{each.path}: {each.message}" for each in found]:
        raise ConfigError(problems)
    return template
