"""Proves that an event is changed by copy: what was given stays as it was."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinkgraph.errors import Rejected
from sinkgraph.event import Event, Json, LazyEvent, Meta
from sinkgraph.sinks.edits import Draft, Path, read_path


def event(data: Any = None, **meta: Any) -> Event:
    return Event("id-1", "t", "s", 1.5, data, Meta(meta))


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("data.a.b", Path("data", ("a", "b"))),
        ("a.b", Path("data", ("a", "b"))),
        ("data", Path("data", ())),
        ("data.data", Path("data", ("data",))),
        ("`x.y`.z", Path("data", ("x.y", "z"))),
        ("meta.x.y", Path("meta", ("x", "y"))),
        ("type", Path("type", ())),
        ("data.type", Path("data", ("type",))),
        ("source", Path("source", ())),
        ("data.a b.é", Path("data", ("a b", "é"))),
    ],
)
def test_a_path_is_read(text: str, path: Path) -> None:
    assert read_path(text) == path
    assert read_path(str(path)) == path


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is not a path"),
        ("a..b", "is not a path"),
        (".a", "is not a path"),
        ("a.", "is not a path"),
        ("`a", "is not a path"),
        ("a`b`", "is not a path"),
        ("id", "never changes"),
        ("id.x", "`data.id.x`"),
        ("meta", "`meta.NAME`"),
        ("type.x", "`data.type.x`"),
    ],
)
def test_what_is_no_path_says_how_to_write_it(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=r"path|never|write|has no") as caught:
        read_path(text)
    assert said in str(caught.value)


def changed(given: Event, **sets: Any) -> Event:
    draft = Draft(given)
    for text, value in sets.items():
        draft.set(read_path(text.replace("__", ".")), value)
    return draft.finish()


def test_a_change_makes_the_maps_on_its_way() -> None:
    assert changed(event({"x": 1}), a__b__c=2).data == {"x": 1, "a": {"b": {"c": 2}}}
    assert changed(event(), meta__n=1).meta == {"n": 1}


def test_what_is_not_changed_is_shared_and_what_was_given_stays() -> None:
    kept = {"deep": [1]}
    payload = {"a": {"b": 1}, "kept": kept}
    before = copy.deepcopy(payload)
    after = changed(event(payload), a__b=2, a__c=3)
    assert payload == before
    assert after.data == {"a": {"b": 2, "c": 3}, "kept": kept}
    assert after.data["kept"] is kept


def test_a_head_is_changed_without_decoding_the_payload() -> None:
    given = LazyEvent("i", data=Json(b"never decoded"))
    after = changed(given, type="other", meta__x=1)
    assert isinstance(after, LazyEvent)
    assert after.payload is given.payload
    assert (after.id, after.type, after.meta) == ("i", "other", {"x": 1})


def test_nothing_changed_is_the_same_event() -> None:
    given = event({"a": 1})
    draft = Draft(given)
    draft.remove(read_path("data.none.x"))
    draft.rename(read_path("none"), read_path("b"))
    assert draft.finish() is given


def test_the_payload_of_json_text_is_changed() -> None:
    assert changed(LazyEvent("i", data=Json(b'{"a":1}')), b=2).data == {"a": 1, "b": 2}


@pytest.mark.parametrize(
    ("text", "value", "said"),
    [
        ("data.list.x", 1, "`data.list` is a list, not a map"),
        ("data.text.x.y", 1, "`data.text` is text, not a map"),
        ("data.none.x", 1, "`data.none` is null, not a map"),
        ("type", 5, "`type` of an event is text, not 5"),
        ("source", None, "`source` of an event is text"),
        ("time", "yesterday", "is not an RFC 3339 time"),
        ("time", True, "Unix seconds or RFC 3339 text"),
        ("time", 10**400, "beyond what a float can hold"),
    ],
)
def test_what_cannot_be_set_says_why(text: str, value: Any, said: str) -> None:
    with pytest.raises(Rejected) as caught:
        Draft(event({"list": [], "text": "x", "none": None})).set(read_path(text), value)
    assert said in str(caught.value)


@pytest.mark.parametrize("payload", [[1], "text", b"bytes", 5, True])
def test_a_field_of_a_payload_that_is_no_map_cannot_be_set(payload: Any) -> None:
    with pytest.raises(Rejected, match=r"`data` is .* not a map"):
        changed(event(payload), a=1)


def test_a_payload_cannot_become_null_and_text_that_is_not_json_is_rejected() -> None:
    with pytest.raises(Rejected, match="null is not a payload"):
        changed(event({}), data=None)
    with pytest.raises(Rejected, match="not JSON"):
        changed(LazyEvent("i", data=Json(b"{")), a=1)


def test_time_is_seconds_or_text() -> None:
    assert changed(event({}), time="2017-07-14T02:40:00Z").time == 1_500_000_000.0
    assert changed(event({}), time=5).time == 5.0


def test_a_rename_moves_even_into_itself() -> None:
    draft = Draft(event({"a": {"x": 1}, "b": 2}))
    draft.rename(read_path("a"), read_path("a.inner"))
    draft.rename(read_path("b"), read_path("meta.b"))
    after = draft.finish()
    assert (after.data, after.meta) == ({"a": {"inner": {"x": 1}}}, {"b": 2})


NAMES = st.sampled_from(["a", "b", "c"])
TREES = st.recursive(
    st.integers(), lambda inner: st.dictionaries(NAMES, inner, max_size=3), max_leaves=8
)
STEPS = st.lists(
    st.tuples(st.sampled_from(["set", "remove"]), st.lists(NAMES, min_size=1, max_size=3), TREES),
    max_size=6,
)


@given(st.dictionaries(NAMES, TREES, max_size=3), STEPS)
def test_a_draft_agrees_with_changing_a_deep_copy(payload: Any, steps: Any) -> None:
    before, expected = copy.deepcopy(payload), copy.deepcopy(payload)
    draft = Draft(event(payload))
    for what, names, value in steps:
        path = Path("data", tuple(names))
        holder: Any = expected
        for name in names[:-1]:
            if what == "set" and isinstance(holder, dict):
                holder = holder.setdefault(name, {}) if _settable(expected, names) else None
            else:
                holder = holder.get(name) if isinstance(holder, dict) else None
        try:
            if what == "set":
                draft.set(path, copy.deepcopy(value))
            else:
                draft.remove(path)
        except Rejected:
            assert what == "set"
            assert not isinstance(holder, dict)
            return
        assert what == "remove" or isinstance(holder, dict)
        if isinstance(holder, dict):
            if what == "set":
                holder[names[-1]] = copy.deepcopy(value)
            else:
                holder.pop(names[-1], None)
    assert draft.finish().data == expected
    assert payload == before


def _settable(root: Any, names: list[str]) -> bool:
    for name in names[:-1]:
        if not isinstance(root, dict):
            return False
        if name not in root:
            return True
        root = root[name]
    return isinstance(root, dict)
