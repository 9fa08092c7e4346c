"""Reading `templates`: each one with its params and its body, in whatever order they are written.

A template that uses another is read after it; a circle of them is told with its way.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from sinkgraph.diagnostics.diagnostic import Diagnostic, Label
from sinkgraph.diagnostics.nearest import nearest
from sinkgraph.diagnostics.safe import safe_text
from sinkgraph.diagnostics.source import Span
from sinkgraph.spec.document_tree import Entry, Node, Scalar, walk
from sinkgraph.spec.document_tree import Mapping as Tree
from sinkgraph.spec.fields import name_problem
from sinkgraph.spec.kind import LATER_KINDS, Kind, Kinds, find_kind, kind_names
from sinkgraph.spec.leaves import is_secret, leaf, written
from sinkgraph.spec.sections import entries_of, wrong_shape
from sinkgraph.spec.templates.body import BodyReader
from sinkgraph.spec.templates.check import BodyChecker
from sinkgraph.spec.templates.fields import kind_of_uses
from sinkgraph.spec.templates.model import Part, Template
from sinkgraph.spec.templates.params import Param, read_params

__all__ = ["MAX_DEPTH", "NO_TEMPLATES", "Templates", "read_templates"]

MAX_DEPTH = 20
"""Templates that may stand inside each other."""
_MAX_LEAST = 10**9
_KEYS = ("description", "params", "node")
_KEYS_HELP = "its keys are `description`, `params`, `node`"


class Templates(NamedTuple):
    """Are the templates of a document by name, and the names of those that are wrong."""

    made: Mapping[str, Template]
    wrong: frozenset[str]

    @property
    def kinds(self) -> Kinds:
        """Every kind of the document, its templates among them."""
        return Kinds({name: one.kind for name, one in self.made.items()})


NO_TEMPLATES = Templates({}, frozenset())


def read_templates(
    tree: Tree,
    found: list[Diagnostic],
    *,
    vars: Mapping[str, Any] | None = None,
    defaults: Mapping[str, list[Entry]] | None = None,
    built_in: bool = False,
) -> Templates:
    """Return the templates of a document that can be used, and add what is wrong to `found`.

    `defaults` are those of the document: its templates' nodes have them, as all others.
    """
    reader = _Reader(entries_of(tree, "templates", found), vars or {}, defaults or {}, built_in)
    reader.read()
    found.extend(reader.found)
    wrong = frozenset(name for name in reader.names if name not in reader.made)
    return Templates(MappingProxyType(reader.made), wrong)


class _Reader:
    def __init__(
        self,
        entries: list[Entry],
        vars: Mapping[str, Any],
        defaults: Mapping[str, list[Entry]],
        built_in: bool,
    ) -> None:
        self.found: list[Diagnostic] = []
        self.made: dict[str, Template] = {}
        self.names = [one.key.text for one in entries]
        self._entries = {one.key.text: one for one in entries}
        self._vars = vars
        self._defaults = defaults
        self._built_in = built_in
        self._done: dict[str, int] = {}  # name → how deep templates stand in it
        self._way: list[tuple[str, Span | None]] = []

    def read(self) -> None:
        """Read every template, the one another uses before that one."""
        for name in self._entries:
            self._one(name)

    def _one(self, name: str) -> None:
        if name in self._done:
            return
        entry = self._entries[name]
        path = f"templates.{safe_text(name, 80)}"
        self._done[name] = 1
        if not self._named(name, entry, path):
            return
        if not isinstance(entry.value, Tree):
            what = "a mapping of `params` and `node`"
            self.found.append(wrong_shape(entry.value.span, path, what))
            return
        before = len(self.found)
        tree = self._meant(entry, entry.value, path)
        params = read_params(tree, name, self.found, path=path)
        body = tree.get("node")
        if not isinstance(body, Tree):
            self._without_node(entry, body, path)
            return
        self._way.append((name, entry.key.span))
        template = self._read(name, entry, params, body, path)
        self._way.pop()
        if template is not None:
            template.wrong = any(one.severity == "error" for one in self.found[before:])
            self.made[name] = template

    def _read(
        self, name: str, entry: Entry, params: Mapping[str, Param], body: Tree, path: str
    ) -> Template | None:
        bodies = BodyReader(name, params, self._kind, path)
        first = bodies.read(body)
        deep = 1 + max((self._done.get(one, 0) for one in _kinds_in(body)), default=0)
        self._done[name] = deep
        if deep > MAX_DEPTH:
            if deep == MAX_DEPTH + 1:  # deeper ones are its consequences
                self._too_deep(name, entry, path)
            first = None
        if first is None:
            self.found.extend(bodies.found)
            return None
        parts = tuple(first.below())
        if not self._built_in:
            for part in parts:
                _add_defaults(part, self._defaults.get(part.kind.name, ()))
        checker = BodyChecker(bodies, params, self._vars, path)
        for part in parts:
            checker.check(part)
        found = [*bodies.found, *checker.found, *_clashes(name, parts, path)]
        self.found.extend(found)
        held = entry.value.get("description") if isinstance(entry.value, Tree) else None
        about = written(leaf(held)) if type(held) is Scalar else None
        kind = kind_of_uses(
            name, about or "Is a template of this document.", params, parts, built_in=self._built_in
        )
        asks = [one.given.shown for one in parts if one.given is not None]
        asks += [one.name for one in params.values() if one.type == "node"]
        lists = [one.each.shown for one in parts if one.each is not None]
        at = None if self._built_in else entry.key.span
        return Template(
            name,
            at,
            params,
            first,
            parts,
            kind,
            min(sum(map(self._least, parts)), _MAX_LEAST),
            tuple(dict.fromkeys(asks)),
            tuple(dict.fromkeys(lists)),
        )

    def _least(self, part: Part) -> int:
        """Return how many nodes a part becomes at least."""
        if part.given is not None or part.each is not None:
            return 0
        inner = self.made.get(part.kind.name) if part.kind.composite else None
        return 1 if inner is None else inner.least

    def _kind(self, word: str, held: Node) -> Kind | None:
        """Return the kind a node of a body is of; add to `found` what is wrong with it."""
        if word in self._entries and find_kind("sink", word) is None:
            names = [name for name, _ in self._way]
            if word in names:
                self._circle(word, held.span, names.index(word))
                return None
            self._way[-1] = (self._way[-1][0], held.span)
            self._one(word)
            template = self.made.get(word)
            return None if template is None else template.kind
        kind = find_kind("sink", word)
        if kind is None:
            self._unknown(word, held)
        return kind

    # --- findings ---------------------------------------------------------------------------------

    def _add(
        self,
        code: str,
        headline: str,
        at: Span | None,
        label: str,
        path: str,
        *help: str,
        labels: tuple[Label, ...] = (),
        notes: tuple[str, ...] = (),
    ) -> None:
        self.found.append(Diagnostic(code, headline, "error", at, label, path, labels, notes, help))

    def _named(self, name: str, entry: Entry, path: str) -> bool:
        problem = name_problem(name) or ("holds a `/`" if "/" in name else "")
        if problem:
            self._add(
                "SG128",
                f"the name of template `{safe_text(name, 80)}` {problem}",
                entry.key.span,
                problem,
                path,
                "write 1 to 64 of `A-Z a-z 0-9 . _ -`",
            )
            return False
        if self._built_in:
            return True
        taken = find_kind("sink", name) or find_kind("source", name)
        if taken is None and ("sink", name) not in LATER_KINDS:
            return True
        what = "a template that comes with sinkgraph" if taken and taken.composite else "a kind"
        self._add(
            "SG161",
            f"`{safe_text(name, 80)}` is the name of {what}",
            entry.key.span,
            "taken",
            path,
            f"call it differently, for example `my_{safe_text(name, 60)}`",
        )
        return False

    def _meant(self, entry: Entry, tree: Tree, path: str) -> Tree:
        """Return a template with slips in its keys read as they are meant; each is a finding."""
        name = safe_text(entry.key.text, 80)
        made: list[Entry] = []
        for one in tree:
            key = one.key.text
            near = nearest(key, [word for word in _KEYS if word not in tree])
            made.append(one if near is None or key in _KEYS else _renamed(one, near))
            if key in _KEYS:
                continue
            help = f"the nearest is `{near}`" if near else _KEYS_HELP
            if near is None and "kind" in tree:
                help = "write the node below `node:`"
            shown = safe_text(key, 80)
            headline = f"`{shown}` is not a key of template `{name}`"
            self._add("SG120", headline, one.key.span, "unknown key", path, help)
        held = tree.get("description")
        if held is not None and (type(held) is not Scalar or written(leaf(held)) is None):
            self.found.append(wrong_shape(held.span, f"{path}.description", "text"))
        return Tree(tree.span, made)

    def _without_node(self, entry: Entry, body: Node | None, path: str) -> None:
        name = safe_text(entry.key.text, 80)
        if body is None:
            self._add(
                "SG121",
                f"template `{name}` does not say its `node`",
                entry.key.span,
                "`node` is missing",
                path,
                "add `node: {kind: …}`",
            )
        else:
            self.found.append(wrong_shape(body.span, f"{path}.node", "a node: `{kind: …}`"))

    def _circle(self, word: str, at: Span | None, start: int) -> None:
        way = self._way[start:]
        shown = " → ".join([*(name for name, _ in way), word])
        labels = tuple(
            Label(span, f"`{safe_text(name, 80)}` uses the next")
            for name, span in way[:-1]
            if span is not None
        )
        itself = len(way) == 1
        headline = (
            f"template `{word}` uses itself" if itself else "templates use each other in a circle"
        )
        self._add(
            "SG160",
            headline,
            at,
            f"`{safe_text(word, 80)}` again",
            f"templates.{word}",
            "take this node away, or write it out",
            labels=labels[:8],
            notes=() if itself else (f"the way is `{safe_text(shown, 700)}`",),
        )

    def _too_deep(self, name: str, entry: Entry, path: str) -> None:
        self._add(
            "SG160",
            f"more than {MAX_DEPTH} templates stand inside each other",
            entry.key.span,
            f"`{safe_text(name, 80)}` is one too deep",
            path,
            "write some of their nodes out",
        )

    def _unknown(self, word: str, held: Node) -> None:
        name = safe_text(self._way[-1][0], 80)
        value = leaf(held) if type(held) is Scalar else word
        shown = "***" if is_secret(value) else safe_text(word, 80)
        near = nearest(word, [*kind_names("sink"), *self._entries])
        help = f"the nearest is `{near}`" if near else "`sinkgraph kinds` lists them"
        if find_kind("source", word) is not None:
            help = f"`{shown}` is a kind of source: a template has sinks only"
        elif ("sink", word) in LATER_KINDS:
            help = LATER_KINDS["sink", word]
        self._add(
            "SG124",
            f"`{shown}` in template `{name}` is not a kind",
            held.span,
            "no sink is of this kind",
            f"templates.{name}",
            help,
        )


def _renamed(entry: Entry, key: str) -> Entry:
    return Entry(Scalar(entry.key.span, key, key, entry.key.quoted), entry.value)


def _kinds_in(body: Tree) -> list[str]:
    """Return every kind that is written in a body."""
    held = (one.get("kind") for one in walk(body) if isinstance(one, Tree))
    return [one.text for one in held if type(one) is Scalar]


def _add_defaults(part: Part, entries: Any) -> None:
    """Give a node of a body what `defaults` says of its kind."""
    known = {one.alias or name for name, one in part.kind.model.model_fields.items()}
    said = {one.key.text for one in part.tree} | {one.port.name for one in part.outlets}
    ports = {one.name for one in part.kind.ports}
    for entry in entries:
        key = entry.key.text
        if key in known and key not in said and key not in ports:
            part.fields.append(entry)
    part.own = frozenset(one.key.text for one in part.fields)


def _clashes(name: str, parts: tuple[Part, ...], path: str) -> list[Diagnostic]:
    """Return fields that two nodes pass and read differently."""
    from sinkgraph.spec.templates.fields import same_type

    found: list[Diagnostic] = []
    first: dict[str, tuple[Part, Any]] = {}
    for part in parts:
        for attribute, held in part.kind.model.model_fields.items():
            key = held.alias or attribute
            if key not in part.passed:
                continue
            other, before = first.setdefault(key, (part, held))
            if other is part or same_type(before, held):
                continue
            passing, there = part.tree.get("pass"), other.tree.get("pass")
            found.append(
                Diagnostic(
                    "SG162",
                    f"`{key}` is passed to two nodes of template `{name}` that read it differently",
                    "error",
                    None if passing is None else passing.span,
                    f"also to this {part.kind.name}",
                    path,
                    (Label(there.span, f"to this {other.kind.name}"),)
                    if there is not None and there.span is not None
                    else (),
                    help=(f"write `pass: {{except: [{key}]}}` in one of them",),
                )
            )
    return found
