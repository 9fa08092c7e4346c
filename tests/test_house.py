"""Holds the repository to its own rules: sizes, names, docstrings, import weight, commands."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = (ROOT / "src", ROOT / "tui")
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60
BANNED_WORDS = frozenset({"manager", "helper", "helpers", "util", "utils", "common", "info"})
# `data` names the payload of an event and nothing else, so it is banned only as a module's name.
BANNED_MODULES = BANNED_WORDS | {"data"}
ENGINE = ("log", "sinks", "sources", "telemetry", "runtime/topology.py")
REAL_WORLD = frozenset({"time", "random", "socket", "secrets"})
HEAVY = ("networkx", "aiohttp", "textual", "pydantic", "uvicorn", "cel_expr_python", "yaml", "apsw")

# Written in two parts so that this file passes its own test.
REGISTRY_HOSTS = (
    "py" + "pi.org",
    "python" + "hosted.org",
    "npm" + "js.org",
    "npm" + "js.com",
    "crates" + ".io",
    "proxy.go" + "lang.org",
    "sum.go" + "lang.org",
    "--index" + "-url",
    "--find" + "-links",
)
MACHINE_ROOTS = ("/wo" + "rk/", "/ho" + "me/", "/ro" + "ot/", "/Us" + "ers/", "/op" + "t/wheels")
MACHINE_PATHS = re.compile(
    r"(?:(?<=file://)|(?<![\w.:/}-]))(?:" + "|".join(re.escape(one) for one in MACHINE_ROOTS) + ")"
)


def modules() -> list[Path]:
    return sorted(path for package in PACKAGES for path in package.rglob("*.py"))


def shown(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=shown(path))


def tracked_texts() -> Iterator[tuple[str, str]]:
    """Yield name and text of every text file git tracks."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("this copy is not a git checkout")
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, timeout=30
    ).stdout.decode()
    for name in filter(None, listed.split("\0")):
        path = ROOT / name
        if not path.is_file():
            continue  # deleted, and not yet committed
        try:
            yield name, path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue


