"""From a document to a graph, with every problem of the document in one run.

Reading text is `sinkgraph.spec.document`, judging nodes `sinkgraph.spec.load`, judging the whole
`sinkgraph.graph.rules`; here they are called in order.
"""

from __future__ import annotations

import gc
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeAlias

from sinkgraph.diagnostics.diagnostic import Diagnostic, Label, has_errors, sort_diagnostics
from sinkgraph.diagnostics.safe import safe_text
from sinkgraph.diagnostics.source import SourceText
from sinkgraph.errors import DocumentError
from sinkgraph.graph.facts import Facts
from sinkgraph.graph.model import Graph
from sinkgraph.graph.resolve import format_findings
from sinkgraph.graph.rules import LINTS, RULES
from sinkgraph.graph.schemas import named_schemas
from sinkgraph.graph.view import connect
from sinkgraph.spec.declared import GraphSpec
from sinkgraph.spec.document import Syntax, from_python, parse, read
from sinkgraph.spec.document_tree import Entry
from sinkgraph.spec.document_tree import Mapping as Tree
from sinkgraph.spec.including.inputs import Inputs
from sinkgraph.spec.including.whole import Whole, whole
from sinkgraph.spec.interpolate import interpolate
from sinkgraph.spec.kinds.source import SourceSpec
from sinkgraph.spec.kinds.types import is_schema_file
from sinkgraph.spec.load import load_spec
from sinkgraph.spec.templates.told import told
from sinkgraph.spec.vars import read_vars
from sinkgraph.spec.written_secrets import hide_written_secrets

__all__ = ["Document", "Looked", "Secrets", "check", "load", "load_graph", "load_text", "load_tree"]

Document: TypeAlias = str | os.PathLike[str] | Mapping[str, Any]
Secrets = Literal["strict", "placeholder"]

_MAX_ALIKE = 200  # findings of one code
_MAX_TEXT = 1000  # characters of one text of a finding
_CONSEQUENCES = frozenset({"SG209"})
"""Findings that say nothing new about a place where there is an error."""
_HALF_READ = frozenset({"SG105", "SG108", "SG112", "SG115"})
"""Findings beside which a part of the document is not known."""
_NAMELESS = frozenset({"SG201"})
"""Findings beside which a name does not say which node is meant."""
_CAUSES = frozenset({"SG110"})
"""Findings beside which nothing else at their place is new."""
_NOT_WHOLE = frozenset({"SG124", "SG132", "SG202", "SG203", "SG204", "SG209", "SG217"})
"""Findings that say nothing while an included document is not known."""
_NOT_FILLED = frozenset({"vars", "tests", "include", "egress"})
"""Keys of the top level in which `${…}` is left alone, or replaced before the rest (`vars`)."""


@dataclass(slots=True)
class Looked:
    """Is what loading looked at, whatever came of it; all is absolute, the document itself first.

    `files`: documents and schemas, also those that are missing. `folders`: where globs looked.
    `secrets`: files that a `${file:…}` names. `texts`: what was read, each with its folder, the
    document itself last, in the order they were merged in.
    """

    files: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list)
    texts: list[tuple[SourceText, Path]] = field(default_factory=list)


def load(
    document: Document,
    *,
    set_vars: Mapping[str, str] | None = None,
    secrets: Secrets = "placeholder",
    env: Mapping[str, str] | None = None,
    output_dir: str | os.PathLike[str] | None = None,
) -> Graph:
    """Return the graph of a document: a path, `-` for standard input, or a mapping.

    `set_vars` overrides vars by text. With `secrets="placeholder"` an unset `${env:…}` or
    `${file:…}` is stood in for; "strict" makes it an error. Raises DocumentError with every
    diagnostic.
    """
    graph, found = load_graph(
        document, set_vars=set_vars, secrets=secrets, env=env, output_dir=output_dir
    )
    if graph is None:
        raise DocumentError(found)
    return graph


def check(
    document: Document,
    *,
    set_vars: Mapping[str, str] | None = None,
    secrets: Secrets = "placeholder",
    env: Mapping[str, str] | None = None,
    output_dir: str | os.PathLike[str] | None = None,
) -> list[Diagnostic]:
    """Return everything that is wrong with a document, sorted by place; it never raises."""
    return load_graph(document, set_vars=set_vars, secrets=secrets, env=env, output_dir=output_dir)[
        1
    ]


def load_graph(
    document: Document,
    *,
    set_vars: Mapping[str, str] | None = None,
    secrets: Secrets = "placeholder",
    env: Mapping[str, str] | None = None,
    output_dir: str | os.PathLike[str] | None = None,
    syntax: Syntax | None = None,
    looked: Looked | None = None,
) -> tuple[Graph | None, list[Diagnostic]]:
    """Return the graph, or None when there is an error, and every finding sorted by place.

    `syntax` is how the document is written when its name does not tell. To `looked` is added what
    was read, so that it can be watched.
    """
    paused = gc.isenabled()
    gc.disable()  # a large document makes only objects that stay: collecting is a third of the time
    try:
        held = Looked() if looked is None else looked
        return _load(document, set_vars or {}, secrets, env, output_dir, syntax, held)
    finally:
        if paused:
            gc.enable()


