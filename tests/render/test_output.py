"""A drawing is written whole or not at all, and never over something else."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from sinkgraph.render.drawing import draw
from sinkgraph.render.image import RenderError
from sinkgraph.render.output import OUTPUTS, made, write_file
from tests.render.drawn import BLACKHOLE, graph_of

DRAWING = draw(graph_of({"end": BLACKHOLE}))
BEGINS = {"svg": b"<?xml", "png": b"\x89PNG", "pdf": b"%PDF-", "dot": b"digraph", "mmd": b"---\n"}


@pytest.mark.parametrize("format", OUTPUTS)
def test_the_suffix_says_what_is_written(format: str, tmp_path: Path) -> None:
    write_file(DRAWING, tmp_path / f"graph.{format.upper()}")
    assert (tmp_path / f"graph.{format.upper()}").read_bytes().startswith(BEGINS[format])
    assert [one.name for one in tmp_path.iterdir()] == [f"graph.{format.upper()}"]


def test_the_same_drawing_gives_the_same_picture() -> None:
    assert made(DRAWING, "svg") == made(DRAWING, "svg")


def test_another_suffix_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"'graph.gif' names no drawing"):
        write_file(DRAWING, tmp_path / "graph.gif")


def test_without_a_renderer_the_text_is_left_and_the_old_picture_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    (tmp_path / "graph.svg").write_text("old")
    with pytest.raises(RenderError, match=r"what to draw is in `.*graph\.dot`"):
        write_file(DRAWING, tmp_path / "graph.svg")
    assert (tmp_path / "graph.dot").read_bytes() == made(DRAWING, "dot")
    assert (tmp_path / "graph.svg").read_text() == "old"


def test_a_renderer_that_gives_no_svg_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "dot"
    program.write_text("#!/bin/sh\necho '<svg'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RenderError, match="is no SVG"):
        made(DRAWING, "svg")


def test_a_link_is_followed_and_permissions_stay(tmp_path: Path) -> None:
    target = tmp_path / "real.dot"
    target.write_text("old")
    target.chmod(0o640)
    (tmp_path / "link.dot").symlink_to("real.dot")
    write_file(DRAWING, tmp_path / "link.dot")
    assert (tmp_path / "link.dot").is_symlink()
    assert target.read_bytes().startswith(b"digraph")
    assert target.stat().st_mode & 0o777 == 0o640


def test_a_new_file_has_the_usual_permissions(tmp_path: Path) -> None:
    mask = os.umask(0o027)
    try:
        write_file(DRAWING, tmp_path / "new.dot")
    finally:
        os.umask(mask)
    assert (tmp_path / "new.dot").stat().st_mode & 0o777 == 0o640
