"""The commands ``chartimg templates``: which looks there are, what is in one, and writing a new one that is valid.

They need no account and make no call.
"""

from __future__ import annotations

import contextlib
import copy
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from ...adapters.templates import SHIPPED
from ...codec import dump
from ...domain.chart import ChartKey
from ...domain.chart.file_name import stem
from ...domain.chart.template import SYMBOL_MARK, ChartTemplate
from ...domain.check.catalog import Catalog, Entry
from ...domain.errors import ConfigError
from ...domain.finding import Finding, Severity
from ...files import write_atomically
from ..bootstrap import open_catalog
from .catalog import meant
from .process import FAILED, Json
from .request_file import read_request_file, told
from .sample import sample_study
from .sources import TEMPLATES_DIR, own_templates_folder, template, templates_folder, templates_in
from .template_summary import sum_up
from .templates_view import show_templates
from .text import printable

__all__ = ["templates_app"]

_EXCHANGE = "BINANCE"
_WRITTEN = ("theme", "width", "height")

templates_app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="List and show chart templates, and write new ones.",
)

Folder = Annotated[
    Path | None, typer.Option("--dir", help="The folder of templates; CHARTS_TEMPLATES_DIR when left out.")
]
TemplateId = Annotated[str, typer.Argument(metavar="ID", help="The id of the template, which is the name of its file.")]


@templates_app.command("list")
def list_templates(*, directory: Folder = None, as_json: Json = False) -> None:
    """List the templates, each with the smallest plan that serves it."""
    catalog, folder = open_catalog(), templates_folder(directory)
    sources = templates_in(folder)
    summaries = [sum_up(each, source.look(catalog), catalog) for each, source in sources.items()]
    if as_json:
        typer.echo(dump({"directory": str(folder), "templates": summaries}), nl=False)
        return
    show_templates(summaries)
    for summary in summaries:
        if not summary.loads:
            _complain(sources[summary.id].name, summary.findings)


@templates_app.command()
def show(template_id: TemplateId, *, directory: Folder = None) -> None:
    """Show a template's JSON, and on standard error its findings."""
    source = template(template_id, templates_in(templates_folder(directory)))
    file = source.look(open_catalog())
    if file.value is not None:
        typer.echo(_json(file.value))
    _complain(source.name, file.findings)
    if file.value is None:
        raise SystemExit(FAILED)


@templates_app.command()
def new(  # noqa: PLR0913 (an argument for each option)
    template_id: TemplateId,
    *,
    base: Annotated[str | None, typer.Option("--from", help="The id of a template to start from.")] = None,
    exchange: Annotated[str | None, typer.Option(help="Where bare symbols are traded; BINANCE when left out.")] = None,
    studies: Annotated[
        list[str] | None, typer.Option("--study", help="A study to add with its default inputs; may be given again.")
    ] = None,
    width: Annotated[int | None, typer.Option(help="Pixels.")] = None,
    height: Annotated[int | None, typer.Option(help="Pixels.")] = None,
    theme: Annotated[str | None, typer.Option(help="light or dark.")] = None,
    directory: Folder = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite what is there.")] = False,
) -> None:
    """Write a new template, ID.json; exit code 1 when it would not be valid."""
    catalog, folder = open_catalog(), directory or own_templates_folder()
    if folder is None:
        raise ConfigError(
            f"there is no folder to write to: set {TEMPLATES_DIR}, or name one with --dir; "
            "the templates that ship stay as they are"
        )
    _refuse_id(template_id)
    path = folder / f"{template_id}.json"
    if os.path.lexists(path) and not force:
        raise ConfigError(f"{path} is there already; overwrite it with --force, or choose another id")
    start = None if base is None else _base(base, folder, catalog)
    size_and_theme = {"theme": theme, "width": width, "height": height}
    made = _template(
        template_id, start, exchange, [_study(each, catalog) for each in studies or ()], size_and_theme, catalog
    )
    content = dump(made).encode()
    file = read_request_file(content, catalog, template_id=template_id, is_template=True)
    _complain(str(path), file.findings)
    if any(finding.severity is Severity.ERROR for finding in file.findings):
        raise SystemExit(FAILED)
    _write(path, content)
    typer.echo(printable(f"{path}: {made.description}; the smallest plan is {sum_up(template_id, file, catalog).plan}"))


