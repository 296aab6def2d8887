"""Build the site: ``make docs``. Its source is the whole clone, so that a link leads to the same place there and on the site."""

from __future__ import annotations

import logging
import re
import shutil
import subprocess
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Final

from chartimg import templates
from chartimg.domain.faults import FaultKind
from chartimg.testing import VirtualClock, emulator

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "chartimg"
author = "the authors of chartimg"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
root_doc = "docs/index"
include_patterns = [
    "*.md",
    "docs/*.md",
    "docs/*.rst",
    "docs/site/*.rst",
    "benchmarks/yield.md",
]
exclude_patterns = ["build", ".venv", ".git", ".*"]
myst_heading_anchors = 4
highlight_language = "text"
pygments_dark_style = "github-dark"
python_maximum_signature_line_length = 80
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_type_aliases = {"Event": "Event"}
add_module_names = False
napoleon_use_ivar = True
html_theme = "furo"
html_title = "chartimg"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_copyright = False

ROOT: Final = Path(__file__).resolve().parents[1]
PICTURES: Final = ROOT / "build/site-pictures"
SYMBOL: Final = "BINANCE:BTCUSDT"
_MAX_ARROWS: Final = 16
"""Arrows of a drawing that a telephone can show as a whole; a larger one scrolls."""
_PICTURE: Final = re.compile(
    r'<picture>.*?srcset="(?P<dark>[^"]+)".*?alt="(?P<alt>[^"]+)" src="(?P<light>[^"]+)".*?</picture>',
    re.DOTALL,
)
_MERMAID: Final = re.compile(r"^```mermaid\n(.*?)^```", re.DOTALL | re.MULTILINE)
_INCLUDE: Final = re.compile(r"^<!-- include (\S+) -->$", re.MULTILINE)
_SAMPLE: Final = re.compile(r"(^\S.*\n\n)(?= {4}\S)", re.MULTILINE)
_PERCENT: Final = re.compile(r"(?<=\d) (?=%)")
_CELL: Final = re.compile(r"<t[dh][ >].*?</t[dh]>", re.DOTALL)
_NAME: Final = re.compile(r"(?<=[\w.])([_/.](?=[^<>]+</span>)|_(?=[^<>]+</p>))")
_DEFAULT: Final = re.compile(r"= (NOTHING|<function [^>]*>+)")
_UNSEEN: Final = re.compile(r"<!--.*?-->|<title>.*?</title>", re.DOTALL)
_ARROW: Final = re.compile(r"(\w+|\[\*\]) --> (\w+)(?:: (.*))?")
_COLUMN: Final = re.compile(r"subgraph (\w+)\[(\".*\")\]")
_NODE: Final = re.compile(r"(\w+)\[(\".*\")\]")


def setup(app: Sphinx) -> None:
    """Name the steps that the extensions lack."""
    app.connect("builder-inited", draw_templates)
    app.connect("source-read", prepare)
    app.connect("autodoc-process-docstring", mark_samples)
    app.connect("autodoc-process-signature", shorten)
    app.connect("html-page-context", break_names)
    app.connect("build-finished", finish)


def draw_templates(_app: Sphinx) -> None:
    """Let the emulator draw each template that ships, light and dark."""
    logging.getLogger("chartimg").setLevel(logging.WARNING)
    PICTURES.mkdir(parents=True, exist_ok=True)
    with emulator(clock=VirtualClock()) as provider, provider.client() as client:
        for name in templates():
            for theme in ("light", "dark"):
                request = client.request(SYMBOL, "1h", template=name, theme=theme)
                (PICTURES / f"{name}-{theme}.png").write_bytes(client.fetch(request).unwrap())


def prepare(_app: Sphinx, page: str, source: list[str]) -> None:
    """Put programs, drawings and the pictures of the gallery in their places."""
    text = _INCLUDE.sub(_program, source[0])
    text = _PICTURE.sub(_both_themes, text)
    text = _MERMAID.sub(lambda found: drawing(found[1]), text)
    source[0] = text + gallery() if page == "docs/site/gallery" else text


def _program(found: re.Match[str]) -> str:
    """Show a program that a page includes; a code host shows the link before it."""
    language = {".py": "python", ".mjs": "js"}[Path(found[1]).suffix]
    return f"```{{literalinclude}} {found[1]}\n:language: {language}\n```"


def _both_themes(found: re.Match[str]) -> str:
    """Show the picture that suits the theme of the site, also if a reader has chosen it by the button."""
    return "\n".join(
        f'<img class="only-{theme}" alt="{found["alt"]}" src="{found[theme]}">'
        for theme in ("light", "dark")
    )


def gallery() -> str:
    """Write a section for each template that ships."""
    return "\n".join(
        _section(name, template.description) for name, template in templates().items()
    )


