"""One page about one code: as text for a terminal, as Markdown for the documentation, as JSON.

What it says comes from `sinkgraph.diagnostics.explained`; the findings it shows are what `check`
gives for its documents now. `python -m sinkgraph.cli.finding_page FOLDER` writes every page.
"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from sinkgraph.diagnostics.codes import CODES
from sinkgraph.diagnostics.explained import Example, Explained, explained
from sinkgraph.diagnostics.report import render_human, to_objects
from sinkgraph.graph.examples import findings_of

__all__ = ["GROUPS", "by_group", "index_markdown", "page_markdown", "page_object", "page_text"]

GROUPS: Mapping[str, str] = MappingProxyType(
    {
        "SG1": "Syntax and fields",
        "SG2": "Shape of the graph",
        "SG3": "Risk",
        "SG4": "Types and expressions",
        "SG5": "Resources, secrets and promises",
    }
)
"""The first three characters of a code → what its group is about."""

_REPEATED = "A line that ends in `# × 1,001` stands for 1,001 lines, with `{n}` counted up from 1."
_INDENT = "    "


def by_group() -> Iterator[tuple[str, list[str]]]:
    """Yield each group's title and its codes."""
    for group, title in GROUPS.items():
        codes = [code for code in CODES if code.startswith(group)]
        if codes:
            yield title, codes


def page_text(code: str, *, width: int, color: bool) -> str:
    """Return the page for a terminal of that many columns."""
    page, known = explained(code), CODES[code]
    bold, plain = ("\x1b[1m", "\x1b[0m") if color else ("", "")
    parts = [f"{bold}{code} {known.slug}{plain}\n{known.severity}: {known.title}"]
    parts += [textwrap.fill(one, width, break_on_hyphens=False) for one in page.cause]
    if _repeats(page):
        parts.append(textwrap.fill(_REPEATED, width))
    renamed = page.failing.name != page.fixed.name
    parts.append(f"{bold}A document with it{f': {page.failing.name}' if renamed else ''}{plain}")
    parts.append(_shown(page.failing))
    parts += _terminal_files(page.both)
    parts.append(render_human(findings_of(page, page.failing), color=color))
    parts.append(f"{bold}A document without it{f': {page.fixed.name}' if renamed else ''}{plain}")
    parts.append(_shown(page.fixed))
    parts += _terminal_files((*page.both, *page.beside))
    return "\n\n".join(parts)


def page_markdown(code: str) -> str:
    """Return the page for the documentation."""
    page, known = explained(code), CODES[code]
    lines = [f"# {code}: {known.title}", ""]
    lines += [f"`{known.slug}` · {known.severity} · {GROUPS[code[:3]].lower()}", ""]
    for one in (*page.cause, *((_REPEATED,) if _repeats(page) else ())):
        lines += [textwrap.fill(one, 100, break_on_hyphens=False, break_long_words=False), ""]
    found = render_human(findings_of(page, page.failing))
    lines += ["## A document with it", "", *_fenced(page.failing), *_page_files(page.both)]
    lines += [f"`sinkgraph check {page.failing.name}` says:", "", "```text", found, "```", ""]
    lines += ["## A document without it", ""]
    if page.failing.name != page.fixed.name:
        lines += [f"`{page.fixed.name}`:", ""]
    lines += _fenced(page.fixed)
    lines += _page_files((*page.both, *page.beside))
    lines.append("[All findings](README.md)")
    return "\n".join(lines) + "\n"


def index_markdown() -> str:
    """Return the page that lists every code."""
    lines = [
        "# Findings",
        "",
        "What `sinkgraph check` can say about a document. Each has a page with its cause, a",
        "document that has it and one that has not; `sinkgraph explain CODE` prints the same.",
        "A code, once given, keeps its meaning.",
        "",
    ]
    for title, codes in by_group():
        lines += [f"## {title}", "", "| code | name | | what it says |", "|---|---|---|---|"]
        for code in codes:
            one = CODES[code]
            lines.append(f"| [{code}]({code}.md) | `{one.slug}` | {one.severity} | {one.title} |")
        lines.append("")
    lines.append("These pages are made by `make findings`.")
    return "\n".join(lines) + "\n"


def page_object(code: str) -> dict[str, Any]:
    """Return the page as JSON values."""
    page, known = explained(code), CODES[code]
    return {
        "code": code,
        "slug": known.slug,
        "severity": known.severity,
        "title": known.title,
        "cause": "\n\n".join(page.cause),
        "failing": {"file": page.failing.name, "text": page.failing.text},
        "fixed": {"file": page.fixed.name, "text": page.fixed.text},
        "beside": [{"file": name, "text": text} for name, text in (*page.both, *page.beside)],
        "findings": to_objects(findings_of(page, page.failing)),
    }


def _terminal_files(files: tuple[tuple[str, str], ...]) -> Iterator[str]:
    for name, text in files:
        yield f"with `{name}` beside it, which holds"
        yield textwrap.indent(text.rstrip("\n"), _INDENT)


def _page_files(files: tuple[tuple[str, str], ...]) -> Iterator[str]:
    for name, text in files:
        told = [f"with `{name}` beside it, which holds:", "", "```text", text.rstrip(), "```", ""]
        yield from told


def _shown(example: Example) -> str:
    return textwrap.indent(example.text.rstrip("\n"), _INDENT)


def _fenced(example: Example) -> list[str]:
    return [f"```{example.syntax}", example.text.rstrip("\n"), "```", ""]


def _repeats(page: Explained) -> bool:
    return "# × " in page.failing.text + page.fixed.text


def write_pages(folder: Path) -> None:
    """Write the page of every code and the index, and remove pages of codes that are no more."""
    folder.mkdir(parents=True, exist_ok=True)
    pages = {f"{code}.md": page_markdown(code) for code in CODES}
    pages["README.md"] = index_markdown()
    for old in folder.glob("*.md"):
        if old.name not in pages:
            old.unlink()
    for name, text in pages.items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write_pages(Path(sys.argv[1]))
