"""What can be wrong with `include`, in words: SG170 to SG174.

When each is due is decided by `sinkgraph.spec.including.reading` and `merge`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sinkgraph.diagnostics.diagnostic import Diagnostic, Label, Severity
from sinkgraph.diagnostics.safe import safe_text
from sinkgraph.diagnostics.source import Span
from sinkgraph.spec.document_tree import Scalar

__all__ = [
    "Step",
    "circle",
    "declared_twice",
    "included_here",
    "matches_nothing",
    "not_a_list",
    "not_here",
    "only_in_main",
    "over_a_limit",
    "shown",
    "unusable",
]

_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Step:
    """Is an entry of `include` that led to a document: who wrote it, and where it stands."""

    holder: str
    entry: Scalar
    path: str


def shown(path: str) -> str:
    """Return a path as messages show it."""
    return f"`{safe_text(path, _LONGEST)}`"


def unusable(step: Step, name: str, problem: str, *help: str) -> Diagnostic:
    """Return the finding of an entry whose document cannot be read; `problem` is a predicate."""
    headline = f"the included document {shown(name)} {problem}"
    return _at(step, "SG170", headline, problem, help=help)


def included_here(one: Diagnostic, step: Step) -> Diagnostic:
    """Return a finding that keeps a document from being read, with the entry that led to it."""
    labels = () if step.entry.span is None else (Label(step.entry.span, "included here"),)
    return replace(one, secondary=(*one.secondary, *labels))


def not_a_list(span: Span | None, path: str) -> Diagnostic:
    """Return the finding of an `include` that names no documents."""
    return Diagnostic(
        "SG122",
        f"`{path}` is not a path or a list of paths",
        "error",
        span,
        "not a path",
        path,
        help=("write `include: other.yaml`, or `include: [one.yaml, parts/*.yaml]`",),
    )


def not_here(span: Span | None) -> Diagnostic:
    """Return the finding of an `include` where only whole documents are taken."""
    return Diagnostic(
        "SG170",
        "this document may not include others",
        "error",
        span,
        "no file is read from here",
        "include",
        help=("send one document: write into it what the others hold",),
    )


def circle(step: Step, way: Sequence[Step], name: str) -> Diagnostic:
    """Return the finding of an entry that leads back to `name`; `way` leads from there to it."""
    if not way:
        return _at(
            step,
            "SG171",
            f"the document {shown(name)} includes itself",
            "includes itself",
            help=("remove this entry",),
        )
    labels = []
    for one, after in zip(way, [*way[1:], step], strict=True):
        if one.entry.span is not None:
            text = f"{shown(one.holder)} includes {shown(after.holder)}"
            labels.append(Label(one.entry.span, text))
    said = f"{shown(step.holder)} includes {shown(name)} again"
    path = " → ".join(safe_text(one.holder, 80) for one in (*way, step))
    return _at(
        step,
        "SG171",
        "documents include each other in a circle",
        said,
        tuple(labels),
        (f"the way is `{path} → {safe_text(name, 80)}`",),
        ("move what both need into a third document, and include that in both",),
    )


def matches_nothing(step: Step, name: str) -> Diagnostic:
    """Return the warning of a glob without a document."""
    return _at(
        step,
        "SG172",
        f"no document matches {shown(name)}",
        "matches nothing",
        help=("a glob takes `.yaml`, `.yml`, `.toml` and `.json`; `**` is any number of folders",),
        severity="warning",
    )


def declared_twice(what: str, path: str, again: Scalar, first: Scalar, *help: str) -> Diagnostic:
    """Return the finding of something that two documents declare."""
    labels = (Label(first.span, "first declared here"),) if first.span is not None else ()
    return Diagnostic(
        "SG173",
        f"{what} is declared in two documents",
        "error",
        again.span,
        "declared again",
        path,
        labels,
        help=help or ("declare it in one of them",),
    )


def only_in_main(key: Scalar, main: str) -> Diagnostic:
    """Return the finding of a key that counts in the first document alone."""
    name = safe_text(key.text, 80)
    return Diagnostic(
        "SG120",
        f"`{name}` stands in an included document",
        "error",
        key.span,
        "counts in the first document only",
        name,
        help=(f"move it to {shown(main)}" if main else "move it to the document that is given",),
    )


def over_a_limit(step: Step, headline: str, label: str, help: str) -> Diagnostic:
    """Return the finding of the entry that brings more than may be brought."""
    return _at(step, "SG174", headline, label, help=(help,))


def _at(
    step: Step,
    code: str,
    headline: str,
    label: str,
    secondary: tuple[Label, ...] = (),
    notes: tuple[str, ...] = (),
    help: tuple[str, ...] = (),
    severity: Severity = "error",
) -> Diagnostic:
    return Diagnostic(
        code,
        headline,
        severity,
        step.entry.span,
        label,
        step.path,
        secondary,
        notes,
        help,
    )
