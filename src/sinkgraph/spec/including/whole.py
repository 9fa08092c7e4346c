"""A document with everything it includes as one tree, whose places stay true to each file.

It judges the head of included documents; what the whole says is judged as that of one document.
"""

from __future__ import annotations

import os
from collections.abc import Mapping as AnyMapping
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sinkgraph.diagnostics.diagnostic import Diagnostic
from sinkgraph.diagnostics.source import SourceText
from sinkgraph.spec.document import parse, syntax_of
from sinkgraph.spec.document_tree import Mapping
from sinkgraph.spec.including.findings import not_here
from sinkgraph.spec.including.merge import merge
from sinkgraph.spec.including.reading import read_includes
from sinkgraph.spec.load import TOP_LEVEL, wrong_version
from sinkgraph.spec.slips import read_as_meant
from sinkgraph.spec.written_secrets import hide_written_secrets

__all__ = ["Whole", "whole"]


@dataclass(frozen=True, slots=True)
class Whole:
    """Is a document and all it includes.

    `files`: the included documents that were read or looked for, as they are shown, in that order.
    `folders`: those that globs looked through. `bases`: the folder each text is in. `parts`: the
    texts that were included, in the order they are merged in. `complete` False: something could not
    be read, so not all that is declared is known.
    """

    tree: Mapping
    files: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    bases: AnyMapping[SourceText, Path] = field(default_factory=dict)
    parts: tuple[SourceText, ...] = ()
    complete: bool = True


def whole(
    tree: Mapping,
    *,
    base: Path,
    allowed: bool = True,
    kept: Sequence[tuple[SourceText, Path]] | None = None,
) -> tuple[Whole, list[Diagnostic]]:
    """Return a document merged with what it includes, and what is wrong with that.

    `base` is the folder of the document; not `allowed`: an `include` is a finding, and no file is
    looked at. `kept` are the texts it included when it was read before, each with its folder: they
    are taken, and no file is looked at. Must survive whatever stands there, files that are none,
    and circles.
    """
    tree, found = read_as_meant(tree, TOP_LEVEL)
    if "include" not in tree:
        return Whole(tree), found
    if kept is not None:
        return _put_together(tree, kept, found)
    if not allowed:
        return Whole(tree, complete=False), [*found, not_here(tree.key_span("include"))]
    folder, name = _place(tree, base)
    files, more = read_includes(tree, folder, name, _part)
    found.extend(more)
    for one in files.trees[:-1]:
        hide_written_secrets(one)
    merged, more, known = merge(files.trees, name)
    found.extend(more)
    made = Whole(
        merged,
        tuple(files.names),
        tuple(dict.fromkeys(files.folders)),
        files.bases,
        tuple(one.span.source for one in files.trees[:-1] if one.span is not None),
        files.whole and known,
    )
    return made, found


def _put_together(
    tree: Mapping, kept: Sequence[tuple[SourceText, Path]], found: list[Diagnostic]
) -> tuple[Whole, list[Diagnostic]]:
    """Return a document with parts that were read before."""
    trees: list[Mapping] = []
    bases: dict[SourceText, Path] = {}
    for text, folder in kept:
        part, more = parse(text.text, text.name, syntax_of(text.name) or "yaml")
        found.extend(more)
        if part is not None:
            if part.span is not None:
                bases[part.span.source] = folder
            trees.append(_part(part, found))
    for one in trees:
        hide_written_secrets(one)
    name = tree.span.source.name if tree.span is not None else ""
    merged, more, known = merge([*trees, tree], name)
    names = tuple(text.name for text, _ in kept)
    made = Whole(merged, names, (), bases, tuple(bases), known and len(trees) == len(kept))
    return made, [*found, *more]


def _part(tree: Mapping, found: list[Diagnostic]) -> Mapping:
    """Return an included document as it is meant; add what is wrong with its head."""
    tree, more = read_as_meant(tree, TOP_LEVEL)
    found.extend(more)
    version = tree.get("sinkgraph")
    if version is not None:
        found.extend(wrong_version(version))
    return tree


def _place(tree: Mapping, base: Path) -> tuple[str, str]:
    """Return the folder of a document as a user would write it, and its name if it is a file."""
    name = tree.span.source.name if tree.span is not None else ""
    folder = os.path.dirname(name)
    if name and os.path.abspath(folder) == os.path.abspath(base):
        return folder, name if os.path.isfile(name) else ""
    return "" if base == Path.cwd() else os.fspath(base), ""
