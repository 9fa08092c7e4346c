"""Bytes become the text of a document, or a finding that shows the first byte that is not text.

Only UTF-8 is text. Nothing here knows YAML, TOML or JSON.
"""

from __future__ import annotations

import re

from sinkgraph.diagnostics.diagnostic import Diagnostic
from sinkgraph.diagnostics.source import SourceText, Span

__all__ = [
    "MAX_BYTES",
    "MAX_DEPTH",
    "MAX_FINDINGS",
    "MAX_LINES",
    "MAX_VALUES",
    "decode",
    "too_deep",
    "too_many",
]

MAX_BYTES = 16 * 1024 * 1024
MAX_DEPTH = 64
MAX_FINDINGS = 100
MAX_LINES = 1_000_000
MAX_VALUES = 250_000
"""Keys and values a document may hold: 25 for each of the 10,000 nodes it may declare."""

_BOM = "\ufeff"
_REFUSED = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x84\x86-\x9f\ud800-\udfff\ufdd0-\ufdef\ufeff\ufffe\uffff]"
)
_WIDE_BOMS = (
    (b"\xff\xfe\x00\x00", "UTF-32"),
    (b"\x00\x00\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)
_HELP = "save the document as UTF-8"


def decode(given: str | bytes, name: str) -> tuple[SourceText | None, list[Diagnostic]]:
    """Return the text of a document without its byte order mark, or why it has none.

    Must survive any bytes. `name` is how the document is shown.
    """
    size = len(given) if isinstance(given, bytes) else _utf8_size(given)
    if size > MAX_BYTES:
        return None, [_too_large(name, size)]
    if isinstance(given, bytes):
        encoding = _wide(given)
        if encoding:
            start = Span(SourceText(name, ""), 0, 0)
            headline = f"the document is {encoding}, not UTF-8"
            return None, [Diagnostic("SG102", headline, span=start, help=(_HELP,))]
        try:
            text = given.decode("utf-8")
        except UnicodeDecodeError as error:
            return None, [_not_utf8(given, error, name)]
    else:
        text = given
    source = SourceText(name, text.removeprefix(_BOM))
    found = _REFUSED.search(source.text)
    if found:
        return None, [_control(source, found.start())]
    lines = source.text.count("\n") + source.text.count("\r") - source.text.count("\r\n")
    return (None, [_too_long(name, lines)]) if lines > MAX_LINES else (source, [])


def too_deep(span: Span | None, path: str = "") -> Diagnostic:
    """Return the finding of a value nested deeper than any document needs."""
    return Diagnostic(
        "SG107",
        f"values are nested more than {MAX_DEPTH} deep",
        span=span,
        label=f"level {MAX_DEPTH + 1} begins here",
        path=path,
        help=("give inner nodes names of their own and write to those names",),
    )


def too_many(span: Span | None, path: str = "") -> Diagnostic:
    """Return the finding of a document that holds more than any graph needs."""
    return Diagnostic(
        "SG103",
        f"the document holds more than {MAX_VALUES:,} keys and values",
        span=span,
        label="the first too many",
        path=path,
        help=("split it into several documents",),
    )


def _utf8_size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def _wide(data: bytes) -> str:
    """Name the encoding that a mark, or zeros in every second place, give away."""
    for mark, encoding in _WIDE_BOMS:
        if data.startswith(mark):
            return encoding
    head = data[:4]
    if len(head) == 4 and (head[0] == head[2] == 0 < head[1] or head[1] == head[3] == 0 < head[0]):
        return "UTF-16"
    return ""


def _too_large(name: str, size: int) -> Diagnostic:
    limit = MAX_BYTES // 1024**2
    return Diagnostic(
        "SG103",
        f"the document has {size} bytes, more than {limit} MiB",
        span=Span(SourceText(name, ""), 0, 0),
        help=("split it into several documents",),
    )


def _too_long(name: str, lines: int) -> Diagnostic:
    return Diagnostic(
        "SG103",
        f"the document has {lines:,} lines, more than {MAX_LINES:,}",
        span=Span(SourceText(name, ""), 0, 0),
        help=("split it into several documents",),
    )


def _not_utf8(data: bytes, error: UnicodeDecodeError, name: str) -> Diagnostic:
    """Show the bytes that are no text as escapes, in their own line."""
    start = len(data[: error.start].decode("utf-8").removeprefix(_BOM))
    text = data.decode("utf-8", "backslashreplace").removeprefix(_BOM)
    bad = 4 * (error.end - error.start)
    byte = data[error.start]
    return Diagnostic(
        "SG102",
        "the document is not UTF-8 text",
        span=Span(SourceText(name, text), start, start + bad),
        label=f"byte 0x{byte:02x} does not belong in UTF-8 here",
        help=(_HELP,),
    )


def _control(source: SourceText, at: int) -> Diagnostic:
    char = source.text[at]
    code = ord(char)
    if code == 0:
        label, help = "a NUL character: this is not a text file", _HELP
    elif 0xD800 <= code <= 0xDFFF:
        label, help = f"half of a surrogate pair, U+{code:04X}", _HELP
    elif char == _BOM:
        label, help = "a second byte order mark", "remove it"
    else:
        label, help = f"the control character U+{code:04X}", "remove it"
    return Diagnostic(
        "SG117",
        "the document holds a character no document may hold",
        span=Span(source, at, at + 1),
        label=label,
        help=(help,),
    )
