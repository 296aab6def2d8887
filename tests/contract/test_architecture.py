"""The house: what the domain may do, where a test lies, and which layers import-linter holds."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

import chartimg
from places import ROOT, SRC
from rows import for_each

DOMAIN = Path(chartimg.__file__).parent / "domain"
FILES = sorted(DOMAIN.glob("**/*.py"))
CLOCKS = {"now", "today", "utcnow"}
PURE = {
    "__future__",
    "attrs",
    "base64",
    "collections",
    "copy",
    "datetime",
    "difflib",
    "enum",
    "fractions",
    "functools",
    "hashlib",
    "heapq",
    "itertools",
    "json",
    "math",
    "operator",
    "re",
    "shlex",
    "struct",
    "types",
    "typing",
    "zlib",
}
FOR_TYPES_ONLY = {"pathlib"}


def tree(file: Path) -> ast.Module:
    """Parse a module."""
    return ast.parse(file.read_text(encoding="utf-8"), str(file))


def imports(node: ast.AST, *, typing: bool = False) -> Iterator[tuple[str, bool]]:
    """Give each absolute import under *node* by its top-level package, and whether only type checkers see it."""
    match node:
        case ast.Import(names):
            yield from ((alias.name.partition(".")[0], typing) for alias in names)
        case ast.ImportFrom(module=str(module), level=0):
            yield module.partition(".")[0], typing
        case ast.If(test=ast.Name(id="TYPE_CHECKING"), body=body, orelse=otherwise):
            for statement in body:
                yield from imports(statement, typing=True)
            for statement in otherwise:
                yield from imports(statement, typing=typing)
        case _:
            for child in ast.iter_child_nodes(node):
                yield from imports(child, typing=typing)


def relative(node: ast.AST) -> Iterator[ast.ImportFrom]:
    """Give each relative import under *node*."""
    return (each for each in ast.walk(node) if isinstance(each, ast.ImportFrom) and each.level)


def test_there_is_a_domain_to_look_at() -> None:
    """The tests below look at the real modules, not at an empty folder."""
    rooms_and_files = {entry.name for entry in DOMAIN.iterdir()}

    assert {"account", "chart", "classification.py", "fetch.py", "ports.py", "retry.py"} <= rooms_and_files
    assert len(FILES) > len(list(DOMAIN.glob("*.py")))


@for_each("file", FILES)
def test_the_domain_asks_no_clock(file: Path) -> None:
    """No module of the domain calls now, today or utcnow on anything: time comes in as an argument."""
    calls = [node.func for node in ast.walk(tree(file)) if isinstance(node, ast.Call)]
    asked = [
        f"line {call.lineno}: .{call.attr}()"
        for call in calls
        if isinstance(call, ast.Attribute) and call.attr in CLOCKS
    ]

    assert [] == asked


@for_each("file", FILES)
def test_the_domain_imports_only_what_is_pure(file: Path) -> None:
    """Apart from attrs and its own modules the domain imports only the listed pure part of the standard library."""
    found = set(imports(tree(file)))

    assert {name for name, typing in found if not typing} <= PURE
    assert {name for name, typing in found if typing} <= PURE | FOR_TYPES_ONLY


@for_each("file", FILES)
def test_the_domain_reaches_no_further_than_itself(file: Path) -> None:
    """Relative imports of the domain stay in the domain."""
    depth = len(file.relative_to(DOMAIN).parts)

    assert all(node.level <= depth for node in relative(tree(file)))


@for_each("file", FILES)
def test_the_domain_opens_and_prints_nothing(file: Path) -> None:
    """Built-in functions that read, write or load are not called in the domain."""
    calls = [node.func for node in ast.walk(tree(file)) if isinstance(node, ast.Call)]
    named = {call.id for call in calls if isinstance(call, ast.Name)}

    assert set() == named & {"open", "print", "input", "exec", "eval", "compile", "__import__"}


def test_the_emulator_shares_words_and_rules_with_the_domain_and_no_decision() -> None:
    """What the emulator imports of the domain are accounts, plans, errors, types of arguments and the rows of the catalog."""
    shared = {"domain.account", "domain.argument", "domain.check.catalog", "domain.errors", "domain.plan"}
    found = {
        each.module
        for file in (SRC / "emulator").rglob("*.py")
        for each in relative(tree(file))
        if each.module is not None and each.module.startswith(("domain", "app"))
    }

    assert shared == found


def test_the_design_card_is_visible_at_a_glance() -> None:
    """Classification, retry, account and fetch stand in the first listing of the domain."""
    listed = {entry.stem for entry in DOMAIN.iterdir()}

    assert {"account", "classification", "fetch", "retry"} <= listed


def test_a_test_file_lies_where_its_module_lies() -> None:
    """Each test file under tests/unit has the path of the module that it tests."""
    unit = ROOT / "tests/unit"
    modules = {file.relative_to(SRC).with_suffix("") for file in SRC.rglob("*.py")}
    packages = {module.parent for module in modules if module.name == "__init__"}
    tested = [(file.relative_to(unit).parent / file.stem.removeprefix("test_")) for file in unit.rglob("test_*.py")]
    of_the_whole = {Path("public_names"), Path("quota_yield"), Path("domain/messages"), Path("domain/values")}

    assert [] == [path for path in tested if path not in modules | packages | of_the_whole]


@for_each("file", FILES)
def test_every_module_of_the_domain_has_its_own_test_file(file: Path) -> None:
    """A module of the domain is tested on its own, not only by those that use it."""
    path = file.relative_to(SRC)

    assert file.name == "__init__.py" or (ROOT / "tests/unit" / path.parent / f"test_{path.name}").exists()


def test_the_rooms_of_the_domain_are_held_exhaustively() -> None:
    """Every room and module of the domain has its layer in the contract, and a new one must be given a layer."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    (rooms,) = [each for each in contracts if each.get("containers") == ["chartimg.domain"]]
    named = {name.strip() for layer in rooms["layers"] for name in layer.split("|")}
    there = {entry.stem for entry in DOMAIN.iterdir() if not entry.name.startswith("__")}

    assert rooms["exhaustive"]
    assert there == named
