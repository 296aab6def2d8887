"""Read a JSON file with a chart template, or with the body of a chart request, and check it.

Any bytes are accepted: content that can't be read becomes a finding, like a body that the provider would refuse.
"""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Final

import attrs

from ...codec import load, parse
from ...domain.chart.json_body import Place, path_of
from ...domain.chart.template import ANY_PATTERN, SYMBOL_MARK, ChartTemplate, name_problems
from ...domain.check.catalog import Catalog
from ...domain.check.check import check_body, check_template
from ...domain.check.listed import KeptLists, no_lists
from ...domain.errors import ConfigError
from ...domain.finding import Finding, Severity
from ...domain.plan import Plan
from .text import printable

__all__ = ["MAX_FILE_BYTES", "Known", "RequestFile", "finding_line", "read_posted_body", "read_request_file"]

MAX_FILE_BYTES: Final = 4 * 1024 * 1024
"""A thousand times the size of the longest sensible body."""

_TEMPLATE_KEYS: Final = frozenset({"request", "chartImgSymbolTemplate"})
_PROBLEM: Final = re.compile(r"(?:, at \$\.?(?P<path>[^ ]*))?: (?P<message>.*)", re.DOTALL)

Pairs = list[tuple[str, object]]
Known = Callable[[str | None], KeptLists]
"""Returns the provider's lists that are kept and can tell of a symbol."""


@attrs.frozen
class RequestFile:
    """The content of one file, and its findings.

    Attributes:
        value: its JSON; None if it is not JSON.
        template: the template in it; None if there is no template that can be used.
        findings: the mistakes, each with its place in the file.
    """

    value: object
    template: ChartTemplate | None
    findings: tuple[Finding, ...]


def read_request_file(
    content: bytes,
    catalog: Catalog,
    plan: Plan | None = None,
    *,
    template_id: str | None = None,
    is_template: bool = False,
    lists: Known = no_lists,
) -> RequestFile:
    """Check the *content* of a file by the rules of *catalog*, for an account of *plan*.

    Args:
        content: the bytes of the file.
        catalog: the rules.
        plan: the plan that must allow the chart. Without a plan, only a chart that every plan refuses is a mistake.
        template_id: the id that a template must have, from the name of its file. If left out, any id is right.
        is_template: whether it must be a template. If not, it may also be the body of a chart request.
        lists: returns the provider's lists that are kept and can tell of a symbol.
    """
    repeats: list[tuple[object, list[str]]] = []
    try:
        text = _text(content)
        value = _parsed(text, repeats)
    except ValueError as error:
        return RequestFile(None, None, (Finding("", Severity.ERROR, str(error)),))
    found = list(_repeated_keys(value, repeats))
    if not isinstance(value, dict):
        found.append(Finding("", Severity.ERROR, "must hold an object, the body of a chart request or a template"))
        return RequestFile(value, None, tuple(found))
    if not is_template and value.keys().isdisjoint(_TEMPLATE_KEYS):
        symbol = value.get("symbol")
        known = lists(symbol if isinstance(symbol, str) else None)
        return RequestFile(value, None, (*found, *check_body(value, catalog, plan, lists=known)))
    template, problems = _template(text)
    problems += name_problems(value.get("id"), value.get("chartImgSymbolTemplate"), template_id)
    checked = _usable(value) if template is None else template
    found += (*problems, *check_template(checked, catalog, plan))
    return RequestFile(value, None if problems else template, tuple(found))


def read_posted_body(name: str, content: bytes) -> dict[str, object]:
    """Return the body in the file *name*: all of its JSON, or the JSON that a curl command in it posts.

    Raises:
        ConfigError: there is no body. The message shows nothing of the content, since a command has the key.
    """
    try:
        text = _text(content)
        value = parse(text) if text.lstrip().startswith(("{", "[")) else _posted_by(text)
    except ValueError as error:
        raise ConfigError(f"{name} {error}") from None
    if not isinstance(value, dict):
        raise ConfigError(f"{name} must hold an object, the body of a chart request")
    if not value.keys().isdisjoint(_TEMPLATE_KEYS):
        raise ConfigError(f"{name} holds a template, not a body; start from a template by its id, with --from")
    return value


