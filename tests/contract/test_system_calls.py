"""Recordings, claims and exports whose k-th system call fails, for every k: files and books are as before or as after."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

import system_calls
from command import environment

MEMORY = Path("/dev/shm")  # no power fails here, so a file need not reach a disk
MIN_CALLS = 20


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the library that makes calls fail."""
    compiler = shutil.which("cc")
    if sys.platform != "linux" or compiler is None:
        pytest.skip("needs Linux and a C compiler")
    library = tmp_path_factory.mktemp("library") / "failing_calls.so"
    source = Path(system_calls.__file__).with_name("failing_calls.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    return library


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Yield an empty folder, in memory if there is such a place."""
    with TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else tmp_path) as name:
        yield Path(name)


CLAIM = ("claim in old books",)
"""An operation of so many calls that it takes as long as all others."""
LONG = ("claim in new books", "record an error over a picture", "record an error over an error")
"""Operations whose calls are nearly those of others."""
BRIEF = tuple(name for name in system_calls.OPERATIONS if name not in CLAIM + LONG)


@pytest.mark.parametrize(
    ("failure", "operations"),
    [
        pytest.param("EIO", BRIEF, marks=pytest.mark.gate),
        pytest.param("the end", BRIEF, marks=pytest.mark.gate),
        pytest.param("EIO", CLAIM, marks=pytest.mark.gate),
        pytest.param("the end", CLAIM, marks=pytest.mark.gate),
        pytest.param("EIO", LONG, marks=pytest.mark.soak),
        pytest.param("the end", LONG, marks=pytest.mark.soak),
        pytest.param("ENOSPC", tuple(system_calls.OPERATIONS), marks=pytest.mark.soak),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{len(value)} operations",
)
def test_any_system_call_may_fail_or_be_the_last(
    failure: str, operations: tuple[str, ...], library: Path, folder: Path
) -> None:
    """If a call fails, or the process dies at it, a reader finds what was there before or all that is new, as was told."""
    child = subprocess.run(
        [sys.executable, "-m", "system_calls", folder, failure, *operations],
        env=environment(folder / "home", LD_PRELOAD=str(library)),
        capture_output=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )
    assert (0, "") == (child.returncode, child.stderr)
    found = json.loads(child.stdout)

    assert {} == {name: wrong for name, (wrong, _) in found.items() if wrong}
    assert [*operations] == [name for name, (_, calls) in found.items() if calls >= MIN_CALLS]
