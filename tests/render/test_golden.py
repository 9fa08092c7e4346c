"""Drawings are text that people review: each document here has its drawings in `golden/`.

`python -m tests.render.test_golden` writes them anew; then `git diff` shows what became different.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from sinkgraph.graph.inference.conclude import conclude
from sinkgraph.graph.load import load
from sinkgraph.graph.model import Graph
from sinkgraph.render.dot import to_dot
from sinkgraph.render.drawing import draw
from sinkgraph.render.fold import fold, fold_to_fit
from sinkgraph.render.guarantees import guarantees
from sinkgraph.render.mermaid import to_mermaid
from sinkgraph.render.parts import Drawing

ROOT = Path(__file__).parents[2]
GOLDEN = Path(__file__).parent / "golden"
SHIPPED = sorted(
    path
    for path in (ROOT / "graphs").iterdir()
    if path.suffix in {".yaml", ".toml", ".json"} and not path.name.endswith(".schema.json")
)
OWN = sorted(path for path in GOLDEN.glob("*.yaml"))


def graph_of(document: Path) -> Graph:
    return load(document, env={})


def with_guarantees(graph: Graph) -> Drawing:
    """Draw what is promised, without the reasons: they are worded elsewhere."""
    notes = [replace(one, why=()) for one in guarantees(conclude(graph))]
    return draw(graph, isolation=True, guarantees=notes)


def against(old: str) -> Callable[[Graph], Drawing]:
    return lambda graph: draw(graph, against=graph_of(GOLDEN / old))


WAYS: dict[str, dict[str, Callable[[Graph], Drawing]]] = {
    "commerce": {
        "": draw,
        "dead": lambda graph: draw(graph, dead_letters=True),
        "promises": with_guarantees,
        "lanes": lambda graph: fold(draw(graph), lanes=True).drawing,
    },
    "registry-new": {"against": against("registry.yaml")},
    "large": {"": lambda graph: fold_to_fit(draw(graph)).drawing},
}
"""How documents are drawn; those not named here, as they are."""


def drawings() -> Iterator[tuple[str, str]]:
    """Yield the name of each golden file and what it should hold."""
    for document in [*SHIPPED, *OWN]:
        graph = graph_of(document)
        for way, drawer in WAYS.get(document.stem, {"": draw}).items():
            drawing = drawer(graph)
            name = f"{document.stem}.{way}" if way else document.stem
            yield f"{name}.dot", to_dot(drawing)
            if document in OWN:
                yield f"{name}.mmd", to_mermaid(drawing)
                yield f"{name}.dark.dot", to_dot(drawing, theme="dark")


def test_every_drawing_is_the_one_in_the_golden_files() -> None:
    drawn = dict(drawings())
    held = {path.name: path.read_text(encoding="utf-8") for path in golden_files()}
    assert sorted(drawn) == sorted(held), "`python -m tests.render.test_golden` writes them anew"
    for name, text in drawn.items():
        assert text == held[name], f"{name}: `python -m tests.render.test_golden` writes it anew"


def golden_files() -> list[Path]:
    return [path for path in GOLDEN.iterdir() if path.suffix in {".dot", ".mmd"}]


def test_there_are_drawings_of_many_documents() -> None:
    assert len({name.partition(".")[0] for name, _ in drawings()}) >= 18


def test_drawings_do_not_depend_on_the_seed_of_hashes() -> None:
    script = "from tests.render.test_golden import digest; print(digest())"
    digests = {
        subprocess.run(
            [sys.executable, "-c", script],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        ).stdout.strip()
        for seed in ("1", "77")
    }
    assert digests == {digest()}


def digest() -> str:
    """Return what all drawings are equal by."""
    return hashlib.sha256(repr(list(drawings())).encode()).hexdigest()


def test_a_document_is_drawn_the_same_each_time() -> None:
    first, second = graph_of(GOLDEN / "commerce.yaml"), graph_of(GOLDEN / "commerce.yaml")
    assert first is not second
    for drawer in WAYS["commerce"].values():
        assert to_dot(drawer(first)) == to_dot(drawer(second))


def test_a_graph_draws_itself_as_dot_does() -> None:
    graph = graph_of(GOLDEN / "registry.yaml")
    assert graph.to_dot() == to_dot(graph)


def write_anew() -> None:
    """Replace every golden file by what is drawn now."""
    drawn = list(drawings())
    for path in golden_files():
        path.unlink()
    for name, text in drawn:
        (GOLDEN / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write_anew()
