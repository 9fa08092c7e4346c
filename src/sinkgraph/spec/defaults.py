"""`defaults:` by kind: each field judged by whether nodes of that kind have it, and take its value.

What is wrong there is reported there, once, and given to no node.
"""

from __future__ import annotations

from typing import Any

from sinkgraph.diagnostics.diagnostic import Diagnostic
from sinkgraph.diagnostics.nearest import nearest
from sinkgraph.diagnostics.safe import safe_text
from sinkgraph.spec.document_tree import Entry, Mapping, Scalar
from sinkgraph.spec.judged import model_keys, validated
from sinkgraph.spec.kind import Kind, Side
from sinkgraph.spec.leaves import leaf, plain
from sinkgraph.spec.locate import Owner, from_validation
from sinkgraph.spec.nodes import Defaults
from sinkgraph.spec.sections import entries_of, wrong_shape
from sinkgraph.spec.templates.read import NO_TEMPLATES, Templates

__all__ = ["defaults_of_kinds", "read_defaults"]

_MAX_FOUND = 1000


def defaults_of_kinds(tree: Mapping) -> Defaults:
    """Return what `defaults:` says well of kinds, for the nodes of the document's templates."""
    return read_defaults(tree, NO_TEMPLATES, [])


def read_defaults(tree: Mapping, templates: Templates, found: list[Diagnostic]) -> Defaults:
    """Read `defaults:`, each field judged by whether a node of that kind has it."""
    made: dict[str, list[Entry]] = {}
    known_kinds = templates.kinds
    for entry in entries_of(tree, "defaults", found):
        name = entry.key.text
        if name in templates.wrong:
            continue
        sides: tuple[Side, ...] = ("source", "sink")
        kinds = [one for side in sides if (one := known_kinds.find(side, name))]
        path = f"defaults.{safe_text(name, 80)}"
        if not kinds:
            near = nearest(name, {*known_kinds.names("source"), *known_kinds.names("sink")})
            help = (f"the nearest is `{near}`",) if near else ()
            headline = f"`{safe_text(name, 80)}` of `defaults` is not a kind"
            found.append(
                Diagnostic("SG124", headline, "error", entry.key.span, "", path, help=help)
            )
            continue
        if not isinstance(entry.value, Mapping):
            found.append(wrong_shape(entry.value.span, path, "a mapping of fields"))
            continue
        known = {key for one in kinds for key in model_keys(one.model)} - {"kind"}
        ports = {port.name for one in kinds for port in one.ports}
        made[name] = []
        for field in entry.value.entries:
            if len(found) >= _MAX_FOUND:
                break
            key = field.key.text
            if key not in known:
                near = nearest(key, known)
                help = (f"the nearest is `{near}`",) if near else ()
                headline = f"`{safe_text(key, 80)}` of `{path}` is not a field of {name}"
                found.append(
                    Diagnostic(
                        "SG120",
                        headline,
                        "error",
                        field.key.span,
                        "unknown key",
                        f"{path}.{key}",
                        help=help,
                    )
                )
            elif key in ports and not isinstance(field.value, Scalar):
                found.append(_default_node(field, path))
            else:
                made[name].append(field)
        bad = _bad_values(made[name], kinds, Owner(f"`{path}`", path, entry.value, None), found)
        made[name] = [one for one in made[name] if one.key.text not in bad]
    return made


def _bad_values(
    entries: list[Entry], kinds: list[Kind], owner: Owner, found: list[Diagnostic]
) -> set[str]:
    """Return the fields that no node of these kinds takes, and add what is wrong with them."""
    refused: dict[str, list[Diagnostic]] = {}
    taken: set[str] = set()
    for kind in kinds:
        here = [one for one in entries if one.key.text in model_keys(kind.model)]
        values: dict[str, Any] = {}
        for one in here:
            if type(one.value) is Scalar:
                values[one.key.text] = leaf(one.value)
            else:
                values[one.key.text] = plain(one.value)
        for later in kind.model.later:
            if later.field in values and later.meets(values[later.field]):
                del values[later.field]  # which each node is told
        _, error = validated(kind.model, {"kind": kind.name, **values})
        wrong: dict[str, list[Diagnostic]] = {}
        for finding in from_validation(error, owner, kind.model) if error is not None else ():
            field = finding.path.removeprefix(f"{owner.path}.")
            field = field.partition(".")[0].partition("[")[0]
            if field in values:
                wrong.setdefault(field, []).append(finding)
        for name, findings in wrong.items():
            refused.setdefault(name, findings)
        taken |= values.keys() - wrong.keys()
    bad = {name: findings for name, findings in refused.items() if name not in taken}
    for findings in bad.values():
        found.extend(findings)
    return set(bad)


def _default_node(field: Entry, path: str) -> Diagnostic:
    return Diagnostic(
        "SG122",
        f"`{field.key.text}` of `{path}` holds a node",
        "error",
        field.value.span,
        "every node of the kind would share it",
        f"{path}.{field.key.text}",
        help=("name a sink that is declared under `sinks:`",),
    )
