"""A var that is declared wrongly is one finding: what refers to it is silenced."""

from __future__ import annotations

from pathlib import Path

from sinkgraph.graph.load import check

DOCUMENT = """\
sinkgraph: 1
name: silence
vars:
  where: {default: a, description: one thing, another}
sources: {in: {kind: generate, count: 1, to: out}}
sinks: {out: {kind: file, path: "${var:where}"}}
"""


def test_a_broken_var_silences_what_refers_to_it(tmp_path: Path) -> None:
    path = tmp_path / "silence.yaml"
    path.write_text(DOCUMENT, encoding="utf-8")
    assert [one.code for one in check(path)] == ["SG120"]
