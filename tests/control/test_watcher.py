"""Files that change are applied, whichever way they change; what only looks so is not."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from sinkgraph.control.nudging import folders_of
from sinkgraph.control.watcher import Watcher
from tests.support.program import until
from tests.support.supervised import Supervised, graph_text, supervised


def write(path: Path, text: str) -> None:
    path.write_text(text)


def replace(path: Path, text: str) -> None:
    """Write a file as most editors do: another one, which then takes its place."""
    swap = path.with_name(f".{path.name}.swp")
    swap.write_text(text)
    swap.replace(path)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "etc" / "graph.yaml"
    made.parent.mkdir()
    write(made, graph_text())
    return made


@asynccontextmanager
async def watching(
    path: Path, *, applies: bool = True, look_s: float = 0.1
) -> AsyncIterator[Supervised]:
    async with supervised(path) as graph:
        topology = graph.live.topology
        async with Watcher(
            graph.supervisor, topology, applies=applies, look_s=look_s, settle_s=0.02
        ):
            yield graph


async def running(graph: Supervised, capacity: int) -> None:
    await until(lambda: graph.capacity == capacity)


def drift(graph: Supervised) -> str | None:
    found = graph.supervisor.drift
    return None if found is None else found.why


async def test_a_saved_file_runs_and_the_journal_says_that_the_watch_asked(path: Path) -> None:
    async with watching(path) as graph:
        write(path, graph_text(20))
        await until(lambda: graph.capacity == 20)
        replace(path, graph_text(30))
        await until(lambda: graph.capacity == 30)
        assert {one["origin"] for one in graph.noted("reload_asked")} == {"watch"}


async def test_the_system_tells_of_a_change_long_before_the_next_look(path: Path) -> None:
    async with watching(path, look_s=3600) as graph:
        await asyncio.sleep(0.3)  # its first look, after which it only listens
        for capacity in (20, 30, 40):
            replace(path, graph_text(capacity))
            await running(graph, capacity)


async def test_without_word_from_the_system_it_looks_and_says_so(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_left(*_: object, **__: object) -> None:
        raise OSError("no space left on device (os error 28)")

    import watchfiles

    monkeypatch.setattr(watchfiles, "watch", none_left)
    async with watching(path) as graph:
        write(path, graph_text(20))
        await until(lambda: graph.capacity == 20)
        (noted,) = graph.noted("watch_polls")
        assert "no space left" in noted["reason"]


async def test_touched_and_written_with_what_it_held_it_has_not_changed(path: Path) -> None:
    async with watching(path) as graph:
        os.utime(path)
        replace(path, graph_text())
        write(path.with_name("other.yaml"), "nothing")
        write(path, graph_text() + "# a comment, so that the watch has seen what came before\n")
        await until(lambda: graph.noted("reload_changed_nothing"))
        assert len(graph.noted("reload_asked")) == 1
        assert graph.live.generation == 1


async def test_a_typo_is_refused_and_the_next_save_runs(path: Path) -> None:
    async with watching(path) as graph:
        replace(path, graph_text(20).replace("kind: queue", "kind: queu"))
        await until(lambda: drift(graph) == "refused")
        assert graph.capacity == 10
        replace(path, graph_text(20))
        await until(lambda: graph.capacity == 20)
        assert drift(graph) is None


async def test_a_deleted_file_is_told_and_runs_when_it_is_back(path: Path) -> None:
    async with watching(path) as graph:
        os.unlink(path)
        await until(lambda: drift(graph) == "refused")
        assert graph.live.topology.status == "ok"
        write(path, graph_text(40))
        await until(lambda: graph.capacity == 40)


async def test_a_deleted_folder_that_comes_back_is_watched_again(
    path: Path, tmp_path: Path
) -> None:
    async with watching(path) as graph:
        (path.parent).rename(tmp_path / "away")
        await until(lambda: drift(graph) == "refused")
        (tmp_path / "away").rename(path.parent)
        await until(lambda: drift(graph) is None)
        replace(path, graph_text(50))
        await until(lambda: graph.capacity == 50)


async def test_a_mounted_config_map_is_swapped(tmp_path: Path) -> None:
    mount = tmp_path / "mount"
    for number in (1, 2):
        (mount / f"..{number}").mkdir(parents=True)
        write(mount / f"..{number}" / "graph.yaml", graph_text(number * 100))
    (mount / "..data").symlink_to("..1")
    path = mount / "graph.yaml"
    path.symlink_to("..data/graph.yaml")
    async with watching(path, look_s=3600) as graph:
        await asyncio.sleep(0.3)
        assert graph.capacity == 100
        (mount / "..data_tmp").symlink_to("..2")
        (mount / "..data_tmp").replace(mount / "..data")
        await until(lambda: graph.capacity == 200)


async def test_included_documents_secrets_and_globs_are_followed(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = path.parent
    (folder / "parts").mkdir()
    write(folder / "size", "11")
    text = graph_text().replace("capacity: 10", 'capacity: "${file:size}"')
    write(path, text + "include: parts/*\n")
    write(folder / "parts" / "one.yaml", "vars: {x: {default: 1}}")
    async with watching(path) as graph:
        assert graph.capacity == 11
        write(folder / "size", "12")
        await until(lambda: graph.capacity == 12)
        write(folder / "parts" / "two.yaml", "sinks: {more: {kind: blackhole}}")
        await until(lambda: "more" in graph.live.nodes)
        write(folder / "parts" / "two.yaml", "sinks: {other: {kind: blackhole}}")
        await until(lambda: "other" in graph.live.nodes)


async def test_an_override_stays_until_the_file_changes(path: Path) -> None:
    async with watching(path) as graph:
        from sinkgraph.control.asking import Sent

        assert await graph.supervisor.apply(Sent(graph_text(70)))
        os.utime(path)
        await asyncio.sleep(0.5)
        assert (graph.capacity, drift(graph)) == (70, "override")
        replace(path, graph_text(80))
        await until(lambda: graph.capacity == 80)
        assert drift(graph) is None


async def test_who_does_not_apply_only_tells(path: Path) -> None:
    async with watching(path, applies=False) as graph:
        write(path, graph_text(90))
        await until(lambda: drift(graph) == "changed")
        assert graph.capacity == 10
        assert graph.noted("reload_asked") == []
        write(path, graph_text(90).replace("to: hole", "to: nobody"))
        await until(lambda: drift(graph) == "refused")
        write(path, graph_text())
        await until(lambda: drift(graph) is None)


async def test_a_storm_of_saves_ends_with_the_last(path: Path) -> None:
    async with watching(path) as graph:
        for number in range(200):
            replace(path, graph_text(100 + number))
            await asyncio.sleep(0)
        await until(lambda: graph.capacity == 299)
        assert len(graph.noted("graph_reloaded")) < 50


def test_each_link_on_the_way_to_a_file_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    write(tmp_path / "real" / "a.yaml", "")
    (tmp_path / "data").symlink_to("real")
    (tmp_path / "a.yaml").symlink_to("data/a.yaml")
    folders, names = folders_of([str(tmp_path / "a.yaml")])
    assert folders >= {str(tmp_path), str(tmp_path / "data")}
    assert names >= {"a.yaml", "data"}


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    assert folders_of([str(tmp_path / "a")]) == ({str(tmp_path)}, {"a", "b"})


@pytest.mark.parametrize(
    ("put", "said"),
    [
        (os.mkfifo, "is not a regular file"),
        (lambda path: path.symlink_to("/dev/zero"), "is not a regular file"),
        (lambda path: path.symlink_to(path), "too many levels of symbolic links"),
        (Path.mkdir, "is a directory"),
    ],
    ids=["pipe", "device", "loop", "folder"],
)
async def test_what_stands_where_the_document_was_is_named(
    path: Path, put: Callable[[Path], None], said: str
) -> None:
    def found() -> str:
        seen = graph.supervisor.drift
        return seen.said if seen is not None and seen.why == "refused" else ""

    async with watching(path, look_s=0.02) as graph:
        await asyncio.to_thread(path.unlink)
        await until(lambda: "does not exist" in found())
        put(path)
        await until(lambda: said in found())
        assert graph.capacity == 10
