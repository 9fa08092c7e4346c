"""A document and all it includes: read once each, in order, within limits, circles told.

What the documents say is merged by `sinkgraph.spec.including.merge`; here they are only found and
parsed.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from sinkgraph.diagnostics.diagnostic import Diagnostic
from sinkgraph.diagnostics.nearest import nearest
from sinkgraph.diagnostics.safe import safe_text
from sinkgraph.diagnostics.source import SourceText
from sinkgraph.spec.document import parse, syntax_of
from sinkgraph.spec.document_file import read_regular
from sinkgraph.spec.document_text import MAX_BYTES, MAX_VALUES
from sinkgraph.spec.document_tree import Mapping, Node, Scalar, Sequence
from sinkgraph.spec.including import findings
from sinkgraph.spec.including.findings import Step
from sinkgraph.spec.including.paths import (
    MAX_LOOKED_AT,
    Budget,
    Matches,
    documents_in,
    is_glob,
    joined,
    matches,
    tidy,
)
from sinkgraph.spec.leaves import leaf, written
from sinkgraph.spec.written_at import written_at

__all__ = ["MAX_DEPTH", "MAX_FILES", "Files", "read_includes"]

MAX_DEPTH = 20
"""How many documents may include one another in a row."""
MAX_FILES = 1_000
"""Documents that one document may include, by itself and through others."""
_MAX_NEAREST = 10
"""Missing documents for which the nearest name is looked for: it takes a folder to read each."""

_Identity = tuple[int, int]
_Meant = Callable[[Mapping, list[Diagnostic]], Mapping]


@dataclass(slots=True)
class Files:
    """Is what was read: the trees in the order they are merged in, the first document last.

    `names`: every document that was read or looked for, as it is shown. `folders`: those that
    globs looked through. `bases`: the folder each text is in. `whole` False: something could not
    be read, so what it declares is not known.
    """

    trees: list[Mapping] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    bases: dict[SourceText, Path] = field(default_factory=dict)
    whole: bool = True


def read_includes(
    tree: Mapping, folder: str, name: str, meant: _Meant
) -> tuple[Files, list[Diagnostic]]:
    """Return a document with all it includes, and what is wrong with that; raises nothing.

    `folder` is where its entries start from and `name` the document itself, "" when it is no file.
    `meant` is applied to each document that is read: it adds its own findings.
    """
    reading = _Reading(meant)
    identity = _identity(name) if name else None
    if identity is not None:
        reading.seen[identity] = name
    reading.size = len(tree.span.source.text) if tree.span is not None else 0
    reading.values = _count(tree, MAX_VALUES)
    reading.document(tree, folder, name, identity, [])
    return reading.files, reading.found


class _Reading:
    """Reads documents one inside the other; `files` and `found` grow as it goes."""

    def __init__(self, meant: _Meant) -> None:
        self.files = Files()
        self.found: list[Diagnostic] = []
        self.seen: dict[_Identity, str] = {}
        self.count = 0
        self.size = 0
        self.values = 0
        self._meant = meant
        self._open: list[_Identity | None] = []
        self._over = False
        self._globs: dict[tuple[str, str], Matches] = {}
        self._budget = Budget()
        self._identities: dict[str, _Identity | None] = {}
        self._named: set[str] = set()
        self._missing = 0

    def document(
        self, tree: Mapping, folder: str, name: str, identity: _Identity | None, way: list[Step]
    ) -> None:
        """Read what a document includes, then add itself; `way` led to it."""
        self._open.append(identity)
        for entry, path in self._entries(tree):
            step = Step(name or _called(tree), entry, path)
            for one in self._paths(step, folder, identity):
                self._one(one, step, way)
        self._open.pop()
        self.files.trees.append(tree)

    def _entries(self, tree: Mapping) -> list[tuple[Scalar, str]]:
        held = tree.get("include")
        if held is None or (type(held) is Scalar and held.value is None):
            return []
        listed: list[tuple[Node, str]] = [(held, "include")]
        if isinstance(held, Sequence):
            listed = [(one, f"include[{n}]") for n, one in enumerate(held.items)]
        made: list[tuple[Scalar, str]] = []
        for one, path in listed:
            if type(one) is Scalar and written(leaf(one)):
                made.append((one, path))
            else:
                self.found.append(findings.not_a_list(one.span, path))
                self.files.whole = False
        if len(made) > MAX_FILES:
            self._too_many(Step("", *made[MAX_FILES]))
            return []
        return made

    def _paths(self, step: Step, folder: str, own: _Identity | None) -> list[str]:
        """Return the files an entry means; a glob means neither the document it stands in."""
        if self._over:
            return []
        text = written(leaf(step.entry)) or ""
        mark = text.find("${")
        if mark >= 0:
            self._filled(step, mark, text)
            return []
        if "://" in text:
            self._unusable(step, text, "is a URL, not a file", "download it, and include the file")
            return []
        path = joined(folder, text)
        if not is_glob(path):
            return [tidy(path)]
        found = self._globs.get((folder, text))
        if found is None:
            found = self._globs[folder, text] = matches(folder, text, self._budget)
            self.files.folders.extend(found.folders)
        if not found.whole:
            self._limit(
                step,
                f"the glob {findings.shown(text)} looks through too many files",
                f"more than {MAX_LOOKED_AT:,} names, with the globs before it",
                "name a folder that holds little but documents",
            )
            return []
        others = [one for one in found.files if own is None or self._identity(one) != own]
        if not others:
            self.found.append(findings.matches_nothing(step, text))
        return others

    def _one(self, path: str, step: Step, way: list[Step]) -> None:
        if self._over:
            return
        if path not in self._named:
            self._named.add(path)
            self.files.names.append(path)
        identity = self._identity(path)
        if identity is not None and identity in self._open:
            at = self._open.index(identity)
            back = way[at:]
            self.found.append(findings.circle(step, back, self.seen[identity]))
            return
        if identity is not None and identity in self.seen:
            return
        if len(way) == MAX_DEPTH:
            self._limit(
                step,
                f"documents include one another more than {MAX_DEPTH} deep",
                f"level {MAX_DEPTH + 1}",
                "include it from a document nearer to the first",
            )
            return
        tree = self._parsed(path, step)
        if identity is not None:
            self.seen[identity] = path
        if tree is None:
            self.files.whole = False
            return
        self.document(tree, os.path.dirname(path), path, identity, [*way, step])

    def _parsed(self, path: str, step: Step) -> Mapping | None:
        self.count += 1
        if self.count > MAX_FILES:
            self._too_many(step)
            return None
        syntax = syntax_of(path)
        if syntax is None and not os.path.isdir(path):
            said = "has a name that does not tell its syntax"
            self._unusable(step, path, said, "name it `.yaml`, `.toml` or `.json`")
            return None
        content, problem = read_regular(path, MAX_BYTES)
        if content is None:
            self._missing += 1
            near = self._missing <= _MAX_NEAREST
            text = written(leaf(step.entry)) or ""
            self._unusable(step, path, problem, *_instead(path, text, near=near))
            return None
        self.size += len(content)
        if len(content) > MAX_BYTES or self.size > MAX_BYTES:
            limit = MAX_BYTES // 1024**2
            self._limit(
                step,
                f"the documents have more than {limit} MiB together",
                "the one too many",
                "split them into graphs of their own",
            )
            return None
        tree, found = parse(content, path, syntax or "yaml")
        if tree is None:
            empty = any(one.code == "SG104" for one in found)
            if empty:
                said = "write into it what it should bring, or take it out of `include`"
                self._unusable(step, path, "says nothing", said)
            else:
                self.found.extend(findings.included_here(one, step) for one in found)
            return None
        self.found.extend(found)
        if tree.span is not None:
            self.files.bases[tree.span.source] = Path(path).absolute().parent
        self.values += _count(tree, MAX_VALUES - self.values)
        if self.values > MAX_VALUES:
            self._limit(
                step,
                f"the documents hold more than {MAX_VALUES:,} keys and values together",
                "the one too many",
                "split them into graphs of their own",
            )
            return None
        return self._meant(tree, self.found)

    def _identity(self, path: str) -> _Identity | None:
        if path not in self._identities:
            self._identities[path] = _identity(path)
        return self._identities[path]

    # --- findings --------------------------------------------------------------------------------

    def _too_many(self, step: Step) -> None:
        self._limit(
            step,
            f"more than {MAX_FILES:,} documents are included",
            "the first too many",
            "put what belongs together into one document",
        )

    def _limit(self, step: Step, headline: str, label: str, help: str) -> None:
        self.found.append(findings.over_a_limit(step, headline, label, help))
        self.files.whole = False
        self._over = True

    def _unusable(self, step: Step, name: str, problem: str, *help: str) -> None:
        self.found.append(findings.unusable(step, name, problem, *help))
        self.files.whole = False

    def _filled(self, step: Step, mark: int, text: str) -> None:
        end = text.find("}", mark) + 1 or len(text)
        self.found.append(
            Diagnostic(
                "SG130",
                f"an entry of `include` holds a `${{…}}`: `{safe_text(text, 80)}`",
                "error",
                written_at(step.entry, mark, end),
                "not filled in here",
                step.path,
                help=("write the path out, so that the documents are the same wherever they run",),
            )
        )
        self.files.whole = False


def _called(tree: Mapping) -> str:
    return tree.span.source.name if tree.span is not None else "the document"


def _instead(path: str, text: str, *, near: bool) -> tuple[str, ...]:
    """Return what to write instead of an entry that leads to no file, if that can be told.

    `near` False: no other name is looked for.
    """
    if os.path.isdir(path):
        return (f"for all documents in it write {findings.shown(joined(text, '*.yaml'))}",)
    if not near or os.path.lexists(path):
        return ()
    found = nearest(os.path.basename(path), documents_in(os.path.dirname(path)))
    if found is None:
        return ()
    return (f"the nearest is {findings.shown(joined(os.path.dirname(text), found))}",)


def _identity(path: str) -> _Identity | None:
    """Return what tells a file from every other, whatever links lead to it."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino


def _count(tree: Mapping, most: int) -> int:
    """Return how many keys and values a tree holds, or `most` + 1 when there are more."""
    count = 0
    todo: list[Node] = [tree]
    while todo and count <= most:
        one = todo.pop()
        if isinstance(one, Mapping):
            count += 2 * len(one.entries)
            todo.extend(e.value for e in one.entries if type(e.value) is not Scalar)
        elif isinstance(one, Sequence):
            count += len(one.items)
            todo.extend(e for e in one.items if type(e) is not Scalar)
    return count
