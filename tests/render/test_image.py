"""Pictures come from `dot`, else from pygraphviz, else there is advice and the text to draw."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from sinkgraph.render.image import FORMATS, ImageFormat, RenderError, render_image

DOT = 'digraph g { a [label="a"]; b [label="b"]; a -> b }'
BEGINS: dict[ImageFormat, bytes] = {"svg": b"<?xml", "png": b"\x89PNG\r\n", "pdf": b"%PDF-"}


def path_with(folder: Path, script: str) -> str:
    """Return a PATH on which `dot` is the given shell script."""
    program = folder / "dot"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return str(folder)


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    monkeypatch.setitem(sys.modules, "pygraphviz", None)


@pytest.mark.parametrize("format", FORMATS)
def test_without_the_program_the_library_draws(
    format: ImageFormat, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert render_image(DOT, format).startswith(BEGINS[format])


@pytest.mark.parametrize("format", FORMATS)
def test_the_program_draws(format: ImageFormat, monkeypatch: pytest.MonkeyPatch) -> None:
    if shutil.which("dot") is None:
        pytest.skip("Graphviz is not installed")
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    assert render_image(DOT, format).startswith(BEGINS[format])


def test_the_program_is_given_format_and_text(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(
        "PATH", path_with(tmp_path, 'echo "$@"; IFS= read -r line || :; echo "$line"')
    )
    assert render_image(DOT, "svg").decode() == f"-Tsvg\n{DOT}\n"


def test_a_program_that_fails_is_replaced_by_the_library(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", path_with(tmp_path, "echo no png here >&2; exit 1"))
    assert render_image(DOT, "png").startswith(BEGINS["png"])


def test_why_each_way_failed_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", path_with(tmp_path, r"printf 'no \033[31mpng' >&2; exit 1"))
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    with pytest.raises(RenderError, match=r"failed: no \\x1b\[31mpng, and pygraphviz is not inst"):
        render_image(DOT, "png")


def test_a_program_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", path_with(tmp_path, "while :; do :; done"))
    with pytest.raises(RenderError, match=r"took longer than 0\.1s"):
        render_image(DOT, "svg", timeout_s=0.1)


@pytest.mark.usefixtures("nowhere")
def test_without_a_renderer_it_says_what_to_install() -> None:
    with pytest.raises(RenderError) as caught:
        render_image(DOT, "svg")
    assert "there is no `dot` on the PATH" in str(caught.value)
    assert "sinkgraph[render]" in str(caught.value)
    assert caught.value.dot == DOT


def test_text_that_is_not_dot_is_an_error_and_not_a_picture() -> None:
    with pytest.raises(RenderError, match="cannot draw it"):
        render_image("digraph {", "svg")