def _load(
    document: Document,
    set_vars: Mapping[str, str],
    secrets: Secrets,
    env: Mapping[str, str] | None,
    output_dir: str | os.PathLike[str] | None,
    syntax: Syntax | None,
    looked: Looked,
) -> tuple[Graph | None, list[Diagnostic]]:
    if isinstance(document, Mapping):
        tree, found = from_python(document)
        base = Path.cwd()
    else:
        tree, found = read(document, syntax)
        name = os.fspath(document)
        base = Path.cwd() if name == "-" else Path(name).absolute().parent
        if name != "-":
            looked.files.append(os.path.abspath(name))
    if tree is None:
        return None, _ordered(found)
    output = Path.cwd() if output_dir is None else Path(output_dir)
    graph, more = load_tree(
        tree,
        base=base,
        output=output,
        set_vars=set_vars,
        secrets=secrets,
        env=os.environ if env is None else env,
        looked=looked,
    )
    return _judged(tree, graph, [*found, *more])


def load_text(
    text: str,
    *,
    name: str,
    syntax: Syntax,
    base: Path,
    set_vars: Mapping[str, str] | None = None,
    secrets: Secrets = "strict",
    output_dir: str | os.PathLike[str] | None = None,
    includes: bool = True,
    parts: Sequence[tuple[SourceText, Path]] | None = None,
    looked: Looked | None = None,
) -> tuple[Graph | None, list[Diagnostic]]:
    """Return the graph of a text, as `load_graph` does of a file; `name` is how it is shown.

    `base` is where its relative inputs start from; `includes` and `parts` as for `load_tree`.
    """
    tree, found = parse(text, name, syntax)
    if tree is None:
        return None, _ordered(found)
    graph, more = load_tree(
        tree,
        base=base,
        output=Path.cwd() if output_dir is None else Path(output_dir),
        set_vars=set_vars or {},
        secrets=secrets,
        env=os.environ,
        includes=includes,
        parts=parts,
        looked=looked,
    )
    return _judged(tree, graph, [*found, *more])


def _judged(
    tree: Tree, graph: Graph | None, found: list[Diagnostic]
) -> tuple[Graph | None, list[Diagnostic]]:
    every = _ordered(found)
    if every:
        hide_written_secrets(tree)
    return (None if has_errors(found) else graph), every


def load_tree(
    tree: Tree,
    *,
    base: Path,
    output: Path,
    set_vars: Mapping[str, str],
    secrets: Secrets,
    env: Mapping[str, str],
    includes: bool = True,
    parts: Sequence[tuple[SourceText, Path]] | None = None,
    looked: Looked | None = None,
) -> tuple[Graph | None, list[Diagnostic]]:
    """Return the graph of a tree that was read without a problem, or of what could be read.

    Without `includes` no file but schemas and secrets is read, and no Python is imported.
    `parts` are the texts it included when it was read before, which are taken instead of files.
    """
    looked = Looked() if looked is None else looked
    merged, found = whole(tree, base=base, allowed=includes, kept=parts)
    _note_read(looked, merged, tree, base)
    tree = merged.tree
    fill = partial(
        interpolate,
        env=env,
        base_dir=base,
        mode=secrets,
        bases=merged.bases,
        files=looked.secrets,
    )
    inputs = Inputs(base, merged.bases)
    head, more = fill(_only(tree, {"vars"}), vars={})
    found.extend(map(_var_in_var, more))
    vars, more = read_vars(head.get("vars"), set_vars, strict=secrets == "strict")
    found.extend(more)
    body, more = fill(_without(tree, _NOT_FILLED), vars=vars.texts)
    found.extend(more)
    kept = _only(tree, _NOT_FILLED - {"vars"})
    filled = _as_written(tree, [*head.entries, *body.entries, *kept.entries])
    spec, more = load_spec(filled, vars=vars.values, located=inputs.located if inputs else None)
    found.extend(more)
    looked.files.extend(_schema_files(spec, base))
    spec = replace(spec, files=tuple(dict.fromkeys(looked.files)))
    view = connect(spec, base, output, imports=includes)
    for rule in RULES:
        found.extend(rule(view))
    found.extend(format_findings(view))
    if not merged.complete:
        return None, [one for one in told(found, spec) if not _unknown_yet(one)]
    facts = None if any(one.code in _NAMELESS for one in found) else Facts.of(view)
    if facts is not None:
        for lint in LINTS:
            found.extend(lint(facts))
    if facts is None or has_errors(found):
        return None, told(found, spec)
    graph = facts.graph
    if spec.promises:
        from sinkgraph.graph.promises import broken_promises

        found.extend(broken_promises(graph, spec.promises))
    return graph, told(found, spec)


