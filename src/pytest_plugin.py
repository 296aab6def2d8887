"""A pytest plugin for hosts: a strict script, an emulator that is new for each test, and a watch over keys.

``pytest_plugins = ["chartimg.pytest_plugin"]`` in a ``conftest.py`` loads it; it is never loaded by itself.
"""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, TextIO

import attrs
import pytest

from .codec import load
from .domain.account import Account
from .domain.errors import ConfigError
from .domain.reply.secret import MASK
from .testing import Answer, Outcome, ScriptedTransport, VirtualClock, emulator

if TYPE_CHECKING:
    from .testing import Emulator, Rule

__all__ = ["Keys", "Script", "chartimg_emulator", "chartimg_keys", "chartimg_script"]


class Script(Protocol):
    """Makes a transport that follows *outcomes*, by default on a clock of its own (``script.clock``)."""

    def __call__(
        self, outcomes: Iterable[Outcome | Answer], *, clock: VirtualClock | None = None, duration: float = 0.0
    ) -> ScriptedTransport:
        """Return the transport; see :class:`chartimg.testing.ScriptedTransport`."""
        ...


class Keys(logging.Handler):
    """Watches keys for the time of one test: hears each log record and warning, and searches output and files.

    It knows the keys of the settings in the environment, of scripts and of the emulator. Call it with any others.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        self._keys: set[str] = set()
        self._heard: list[tuple[str, str]] = []
        self._told: set[str] = set()

    def __call__(self, *keys: str) -> None:
        """Watch *keys*, too."""
        self._keys.update(keys)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record with all its fields."""
        self._heard.append(("the log", f"{self.format(record)} {vars(record)}"))

    def warn(self, message: Warning | str, *_: object) -> None:
        """Keep a warning."""
        self._heard.append(("a warning", str(message)))

    def problems(self, report: pytest.TestReport) -> list[str]:
        """List the places where a key shows, each once."""
        texts = [*self._heard, ("the output", report.capstdout + report.capstderr), ("the log", report.caplog)]
        for file in self._folder.rglob("*"):
            texts.append(("the name of a file", file.name))
            with suppress(OSError):
                texts.append((f"the file {file.relative_to(self._folder)}", file.read_bytes().decode("latin-1")))
        keys = sorted(filter(None, self._keys), key=len, reverse=True)
        places = {_masked(place, keys): None for place, text in texts if any(key in text for key in keys)}
        new = [f"a key shows in {place}" for place in places if place not in self._told]
        self._told.update(places)
        return new


_EMULATOR: Final = pytest.StashKey["Emulator"]()
_WANTED: Final = pytest.StashKey[Mapping[str, Any]]()
_SCRIPTS: Final = pytest.StashKey[list[ScriptedTransport]]()
_TOLD: Final = pytest.StashKey[set[str]]()
_KEYS: Final = pytest.StashKey[Keys]()


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line(
        "markers", "chartimg(plan, rules, clock): the account's plan, the faults and the clock of chartimg_emulator"
    )


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Begin the emulator anew, as the markers of the test say; the nearest marker wins."""
    wanted: dict[str, Any] = {}
    for marker in reversed(list(item.iter_markers("chartimg"))):
        if marker.args or not marker.kwargs.keys() <= {"plan", "rules", "clock"}:
            raise pytest.UsageError("@pytest.mark.chartimg takes plan=, rules= and clock=, each by name")
        wanted |= marker.kwargs
    item.config.stash[_WANTED] = wanted
    if wanted or _EMULATOR in item.config.stash:  # before it runs, a mistake must not be that of the session's fixture
        _reset(item.config.stash.get(_EMULATOR, None) or emulator(), **wanted)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail a test whose script was not followed, or whose keys show; a test that failed already gets a section."""
    report = yield
    scripts = item.stash.get(_SCRIPTS, [])
    told = item.stash.setdefault(_TOLD, set())
    problems = (
        [] if call.when == "setup" else [each for script in scripts for each in script.problems if each not in told]
    )
    told.update(problems)
    if call.when != "setup" and (keys := item.stash.get(_KEYS, None)) is not None:
        keys(*(account.api_key for account in _accounts(item, scripts)))
        problems += keys.problems(report)
    if problems and report.passed:
        report.outcome, report.longrepr = "failed", "\n".join(problems)
    elif problems:
        report.sections.append(("chartimg", "\n".join(problems)))
    return report


def _masked(text: str, keys: Sequence[str]) -> str:
    for key in keys:
        text = text.replace(key, MASK)
    return text


def _accounts(item: pytest.Item, scripts: Sequence[ScriptedTransport]) -> Iterator[Account]:
    """List the accounts that the plugin knows of: those of scripts, of the emulator and of the environment."""
    yield from (call.account for script in scripts for call in script.calls if call.account is not None)
    if (running := item.config.stash.get(_EMULATOR, None)) is not None:
        yield from running.accounts
    with suppress(ConfigError):
        yield Account("main", os.environ.get("CHART_IMG_API_KEY", ""))
    with suppress(ConfigError):
        yield from load(os.environ.get("CHART_IMG_ACCOUNTS_JSON", ""), tuple[Account, ...], where="")


def _reset(
    running: Emulator, *, plan: str | None = "PRO", rules: Sequence[Rule] = (), clock: VirtualClock | None = None
) -> None:
    from .emulator.accounts import DEMO

    running.reset(attrs.evolve(DEMO, plan=plan), rules=rules, clock=clock)


@pytest.fixture
def chartimg_script(request: pytest.FixtureRequest) -> Script:
    """Make scripted transports. The test fails if outcomes are left, and if a call has none, also where that was swallowed."""
    scripts = request.node.stash[_SCRIPTS] = []

    def script(
        outcomes: Iterable[Outcome | Answer], *, clock: VirtualClock | None = None, duration: float = 0.0
    ) -> ScriptedTransport:
        scripts.append(ScriptedTransport(outcomes, clock=clock or VirtualClock(), duration=duration))
        return scripts[-1]

    return script


@pytest.fixture
def chartimg_keys(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Keys]:
    """Fail the test if a key shows in the log at any level, in output, in warnings or in files of ``tmp_path``."""
    keys, logger, show = Keys(tmp_path), logging.getLogger(), warnings.showwarning

    def hear(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        keys.warn(message)
        show(message, category, filename, lineno, file, line)

    monkeypatch.setattr(warnings, "showwarning", hear)
    level = logger.level
    logger.addHandler(keys)
    logger.setLevel(logging.DEBUG)
    request.node.stash[_KEYS] = keys
    yield keys
    logger.removeHandler(keys)
    logger.setLevel(level)


@pytest.fixture(scope="session")
def chartimg_emulator(request: pytest.FixtureRequest) -> Iterator[Emulator]:
    """Run an emulator with the account ``demo`` on a free port (see :func:`chartimg.testing.emulator`).

    It serves the whole session at one address, and begins anew before each test. Each process of pytest-xdist has its own.
    """
    stash = request.config.stash
    with emulator() as running:
        _reset(running, **stash[_WANTED])
        stash[_EMULATOR] = running
        yield running
        del stash[_EMULATOR]
