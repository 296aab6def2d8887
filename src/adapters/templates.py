"""Chart templates from a folder of JSON files."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from ..codec import load
from ..domain.chart.template import SYMBOL_MARK, ChartTemplate
from ..domain.errors import ConfigError
from ..files import DATA, read_text

__all__ = ["SHIPPED", "load_templates"]

SHIPPED: Final = DATA / "templates"
"""The folder of the templates that ship."""


def load_templates(folder: str | os.PathLike[str] = SHIPPED) -> Mapping[str, ChartTemplate]:
    """Read every ``<id>.json`` in *folder*, sorted by id.

    Raises:
        ConfigError: with one line for every mistake: the folder, a file, or a template in it.
    """
    path = Path(folder)
    try:
        files = sorted((entry for entry in path.iterdir() if entry.suffix == ".json"), key=lambda entry: entry.stem)
    except OSError as error:
        raise ConfigError(f"templates folder {path} can't be read: {error.strerror}") from None
    if not files:
        raise ConfigError(f"templates folder {path} holds no template (<id>.json)")
    templates: dict[str, ChartTemplate] = {}
    problems: list[str] = []
    for file in files:
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
    problems = []
    if template.id != file.stem:
        problems.append(f"template {file}: its id {template.id!r} differs from its file name; rename one of them")
    if SYMBOL_MARK not in template.symbol_pattern:
        problems.append(
            f"template {file}: chartImgSymbolTemplate {template.symbol_pattern!r} has no {SYMBOL_MARK}; "
            f'write it like "BINANCE:{SYMBOL_MARK}"'
        )
    if problems:
        raise ConfigError(problems)
    return template
