"""The table of every diagnostic code; a code, once given, keeps its meaning.

SG1xx syntax and fields, SG2xx shape, SG3xx risk, SG4xx types and expressions, SG5xx resources,
secrets and promises. How findings are made or shown is elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

__all__ = ["CODES", "Code"]


@dataclass(frozen=True, slots=True)
class Code:
    """Is one code: its readable slug, its usual severity and its meaning in one line."""

    code: str
    slug: str
    severity: Literal["error", "warning"]
    title: str


_TABLE = (
    Code("SG101", "unreadable-document", "error", "the document cannot be read"),
    Code("SG102", "not-utf8", "error", "the document is not UTF-8 text"),
    Code(
        "SG103",
        "document-too-large",
        "error",
        "the document is larger than 16 MiB, or holds too much",
    ),
    Code("SG104", "empty-document", "error", "the document says nothing"),
    Code("SG105", "syntax", "error", "the text is not valid YAML, TOML or JSON"),
    Code("SG106", "tab-indent", "error", "a tab is used for indentation"),
    Code("SG107", "too-deep", "error", "values are nested more than 64 deep"),
    Code("SG108", "duplicate-key", "error", "a key stands twice in one mapping"),
    Code("SG109", "several-documents", "error", "a file holds more than one YAML document"),
    Code("SG110", "yaml-tag", "error", "a YAML tag is used"),
    Code("SG111", "merge-key", "error", "a YAML merge key is used"),
    Code("SG112", "bad-alias", "error", "a YAML alias names no anchor, or its own"),
    Code("SG113", "alias-bomb", "error", "YAML aliases repeat too much"),
    Code("SG114", "not-a-mapping", "error", "the top level is not a mapping"),
    Code("SG115", "bad-key", "error", "a key is not plain text"),
    Code("SG116", "unquoted-expression", "error", "YAML reads an expression as something else"),
    Code("SG117", "control-character", "error", "the text holds a character no document may hold"),
    Code("SG118", "bad-number", "error", "a number is not finite, or too long"),
    Code("SG119", "unknown-suffix", "error", "the file name does not tell the syntax"),
    Code("SG120", "unknown-key", "error", "a key is not known here"),
    Code("SG121", "missing-field", "error", "a required field is missing"),
    Code("SG122", "wrong-type", "error", "a value has the wrong type"),
    Code("SG123", "bad-value", "error", "a value is outside what the field allows"),
    Code("SG124", "unknown-kind", "error", "a kind is not known"),
    Code("SG125", "missing-version", "error", "the document does not say its version"),
    Code("SG126", "unsupported-version", "error", "the document's version is not supported"),
    Code("SG127", "missing-unit", "error", "a duration, size or rate is not number and unit"),
    Code("SG128", "bad-name", "error", "a name is not allowed"),
    Code("SG129", "bad-address", "error", "a URL or address is not allowed"),
    Code("SG130", "bad-interpolation", "error", "a `${…}` is not well formed"),
    Code("SG131", "unknown-interpolation", "error", "a `${…}` has an unknown scheme"),
    Code("SG132", "unknown-var", "error", "a `${var:…}` names no declared var"),
    Code("SG133", "unset-var", "error", "a var has no value"),
    Code("SG134", "unknown-param", "error", "a template has no param of that name"),
    Code("SG140", "over-its-limit", "error", "a value is longer than its own limit"),
    Code("SG141", "shrinking-backoff", "error", "later waits are shorter than earlier ones"),
    Code("SG142", "fields-clash", "error", "a field contradicts another, or needs one"),
    Code("SG150", "not-in-this-version", "error", "a part of the design is not in this version"),
    Code("SG151", "not-checked", "warning", "a block is not checked or run in this version"),
    Code("SG160", "template-circle", "error", "templates use each other without an end"),
    Code("SG161", "taken-template-name", "error", "a template has the name of a kind"),
    Code("SG162", "bad-template", "error", "a word of a template is not used as it can be"),
    Code("SG170", "bad-include", "error", "an included document cannot be read"),
    Code("SG171", "include-circle", "error", "documents include each other in a circle"),
    Code("SG172", "empty-glob", "warning", "no document matches a glob of `include`"),
    Code("SG173", "declared-twice", "error", "two documents declare a var, template or default"),
    Code("SG174", "too-much-included", "error", "more is included than one graph may be made of"),
    Code("SG201", "duplicate-name", "error", "two nodes have one name, or look as if"),
    Code("SG202", "no-sink", "error", "the graph has no sink"),
    Code("SG203", "no-source", "warning", "the graph has no source; `inlet` is implied"),
    Code("SG204", "unknown-target", "error", "an edge names a node that is not declared"),
    Code("SG205", "port-arity", "error", "a list stands where one name does, or one for a list"),
    Code("SG206", "self-edge", "error", "a node writes to itself"),
    Code("SG207", "edge-into-source", "error", "an edge leads into a source"),
    Code("SG208", "unnamed-state", "error", "nodes with state written in place need names"),
    Code("SG209", "unreachable", "warning", "no event can reach a node"),
    Code("SG210", "cycle", "error", "sinks form a cycle"),
    Code("SG211", "ends-nowhere", "error", "a required branch has no target"),
    Code("SG212", "too-many-nodes", "error", "more than 10,000 nodes are declared"),
    Code("SG213", "too-many-targets", "error", "a node has more than 1,000 targets"),
    Code("SG214", "long-stretch", "error", "more than 200 nodes follow without a queue"),
    Code("SG215", "dead-letter-upstream", "error", "a dead letter points back upstream"),
    Code("SG216", "repeated-target", "error", "a list names one sink twice"),
    Code("SG217", "ambiguous-inlet", "error", "without a source, events could enter at many sinks"),
    Code("SG218", "reserved-name", "error", "a name belongs to an implied node"),
    Code("SG219", "unclear-rename", "error", "an old name is still declared, or claimed twice"),
    Code("SG230", "impossible-fate", "error", "pending events cannot go where they are to go"),
    Code("SG301", "slow-terminal", "warning", "a slow terminal has no queue before it"),
    Code("SG302", "no-failover", "error", "a fallback can never pass one of its targets"),
    Code("SG303", "late-failover", "warning", "a fallback waits for a retry below it"),
    Code("SG304", "memory-before-disk", "warning", "a queue in memory stands above one on disk"),
    Code("SG305", "held-by-retry", "warning", "a write waits for a retry, with no queue between"),
    Code("SG306", "nested-retries", "warning", "a retry stands directly above another one"),
    Code("SG307", "breaker-above-retry", "warning", "a breaker stands directly above a retry"),
    Code("SG308", "timeout-above-retry", "warning", "a timeout leaves a retry no second attempt"),
    Code("SG309", "constant-condition", "warning", "a condition never holds, or always does"),
    Code("SG310", "route-not-reached", "warning", "an earlier rule takes every event of another"),
    Code("SG311", "unbounded-call", "warning", "nothing bounds how long a function takes"),
    Code("SG312", "head-of-line", "warning", "events wait behind one for a queue that is full"),
    Code("SG313", "optional-without-queue", "warning", "an optional target is waited for"),
    Code("SG314", "order-lost", "warning", "the order is lost that an `order_by` is to keep"),
    Code("SG401", "unknown-field", "error", "an expression reads a field that no event has"),
    Code("SG402", "bad-expression", "error", "an expression cannot be used"),
    Code("SG403", "wrong-operand", "error", "an expression does what its values do not allow"),
    Code("SG404", "optional-field", "warning", "an expression reads a field that may be missing"),
    Code("SG405", "never-equal", "warning", "a value is compared with one it never has"),
    Code("SG406", "bad-schema", "error", "a schema cannot be used"),
    Code("SG409", "interpolated-expression", "error", "an expression holds a `${…}`"),
    Code("SG501", "unset-environment", "error", "an environment variable is not set"),
    Code("SG502", "unreadable-secret", "error", "a `${file:…}` cannot be used"),
    Code("SG510", "written-secret", "warning", "a secret is written in the document"),
    Code("SG511", "open-listener", "error", "a source takes events from anybody"),
    Code("SG512", "shared-file", "error", "two sinks write to one file"),
    Code("SG513", "unsafe-path", "error", "a sink's path is no plain file of its own"),
    Code("SG514", "shared-listener", "error", "two sources take one address and path"),
    Code("SG515", "shared-stdin", "error", "two sources read standard input"),
    Code("SG520", "broken-promise", "error", "the graph does not keep what it promises"),
    Code("SG521", "unknown-promise", "error", "a promise is about a way the graph does not have"),
)

CODES: Mapping[str, Code] = MappingProxyType({one.code: one for one in _TABLE})
