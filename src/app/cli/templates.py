"""The commands ``chartimg templates``: list them, show one, and write a new one that is valid.

They need no account and make no call.
"""

from __future__ import annotations

import contextlib
import copy
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final

import attrs
import typer

from ...codec import dump
from ...domain.chart import ChartKey
from ...domain.chart.file_name import stem
from ...domain.chart.template import ANY_PATTERN, SYMBOL_MARK, ChartTemplate
from ...domain.check.catalog import Catalog, Entry
from ...domain.check.symbol import exchanges_of
from ...domain.errors import ConfigError
from ...domain.finding import Finding, Severity
from ...files import write_atomically
from ..bootstrap import SHIPPED, open_catalog
from ..checking import template_named
from ..search import matching_names
from .options import Json, emit, group
from .process import FAILED
from .request_file import finding_line, read_posted_body, read_request_file
from .sample import sample_study
from .sources import TEMPLATES_DIR, content_of, known_templates, own_templates_folder, templates_in
from .templates_view import names_in, show_templates, sum_up_template
from .text import printable

__all__ = ["templates_app"]

_PLAIN: Final = "Price"
"""The description of a template without studies."""

templates_app = group("List and show chart templates, and write new ones.")

Folder = Annotated[
    Path | None,
    typer.Option("--dir", metavar="FOLDER", help="The folder of templates; CHARTS_TEMPLATES_DIR if left out."),
]
TemplateId = Annotated[
    str, typer.Argument(metavar="ID", help="The id of the template: the name of its file without .json.")
]


@templates_app.command("list")
def list_templates(*, directory: Folder = None, as_json: Json = False) -> None:
    """List the templates, your own before those that ship, with the smallest plan for each."""
    catalog, sources = open_catalog(), known_templates(directory)
    folder = directory or own_templates_folder() or SHIPPED
    summaries = [sum_up_template(each, source.read(catalog), catalog) for each, source in sources.items()]

    def show() -> None:
        show_templates(summaries)
        for summary in summaries:
            if not summary.loads:
                _report(sources[summary.id].name, summary.findings)

    emit({"directory": str(folder), "templates": summaries}, show, as_json=as_json)


@templates_app.command()
def show(template_id: TemplateId, *, directory: Folder = None) -> None:
    """Show the JSON of a template. Its findings are on standard error."""
    source = template_named(template_id, known_templates(directory))
    file = source.read(open_catalog())
    if file.value is not None:
        typer.echo(_json(file.value))
    _report(source.name, file.findings)
    if file.value is None:
        raise SystemExit(FAILED)


@templates_app.command()
def new(  # noqa: PLR0913 (an argument for each option)
    template_id: TemplateId,
    *,
    base: Annotated[
        str | None, typer.Option("--from", metavar="ID", help="The id of a template to start from.")
    ] = None,
    from_request: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="A JSON body that you post today, or a curl command with one; - for standard input."
        ),
    ] = None,
    exchange: Annotated[
        str | None, typer.Option(metavar="NAME", help="The exchange of a symbol without one; BINANCE if left out.")
    ] = None,
    studies: Annotated[
        list[str] | None,
        typer.Option("--study", metavar="NAME", help="A study to add, with its default inputs; may be given again."),
    ] = None,
    width: Annotated[int | None, typer.Option(help="Pixels.")] = None,
    height: Annotated[int | None, typer.Option(help="Pixels.")] = None,
    theme: Annotated[str | None, typer.Option(help="light or dark.")] = None,
    directory: Folder = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file if it exists.")] = False,
) -> None:
    """Write a new template, ID.json. If it has an ERROR, it is not written and the exit code is 1."""
    catalog, folder = open_catalog(), directory or own_templates_folder()
    if folder is None:
        raise ConfigError(
            f"there is no folder to write to: set {TEMPLATES_DIR}, or name a folder with --dir; "
            "the templates that ship are never changed"
        )
    _refuse_id(template_id)
    path = folder / f"{template_id}.json"
    if os.path.lexists(path) and not force:
        raise ConfigError(f"{path} exists already; overwrite it with --force, or choose another id")
    if base is not None and from_request is not None:
        raise ConfigError("--from and --from-request are two beginnings; choose one")
    if from_request is not None:
        start = _of_request(from_request)
    else:
        start = _plain(catalog) if base is None else _base(base, folder, catalog)
    chosen = [_study(each, catalog) for each in studies or ()]
    given = {"theme": theme, "width": width, "height": height}
    made = _template(template_id, start, exchange, chosen, given, catalog)
    content = dump(made).encode()
    file = read_request_file(content, catalog, template_id=template_id, is_template=True)
    _report(str(path), file.findings)
    if any(finding.severity is Severity.ERROR for finding in file.findings):
        raise SystemExit(FAILED)
    _write(path, content)
    plan = sum_up_template(template_id, file, catalog).plan
    typer.echo(printable(f"{path}: {made.description}; the smallest plan is {plan}"))


