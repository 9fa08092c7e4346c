"""Every graph document of the repository: files, texts in tests, blocks in docs.

It judges none; half of them are broken on purpose.
"""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from sinkgraph.spec.document import Syntax, syntax_of

__all__ = ["ROOT", "shipped", "written"]

ROOT = Path(__file__).parents[3]
_BLOCK = re.compile(r"^```(yaml|toml|json)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
_YAML = re.compile(r"^(sources|sinks|vars|defaults|templates):", re.MULTILINE)
_TOML = re.compile(r"^\[(sources|sinks|vars|defaults|templates)\.", re.MULTILINE)


def shipped() -> list[Path]:
    """Return the documents of graphs/, those in folders below it too."""
    found = (
        one
        for one in (ROOT / "graphs").rglob("*")
        if syntax_of(one.name) and not one.name.endswith(".schema.json") and "data" not in one.parts
    )
    return sorted(found)


@cache
def written() -> list[tuple[str, Syntax, str]]:
    """Return name, syntax and text of every document there is."""
    found = [
        (one.relative_to(ROOT).as_posix(), syntax, one.read_bytes().decode("utf-8", "replace"))
        for one in shipped()
        if (syntax := syntax_of(one.name)) is not None
    ]
    for page in sorted([*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md"), *_explained()]):
        text = page.read_text(encoding="utf-8")
        for place, block in enumerate(_BLOCK.finditer(text)):
            found.append((f"{page.name}:{place}", block[1], block[2]))  # type: ignore[arg-type]
    for module in sorted((ROOT / "tests").rglob("*.py")):
        found.extend(_in_module(module))
    return list({text: (name, syntax, text) for name, syntax, text in found}.values())


def _explained() -> Iterator[Path]:
    return (ROOT / "src/sinkgraph/diagnostics/explained").glob("*.md")


def _in_module(module: Path) -> Iterator[tuple[str, Syntax, str]]:
    """Yield the texts of a module that look like documents."""
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = textwrap.dedent(node.value).lstrip("\n")
            name = f"{module.relative_to(ROOT).as_posix()}:{node.lineno}"
            if _TOML.search(text):
                yield name, "toml", text
            elif text.startswith('{"') and "sinks" in text:
                yield name, "json", text
            elif _YAML.search(text):
                yield name, "yaml", text
