"""A document as it was read: its text and those it included, so that it can be run once more.

It holds no value of an environment and no secret file's content: `${…}` stays as it was written.
Schemas and the files of secrets are read anew whenever it is loaded.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sinkgraph.diagnostics.source import SourceText
from sinkgraph.graph.load import Looked, load_graph, load_text

if TYPE_CHECKING:
    from sinkgraph.diagnostics.diagnostic import Diagnostic
    from sinkgraph.graph.load import Secrets
    from sinkgraph.graph.model import Graph
    from sinkgraph.spec.document import Syntax

__all__ = ["Document", "Loaded", "Part", "Recipe", "read_file"]


@dataclass(frozen=True, slots=True)
class Recipe:
    """Is what a run gives each of its documents: vars, and where relative outputs begin."""

    set_vars: Mapping[str, str] = field(default_factory=dict)
    output_dir: str = "."
    secrets: Secrets = "strict"


@dataclass(frozen=True, slots=True)
class Part:
    """Is one text: what it is called, the folder its relative inputs start from, what it says."""

    name: str
    folder: str
    text: str


@dataclass(frozen=True, slots=True)
class Loaded:
    """Is what came of reading a document: without a graph there is an error among `found`."""

    graph: Graph | None
    found: tuple[Diagnostic, ...]
    document: Document | None
    looked: Looked


@dataclass(frozen=True, slots=True)
class Document:
    """Is a document and the texts it included; `path` None: it came from no file of this machine.

    Not `includes`: it may not include files, for who sent it may not read them.
    """

    main: Part
    syntax: Syntax
    parts: tuple[Part, ...] = ()
    path: str | None = None
    includes: bool = True

    @property
    def digest(self) -> str:
        """What tells its texts from others."""
        held = hashlib.sha256()
        for part in (*self.parts, self.main):
            for text in (part.folder, part.text):
                coded = text.encode("utf-8", "surrogatepass")
                held.update(b"%d:" % len(coded))
                held.update(coded)
        return held.hexdigest()

    def load(self, recipe: Recipe, *, anew: bool = False) -> Loaded:
        """Return its graph, made of the texts it has; `anew`: what it includes is read again."""
        looked = Looked()
        parts = [(SourceText(one.name, one.text), Path(one.folder)) for one in self.parts]
        graph, found = load_text(
            self.main.text,
            name=self.main.name,
            syntax=self.syntax,
            base=Path(self.main.folder),
            set_vars=recipe.set_vars,
            secrets=recipe.secrets,
            output_dir=recipe.output_dir,
            includes=self.includes,
            parts=None if anew else parts,
            looked=looked,
        )
        made = _document(looked, self.syntax, self.path, self.includes) or self
        return Loaded(graph, tuple(found), made, looked)

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "main": _as_dict(self.main),
            "parts": [_as_dict(one) for one in self.parts],
            "syntax": self.syntax,
            "path": self.path,
            "includes": self.includes,
        }

    @classmethod
    def from_dict(cls, held: Mapping[str, Any]) -> Document:
        """Return what `as_dict` gave; raises KeyError, TypeError or ValueError else."""
        syntax, path = held["syntax"], held["path"]
        if syntax not in ("yaml", "toml", "json") or not isinstance(path, str | None):
            raise ValueError("this is no document")
        return cls(
            _part(held["main"]),
            syntax,
            tuple(_part(one) for one in held["parts"]),
            path,
            bool(held["includes"]),
        )


def read_file(path: str, syntax: Syntax | None, recipe: Recipe) -> Loaded:
    """Return the graph of a file, or of standard input for `-`, and what was read for it."""
    looked = Looked()
    graph, found = load_graph(
        path,
        set_vars=recipe.set_vars,
        secrets=recipe.secrets,
        output_dir=recipe.output_dir,
        syntax=syntax,
        looked=looked,
    )
    from sinkgraph.spec.document import syntax_of

    own = None if path == "-" else os.path.abspath(path)
    known = syntax or syntax_of(path)
    if known is None:
        text = looked.texts[-1][0].text if looked.texts else ""
        known = "json" if text.lstrip().startswith(('{"', "{}")) else "yaml"
    return Loaded(graph, tuple(found), _document(looked, known, own, True), looked)


def _document(looked: Looked, syntax: Syntax, path: str | None, includes: bool) -> Document | None:
    """Return the document whose texts were looked at, None when there were none."""
    if not looked.texts:
        return None
    *parts, main = (Part(text.name, os.fspath(base), text.text) for text, base in looked.texts)
    return Document(main, syntax, tuple(parts), path, includes)


def _as_dict(part: Part) -> dict[str, str]:
    return {"name": part.name, "folder": part.folder, "text": part.text}


def _part(held: Mapping[str, Any]) -> Part:
    values = [held["name"], held["folder"], held["text"]]
    if not all(isinstance(one, str) for one in values):
        raise ValueError("this is no part of a document")
    return Part(*values)