def _note_read(looked: Looked, merged: Whole, tree: Tree, base: Path) -> None:
    looked.files.extend(map(os.path.abspath, merged.files))
    looked.folders.extend(map(os.path.abspath, merged.folders))
    looked.texts.extend((one, merged.bases[one]) for one in merged.parts)
    if tree.span is not None:
        looked.texts.append((tree.span.source, base))


def _var_in_var(one: Diagnostic) -> Diagnostic:
    """Return the finding of a `${var:…}` that stands where vars are made."""
    if one.code != "SG132":
        return one
    return replace(
        one,
        headline="a var cannot be made of another var",
        label="no var has a value here",
        help=("write the value out, or read both from the environment: `${env:NAME}`",),
    )


def _schema_files(spec: GraphSpec, base: Path) -> Iterator[str]:
    """Yield the files of schemas that sources name."""
    for decl in spec.nodes:
        named = named_schemas(decl.spec) if isinstance(decl.spec, SourceSpec) else ()
        for one in named:
            if is_schema_file(one.text):
                yield os.path.abspath(base / one.text)


def _unknown_yet(one: Diagnostic) -> bool:
    """Tell whether a finding may be due only to a document that could not be included."""
    return one.code in _NOT_WHOLE or (one.code == "SG121" and one.path != "name")


def _only(tree: Tree, keys: AbstractSet[str]) -> Tree:
    return Tree(tree.span, [one for one in tree.entries if one.key.text in keys])


def _as_written(tree: Tree, entries: list[Entry]) -> Tree:
    """Return entries in the order their keys have in a tree."""
    order = {key: at for at, key in enumerate(dict.fromkeys(one.key.text for one in tree.entries))}
    return Tree(tree.span, sorted(entries, key=lambda one: order[one.key.text]))


def _without(tree: Tree, keys: AbstractSet[str]) -> Tree:
    return Tree(tree.span, [one for one in tree.entries if one.key.text not in keys])


def _ordered(found: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Sort by place; keep one of those that say the same at one place, and so many of each code."""
    made: list[Diagnostic] = []
    found = list(found)
    last: dict[str, int] = {}
    count: Counter[str] = Counter()
    wrong = {id(one.span) for one in found if one.severity == "error" and one.span is not None}
    if any(one.code in _HALF_READ for one in found):
        unknown = {"SG204"} if any(map(_without_name, found)) else set()
        found = [one for one in found if one.code not in _CONSEQUENCES | unknown]
    caused = {_start(one) for one in found if one.code in _CAUSES}
    seen: set[tuple[str, str, object]] = set()
    for one in sort_diagnostics(found):
        span = one.span
        if one.code in _CONSEQUENCES and id(span) in wrong:
            continue
        if one.code not in _CAUSES and _start(one) in caused:
            continue
        at: object = one.path if span is None else (span.source.name, span.start, span.end)
        key = (one.code, one.label if span is not None else one.headline, at)
        if key in seen:
            continue
        seen.add(key)
        count[one.code] += 1
        if count[one.code] <= _MAX_ALIKE:
            last[one.code] = len(made)
            made.append(_harmless(one))
    for code, at_last in last.items():
        more = count[code] - _MAX_ALIKE
        if more > 0:
            note = f"{more:,} more with this code are not shown"
            made[at_last] = replace(made[at_last], notes=(*made[at_last].notes, note))
    return made


def _without_name(one: Diagnostic) -> bool:
    """Tell whether a second `kind` in a mapping says that the name of a node is missing."""
    return one.code == "SG108" and one.span is not None and one.span.text.strip("\"'") == "kind"


def _start(one: Diagnostic) -> tuple[str, int] | None:
    return None if one.span is None else (one.span.source.name, one.span.start)


def _harmless(one: Diagnostic) -> Diagnostic:
    """Return a finding in which nothing a document says can steer a terminal or flood it."""
    texts = (one.headline, one.label, one.path, *one.notes, *one.help)
    texts = (*texts, *(label.text for label in one.secondary))
    if all(text.isprintable() and len(text) <= _MAX_TEXT for text in texts):
        return one
    return replace(
        one,
        headline=_safe(one.headline),
        label=_safe(one.label),
        path=_safe(one.path),
        secondary=tuple(Label(label.span, _safe(label.text)) for label in one.secondary),
        notes=tuple(map(_safe, one.notes)),
        help=tuple(map(_safe, one.help)),
    )


def _safe(text: str) -> str:
    return safe_text(text, _MAX_TEXT)