def _posted_by(command: str) -> object:
    """Return the JSON in the arguments of a shell command: of the first that holds some, since a header may have a brace.

    Raises:
        ValueError: there is none.
    """
    try:
        words = shlex.split(command)
    except ValueError:
        raise ValueError("is not JSON, nor a command: a quote in it has no end") from None
    found = [word[word.index("{") :] for word in words if "{" in word]
    if not found:
        raise ValueError("has no JSON body; if a command posts a file (--data @FILE), name that file")
    for text in found[:-1]:
        with suppress(ValueError):
            return parse(text)
    return parse(found[-1])


def finding_line(name: str, finding: Finding) -> str:
    """Return a *finding* about the file *name* as one printable line."""
    line = f"{name}:{finding}" if finding.path else f"{name}: {finding}"
    return line if line.isprintable() else printable(line)


def _text(content: bytes) -> str:
    """Decode a file.

    Raises:
        ValueError: the message is the reason in one line.
    """
    if len(content) > MAX_FILE_BYTES:
        raise ValueError(f"holds more than {MAX_FILE_BYTES >> 20} MiB; the body of a chart request has a few KB")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line, column = before.count(b"\n") + 1, error.start - before.rfind(b"\n")
        raise ValueError(f"is not UTF-8: byte 0x{content[error.start]:02x} at line {line}, byte {column}") from None
    if not text.strip():
        raise ValueError("is empty")
    return text


def _parsed(text: str, repeats: list[tuple[object, list[str]]]) -> object:
    """Parse JSON; append each object that repeats keys to *repeats*, with these keys."""

    def read_object(pairs: Pairs) -> dict[str, object]:
        read = dict(pairs)
        if len(read) < len(pairs):
            repeats.append((read, [name for name, count in Counter(name for name, _ in pairs).items() if count > 1]))
        return read

    return parse(text, read_object=read_object)


def _repeated_keys(value: object, repeats: list[tuple[object, list[str]]]) -> Iterator[Finding]:
    """Report keys that an object repeats, each with its place."""
    repeated = {id(each): names for each, names in repeats}
    waiting: list[tuple[Place, object]] = [(None, value)] if repeated else []
    while waiting:
        where, each = waiting.pop()
        for name in repeated.get(id(each), ()):
            path = path_of((where, name, False))
            yield Finding(path, Severity.WARNING, "is repeated; the last one counts")
        if isinstance(each, dict):
            waiting += reversed([((where, name, False), inner) for name, inner in each.items()])
        elif isinstance(each, list):
            waiting += reversed([((where, number, True), inner) for number, inner in enumerate(each)])


def _template(text: str) -> tuple[ChartTemplate | None, list[Finding]]:
    """Read a template, or list the mistakes in its form."""
    try:
        return load(text, ChartTemplate, where=""), []
    except ConfigError as error:
        return None, [_placed(problem) for problem in error.problems]


def _placed(problem: str) -> Finding:
    """Return a line of the codec, ``, at $.id: must be text``, as a finding."""
    parts = _PROBLEM.fullmatch(problem)
    path, message = ("", problem) if parts is None else (parts["path"] or "", parts["message"])
    return Finding(path, Severity.ERROR, message if path else f"the template {message.strip()}")


def _usable(value: Mapping[str, object]) -> ChartTemplate:
    """Make a template of one that can't be loaded, so that all mistakes are reported together."""
    pattern, payload = value.get("chartImgSymbolTemplate"), value.get("request")
    return ChartTemplate(
        "any",
        "",
        pattern if isinstance(pattern, str) and SYMBOL_MARK in pattern else ANY_PATTERN,
        payload if isinstance(payload, dict) else {},
    )
