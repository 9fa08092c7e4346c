"""The page follows everything a document is read from, also what is not there yet."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sinkgraph.render.serve.watch import Watched
from tests.support.program import Program, until

MAIN = """\
sinkgraph: 1
name: whole
include: [common.yaml, "teams/*.yaml"]
sources: {in: {kind: file, paths: [x.log], schema: ./x.schema.json, to: fan}}
sinks: {fan: {kind: broadcast, to: [a]}}
"""


def test_what_is_followed_is_looked_at_and_what_is_not_is_forgotten(tmp_path: Path) -> None:
    main, part, other = (tmp_path / f"{one}.yaml" for one in ("main", "part", "other"))
    for one in (main, part, other):
        one.write_text("one")
    watched = Watched([main])
    assert watched.follow([main, part], [])
    assert not watched.follow([main, part], [])
    part.write_text("two")
    other.write_text("two")
    assert [watched.changed(), watched.changed()] == [True, False]
    assert watched.follow([other], [])
    part.write_text("three")
    assert not watched.changed()
    main.write_text("two")
    assert watched.changed(), "the document itself is followed always"


def test_of_a_folder_the_names_count(tmp_path: Path) -> None:
    main, folder = tmp_path / "main.yaml", tmp_path / "teams"
    main.write_text("one")
    watched = Watched([main])
    watched.follow([], [folder])
    folder.mkdir()
    assert watched.changed()
    (folder / "a.yaml").write_text("one")
    assert [watched.changed(), watched.changed()] == [True, False]
    (folder / "a.yaml").write_text("two")
    assert not watched.changed(), "what a file in it holds is looked at where that file is followed"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "teams").mkdir()
    (tmp_path / "main.yaml").write_text(MAIN)
    (tmp_path / "common.yaml").write_text("sinks: {a: {kind: stdout}}\n")
    (tmp_path / "x.schema.json").write_text('{"type": "object"}')
    return tmp_path


async def test_whatever_part_is_saved_the_page_is_drawn_again(folder: Path) -> None:
    async with Program("render", "main.yaml", "--serve", cwd=folder) as program:
        url = (await until(lambda: program.out.decode(), "it says its address")).split()[0]

        async def state_in_which(wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
            held: dict[str, Any] = {}
            for _ in range(1500):
                held = json.loads(await asyncio.to_thread(_read, f"{url}state"))
                if wanted(held):
                    return held
                await asyncio.sleep(0.02)
            raise AssertionError(held)

        def codes(state: dict[str, Any]) -> list[str]:
            return [one["code"] for one in state["findings"]]

        await state_in_which(lambda one: codes(one) == ["SG172"])
        (folder / "teams" / "b.yaml").write_text("sinks: {b: {kind: queue, to: a, capacty: 1}}\n")
        state = await state_in_which(lambda one: "SG120" in codes(one))
        (slip,) = [one for one in state["findings"] if one["code"] == "SG120"]
        assert (slip["file"], slip["node"]) == ("teams/b.yaml", "b")
        (folder / "teams" / "b.yaml").write_text("sinks: {b: {kind: queue, to: a}}\n")
        await state_in_which(lambda one: codes(one) == ["SG209"] and one["nodes"] == 4)
        (folder / "x.schema.json").write_text('{"type": "objct"}')
        await state_in_which(lambda one: codes(one) == ["SG209", "SG406"])
        (folder / "x.schema.json").write_text("{}")
        (folder / "common.yaml").unlink()
        state = await state_in_which(lambda one: "SG170" in codes(one))
        (folder / "common.yaml").write_text("include: more.yaml\nsinks: {a: {kind: blackhole}}\n")
        await state_in_which(lambda one: [*codes(one)] == ["SG170"])
        (folder / "more.yaml").write_text("sinks: {c: {kind: queue, to: b}}\n")
        await state_in_which(lambda one: codes(one) == ["SG209"] and one["nodes"] == 5)


def _read(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=30) as answer:
        content: bytes = answer.read()
    return content