def _section(name: str, description: str) -> str:
    """Write the section of one template."""
    images = (
        f".. image:: /{(PICTURES / f'{name}-{theme}.png').relative_to(ROOT)}\n   :alt: {name}, {theme}\n   :class: only-{theme}\n"
        for theme in ("light", "dark")
    )
    return "\n".join(("", name, "-" * len(name), "", description, "", *images))


def mark_samples(
    _app: Sphinx, kind: str, _name: str, _value: object, _options: object, lines: list[str]
) -> None:
    """Show the indented lines of a module's docstring as a program, not as a quotation."""
    if kind == "module":
        lines[:] = _SAMPLE.sub("\\1.. code-block:: python\n\n", "\n".join(lines)).split("\n")


def shorten(
    _app: Sphinx,
    _kind: str,
    _name: str,
    _value: object,
    _options: object,
    signature: str | None,
    returned: str | None,
) -> tuple[str | None, str | None]:
    """Write ``...`` for a default that is a function, or that attrs makes anew each time."""
    return signature and _DEFAULT.sub("= ...", signature), returned


def break_names(
    _app: Sphinx, _page: str, _template: str, context: dict[str, object], _tree: object
) -> None:
    """Let a long name in a table break after ``_``, ``/`` and ``.``, so that a telephone shows more of the row; but no percentage."""
    body = _PERCENT.sub("\N{NO-BREAK SPACE}", f"{context.get('body', '')}")
    context["body"] = _CELL.sub(lambda cell: _NAME.sub(r"\g<0><wbr>", cell[0]), body)


def drawing(mermaid: str) -> str:
    """Draw a diagram of docs/diagrams.py as SVG, in the colours of the page.

    Raises:
        SystemExit: the program dot is missing.
    """
    if shutil.which("dot") is None:
        raise SystemExit(
            "the drawings of the site need the program dot; install the package graphviz of your system"
        )
    svg = subprocess.check_output(["dot", "-Tsvg"], input=dot(mermaid), text=True)  # noqa: S607
    svg = _UNSEEN.sub("", svg[svg.index("<svg") :])
    svg = svg.replace('"black"', '"currentColor"').replace(
        "<text ", '<text fill="currentColor" '
    )
    size = "wide" if mermaid.count("-->") > _MAX_ARROWS else "small"
    return f'<div class="drawing {size}">{" ".join(svg.split())}</div>\n'


def dot(mermaid: str) -> str:
    """Say in the language of dot the part of mermaid's language that docs/diagrams.py writes."""
    look = 'bgcolor=transparent; ranksep=0.3; node [shape=box, style=rounded, fontname="sans-serif", fontsize=12]; edge [fontname="sans-serif", fontsize=10];'
    return "\n".join(
        (
            f"digraph {{ {look}",
            *(_dot_line(line.strip()) for line in mermaid.splitlines()),
            "}",
        )
    )


def _dot_line(line: str) -> str:
    """Translate one line."""
    if line.startswith(("stateDiagram", "flowchart", "direction")):
        return ""
    if line == "end":
        return "}"
    if column := _COLUMN.fullmatch(line):
        return f'subgraph cluster_{column[1]} {{ label={column[2]}; fontname="sans-serif"; fontsize=13;'
    if node := _NODE.fullmatch(line):
        return f"{node[1]} [label={_wrapped(node[2])}];"
    if arrow := _ARROW.fullmatch(line):
        if arrow[1] == "[*]":
            return f"begin [shape=point, width=0.12]; begin -> {arrow[2]};"
        label = (arrow[3] or "").replace(", ", "\\n")
        return f'{arrow[1]} -> {arrow[2]} [label="{label}"];'
    return f"{line.replace('-->', '->')};"


def _wrapped(label: str) -> str:
    """Break a label between its names, so that columns have room beside each other."""
    return "\\n".join(textwrap.wrap(label, 32))


def finish(app: Sphinx, problem: Exception | None) -> None:
    """Add the drawings that HTML of a page names, and a page that leads from the root to the first page.

    Raises:
        SystemExit: the page about errors lacks the address of a kind.
    """
    if problem is None:
        errors = (Path(app.outdir) / "docs/errors.html").read_text(encoding="utf-8")
        if missing := [kind for kind in FaultKind if f'id="{kind.lower()}"' not in errors]:
            raise SystemExit(f"docs/errors.html has no address for {', '.join(missing)}")
        for file in (ROOT / "docs").glob("*.svg"):
            shutil.copy(file, Path(app.outdir) / "docs")
        start = f'<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0; url={root_doc}.html"><title>{project}</title>'
        (Path(app.outdir) / "index.html").write_text(f"{start}\n", encoding="utf-8")
