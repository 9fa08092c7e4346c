"""JSON becomes the document tree, with the place of every key and value.

Strict JSON: no comments, no trailing commas, no NaN. No recursion. It judges no field.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any, NoReturn

from sinkgraph.diagnostics.diagnostic import Diagnostic, Label
from sinkgraph.diagnostics.safe import safe_text
from sinkgraph.diagnostics.source import SourceText, Span
from sinkgraph.spec.document_text import (
    MAX_DEPTH,
    MAX_FINDINGS,
    MAX_VALUES,
    too_deep,
    too_many,
)
from sinkgraph.spec.document_tree import Entry, Mapping, Node, Scalar, Sequence, Value
from sinkgraph.spec.leaves import Placeholder

__all__ = ["parse_json"]

_SPACE = re.compile(r"[ \t\r\n]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_WORD = re.compile(r"[-+]?[A-Za-z_0-9.]+")
_SURROGATE = re.compile("[\ud800-\udfff]")
_WORDS: dict[str, Value] = {"true": True, "false": False, "null": None}
_NOT_NUMBERS = frozenset({"NaN", "Infinity", "-Infinity", "+Infinity", "nan", "inf", "-inf"})
_MAX_DIGITS = 1000


class _StopReadingError(Exception):
    """Ends the reading at a finding that leaves nothing to read on for."""

    def __init__(self, finding: Diagnostic) -> None:
        super().__init__(finding.headline)
        self.finding = finding


@dataclass(slots=True)
class _Frame:
    """Is an object or array that is still open; `key` is the key whose value is due."""

    start: int
    entries: list[Entry] | None
    items: list[Node] | None
    seen: dict[str, Scalar]
    key: Scalar | None = None
    twice: bool = False


def parse_json(source: SourceText) -> tuple[Node | None, list[Diagnostic]]:
    """Return the tree of `source`, or None, and every finding; None alone means it is empty."""
    reader = _Reader(source)
    try:
        return reader.read(), reader.found
    except _StopReadingError as stop:
        return None, [*reader.found, stop.finding]


class _Reader:
    """Reads one JSON text from front to back."""

    def __init__(self, source: SourceText) -> None:
        self.source = source
        self.text = source.text
        self.found: list[Diagnostic] = []
        self.stack: list[_Frame] = []
        self.left = MAX_VALUES

    def read(self) -> Node | None:
        """Return the only value of the text."""
        at = self._skip(0)
        if at == len(self.text):
            return None
        while True:
            node, at = self._value(at)
            while node is not None:
                if not self.stack:
                    at = self._skip(at)
                    if at < len(self.text):
                        self._fail("text follows the end of the document", at, "remove it")
                    return node
                node, at = self._after(node, at)

    def _value(self, at: int) -> tuple[Node | None, int]:
        """Read a leaf or an empty collection whole; open any other and return None."""
        self._count(at)
        text = self.text
        char = text[at : at + 1]
        if char == '"':
            string, end = self._string(at)
            return Scalar(Span(self.source, at, end), string, string, True), end
        if char == "{" or char == "[":
            return self._open(at, char)
        number = _NUMBER.match(text, at)
        if number is not None and not _WORD.match(text, number.end()):
            return self._number(number), number.end()
        word = _WORD.match(text, at)
        if word is not None:
            return self._word(word), word.end()
        return self._fail("a value was expected", at, _hint(char))

    def _count(self, at: int) -> None:
        self.left -= 1
        if self.left < 0:
            raise _StopReadingError(too_many(Span(self.source, at, at + 1)))

    def _open(self, at: int, char: str) -> tuple[Node | None, int]:
        if len(self.stack) >= MAX_DEPTH:
            raise _StopReadingError(too_deep(Span(self.source, at, at + 1)))
        frame = _Frame(at, [] if char == "{" else None, [] if char == "[" else None, {})
        after = self._skip(at + 1)
        if self.text[after : after + 1] == ("}" if char == "{" else "]"):
            return self._made(frame, after + 1), after + 1
        self.stack.append(frame)
        if char == "{":
            after = self._key(frame, after)
        return None, after

    def _after(self, node: Node, at: int) -> tuple[Node | None, int]:
        """Place a value in its collection and read on to the next value, or close it."""
        frame = self.stack[-1]
        if frame.items is not None:
            frame.items.append(node)
        elif frame.key is not None and frame.entries is not None and not frame.twice:
            frame.entries.append(Entry(frame.key, node))
        at = self._skip(at)
        char = self.text[at : at + 1]
        closer = "]" if frame.items is not None else "}"
        if char == ",":
            after = self._skip(at + 1)
            if self.text[after : after + 1] == closer:
                self._fail("a comma stands before a closing bracket", at, "remove the comma")
            return None, after if frame.items is not None else self._key(frame, after)
        if char == closer:
            self.stack.pop()
            return self._made(frame, at + 1), at + 1
        opened = Label(Span(self.source, frame.start, frame.start + 1), "opened here")
        what = "array" if closer == "]" else "object"
        return self._fail(f"a `,` or `{closer}` was expected", at, f"close the {what}", opened)

    def _made(self, frame: _Frame, end: int) -> Node:
        span = Span(self.source, frame.start, end)
        if frame.entries is not None:
            return Mapping(span, frame.entries)
        return Sequence(span, frame.items or [])

    def _key(self, frame: _Frame, at: int) -> int:
        """Read a key and its colon; return where its value begins."""
        self._count(at)
        if self.text[at : at + 1] != '"':
            self._fail("a key in double quotes was expected", at, _hint(self.text[at : at + 1]))
        name, end = self._string(at)
        key = Scalar(Span(self.source, at, end), name, name, True)
        first = frame.seen.get(name)
        frame.key, frame.twice = key, first is not None
        if first is not None and first.span is not None:
            clash = Label(first.span, "first here")
            self._add(
                "SG108",
                f"the key `{safe_text(name, 80)}` stands twice in one mapping",
                key.span,
                "a second time",
                "remove one of them",
                clash,
            )
        elif not name:
            frame.twice = True
            self._add("SG115", "a key is empty", key.span, "no text", "name the key")
        frame.seen.setdefault(name, key)
        colon = self._skip(end)
        if self.text[colon : colon + 1] != ":":
            self._fail("a `:` was expected after a key", colon, 'write `"key": value`')
        return self._skip(colon + 1)

    # --- leaves ---------------------------------------------------------------------------------

    def _string(self, at: int) -> tuple[str, int]:
        try:
            string, end = scanstring(self.text, at + 1, True)
        except ValueError as error:
            where = getattr(error, "pos", at)
            problem = str(getattr(error, "msg", error)).lower()
            if problem.startswith("unterminated"):
                self._fail("a text is never closed", at, 'close it with `"`')
            if "control character" in problem:
                self._fail("a text holds a control character or line break", where, "escape it")
            self._fail(f"a text holds an {problem.partition(':')[0]}", where, "escape it properly")
        if not string.isascii() and _SURROGATE.search(string):
            self._add(
                "SG117",
                "a text holds half of a surrogate pair",
                Span(self.source, at, end),
                "an unpaired `\\ud…` escape",
                "remove it",
            )
            string = _SURROGATE.sub("\ufffd", string)
        return string, end

    def _number(self, found: re.Match[str]) -> Node:
        raw = found[0]
        span = Span(self.source, found.start(), found.end())
        value: Value
        if found[1] is None and found[2] is None:
            value = int(raw) if len(raw) <= _MAX_DIGITS else None
        else:
            value = float(raw) if len(raw) <= _MAX_DIGITS else None
        if value is None or value in (float("inf"), float("-inf")):
            self._add(
                "SG118",
                "a number is too large",
                span,
                "no number that can be held",
                "write a smaller number, or text in quotes",
            )
            value = Placeholder(raw)
        return Scalar(span, raw, value)

    def _word(self, found: re.Match[str]) -> Node:
        raw = found[0]
        span = Span(self.source, found.start(), found.end())
        if raw in _WORDS:
            return Scalar(span, raw, _WORDS[raw])
        if raw in _NOT_NUMBERS:
            self._add(
                "SG118",
                f"`{raw}` is not a JSON number",
                span,
                "not a finite number",
                "write a finite number",
            )
            return Scalar(span, raw, Placeholder(raw))
        help = f"write `{raw.lower()}`" if raw.lower() in _WORDS else "put text in double quotes"
        if raw[0] in "-+.0123456789":
            help = "write a number like `10` or `0.5`, or text in double quotes"
        return self._fail(f"`{raw}` is not a JSON value", found.start(), help)

    # --- findings -------------------------------------------------------------------------------

    def _skip(self, at: int) -> int:
        found: Any = _SPACE.match(self.text, at)
        end: int = found.end()
        return end

    def _add(
        self, code: str, headline: str, span: Span | None, label: str, help: str, *clash: Label
    ) -> None:
        finding = Diagnostic(code, headline, span=span, label=label, secondary=clash, help=(help,))
        if len(self.found) >= MAX_FINDINGS:
            raise _StopReadingError(finding)
        self.found.append(finding)

    def _fail(self, headline: str, at: int, help: str, *clash: Label) -> NoReturn:
        end = min(at + 1, len(self.text))
        label = "here" if at < len(self.text) else "the document ends here"
        raise _StopReadingError(
            Diagnostic(
                "SG105",
                headline,
                span=Span(self.source, at, end),
                label=label,
                secondary=clash,
                help=(help,) if help else (),
            )
        )


def _hint(char: str) -> str:
    if char == "'":
        return "JSON text stands in double quotes"
    if char in {"/", "#"}:
        return "JSON has no comments: remove it, or use YAML"
    return "write a value" if char else "the document is cut off"
