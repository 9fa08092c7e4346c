"""Lines of bounded length, whatever the pieces they come in."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from sinkgraph.event import Event
from sinkgraph.formats.limits import Limits
from sinkgraph.sources.lines import LineCutter, LongLine, decode_lines, line_size

LIMITS = Limits()


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=10), st.integers(1, 20))
def test_cutting_does_not_depend_on_the_pieces(data: bytes, cuts: list[int], longest: int) -> None:
    cutter = LineCutter(longest)
    edges = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    pieces = [data[a:b] for a, b in pairwise(edges)]
    lines = [line for piece in pieces for line in cutter.feed(piece)]
    assert cutter.begun == len(data.rpartition(b"\n")[2])
    lines += cutter.finish()
    wanted = data.split(b"\n")
    if not wanted[-1]:
        wanted.pop()
    assert [line_size(line) for line in lines] == [len(line) for line in wanted]
    for line, whole in zip(lines, wanted, strict=True):
        assert isinstance(line, LongLine) == (len(whole) > longest)
        assert whole.startswith(line)
    assert cutter.finish() == []


def test_a_line_without_end_is_not_held() -> None:
    cutter = LineCutter(1_000)
    for _ in range(1_000):
        assert cutter.feed(b"x" * 65_536) == []
    (line,) = cutter.feed(b"y\n")
    assert line_size(line) == 65_536_001
    assert len(line) <= 1024
    assert cutter.feed(b"next\n") == [b"next"]


def test_json_lines_become_payloads_and_bad_ones_are_named() -> None:
    decoded = decode_lines([b'{"a":1}', b"", b"  \r", b"{", b"null", b"2\r"], "ndjson", LIMITS)
    assert [value.raw for value in decoded.values] == [b'{"a":1}', b"2"]
    assert [(one.text, one.reason) for one in decoded.bad] == [
        (b"{", "input data was truncated"),
        (b"null", "null is not an event"),
    ]


def test_plain_lines_are_text_or_bytes() -> None:
    decoded = decode_lines(["é\r".encode(), b"\xff", b"{"], "lines", LIMITS)
    assert decoded.values == ["é", b"\xff", "{"]
    assert decoded.bad == []


def test_long_lines_are_bad() -> None:
    lines = LineCutter(3).feed(b"abcdef\nabc\n")
    decoded = decode_lines(lines, "lines", LIMITS)
    assert decoded.values == ["abc"]
    assert decoded.bad[0].reason == "the line is 6 bytes long, more than is read"


def test_notifications_are_taken_apart_and_bare_entries_are_not() -> None:
    lines = [
        b'{"events":[{"id":"a","action":"push"},{"id":"b","action":"pull"}]}',
        b'{"id":"c","action":"delete"}',
        b'{"events":[{"id":"d"}]}',
    ]
    decoded = decode_lines(lines, "ndjson", LIMITS, registry=True, received=7.0)
    first, second, bare = decoded.values
    assert isinstance(first, Event)
    assert (first.id, first.type, first.time) == ("a", "docker.registry.push", 7.0)
    assert second.id == "b"
    assert bare.value["id"] == "c"
    assert decoded.bad[0].reason == (
        "1 of 1 entries are bad; entry 0: object missing required field `action`"
    )