def _template(
    template_id: str,
    base: ChartTemplate | None,
    exchange: str | None,
    studies: Sequence[Entry],
    given: Mapping[str, object],
    catalog: Catalog,
) -> ChartTemplate:
    """Lay what is *given* over the *base*, or over the provider's defaults."""
    defaults: dict[str, object] = {name: catalog.parameter_by_name[name].default for name in _WRITTEN}
    payload = defaults if base is None else copy.deepcopy(dict(base.payload))
    payload |= {name: value for name, value in given.items() if value is not None}
    if studies:
        listed = payload.get("studies")
        payload["studies"] = [*(listed if isinstance(listed, list) else ()), *map(sample_study, studies)]
    if exchange is None and base is not None:
        pattern = base.symbol_pattern
    else:
        pattern = f"{_exchange(exchange or _EXCHANGE, catalog)}:{SYMBOL_MARK}"
    description = _description(base, [study.name for study in studies])
    return ChartTemplate(template_id, description, pattern, payload)


def _description(base: ChartTemplate | None, names: Sequence[str]) -> str:
    """Say what is to be seen: ``Price with MACD, Volume``."""
    added = ", ".join(names)
    if base is not None:
        return f"{base.description}, with {added}" if added else base.description
    return f"Price with {added}" if added else "Price"


def _study(name: str, catalog: Catalog) -> Entry:
    """Find the one study that is meant."""
    names = meant("study", catalog.study_by_name, name, catalog.study_by_alias)
    if len(names) > 1:
        raise ConfigError(f"--study {name!a} may mean {', '.join(names)}; write one of them")
    return catalog.study_by_name[names[0]]


def _exchange(name: str, catalog: Catalog) -> str:
    """Give an exchange as the provider writes it; one that the catalog doesn't know may be new, and stays as it is."""
    return next((each for each in catalog.exchanges if each.casefold() == name.casefold()), name)


def _base(base: str, folder: Path, catalog: Catalog) -> ChartTemplate:
    """Find the template to start from: in the folder that is written to, that of the settings, or that of those that ship."""
    known = dict(templates_in(SHIPPED))
    for each in (own_templates_folder(), folder):
        with contextlib.suppress(ConfigError):  # one that is not there yet, or is empty, adds nothing
            known |= {} if each is None else templates_in(each)
    source = template(base, known)
    file = source.look(catalog)
    if file.template is None:
        raise ConfigError([f"--from {base}: {told(source.name, finding)}" for finding in file.findings])
    return file.template


def _refuse_id(template_id: str) -> None:
    """Make sure that an id can be a file's name everywhere, and the name of its fixtures as it is."""
    key = ChartKey("A:B", "1h", template_id)
    if not template_id or "," in template_id or stem(key) != f"A_B__1h__{template_id}":
        raise ConfigError(
            f"{template_id!a} can't be the id of a template: it names files, so write letters, digits, _ - . only, "
            "none too many of them, and no dot in front"
        )


def _write(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, content)
    except OSError as error:
        raise ConfigError(f"{path} can't be written: {error.strerror}") from None


def _complain(name: str, findings: Sequence[Finding]) -> None:
    """Write findings to standard error."""
    for finding in findings:
        typer.echo(told(name, finding), err=True)


def _json(value: object) -> str:
    """Write *value* as indented JSON in which nothing steers a terminal."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    return "".join(each if each.isprintable() or each == "\n" else json.dumps(each)[1:-1] for each in text)
