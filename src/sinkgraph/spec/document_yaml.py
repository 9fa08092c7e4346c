"""YAML 1.2 (core schema) becomes the document tree, from the C parser's stream of events.

No recursion, no tags, no merge keys, one document, bounded depth and aliases. It judges no field;
it knows only that some keys hold expressions, to say when YAML misreads one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from sinkgraph.diagnostics.diagnostic import Diagnostic, Label
from sinkgraph.diagnostics.safe import safe_text
from sinkgraph.diagnostics.source import SourceText, Span
from sinkgraph.spec.document_scalars import UNUSUAL, core_value
from sinkgraph.spec.document_text import MAX_DEPTH, MAX_VALUES
from sinkgraph.spec.document_traps import (
    EXPRESSION_KEYS,
    EXPRESSION_MAPS,
    Trap,
    balanced,
    find_trap,
)
from sinkgraph.spec.document_tree import Entry, Mapping, Node, Scalar, Sequence, Value
from sinkgraph.spec.document_yaml_errors import syntax_finding
from sinkgraph.spec.document_yaml_findings import Findings, StopBuildingError
from sinkgraph.spec.leaves import Placeholder

__all__ = ["MAX_REPEATED", "parse_yaml"]

MAX_REPEATED = 100_000
"""Nodes that aliases may repeat in one document."""
_MAX_TRAPS = 20
_MAX_REREAD = 1_000_000  # characters: each trap makes the whole text be read once more

_COMMENT = re.compile(r"[ \t]+#")


def parse_yaml(source: SourceText) -> tuple[Node | None, list[Diagnostic]]:
    """Return the tree of the only document in `source`, or None, and every finding.

    An expression that YAML misreads is one finding, and the tree holds what was meant, so that
    the rest of the document is judged too. None without a finding means an empty document.
    """
    traps: dict[int, Trap] = {}
    text = source.text
    most = max(1, min(_MAX_TRAPS, _MAX_REREAD // (len(text) or 1)))
    while True:
        builder = _Builder(source, traps, most)
        try:
            root = builder.build(text)
        except yaml.YAMLError as error:
            trap = builder.trap_of(error) if len(traps) < most else None
            if trap is None or trap.start in traps:
                finding = syntax_finding(source, error)
                return None, [
                    *(one.finding for one in traps.values()),
                    *builder.findings.found,
                    finding,
                ]
            text = _as_meant(text, trap, traps)
            continue
        except _TrappedError as trapped:
            text = _as_meant(text, trapped.trap, traps)
            continue
        except StopBuildingError:
            root = None
        return root, [*(one.finding for one in traps.values()), *builder.findings.found]


def _as_meant(text: str, trap: Trap, traps: dict[int, Trap]) -> str:
    """Remember a trap, and return the text with something harmless of its length in its place."""
    traps[trap.start] = trap
    return text[: trap.start] + "x" * (trap.end - trap.start) + text[trap.end :]


class _TrappedError(Exception):
    """Ends the building at an expression whose rest YAML would read as something else."""

    def __init__(self, trap: Trap) -> None:
        super().__init__(trap.finding.headline)
        self.trap = trap


@dataclass(slots=True)
class _Frame:
    """Is a collection that is still open.

    `seen` maps the keys so far (None in a list); `key` is the key read last; `waiting` when its
    value is due; `skip` when that value is dropped; `foreign` when the keys that follow belong to
    another node, whose name is missing; `nodes` and `height` measure it for aliases.
    """

    node: Any
    start: int
    anchor: str | None
    flow: bool
    expressions: bool = False
    seen: dict[str, Scalar] | None = None
    key: Scalar | None = None
    waiting: bool = False
    skip: bool = False
    foreign: bool = False
    nodes: int = 1
    height: int = 1


class _Builder:
    """Builds one tree from the events of one parse."""

    def __init__(self, source: SourceText, traps: dict[int, Trap], most_traps: int) -> None:
        self.source = source
        self.traps = traps
        self.most_traps = most_traps
        self.findings = Findings(source)
        self.stack: list[_Frame] = []
        self.anchors: dict[str, tuple[Node, int, int]] = {}
        self.repeated = 0
        self.root: Node | None = None

    def build(self, text: str) -> Node | None:
        """Return the root of the text's only document; raise yaml.YAMLError."""
        parser = yaml.cyaml.CParser(text)  # type: ignore[attr-defined]
        next_event = parser.get_event
        documents = 0
        left = MAX_VALUES + 2  # the stream and its document begin too
        while True:
            event = next_event()
            kind = type(event)
            if kind is not MappingEndEvent and kind is not SequenceEndEvent:
                left -= 1
                if left < 0:
                    self.findings.stop_too_many(event)
            if kind is ScalarEvent:
                self._scalar(event)
            elif kind is MappingStartEvent or kind is SequenceStartEvent:
                self._open(event, kind is MappingStartEvent)
            elif kind is MappingEndEvent or kind is SequenceEndEvent:
                self._close(event)
            elif kind is AliasEvent:
                self._alias(event)
            elif kind is DocumentStartEvent:
                documents += 1
                if documents > 1:
                    self.findings.stop(
                        "SG109",
                        "the file holds more than one YAML document",
                        event,
                        "a second document begins here",
                        "keep one document in a file",
                    )
            elif kind is StreamEndEvent:
                return self.root

    # --- events ---------------------------------------------------------------------------------

    def _scalar(self, event: Any) -> None:
        start = event.start_mark.index
        end = event.end_mark.index
        text = event.value
        style = event.style
        if style == "|" or style == ">":
            end = start + len(self.source.text[start:end].rstrip())
        value: Value = text
        if not style and (not text or text[0] in UNUSUAL):
            value = core_value(text)
        source = self.source
        node = Scalar(Span(source, start, end), text, value, style != "")
        frame = self.stack[-1] if self.stack else None
        if frame is not None and frame.seen is not None and not frame.waiting:
            self._key(frame, node, event)
            return
        if not text and not style and frame is not None and frame.key is not None:
            node = Scalar(frame.key.span, text, value)  # nothing is written: its place is the key
        if start in self.traps:
            trap = self.traps[start]
            raw = source.text[trap.start : trap.end]
            node = Scalar(Span(source, trap.start, trap.end), raw, raw, True)
        elif event.tag is not None:
            node = self._tagged(frame, event, node)
        elif frame is not None and not style and self._is_expression(frame):
            node = self._cut_short(frame, node, end)
        if event.anchor:
            self.anchors[event.anchor] = (node, 1, 0)
        self._attach(frame, node, 1, 0)

    def _open(self, event: Any, mapping: bool) -> None:
        start = event.start_mark.index
        stack = self.stack
        frame = stack[-1] if stack else None
        if len(stack) >= MAX_DEPTH:
            self.findings.stop_too_deep(event, whole=False)
        if event.tag is not None:
            self.findings.tag(event)
        made = _Frame([], start, event.anchor, bool(event.flow_style))
        if mapping:
            made.seen = {}
            made.expressions = bool(
                frame is not None and frame.key is not None and frame.key.text in EXPRESSION_MAPS
            )
        if frame is not None and frame.seen is not None and not frame.waiting:
            self._bad_key(frame, event)
        if event.anchor:
            self.anchors.pop(event.anchor, None)
        stack.append(made)

    def _close(self, event: Any) -> None:
        frame = self.stack.pop()
        span = Span(self.source, frame.start, self._end(event, frame))
        node: Node = (
            Mapping(span, frame.node) if frame.seen is not None else Sequence(span, frame.node)
        )
        if frame.anchor:
            self.anchors[frame.anchor] = (node, frame.nodes, frame.height)
        self._attach(self.stack[-1] if self.stack else None, node, frame.nodes, frame.height)

    def _end(self, event: Any, frame: _Frame) -> int:
        """Return where a collection ends: a block's end mark lies on the line after it."""
        end: int = event.end_mark.index
        if frame.flow:
            return end
        text = self.source.text
        while end > frame.start and text[end - 1] in " \t\r\n":
            end -= 1
        return end

    def _alias(self, event: Any) -> None:
        name: str = event.anchor
        frame = self.stack[-1] if self.stack else None
        known = self.anchors.get(name)
        if known is None:
            inside = any(one.anchor == name for one in self.stack)
            self.findings.stop(
                "SG112",
                f"the alias `*{name}` {'contains itself' if inside else 'names no anchor'}",
                event,
                "inside the value it stands for" if inside else f"no `&{name}` comes before",
                "write the value out",
            )
        node, nodes, height = known
        self.repeated += nodes
        if self.repeated > MAX_REPEATED:
            self.findings.stop(
                "SG113",
                f"aliases repeat more than {MAX_REPEATED:,} values",
                event,
                "the alias that is one too many",
                "write fewer aliases of aliases",
            )
        if len(self.stack) + height > MAX_DEPTH:
            self.findings.stop_too_deep(event, whole=True)
        if frame is not None and frame.seen is not None and not frame.waiting:
            if not isinstance(node, Scalar):
                self._bad_key(frame, event)
                frame.waiting, frame.skip = True, True
                return
            self._key(frame, Scalar(self.findings.span(event), node.text, node.value, True), event)
            return
        self._attach(frame, node, nodes, height)

    # --- placing --------------------------------------------------------------------------------

    def _attach(self, frame: _Frame | None, node: Node, nodes: int, height: int) -> None:
        if frame is None:
            self.root = node
            return
        frame.nodes += nodes
        if height >= frame.height:
            frame.height = height + 1
        if frame.seen is None:
            frame.node.append(node)
        elif not frame.waiting:
            frame.waiting = True
        else:
            frame.waiting = False
            if frame.skip:
                frame.skip = False
            else:
                frame.node.append(Entry(frame.key, node))  # type: ignore[arg-type]

    def _key(self, frame: _Frame, key: Scalar, event: Any) -> None:
        text = key.text
        frame.key = key
        frame.waiting = True
        if type(event) is ScalarEvent and event.anchor:
            self.anchors[event.anchor] = (key, 1, 0)
        seen = frame.seen
        assert seen is not None
        if frame.foreign:
            frame.skip = True
            return
        first = seen.get(text)
        if first is not None and first.span is not None:
            self.findings.find(
                "SG108",
                f"the key `{safe_text(text, 80)}` stands twice in one mapping",
                event,
                "a second time",
                "remove one of them",
                Label(first.span, "first here"),
            )
            frame.skip = True
            frame.foreign = text == "kind"
            return
        seen[text] = key
        if getattr(event, "tag", None) is not None:
            self.findings.tag(event)
        if text == "<<" and not key.quoted:
            self.findings.find(
                "SG111",
                "merge keys are not supported",
                event,
                "a YAML 1.1 merge key",
                "write the fields out, or set them once under `defaults:`",
            )
            frame.skip = True
        elif not text:
            self.findings.find(
                "SG115", "a key is empty", event, "no text before the `:`", "name the key"
            )
            frame.skip = True

    def _bad_key(self, frame: _Frame, event: Any) -> None:
        """Refuse a list or mapping as a key; its entry is read and dropped."""
        self.findings.find(
            "SG115",
            "a key is not plain text",
            event,
            "a list or mapping as a key",
            "write the key as text",
        )
        frame.skip = True
        frame.key = None

    # --- expressions ----------------------------------------------------------------------------

    def _is_expression(self, frame: _Frame) -> bool:
        key = frame.key
        return key is not None and (frame.expressions or key.text in EXPRESSION_KEYS)

    def _tagged(self, frame: _Frame | None, event: Any, node: Scalar) -> Scalar:
        """Refuse a tag; on an expression it was meant as the operator `!`."""
        if frame is not None and frame.key is not None and self._is_expression(frame):
            start = event.start_mark.index
            if not self.source.text.startswith("!!", start):
                return self._meant(frame, node, start)
        self.findings.tag(event)
        return Scalar(node.span, node.text, Placeholder(node.text), True)

    def _cut_short(self, frame: _Frame, node: Scalar, end: int) -> Scalar:
        """Find an expression whose end YAML took for a comment, or for the next key in braces."""
        if balanced(node.text):
            return node
        if _COMMENT.match(self.source.text, end):
            return self._meant(frame, node, end)
        if frame.flow and frame.key is not None and frame.key.span is not None:
            trap = find_trap(self.source, frame.key.span, flow=True, at=end)
            if trap is not None and trap.end > end and len(self.traps) < self.most_traps:
                raise _TrappedError(trap)
        return node

    def _meant(self, frame: _Frame, node: Scalar, at: int) -> Scalar:
        assert frame.key is not None
        assert frame.key.span is not None
        trap = find_trap(self.source, frame.key.span, flow=frame.flow, at=at)
        if trap is None:
            return node
        self.findings.add(trap.finding)
        raw = self.source.text[trap.start : trap.end]
        return Scalar(Span(self.source, trap.start, trap.end), raw, raw, True)

    def trap_of(self, error: yaml.YAMLError) -> Trap | None:
        """Return the expression that made the parser give up, if it was one."""
        mark = getattr(error, "problem_mark", None)
        if mark is None:
            return None
        at: int = mark.index
        line = self.source.line_col(at)[0]
        for frame in reversed(self.stack):
            key = frame.key
            if key is None or key.span is None or not self._is_expression(frame):
                continue
            if key.span.line == line:
                return find_trap(self.source, key.span, flow=frame.flow, at=at)
        return None
