"""The text of a document as `sinkgraph fmt` writes it, or why it is left as it is.

It reads and writes no file. What it returns was read again: the same document, with the same
comments, and nothing left to change.
"""

from __future__ import annotations

from dataclasses import dataclass

from sinkgraph.diagnostics.diagnostic import Diagnostic, has_errors
from sinkgraph.spec.document import Mapping, Syntax, parse
from sinkgraph.spec.formatting.json_form import format_json
from sinkgraph.spec.formatting.layout import CannotFormatError
from sinkgraph.spec.formatting.same import same_tree
from sinkgraph.spec.formatting.toml_form import format_toml
from sinkgraph.spec.formatting.yaml_form import format_yaml

__all__ = ["Formatted", "format_document"]

_FORMS = {"yaml": format_yaml, "toml": format_toml, "json": format_json}
_FAULT = " (a fault in sinkgraph fmt)"
_NO_DOCUMENT = "it is no graph document: it has no `sinkgraph`, `sources` or `sinks`"
_SEARCHED = ("sinkgraph", "sources", "sinks", "templates", "include", "vars", "defaults")


@dataclass(frozen=True, slots=True)
class Formatted:
    """Is what became of a document.

    `text`: how it is written in order, or None when it is left as it is: for the errors in
    `findings`, or because `refused`.
    """

    text: str | None
    findings: tuple[Diagnostic, ...] = ()
    refused: str = ""


def format_document(content: str | bytes, name: str, syntax: Syntax) -> Formatted:
    """Return a document in order; `name` is how it is shown. Must survive any text."""
    tree, findings = parse(content, name, syntax)
    if tree is None or has_errors(findings):
        return Formatted(None, tuple(findings))
    if not any(key in tree for key in (*_SEARCHED, "promises", "tests")):
        return Formatted(None, refused=_NO_DOCUMENT)
    text = content.decode("utf-8") if isinstance(content, bytes) else content
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    try:
        made, comments = _written(text, tree, syntax)
        if made == text:
            return Formatted(made)
        again, kept = _written(made, _reread(made, tree, name, syntax), syntax)
    except CannotFormatError as error:
        return Formatted(None, refused=str(error))
    if sorted(comments) != sorted(kept):
        return Formatted(None, refused=f"a comment would be lost{_FAULT}")
    if again != made:
        return Formatted(None, refused=f"it would be written otherwise each time{_FAULT}")
    return Formatted(made)


def _written(text: str, tree: Mapping, syntax: Syntax) -> tuple[str, list[str]]:
    """Return a text in order, and the comments of the text it was made from."""
    return _FORMS[syntax](text, tree)


def _reread(made: str, tree: Mapping, name: str, syntax: Syntax) -> Mapping:
    """Return the tree of what was written; raise CannotFormatError when it is another one."""
    again, findings = parse(made, name, syntax)
    if again is None or has_errors(findings):
        headline = findings[0].headline if findings else "nothing is left"
        raise CannotFormatError(f"it could not be read any more: {headline}{_FAULT}")
    if not same_tree(tree, again):
        raise CannotFormatError(f"it would say something else{_FAULT}")
    return again
