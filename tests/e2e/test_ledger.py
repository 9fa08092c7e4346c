"""What `sinkgraph run` says of its ledger: as JSON at the end, and of losses while it runs."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.program import Program, finished

COUNTS = """
sinkgraph: 1
name: counts
sources: {in: {kind: file, paths: [in.ndjson], to: even}}
sinks:
  even: {kind: filter, where: "data.n % 2 == 0", to: hold}
  hold: {kind: queue, store: disk, to: end}
  end: {kind: blackhole}
"""

DROPS = """
sinkgraph: 1
name: drops
sources: {in: {kind: generate, rate: 2000/s, to: hold}}
sinks:
  hold: {kind: queue, capacity: 1, when_full: drop_oldest, to: slow}
  slow: {kind: http, url: "http://127.0.0.1:9/"}
"""


async def test_the_ledger_is_the_last_line_as_json(tmp_path: Path) -> None:
    (tmp_path / "graph.yaml").write_text(COUNTS)
    lines = [json.dumps({"n": n}) for n in range(10)]
    (tmp_path / "in.ndjson").write_text("\n".join(lines) + "\n")
    for arguments in (("--json",), ("--json", "--quiet")):
        state = ("--state-dir", str(tmp_path / f"state-{len(arguments)}"))
        run = await finished("run", "graph.yaml", *arguments, *state, cwd=tmp_path)
        assert run.code == 0, run.err
        assert "conservation law" not in run.err
        told = json.loads(run.err.splitlines()[-1])
        assert (told["name"], told["residue"], told["left"], told["kept"]) == ("counts", 0, {}, {})
        assert told["nodes"]["even"]["ledger"]["filtered"] == {"no_match": 5}
        assert told["nodes"]["hold"]["ledger"]["delivered"] == 5
        assert run.out == b""


async def test_losses_are_told_of_while_it_runs(tmp_path: Path) -> None:
    path = tmp_path / "graph.yaml"
    path.write_text(DROPS)
    async with Program("run", path, "--drain", "0s", cwd=tmp_path) as program:
        await program.says(r"hold: events were dropped; reason=drop_oldest; events=\d+; so_far=\d+")
        await program.interrupted()
    assert program.err.count("events were dropped") == 1
    assert "dropped: drop_oldest" in program.err
