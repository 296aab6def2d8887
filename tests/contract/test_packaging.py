"""The wheel: all of src, under the name chartimg, and nothing else."""

from __future__ import annotations

import shutil
import subprocess
import sys
import textwrap
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

import chartimg
from command import environment, run_python
from places import ROOT

pytestmark = pytest.mark.gate  # to build a wheel takes seconds

KINDS = {".py", ".j2", ".json", ".lua", ".sql", ".typed"}


def tracked() -> list[str]:
    """List the files of the tree as git knows them, without links and what is deleted."""
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode()
    files = filter(None, listed.split("\0"))
    return [file for file in files if (ROOT / file).is_file() and not (ROOT / file).is_symlink()]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy the tree, so that nothing is left in it."""
    if not (ROOT / ".git").exists():
        pytest.skip("the tree is no git checkout")
    copy = tmp_path_factory.mktemp("tree")
    for file in (*tracked(), "README.md"):
        (copy / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / file, copy / file)
    return copy


@pytest.fixture(scope="module")
def build(copy: Path) -> subprocess.CompletedProcess[str]:
    """Build the wheel."""
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", "out"]
    built = subprocess.run(
        command, cwd=copy, env=environment(copy / "home"), capture_output=True, text=True, check=False
    )
    assert 0 == built.returncode, built.stdout + built.stderr
    return built


@pytest.fixture(scope="module")
def wheel(copy: Path, build: subprocess.CompletedProcess[str]) -> zipfile.ZipFile:
    """Open the wheel."""
    (made,) = (copy / "out").iterdir()
    return zipfile.ZipFile(made)


@pytest.fixture(scope="module")
def metadata(wheel: zipfile.ZipFile) -> str:
    """Read what the wheel says of itself."""
    (name,) = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")]
    return wheel.read(name).decode()


def contents(wheel: zipfile.ZipFile) -> Mapping[str, bytes]:
    """Read the package out of *wheel*, by path under chartimg."""
    names = [name for name in wheel.namelist() if name.startswith("chartimg/")]
    return {name.removeprefix("chartimg/"): wheel.read(name) for name in names}


def test_the_wheel_holds_the_tree_byte_for_byte(wheel: zipfile.ZipFile) -> None:
    """Every module, template and marker under src is in the wheel as it is in the tree, and nothing more."""
    expected = {
        file.removeprefix("src/"): (ROOT / file).read_bytes()
        for file in tracked()
        if file.startswith("src/") and Path(file).suffix in KINDS
    }
    found = contents(wheel)

    assert {"py.typed", "app/cli/main.py", "data/templates/price_psar_adi_v1.json"} <= expected.keys()
    assert expected.keys() == found.keys()
    assert expected == found


def test_each_folder_with_files_is_a_listed_package(build: subprocess.CompletedProcess[str]) -> None:
    """The build warns of no folder that Python takes for a package and pyproject.toml does not list."""
    assert [] == [line for line in (build.stdout + build.stderr).splitlines() if "is absent from" in line]


def test_the_wheel_puts_one_name_at_the_top_level(wheel: zipfile.ZipFile) -> None:
    """An installation adds chartimg and its metadata; no domain, app, tests or typings that would collide."""
    tops = {name.partition("/")[0] for name in wheel.namelist()}

    assert {"chartimg", f"chartimg-{chartimg.__version__}.dist-info"} == tops


def test_the_wheel_says_what_it_is(metadata: str) -> None:
    """Name, version, Python and licence are those of the project."""
    lines = metadata.splitlines()

    for line in (
        "Name: chartimg",
        f"Version: {chartimg.__version__}",
        "Requires-Python: >=3.11",
        "License-Expression: MIT",
        "License-File: LICENSE",
    ):
        assert line in lines


def test_the_wheel_needs_only_what_the_contract_names(metadata: str) -> None:
    """Five libraries are needed at run time; everything else is an extra."""
    needed = [line for line in metadata.splitlines() if line.startswith("Requires-Dist: ") and "extra ==" not in line]

    assert ["attrs", "cattrs", "platformdirs", "structlog", "urllib3"] == sorted(
        line.split()[1].partition(">")[0] for line in needed
    )


def test_the_wheel_brings_the_command(wheel: zipfile.ZipFile) -> None:
    """The script chartimg starts the function that works without the extra, too."""
    (name,) = [name for name in wheel.namelist() if name.endswith(".dist-info/entry_points.txt")]

    assert "chartimg = chartimg.__main__:main" in wheel.read(name).decode().splitlines()


def test_the_package_works_out_of_a_zip(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    """Imported from a zip, the library finds the rules and the templates that ship, and leaves no file behind."""
    code = f"""
        import sys
        sys.path.insert(0, {wheel.filename!r})
        import chartimg
        from chartimg.app.bootstrap import load_templates
        from chartimg.__main__ import main
        assert chartimg.__file__.startswith({wheel.filename!r})
        assert chartimg.check({{"symbol": "BINANCE:BTCUSDT", "interval": "1h"}}) == []
        assert len(load_templates()) == 5
        sys.argv = ["chartimg", "templates", "list"]
        main()
    """
    (tmp_path / "temporary").mkdir()
    done = run_python(textwrap.dedent(code), cwd=tmp_path, TMPDIR=str(tmp_path / "temporary"))

    assert (0, "") == (done.returncode, done.stderr)
    assert "price_psar_adi_v1" in done.stdout
    assert [] == list((tmp_path / "temporary").iterdir())


def test_mypy_finds_an_editable_installation_in_the_mode_that_the_page_names(copy: Path, tmp_path: Path) -> None:
    """A host that installs the clone with ``pip install -e`` and the documented option gets the types."""
    option = "editable_mode=strict"
    assert f"pip install -e . --config-settings {option}" in (ROOT / "docs/command.md").read_text(encoding="utf-8")
    code = f"""
        from setuptools import build_meta
        build_meta.build_editable({str(tmp_path)!r}, dict([{option!r}.split("=")]))
    """
    assert 0 == run_python(textwrap.dedent(code), cwd=copy).returncode
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as made:
        (pth,) = [name for name in made.namelist() if name.endswith(".pth")]
        folder = made.read(pth).decode().strip()
    (tmp_path / "host.py").write_text("from chartimg.version import __version__\n\nreveal_type(__version__)\n")
    command = [sys.executable, "-m", "mypy", "--follow-imports=skip", "-m", "host", "-m", "chartimg.version"]
    variables = {**environment(tmp_path), "MYPYPATH": folder}
    checked = subprocess.run(command, cwd=tmp_path, env=variables, capture_output=True, text=True, check=False)

    assert "chartimg" in [path.name for path in Path(folder).iterdir()]
    assert 'Revealed type is "str"' in checked.stdout, checked.stdout + checked.stderr
