"""Proves that dead letters are found, counted and deleted as asked, on a store in use or not."""

from __future__ import annotations

from pathlib import Path

import pytest

from sinkgraph.event import Batch, Event, Meta
from sinkgraph.log.disk import chunk, dead
from sinkgraph.log.disk.dead import DeadFilter, DeadGroup, DeadRow, WrongCount
from sinkgraph.log.disk.store import Store


def a_letter(
    k: int, *, node: str = "deliver", reason: str = "http 400", sink: str = "dead-letters"
) -> DeadRow:
    event = Event(f"e-{k}", "push", "s", 1.0, {"k": k}, Meta(attempts=3))
    return DeadRow(
        sink,
        node,
        reason,
        event.id,
        "push",
        100.0 + k,
        50.0 + k,
        10,
        chunk.encode([Batch.of([event])]),
    )


def filled(directory: Path) -> Store:
    store = Store.open(str(directory))
    store.commit([], dead=[a_letter(k) for k in range(5)])
    store.commit([], dead=[a_letter(k, reason="timeout") for k in (5, 6)])
    store.commit([], dead=[a_letter(7, node="other"), a_letter(0, node="other")])
    return store


def test_groups_say_how_many_died_where_why_and_when(tmp_path: Path) -> None:
    store = filled(tmp_path)
    assert dead.groups(store) == [
        DeadGroup("dead-letters", "deliver", "http 400", 5, 50, 50.0, 104.0),
        DeadGroup("dead-letters", "deliver", "timeout", 2, 20, 55.0, 106.0),
        DeadGroup("dead-letters", "other", "http 400", 2, 20, 50.0, 107.0),
    ]
    assert [one.count for one in dead.groups(store, DeadFilter(node="other"))] == [2]
    store.close()


def test_letters_come_page_by_page_whole(tmp_path: Path) -> None:
    store = filled(tmp_path)
    first = dead.letters(store, limit=4)
    rest = dead.letters(store, after=first[-1].number, limit=100, bodies=False)
    assert [one.id for one in first + rest] == [f"e-{k}" for k in (0, 1, 2, 3, 4, 5, 6, 7, 0)]
    assert {one.body for one in rest} == {None}
    assert first[2].body is not None
    (event,) = chunk.decode(first[2].body)
    assert (event.id, event.data, dict(event.meta)) == ("e-2", {"k": 2}, {"attempts": 3})
    store.close()


@pytest.mark.parametrize(
    ("chosen", "numbers"),
    [
        (DeadFilter(node="deliver", reason="timeout"), [6, 7]),
        (DeadFilter(since=104.0, before=106.0), [5, 6]),
        (DeadFilter(id="e-0"), [1, 9]),
        (DeadFilter(type="pull"), []),
        (DeadFilter(node="nobody"), []),
    ],
)
def test_a_filter_chooses(tmp_path: Path, chosen: DeadFilter, numbers: list[int]) -> None:
    store = filled(tmp_path)
    assert [one.number for one in dead.letters(store, chosen)] == numbers
    assert dead.count(store, chosen) == len(numbers)
    assert dead.size(store, chosen) == 10 * len(numbers)
    store.close()


def test_a_letter_is_found_by_number_or_id_also_while_the_store_is_in_use(tmp_path: Path) -> None:
    store = filled(tmp_path)
    look = Store.open(str(tmp_path), read_only=True)
    for one in (store, look):
        assert (found := dead.letter(one, 3)) is not None
        assert found.id == "e-2"
        assert (found := dead.letter(one, "e-0")) is not None
        assert found.number == 9
        assert dead.letter(one, 77) is None
        assert dead.letter(one, "3") is None
    look.close()
    store.close()


def test_a_deletion_needs_the_right_count(tmp_path: Path) -> None:
    store = filled(tmp_path)
    with pytest.raises(WrongCount, match=r"2 dead letters would go, not 3: nothing was deleted"):
        dead.delete(store, DeadFilter(reason="timeout"), expect=3)
    assert dead.count(store) == 9
    assert dead.delete(store, DeadFilter(reason="timeout"), expect=2) == 2
    with pytest.raises(WrongCount):
        dead.delete(store, [1, 1, 2, 6], expect=3)
    assert dead.delete(store, [1, 1, 2], expect=2) == 2
    assert dead.delete(store, [], expect=0) == 0
    store.close()
    store = Store.open(str(tmp_path))
    assert [one.number for one in dead.letters(store)] == [3, 4, 5, 8, 9]
    store.commit([], dead=[a_letter(1)])
    assert dead.letters(store)[-1].number == 10
    store.close()


def test_numbers_never_return(tmp_path: Path) -> None:
    store = filled(tmp_path)
    dead.delete(store, DeadFilter(), expect=9)
    store.close()
    store = Store.open(str(tmp_path))
    store.commit([], dead=[a_letter(1)])
    assert [one.number for one in dead.letters(store)] == [10]
    store.close()


def test_the_oldest_are_found_whenever_they_were_stored(tmp_path: Path) -> None:
    store = Store.open(str(tmp_path))
    store.commit([], dead=[a_letter(k) for k in (3, 1, 2)])
    store.commit([], dead=[a_letter(0, sink="other")])
    found = dead.oldest(store, limit=3)
    assert [(one.number, one.at, one.body) for one in found] == [
        (4, 100.0, None),
        (2, 101.0, None),
        (3, 102.0, None),
    ]
    mine = DeadFilter(sinks=("dead-letters", "nobody"))
    assert [one.number for one in dead.oldest(store, mine)] == [2, 3, 1]
    numbers = [4, 4, 99, *range(200, 1200), 1]
    assert sorted(one.number for one in dead.numbered(store, numbers)) == [1, 4]
    store.close()


def test_names_that_utf8_cannot_hold_are_kept(tmp_path: Path) -> None:
    store = Store.open(str(tmp_path))
    store.commit([], dead=[a_letter(1, reason="\udc80")])
    (found,) = dead.letters(store, DeadFilter(reason="\udc80"))
    assert found.reason == "\udc80"
    assert found.body is not None
    store.close()


def test_each_sink_has_letters_and_bounds_of_its_own(tmp_path: Path) -> None:
    store = Store.open(str(tmp_path))
    store.commit([], dead=[a_letter(k, sink="\udc80" if k % 2 else "mine") for k in range(6)])
    mine = DeadFilter(sink="mine")
    assert [(one.sink, one.count) for one in dead.groups(store)] == [("mine", 3), ("\udc80", 3)]
    assert [one.number for one in dead.letters(store, mine)] == [1, 3, 5]
    assert dead.delete(store, DeadFilter(sink="\udc80"), expect=3) == 3
    assert {(one.sink, one.body is None) for one in dead.letters(store)} == {("mine", False)}
    store.close()
