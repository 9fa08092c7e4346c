"""Proves that a chunk gives back every event as it was: id, head, time, meta, payload."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinkgraph.event import Batch, Event, Json, Meta, Page
from sinkgraph.log.disk import chunk


def told(batch: Batch) -> list[tuple[Any, ...]]:
    """Return what is to be the same on both sides; JSON as its text."""
    return [
        (one.id, one.type, one.source, one.time, text, type(one.payload) is bytes, dict(one.meta))
        for one, text in zip(batch, texts(batch), strict=True)
    ]


def texts(batch: Batch) -> list[bytes]:
    return [
        payload if isinstance(payload, bytes) else batch[k : k + 1].json()[0]
        for k, payload in enumerate(batch.payloads)
    ]


def a_page(n: int = 5, **given: Any) -> Page:
    values: list[Any] = [Json(b'{"n": %d}' % k) for k in range(n)]
    return Page(values, "log7", 40, source="web", type="push", marks=[(0, 1.1), (3, 2.7)], **given)


def test_events_of_a_page_keep_ids_times_and_text() -> None:
    batch = Batch(a_page(), 1, 5)
    back = chunk.decode(chunk.encode([batch]), places=900)
    assert told(back) == told(batch)
    assert back.ids == ["log7-41", "log7-42", "log7-43", "log7-44"]
    assert [one.time for one in back] == [1.1, 1.1, 2.7, 2.7]
    assert back.places == range(900, 904)
    assert type(back.payloads[0]) is Json
    assert back.payloads[0].raw == b'{"n": 1}'


def test_events_that_were_looked_at_are_stored_under_their_pages_head() -> None:
    page = a_page()
    plain = chunk.encode([Batch(page, 0, 5)])
    list(Batch(page, 2, 4))
    assert chunk.encode([Batch(page, 0, 5)]) == plain


def test_a_body_does_not_change_the_page_it_is_made_of() -> None:
    page = a_page()
    event = page.event(2)
    chunk.encode([Batch(page, 0, 5)])
    assert page.values[2] is event


def test_pages_of_one_log_that_go_on_are_one_part() -> None:
    pages = [Page([Json(b"1")], "u", k, marks=[(0, 5.0)]) for k in range(64)]
    whole = chunk.encode([Batch(page, 0, 1) for page in pages])
    assert whole == chunk.encode([Batch(Page([Json(b"1")] * 64, "u", 0, marks=[(0, 5.0)]), 0, 64)])


def test_small_writes_of_one_kind_are_one_part_with_all_their_times() -> None:
    n = 9
    pages = [Page([b"%d" % k], "u", k, source="s", marks=[(0, k // 3)]) for k in range(n)]
    body = chunk.encode([Batch(page, 0, 1) for page in pages])
    assert body.count(b"u") == 1
    back = chunk.decode(body)
    assert [one.time for one in back] == [k // 3 for k in range(n)]
    assert back.payloads == [b"%d" % k for k in range(n)]


def test_an_event_among_others_keeps_its_own_head() -> None:
    page = a_page()
    page.event(1)
    page.values[2] = Event("mine", "t", "s", 9.5, [1], Meta(a=1))
    back = chunk.decode(chunk.encode([Batch(page, 0, 5)]), 70)
    assert back.ids == ["log7-40", "log7-41", "mine", "log7-43", "log7-44"]
    assert told(back) == told(Batch(page, 0, 5))
    assert back.places == range(70, 75)


def test_events_with_their_own_heads_come_back_whole() -> None:
    events = [
        Event("a", "t", "s", 3, {"x": [1, None]}, Meta(attempts=3, errors=["x"])),
        Event("b", "u", "s", 0.1 + 0.2, b"\x00\xff"),
        Event("", "t", "", -1.5, "text"),
    ]
    back = chunk.decode(chunk.encode([Batch.of(events)]))
    assert told(back) == told(Batch.of(events))
    assert [one.data for one in back] == [{"x": [1, None]}, b"\x00\xff", "text"]
    assert back.places is None


def test_what_the_encoding_cannot_hold_comes_back_all_the_same() -> None:
    meta = Meta(lone="\udc80", big=1 << 90, deep=[{"n": -(1 << 70)}], pair=(1, 2), odd=object)
    back = chunk.decode(chunk.encode([Batch.of([Event("\ud800", data=[1 << 80], meta=meta)])]))
    (event,) = back
    assert event.id == "\ud800"
    assert event.data == [1 << 80]
    assert event.meta["lone"] == "\udc80"
    assert event.meta["big"] == 1 << 90
    assert event.meta["deep"] == [{"n": -(1 << 70)}]
    assert event.meta["pair"] == [1, 2]
    assert "object" in event.meta["odd"]


def test_what_cannot_be_a_key_is_shown_instead() -> None:
    odd: dict[Any, int] = {1 << 70: 1, "\udc80": 2, (1, 2): 3, 7: 4}
    (event,) = chunk.decode(chunk.encode([Batch.of([Event("a", meta=Meta(odd=odd, big=1 << 70))])]))
    assert event.meta["odd"] == {str(1 << 70): 1, r"\udc80": 2, "(1, 2)": 3, 7: 4}


def test_a_head_that_is_no_text_costs_no_event() -> None:
    odd: Any = None
    one = Event("a", odd, odd, 1.0, {"n": 1})
    (event,) = chunk.decode(chunk.encode([Batch.of([one])]))
    assert [event.id, event.type, event.source, event.data] == ["a", odd, odd, {"n": 1}]


@pytest.mark.parametrize("body", [b"", b"\x00", b"\x91\x90", b"\xc1", b"\x91\x91\xa1u"])
def test_other_bytes_are_a_value_error(body: bytes) -> None:
    with pytest.raises(ValueError, match="not the body of a chunk"):
        chunk.decode(body)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
payloads = st.binary() | json_values.map(lambda value: Json(None, [value]))
metas = st.dictionaries(st.text(), json_values, max_size=2).map(Meta)
times = st.floats(allow_nan=False)


@st.composite
def batches(draw: st.DrawFn) -> Batch:
    values: list[Any] = draw(st.lists(payloads, min_size=1, max_size=6))
    n = len(values)
    if draw(st.booleans()):
        return Batch.of(
            Event(draw(st.text()), draw(st.text()), draw(st.text()), draw(times), one, draw(metas))
            for one in values
        )
    cuts = sorted(draw(st.sets(st.integers(1, n))))
    page = Page(
        values,
        draw(st.sampled_from(["a", "b"])),
        draw(st.integers(0, 9)),
        source=draw(st.sampled_from(["", "s"])),
        marks=[(0, draw(times)), *((at, draw(times)) for at in cuts)],
        seqs=draw(st.none() | st.lists(st.integers(0, 99), min_size=n, max_size=n)),
    )
    for k in draw(st.sets(st.integers(0, n - 1))):
        page.event(k)
    for k in draw(st.sets(st.integers(0, n - 1), max_size=1)):
        payload = Batch(page, k, k + 1).payloads[0]
        page.values[k] = Event("own", "o", "", draw(times), payload, draw(metas))
    i = draw(st.integers(0, n - 1))
    return Batch(page, i, draw(st.integers(i + 1, n)))


@pytest.mark.timeout(900)  # 5,000 examples under `HYPOTHESIS_PROFILE=soak`
@given(st.lists(batches(), min_size=1, max_size=5))
def test_whatever_is_stored_comes_back(given: list[Batch]) -> None:
    body = chunk.encode(given)
    back = chunk.decode(body)
    assert told(back) == [one for batch in given for one in told(batch)]
    assert chunk.count(body) == len(back)
    assert chunk.encode([back]) == chunk.encode([chunk.decode(chunk.encode([back]))])
