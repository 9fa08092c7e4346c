"""What the YAML parser says when it gives up, in words a person who writes documents uses.

It only words and places; recognising a misread expression is `document_traps`.
"""

from __future__ import annotations

from typing import Any

import yaml

from sinkgraph.diagnostics.diagnostic import Diagnostic, Label
from sinkgraph.diagnostics.source import SourceText, Span

__all__ = ["syntax_finding"]

# problem of the parser → headline, label, help
_WORDS = {
    "mapping values are not allowed in this context": (
        "a `:` stands where no key can be",
        "YAML reads a new key here",
        "quote the value, or check the indentation of this line",
    ),
    "did not find expected key": (
        "a key was expected",
        "this is no `key:` of the mapping",
        "check the indentation of this line, or quote the value before it",
    ),
    "could not find expected ':'": (
        "a `:` is missing after a key",
        "reading stopped here",
        "write `key: value`, with a space after the colon",
    ),
    "did not find expected ',' or ']'": (
        "a list in brackets is not closed",
        "a `,` or `]` was expected",
        "close the list with `]`",
    ),
    "did not find expected ',' or '}'": (
        "a mapping in braces is not closed",
        "a `,` or `}` was expected",
        "close the mapping with `}`, or quote the value before this place",
    ),
    "did not find expected '-' indicator": (
        "a list item was expected",
        "this is no `- ` of the list",
        "check the indentation of this line",
    ),
    "did not find expected node content": (
        "a value was expected",
        "nothing YAML can read as a value",
        "write a value, or quote it",
    ),
    "did not find expected <document start>": (
        "the document has ended before this line",
        "it belongs to no key",
        "check the indentation of this line",
    ),
    "found unexpected end of stream": (
        "a quote is never closed",
        "the document ends here",
        "close the quote",
    ),
    "found character that cannot start any token": (
        "a character cannot begin a value",
        "YAML keeps this character for itself",
        "quote the value",
    ),
    "did not find expected alphabetic or numeric character": (
        "a text begins with a character YAML keeps for itself",
        "`*` begins an alias and `&` an anchor",
        "quote the text",
    ),
    "found unknown escape character": (
        "an escape in a text is not known",
        "not an escape of YAML",
        "write `\\\\` for a backslash, or use single quotes",
    ),
}
_CONSTRUCTS = (
    ("flow sequence", "list"),
    ("block sequence", "list"),
    ("block collection", "list"),
    ("flow mapping", "mapping"),
    ("block mapping", "mapping"),
    ("quoted scalar", "quoted text"),
    ("plain scalar", "text"),
    ("block scalar", "block of text"),
    ("simple key", "key"),
)
_NO_KEY = ("did not find expected key", "did not find expected node content")
_TABS = ("found a tab character", "found character that cannot start any token")


def syntax_finding(source: SourceText, error: yaml.YAMLError) -> Diagnostic:
    """Return the finding of an error of the parser, placed where it gave up."""
    mark: Any = getattr(error, "problem_mark", None)
    if mark is None:
        return Diagnostic(
            "SG105", "the YAML cannot be read", span=Span(source, 0, 0), notes=(_one_line(error),)
        )
    problem = str(getattr(error, "problem", "") or "")
    at = min(mark.index, len(source.text))
    if problem.startswith(_TABS) and (tab := _tab_near(source, at)) is not None:
        return Diagnostic(
            "SG106",
            "a tab is used for indentation",
            span=Span(source, tab, tab + 1),
            label="a tab",
            help=("YAML is indented with spaces: replace each tab by two spaces",),
        )
    if source.text[at - 1 : at + 1] == "${" and (end := source.text.find("}", at) + 1):
        whole = Span(source, at - 1, end)
        return Diagnostic(
            "SG105",
            "a `${…}` stands unquoted inside `{…}` or `[…]`",
            span=whole,
            label="YAML reads its `{` as the start of a mapping",
            help=(f'quote the text: `"{whole.text}"`',),
        )
    if problem in _NO_KEY and source.text[at : at + 1] == ":":
        place = Span(source, at, at + 1)
        return Diagnostic(
            "SG115", "a key is empty", span=place, label="no text before", help=("name the key",)
        )
    known = _WORDS.get(problem)
    headline, label, help = known or (f"the YAML cannot be read: {problem}", "here", "")
    return Diagnostic(
        "SG105",
        headline,
        span=Span(source, at, min(at + 1, len(source.text))),
        label=label,
        secondary=_context(source, error, at),
        help=(help,) if help else (),
    )


def _tab_near(source: SourceText, at: int) -> int | None:
    """Return the tab in the indentation of the line of `at`, if there is one."""
    line, _ = source.line_col(at)
    text = source.line(line)
    indent = text[: len(text) - len(text.lstrip(" \t"))]
    where = indent.find("\t")
    return None if where < 0 else source.offset(line, where + 1)


def _context(source: SourceText, error: yaml.YAMLError, at: int) -> tuple[Label, ...]:
    """Return where the construct began that the parser was reading."""
    mark: Any = getattr(error, "context_mark", None)
    context = str(getattr(error, "context", "") or "").removeprefix("while ")
    if mark is None or mark.index == at or not context:
        return ()
    what = context.split(" ", 1)[-1]
    for theirs, ours in _CONSTRUCTS:
        what = what.replace(theirs, ours)
    begun = Span(source, mark.index, min(mark.index + 1, len(source.text)))
    return (Label(begun, f"{what} begins here"),)


def _one_line(error: yaml.YAMLError) -> str:
    return " ".join(str(error).split())