def defined_names(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Yield every name a module defines: classes, functions, their arguments, assigned names."""
    for node in ast.walk(tree):
        match node:
            case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                yield node.name, node.lineno
            case ast.arg():
                yield node.arg, node.lineno
            case ast.Name(ctx=ast.Store()):
                yield node.id, node.lineno
            case ast.Attribute(ctx=ast.Store()):
                yield node.attr, node.lineno


def words(name: str) -> set[str]:
    """Split `snake_case` and `CamelCase` into lower-case words."""
    return {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)}


def test_there_are_modules_to_check() -> None:
    assert len(modules()) > 10
    assert {"src", "tui"} == {shown(path).split("/")[0] for path in modules()}


def test_no_tracked_file_names_a_package_registry() -> None:
    named = [
        f"{name}: {host}"
        for name, text in tracked_texts()
        for host in REGISTRY_HOSTS
        if host in text
    ]
    assert named == []


def test_no_tracked_file_holds_a_path_of_one_machine() -> None:
    named = [
        f"{name}:{text.count(chr(10), 0, found.start()) + 1}: {found.group()}"
        for name, text in tracked_texts()
        for found in MACHINE_PATHS.finditer(text)
    ]
    assert named == []


@pytest.mark.parametrize("root", MACHINE_ROOTS)
@pytest.mark.parametrize("before", ["cd ", "open('", "", "=", "file://"])
def test_a_machine_path_is_recognised(before: str, root: str) -> None:
    assert MACHINE_PATHS.search(f"{before}{root}ann/x") is not None


@pytest.mark.parametrize("root", MACHINE_ROOTS)
@pytest.mark.parametrize("before", ["https://a.example", ".", "$HOME", "${STATE}", "a"])
def test_an_ordinary_path_is_not_taken_for_a_machine_path(before: str, root: str) -> None:
    assert MACHINE_PATHS.search(f"{before}{root}x") is None


def test_no_lock_file_with_download_addresses_is_tracked() -> None:
    names = {Path(name).name for name, _ in tracked_texts()}
    assert not names & {"uv.lock", "poetry.lock", "Pipfile.lock"}


def test_every_requirement_is_pinned_by_hash() -> None:
    for path in sorted((ROOT / "requirements").glob("*.txt")):
        blocks = re.split(r"\n(?=[A-Za-z])", path.read_text(encoding="utf-8"))
        pins = [block for block in blocks if not block.startswith("#")]
        assert pins, shown(path)
        for pin in pins:
            assert re.match(r"[\w.\[\],-]+==\S+", pin), pin.splitlines()[0]
            assert "--hash=sha256:" in pin, pin.splitlines()[0]


def test_files_stay_within_400_lines() -> None:
    long = {
        shown(path): count
        for path in modules()
        if (count := len(path.read_text(encoding="utf-8").splitlines())) > MAX_FILE_LINES
    }
    assert long == {}


def test_functions_stay_within_60_lines() -> None:
    long = {
        f"{shown(path)}:{node.lineno} {node.name}": length
        for path in modules()
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := (node.end_lineno or node.lineno) - node.lineno + 1) > MAX_FUNCTION_LINES
    }
    assert long == {}


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        shown(path)
        for path in modules()
        if parsed(path).body and not (ast.get_docstring(parsed(path)) or "").strip()
    ]
    assert silent == []


def test_no_module_is_named_by_a_banned_word() -> None:
    named = [shown(path) for path in modules() if words(path.stem) & BANNED_MODULES]
    assert named == []


def test_no_definition_is_named_by_a_banned_word() -> None:
    named = [
        f"{shown(path)}:{line} {name}"
        for path in modules()
        for name, line in defined_names(parsed(path))
        if words(name) & BANNED_WORDS
    ]
    assert named == []


def test_engine_modules_import_neither_time_nor_chance_nor_network() -> None:
    base = ROOT / "src" / "sinkgraph"
    engine = [path for path in modules() if path.is_relative_to(base)]
    engine = [path for path in engine if any(path.is_relative_to(base / one) for one in ENGINE)]
    found = [
        f"{shown(path)}: {name}"
        for path in engine
        for node in ast.walk(parsed(path))
        for name in imported(node)
        if name.split(".")[0] in REAL_WORLD
    ]
    assert engine
    assert found == []


def imported(node: ast.AST) -> list[str]:
    """Return the modules an import statement names; nothing for any other node."""
    match node:
        case ast.Import():
            return [alias.name for alias in node.names]
        case ast.ImportFrom(module=str(module)):
            return [module]
    return []


def test_importing_sinkgraph_loads_nothing_heavy() -> None:
    probe = (
        "import sys, sinkgraph\n"
        f"print(*[name for name in {HEAVY!r} if name in sys.modules])\n"
        "print('sinkgraph' in sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=True, timeout=30
    )
    assert done.stdout.splitlines() == ["", "True"]


def test_every_public_name_can_be_imported() -> None:
    import sinkgraph

    for name in sinkgraph.__all__:
        assert getattr(sinkgraph, name) is not None, name


def test_an_unknown_public_name_is_an_attribute_error() -> None:
    import sinkgraph

    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        _ = sinkgraph.nonsense


def test_the_version_stands_in_one_place() -> None:
    from importlib.metadata import version

    import sinkgraph

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert "version" in project["dynamic"]
    assert "version" not in project
    assert version("sinkgraph") == sinkgraph.__version__


def test_the_changelog_speaks_of_this_version() -> None:
    import sinkgraph

    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(rf"^## {re.escape(sinkgraph.__version__)}\b", text, re.MULTILINE)


def test_every_make_command_in_the_docs_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z][a-z-]*):", makefile, re.MULTILINE))
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    named = {
        (shown(page), target)
        for page in pages
        for code in re.findall(r"```.*?```|`[^`\n]+`", page.read_text(encoding="utf-8"), re.DOTALL)
        for target in re.findall(r"^\W*make ([a-z][a-z-]*)", code, re.MULTILINE)
    }
    assert {"run", "test"} <= {target for _, target in named}
    assert {(page, target) for page, target in named if target not in targets} == set()