def _plain(catalog: Catalog) -> ChartTemplate:
    """Return a template with the provider's defaults, and without studies."""
    payload = {name: catalog.parameter_by_name[name].default for name in ("theme", "width", "height")}
    return ChartTemplate("plain", _PLAIN, ANY_PATTERN, payload)


def _of_request(path: str) -> ChartTemplate:
    """Return a template of a body that is posted today. The exchange of its symbol becomes the pattern."""
    body = read_posted_body(path, content_of(path))
    exchanges = exchanges_of(str(body.pop("symbol", "")))
    body.pop("interval", None)
    pattern = f"{exchanges[0]}:{SYMBOL_MARK}" if isinstance(exchanges, tuple) and len(exchanges) == 1 else ANY_PATTERN
    template = ChartTemplate("request", _PLAIN, pattern, body)
    names = [name for key in ("studies", "drawings") for name in names_in(template, key)]
    return attrs.evolve(template, description=f"{_PLAIN} with {', '.join(names)}" if names else _PLAIN)


def _template(
    template_id: str,
    base: ChartTemplate,
    exchange: str | None,
    studies: Sequence[Entry],
    given: Mapping[str, object],
    catalog: Catalog,
) -> ChartTemplate:
    """Lay the *given* values and studies over the *base*."""
    pattern = base.symbol_pattern if exchange is None else f"{_exchange(exchange, catalog)}:{SYMBOL_MARK}"
    payload = copy.deepcopy(dict(base.payload)) | {name: value for name, value in given.items() if value is not None}
    description = base.description
    if studies:
        listed = payload.get("studies")
        payload["studies"] = [*(listed if isinstance(listed, list) else ()), *map(sample_study, studies)]
        comma = "" if description == _PLAIN else ","
        description += f"{comma} with {', '.join(study.name for study in studies)}"
    return ChartTemplate(template_id, description, pattern, payload)


def _study(name: str, catalog: Catalog) -> Entry:
    """Return the one study that *name* means."""
    names = matching_names("study", catalog.study_by_name, name, catalog.study_by_alias)
    if len(names) > 1:
        raise ConfigError(f"--study {name!a} may mean {', '.join(names)}; write one of them")
    return catalog.study_by_name[names[0]]


def _exchange(name: str, catalog: Catalog) -> str:
    """Return an exchange as the provider spells it. An unknown one may be new, and stays as it is."""
    return next((each for each in catalog.exchanges if each.casefold() == name.casefold()), name)


def _base(base: str, folder: Path, catalog: Catalog) -> ChartTemplate:
    """Return the template to start from: of *folder*, else of the settings, else of those that ship."""
    known = dict(templates_in(SHIPPED))
    for each in (own_templates_folder(), folder):
        with contextlib.suppress(ConfigError):  # it may not exist yet, or be empty
            known |= {} if each is None else templates_in(each)
    source = template_named(base, known)
    file = source.read(catalog)
    if file.template is None:
        raise ConfigError([f"--from {base}: {finding_line(source.name, finding)}" for finding in file.findings])
    return file.template


def _refuse_id(template_id: str) -> None:
    """Raise ConfigError unless an id is a file name everywhere, and a part of the names of its fixtures."""
    key = ChartKey("A:B", "1h", template_id)
    if not template_id or "," in template_id or stem(key) != f"A_B__1h__{template_id}":
        raise ConfigError(
            f"{template_id!a} can't be the id of a template, because it names files: write a few letters, digits, "
            "_, - or ., and no dot in front"
        )


def _write(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, content)
    except OSError as error:
        raise ConfigError(f"{path} can't be written: {error.strerror}") from None


def _report(name: str, findings: Sequence[Finding]) -> None:
    """Write the findings of a file to standard error."""
    for finding in findings:
        typer.echo(finding_line(name, finding), err=True)


def _json(value: object) -> str:
    """Return *value* as indented JSON; characters that would steer a terminal are escaped."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    return "".join(each if each.isprintable() or each == "\n" else json.dumps(each)[1:-1] for each in text)
