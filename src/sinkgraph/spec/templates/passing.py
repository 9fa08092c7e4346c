"""The word `pass` of a template's node: which of its fields a use may say.

What a use then says of them is read by `sinkgraph.spec.templates.fields`.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator

from sinkgraph.diagnostics.diagnostic import Diagnostic
from sinkgraph.diagnostics.nearest import nearest
from sinkgraph.diagnostics.safe import safe_text
from sinkgraph.spec.document_tree import Mapping, Node, Scalar, Sequence
from sinkgraph.spec.kinds.base import NodeSpec
from sinkgraph.spec.leaves import leaf, written
from sinkgraph.spec.templates.model import Part

__all__ = ["read_pass"]


def read_pass(part: Part, params: Container[str], template: str, path: str) -> Iterator[Diagnostic]:
    """Set what a node passes, `all` being what is no param; yield what is wrong with it."""
    entry = part.tree.entry("pass")
    if entry is None:
        return
    fields = part.kind.model.model_fields
    ported = {one.port.name for one in part.outlets}
    free = [one.alias or name for name, one in fields.items() if name not in NodeSpec.model_fields]
    free = [key for key in free if key not in ported]
    held = entry.value
    if type(held) is Scalar and written(leaf(held)) == "all":
        part.passed = tuple(key for key in free if key not in params)
    elif isinstance(held, Sequence):
        yield from _unknown(held.items, free, ported, part, path)
        for item in held.items:
            name = _text(item)
            if name in params:
                yield Diagnostic(
                    "SG162",
                    f"`{name}` is passed, and is a param of template `{template}` too",
                    "error",
                    item.span,
                    "a param already",
                    path,
                    help=("take one of them away",),
                )
        part.passed = tuple(key for key in free if key in set(map(_text, held.items)))
    elif isinstance(held, Mapping) and [one.key.text for one in held] == ["except"]:
        inner = held.entries[0].value
        items = inner.items if isinstance(inner, Sequence) else [inner]
        yield from _unknown(items, free, ported, part, path)
        left = set(map(_text, items))
        part.passed = tuple(key for key in free if key not in left and key not in params)
    else:
        yield Diagnostic(
            "SG162",
            "`pass` does not say which fields",
            "error",
            held.span,
            "not understood",
            path,
            help=("write `all`, a list of fields, or `{except: [FIELD]}`",),
        )


def _text(node: Node) -> str:
    return (written(leaf(node)) or "") if type(node) is Scalar else ""


def _unknown(
    items: Iterable[Node], free: list[str], ported: Container[str], part: Part, path: str
) -> Iterator[Diagnostic]:
    """Yield names that are no field a use could say."""
    for item in items:
        text = _text(item)
        if text in free:
            continue
        near = nearest(text, free)
        help = f"the nearest is `{near}`" if near else "`sinkgraph kinds` lists its fields"
        if text in NodeSpec.model_fields:
            help = "every use has it: take it away here"
        elif text in ported:
            help = "the body writes this port itself: take it away here, or there"
        yield Diagnostic(
            "SG120",
            f"`{safe_text(text or '…', 80)}` of `pass` is not a field of {part.kind.name} to pass",
            "error",
            item.span,
            "cannot be passed",
            path,
            help=(help,),
        )
