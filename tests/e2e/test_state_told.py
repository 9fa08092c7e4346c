"""What a run says of a state dir that is not as it should be: at its start, and at its end."""

from __future__ import annotations

from pathlib import Path

from sinkgraph.log.disk.format import DATABASE
from tests.support.program import Program, finished

GRAPH = """sinkgraph: 1
name: orders
sources:
  in: {kind: stdin, to: hooks}
sinks:
  hooks: {kind: queue, store: disk, to: again}
  again: {kind: retry, to: hook}
  hook: {kind: http, url: "http://127.0.0.1:9/", timeout: 1s}
"""
EVENTS = b"".join(b'{"n": %d, "text": "%s"}\n' % (n, b"x" * 500) for n in range(40))


async def stored(folder: Path) -> Path:
    """Return a state dir with 40 events that nobody took."""
    (folder / "graph.yaml").write_text(GRAPH)
    done = await run(folder, stdin=EVENTS)
    assert (done.code, "40 events were kept" in done.err) == (0, True), done.err
    return folder / "state"


async def run(folder: Path, *more: str, stdin: bytes = b"") -> Program:
    options = ("--state-dir", "state", "--drain", "200ms", *more)
    return await finished("run", "graph.yaml", *options, cwd=folder, stdin=stdin)


async def test_what_a_start_has_done_is_told(tmp_path: Path) -> None:
    await stored(tmp_path)
    (tmp_path / "graph.yaml").write_text(GRAPH.replace("hooks", "mails"))
    refused = await run(tmp_path)
    assert refused.code == 1
    assert "holds 40 events of queue hooks, which is not in this graph" in refused.err
    done = await run(tmp_path, "--fate", "hooks=discard")
    assert done.code == 0
    assert "hooks: fate settled; fate=discard; events=40" in done.err


async def test_events_that_were_cut_off_are_told(tmp_path: Path) -> None:
    state = await stored(tmp_path)
    older = (state / DATABASE).read_bytes()
    await run(tmp_path, stdin=EVENTS)
    (state / DATABASE).write_bytes(older)
    done = await run(tmp_path)
    assert "events cut off; directory=state; events=40" in done.err


async def test_events_that_were_damaged_on_disk_are_a_loss(tmp_path: Path) -> None:
    state = await stored(tmp_path)
    held = (state / DATABASE).read_bytes()
    assert held.count(b"x" * 50)
    (state / DATABASE).write_bytes(held.replace(b"x" * 50, b"y" * 50, 1))
    done = await run(tmp_path)
    assert "hooks: events damaged; events=40" in done.err
    assert "40 events were damaged on disk and lost, of hooks" in done.err
    assert done.code == 1
