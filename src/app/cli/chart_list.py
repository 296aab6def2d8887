"""The charts that ``chartimg export`` is asked for: a grid, or a list in a file. Each request is made when it is needed."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TextIO, overload

import attrs
import typer

from ...domain.chart import ChartRequest
from ...domain.chart.template import ChartTemplate
from ...domain.errors import ConfigError
from ..bootstrap import ChartClient, open_templates
from ..config import WorkerConfig
from .options import split
from .text import counted

__all__ = ["ChartList", "chart_list"]

_COLUMNS: Final = ("symbol", "timeframe", "template")
_MAX_PROBLEMS: Final = 20


@attrs.frozen
class _Row:
    """A row of a list: a symbol, and what it has of its own."""

    symbol: str
    timeframe: str | None = None
    template: str | None = None


@attrs.frozen
class ChartList(Sequence[ChartRequest]):
    """The requests of *rows*, each with all *timeframes* and *templates* that it does not have of its own.

    A *client* decides whether a symbol without an exchange gets that of its template.
    """

    rows: Sequence[_Row]
    timeframes: Sequence[str]
    templates: dict[str, ChartTemplate]
    chosen: Sequence[str]
    timezone: str
    client: ChartClient | None = None

    def __len__(self) -> int:
        return len(self.rows) * len(self.timeframes) * len(self.chosen)

    @overload
    def __getitem__(self, place: int) -> ChartRequest: ...

    @overload
    def __getitem__(self, place: slice) -> list[ChartRequest]: ...

    def __getitem__(self, place: int | slice) -> ChartRequest | list[ChartRequest]:
        """Make the request at a *place*."""
        if isinstance(place, slice):
            return [self[each] for each in range(*place.indices(len(self)))]
        if not -len(self) <= place < len(self):
            raise IndexError(place)
        rest, template = divmod(place % len(self), len(self.chosen))
        row_number, timeframe = divmod(rest, len(self.timeframes))
        row = self.rows[row_number]
        look = self.templates[row.template or self.chosen[template]]
        frame = row.timeframe or self.timeframes[timeframe]
        if self.client is None:
            return look.request(row.symbol, frame).with_timezone(self.timezone)
        return self.client.request(row.symbol, frame, template=look.id).with_timezone(self.timezone)


def chart_list(
    config: WorkerConfig,
    *,
    symbols: Sequence[str] | None,
    source: str | None,
    timeframes: Sequence[str] | None,
    templates: Sequence[str] | None,
    fits: bool = False,
) -> ChartList:
    """Return the charts of the options, or of the file *source*, or of standard input, ``-``.

    If a chart *fits* the plans by being cut, a template may be larger than they allow.

    Raises:
        ConfigError: options are missing or contradict each other, or the file can't be read.
    """
    if (symbols is None) is (source is None):
        raise ConfigError("name the charts by --symbols, or by a file with --from")
    rows = [_Row(each) for each in split("--symbols", symbols or ())] if source is None else _read(source)
    has_timeframe, has_template = rows[0].timeframe is not None, rows[0].template is not None
    if has_timeframe is (timeframes is not None):
        raise ConfigError(_contradiction("--timeframes", source, "timeframe", is_twice=has_timeframe))
    if has_template and templates is not None:
        raise ConfigError(_contradiction("--templates", source, "template", is_twice=True))
    asked: list[str] | None = None
    if has_template:
        asked = list(dict.fromkeys(row.template or "" for row in rows))
    elif templates is not None:
        asked = split("--templates", templates)
    read = {template.id: template for template in open_templates(config, asked, fits=fits)}
    frames = ("",) if timeframes is None else split("--timeframes", timeframes)
    return ChartList(rows, frames, read, ("",) if has_template else tuple(read), config.default_timezone)


def _contradiction(option: str, source: str | None, column: str, *, is_twice: bool) -> str:
    if is_twice:
        return f"{option} and the column {column} of {_name(source)} contradict each other; leave one of them out"
    if source is None:
        return f"{option} is missing"
    return f"{option} is missing, and {_name(source)} has no column {column}"


def _name(source: str | None) -> str:
    return "standard input" if source == "-" else str(source)


def _read(source: str) -> list[_Row]:
    """Read a list of symbols, or a CSV of symbol, timeframe, template, each line once."""
    where, rows, problems = _name(source), dict[_Row, None](), list[str]()
    columns: tuple[str, ...] = ()
    try:
        with _opened(source) as file:
            reader = csv.reader(file, skipinitialspace=True, strict=True)
            for cells in reader:
                line = [cell.strip() for cell in cells]
                if not any(line) or line[0].startswith("#"):
                    continue
                if not columns:
                    is_head = "symbol" in map(str.casefold, line)
                    columns = _head(line, where) if is_head else _COLUMNS[: len(line)]
                    if is_head:
                        continue
                if problem := _problem(line, columns):
                    problems.append(f"{where}, line {reader.line_num}: {problem}")
                    continue
                rows[_Row(**dict(zip(columns, line, strict=True)))] = None
    except OSError as error:
        raise ConfigError(f"--from: {where} can't be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"--from: {where} can't be read: it is not UTF-8") from None
    except csv.Error as error:
        raise ConfigError(f"--from: {where} is not CSV: {error}") from None
    if problems:
        more = len(problems) - _MAX_PROBLEMS
        raise ConfigError([*problems[:_MAX_PROBLEMS], *([f"and {more:,} more lines are wrong"] if more > 0 else ())])
    if not rows:
        raise ConfigError(f"--from: {where} has no symbol")
    return list(rows)


def _head(line: Sequence[str], where: str) -> tuple[str, ...]:
    """Return the columns that a first line names."""
    columns = tuple(cell.casefold() for cell in line)
    if unknown := [column for column in columns if column not in _COLUMNS]:
        raise ConfigError(f"--from: {where} has the column {unknown[0]!a}; the columns are {', '.join(_COLUMNS)}")
    if len(set(columns)) < len(columns):
        raise ConfigError(f"--from: {where} has a column twice")
    return columns


def _problem(line: Sequence[str], columns: Sequence[str]) -> str | None:
    if len(line) != len(columns) or not columns:
        wanted = "1 to 3" if not columns else f"{len(columns)} ({', '.join(columns)})"
        return f"it has {counted(len(line), 'column')}, not {wanted}"
    empty = [column for column, cell in zip(columns, line, strict=True) if not cell]
    return f"the {empty[0]} is empty" if empty else None


@contextmanager
def _opened(source: str) -> Iterator[TextIO]:
    """Open a file, or standard input, as text."""
    if source != "-":
        with Path(source).open(encoding="utf-8-sig", newline="") as file:
            yield file
        return
    if sys.stdin is None:
        raise ConfigError("--from: standard input can't be read: it is closed")
    piped = io.TextIOWrapper(typer.get_binary_stream("stdin"), encoding="utf-8-sig", newline="")
    try:
        yield piped
    finally:
        piped.detach()
