"""A state dir knows which document used it last."""

from __future__ import annotations

from pathlib import Path

from sinkgraph.control.tenants import moved_in, other_tenant
from tests.support.program import Program

GRAPH = """sinkgraph: 1
name: shop
sources: {ticks: {kind: generate, count: 1, to: hole}}
sinks: {hole: {kind: blackhole}}
"""


def test_another_document_is_told_of_once_and_both_paths_are_said(tmp_path: Path) -> None:
    state, first, second = str(tmp_path), str(tmp_path / "a.yaml"), str(tmp_path / "b.yaml")
    assert moved_in(state, first) == ""
    assert moved_in(state, first) == ""
    said = moved_in(state, second)
    assert first in said
    assert second in said
    assert "`name:` or `--state-dir`" in said
    assert moved_in(state, second) == ""
    assert other_tenant(state, first) == second


def test_another_way_to_the_same_file_is_the_same_document(tmp_path: Path) -> None:
    path, link = tmp_path / "a.yaml", tmp_path / "link.yaml"
    path.touch()
    link.symlink_to(path)
    assert moved_in(str(tmp_path), str(path)) == ""
    assert moved_in(str(tmp_path), str(link)) == ""


def test_a_note_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "used-by").mkdir()
    assert moved_in(str(tmp_path), "a.yaml") == ""
    assert moved_in(str(tmp_path / "gone"), "a.yaml") == ""


async def test_a_run_warns_when_another_document_used_its_state_dir(tmp_path: Path) -> None:
    for name, warned in (("a.yaml", False), ("a.yaml", False), ("b.yaml", True)):
        (tmp_path / name).write_text(GRAPH)
        async with Program("run", name, "--state-dir", "state", cwd=tmp_path) as program:
            assert await program.process.wait() == 0
            await program.says("conservation law")
            assert ("was used last by" in program.err) is warned
            if warned:
                assert str(tmp_path / "a.yaml") in program.err
