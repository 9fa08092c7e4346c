"""Whatever becomes of a document, what comes back are findings with places: soon, and in little."""

from __future__ import annotations

import json
import time
from pathlib import Path
from random import Random

import pytest

from sinkgraph.diagnostics.report import render_concise, render_human, render_json
from sinkgraph.diagnostics.sarif import render_sarif
from sinkgraph.graph.load import load_graph
from tests.graph.mutations import ORIGINALS, mutated
from tests.support.scale import factor, rounds, seed

DOCUMENTS = 600 if factor() == 1 else rounds(500)
PARTS = 6
MAX_CPU_S = 1.0
MAX_KIB = 64 * 1024


def test_mutations_start_from_documents_of_every_syntax() -> None:
    assert {one.suffix for one in ORIGINALS} == {".yaml", ".toml", ".json"}
    made = [mutated(Random(number)) for number in range(200)]
    assert {suffix for suffix, _ in made} == {".yaml", ".toml", ".json"}
    assert len({text for _, text in made}) > 180


@pytest.mark.parametrize("part", range(PARTS))
def test_a_mutated_document_gives_only_findings_with_places(
    part: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for number in range(part, DOCUMENTS, PARTS):
        case = f"{seed()}/{number}"
        suffix, text = mutated(Random(case))
        path = tmp_path / f"mutated{suffix}"
        path.write_bytes(text)
        before = _reset_peak()
        started = time.thread_time()
        _one(path.name, case)
        assert time.thread_time() - started <= MAX_CPU_S, case
        assert _peak() - before <= MAX_KIB, case
        path.unlink()  # the next one may include whatever is there


def _one(name: str, case: str) -> None:
    graph, found = load_graph(name, env={})
    for one in found:
        span = one.span
        assert span is not None, (case, one)
        assert span.source.name == name, (case, one)
        assert 0 <= span.start <= span.end <= len(span.source.text), (case, one)
        assert one.headline.isprintable(), (case, one)
    assert (graph is None) == any(one.severity == "error" for one in found), case
    assert bool(render_human(found)) == bool(render_concise(found)) == bool(found), case
    assert len(json.loads(render_json(found))) == len(found), case
    assert len(json.loads(render_sarif(found))["runs"][0]["results"]) == len(found), case


def _reset_peak() -> int:
    """Let the kernel forget the most memory this process had; return what it has now, in KiB."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        pytest.skip("the kernel does not measure the most memory a process has")
    return _memory("VmRSS")


def _peak() -> int:
    return _memory("VmHWM")


def _memory(field: str) -> int:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith(field))
