"""TOML becomes the document tree: the data from tomllib, the places from a scanner of our own.

Where the scanner and tomllib differ, the tree has no places, since a place is never guessed. It
judges no field.
"""

from __future__ import annotations

import re
import tomllib
from typing import Any

from sinkgraph.diagnostics.diagnostic import Diagnostic, Label
from sinkgraph.diagnostics.safe import safe_text
from sinkgraph.diagnostics.source import SourceText, Span
from sinkgraph.spec.document_text import too_deep, too_many
from sinkgraph.spec.document_toml_places import Place, Places, scan_places
from sinkgraph.spec.document_tree import Entry, Mapping, Node, Scalar, Sequence

__all__ = ["parse_toml"]

_WHERE = re.compile(r"\s*\(at (?:line (\d+), column (\d+)|end of document)\)$")
_LONG = re.compile(r"[0-9_]{4000,}")
_TWICE = ("Cannot overwrite", "Cannot declare", "Cannot mutate", "Cannot redefine", "Duplicate")


def parse_toml(source: SourceText) -> tuple[Node | None, list[Diagnostic]]:
    """Return the tree of `source`, or None, and every finding; None alone means it is empty."""
    places = scan_places(source.text)
    if places.too_deep is not None:
        at = places.too_deep
        return None, [too_deep(Span(source, at, min(at + 1, len(source.text))))]
    if places.too_many is not None:
        at = places.too_many
        return None, [too_many(Span(source, at, min(at + 1, len(source.text))))]
    if places.too_long is not None:
        return None, [_too_long(Span(source, *places.too_long))]
    try:
        loaded = tomllib.loads(source.text)
    except tomllib.TOMLDecodeError as error:
        return None, [_finding(source, str(error), places)]
    except RecursionError:
        return None, [too_deep(None)]
    except ValueError:
        found = _LONG.search(source.text)
        return None, [_too_long(Span(source, *(found.span() if found else (0, 0))))]
    if not loaded:
        return None, []
    return _tree(source, loaded, places.root), []


def _too_long(span: Span) -> Diagnostic:
    """Return the finding of a number that Python will not read."""
    help = "write a smaller number, or text in quotes"
    return Diagnostic(
        "SG118", "a number is too large", span=span, label="too many digits", help=(help,)
    )


def _finding(source: SourceText, message: str, places: Places) -> Diagnostic:
    """Word and place an error of tomllib."""
    where = _WHERE.search(message)
    problem = message[: where.start()] if where else message
    if problem.startswith(_TWICE) and places.twice is not None:
        first, again = places.twice
        name = source.text[again[0] : again[1]]
        clash = Label(Span(source, *first), "first here")
        return Diagnostic(
            "SG108",
            f"the key `{safe_text(name, 80)}` stands twice in one table",
            span=Span(source, *again),
            label="a second time",
            secondary=(clash,),
            help=("remove one of them",),
        )
    at = len(source.text)
    if where is not None and where[1]:
        at = source.offset(int(where[1]), int(where[2]))
    label = "here" if at < len(source.text) else "the document ends here"
    return Diagnostic(
        "SG105",
        f"the TOML cannot be read: {problem[:1].lower()}{problem[1:]}",
        span=Span(source, at, min(at + 1, len(source.text))),
        label=label,
        help=_help(problem),
    )


def _help(problem: str) -> tuple[str, ...]:
    if problem.startswith("Invalid value"):
        return ('put text in quotes: `key = "text"`',)
    if problem.startswith("Expected '='"):
        return ("write `key = value`",)
    if problem.startswith("Unclosed array"):
        return ("close the list with `]`",)
    return ()


def _tree(source: SourceText, loaded: dict[str, Any], root: Place) -> Node:
    """Build the nodes of tomllib's data beside the places found for them, without recursion."""
    todo: list[tuple[Node, Any, Place | None]] = []

    def made(value: Any, place: Place | None) -> Node:
        span = None if place is None else Span(source, place.start, place.end)
        if isinstance(value, dict):
            node: Node = Mapping(span, [])
        elif isinstance(value, list):
            node = Sequence(span, [])
        else:
            leaf = place is not None and place.kids is None
            return _leaf(value, span if leaf else None)
        todo.append((node, value, place))
        return node

    tree = made(loaded, root)
    while todo:
        node, value, place = todo.pop()
        kids = None if place is None else place.kids
        if isinstance(node, Mapping):
            known = kids if isinstance(kids, dict) else {}
            for name, one in value.items():
                kid = known.get(name)
                key = Scalar(None if kid is None else Span(source, *kid.key), name, name, True)
                node.entries.append(Entry(key, made(one, kid)))
        elif isinstance(node, Sequence):
            rows = (
                kids if isinstance(kids, list) and len(kids) == len(value) else [None] * len(value)
            )
            node.items.extend(made(one, row) for one, row in zip(value, rows, strict=True))
    return tree


def _leaf(value: object, span: Span | None) -> Scalar:
    """Return a leaf with its text as written; dates and times are text."""
    if isinstance(value, str):
        return Scalar(span, value, value, True)
    text = span.text if span is not None else str(value)
    if isinstance(value, bool):
        return Scalar(span, text if span else str(value).lower(), value)
    if isinstance(value, int | float):
        return Scalar(span, text, value)
    return Scalar(span, text, text, True)
