"""All real notifications through filters and routes, each action counted, each way to fail."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from tests.support.client import calling, post, request
from tests.support.ledgers import ledger
from tests.support.program import Program
from tests.support.registry import ACTIONS, ENTRIES, ENVELOPES, IDS, V1

HEAD = """
sinkgraph: 1
name: filters
sources:
  registry:
    {kind: http, listen: "127.0.0.1:0", path: /events, schema: docker.registry, to: first}
sinks:
"""
ROUTE = """
  first:
    kind: route
    routes:
      - {when: 'data.action == "push"', to: {kind: file, name: pushes, path: push.ndjson}}
      - {when: 'data.action == "pull"', to: {kind: file, name: pulls, path: pull.ndjson}}
      - {when: 'type == "docker.registry.mount"', to: {kind: file, name: mounts,
         path: mount.ndjson}}
    default: {kind: file, name: rest, path: delete.ndjson}
"""


def document(folder: Path, sinks: str) -> Path:
    path = folder / "graph.yaml"
    path.write_text(HEAD + sinks)
    return path


async def through(folder: Path, sinks: str, *, at_once: bool = True) -> Program:
    """Send every notification through a graph; return the run, ended."""
    async with Program("run", document(folder, sinks), cwd=folder) as program:
        port = await program.port()
        if at_once:
            answer = await post(port, json.dumps({"events": ENTRIES}), content_type=V1)
            assert answer.json == {"accepted": 350, "worth": "delivered"}
            assert answer.status == 200
        else:
            async with calling(port) as registry:
                for body in ENVELOPES:
                    assert (await registry.send(request(body, content_type=V1))).status == 200
        assert await program.interrupted() == 0
    return program


def ids(path: Path) -> list[str]:
    return [json.loads(line)["id"] for line in path.read_bytes().splitlines()]


def expected(*actions: str) -> list[str]:
    return [entry["id"] for entry in ENTRIES if entry["action"] in actions]


@pytest.mark.parametrize("at_once", [True, False])
async def test_a_route_splits_by_action_with_the_right_counts(
    tmp_path: Path, at_once: bool
) -> None:
    program = await through(tmp_path, ROUTE, at_once=at_once)
    rows = ledger(program.err)
    nodes = {"push": "pushes", "pull": "pulls", "mount": "mounts", "delete": "rest"}
    counted = {action: rows[node].delivered for action, node in nodes.items()}
    assert counted == ACTIONS
    for action in ACTIONS:
        assert ids(tmp_path / f"{action}.ndjson") == expected(action)


CONDITIONS = [
    ('data.action == "push"', expected("push")),
    ("has(data.target.mediaType)", expected("push", "pull", "mount")),
    ("'!has(data.target.mediaType)'", expected("delete")),
    ('data.action in ["pull", "mount"]', expected("pull", "mount")),
    (
        "'has(data.target.mediaType) && data.target.mediaType.endsWith(\"manifest.v2+json\")'",
        [e["id"] for e in ENTRIES if e["target"].get("mediaType", "").endswith("manifest.v2+json")],
    ),
    (
        'data.target.repository.startsWith("library/")',
        [e["id"] for e in ENTRIES if e["target"]["repository"].startswith("library/")],
    ),
    ('data.?target.?mediaType.orValue("none") == "none"', expected("delete")),
    (
        'data.target.repository.matches("^team-[ab]/")',
        [e["id"] for e in ENTRIES if e["target"]["repository"][:7] in ("team-a/", "team-b/")],
    ),
]


async def test_conditions_pass_exactly_what_they_name(tmp_path: Path) -> None:
    """One run holds every condition, so that a process starts once."""
    branches = ", ".join(f"f{k}" for k in range(len(CONDITIONS)))
    sinks = f"  first: {{kind: broadcast, to: [{branches}]}}\n"
    for k, (where, _) in enumerate(CONDITIONS):
        sinks += f"""  f{k}:
    kind: filter
    where: {where}
    to: {{kind: file, path: f{k}.ndjson}}
    otherwise: {{kind: file, name: other{k}, path: other{k}.ndjson}}
"""
    program = await through(tmp_path, sinks)
    rows = ledger(program.err)
    for k, (where, passing) in enumerate(CONDITIONS):
        assert 0 < len(passing) < 350
        assert ids(tmp_path / f"f{k}.ndjson") == passing, where
        assert ids(tmp_path / f"other{k}.ndjson") == [i for i in IDS if i not in set(passing)]
        assert rows[f"f{k}"].delivered == 350
    assert rows["dead-letters"].entered == 0


ON_ERROR = """
  first: {kind: broadcast, to: [dead, named, dropped, passed]}
  dead:
    {kind: filter, where: 'data.target.mediaType != "x"', to: {kind: file, path: dead.ndjson}}
  named:
    kind: filter
    where: 'data.target.mediaType != "x"'
    to: {kind: file, path: named.ndjson}
    dead_letter: {kind: file, name: letters, path: letters.ndjson}
  dropped:
    kind: filter
    where: 'data.target.mediaType != "x"'
    on_error: drop
    to: {kind: file, path: dropped.ndjson}
  passed:
    kind: filter
    where: 'data.target.mediaType != "x"'
    on_error: pass
    to: {kind: file, path: passed.ndjson}
"""


async def test_a_missing_field_follows_on_error(tmp_path: Path) -> None:
    program = await through(tmp_path, ON_ERROR)
    rows = ledger(program.err)
    typed, deletes = expected("push", "pull", "mount"), expected("delete")
    for name in ("dead", "named", "dropped"):
        assert ids(tmp_path / f"{name}.ndjson") == typed
    assert ids(tmp_path / "passed.ndjson") == IDS
    assert ids(tmp_path / "letters.ndjson") == deletes
    assert Counter({n: rows[n].dead for n in ("dead", "named")}) == {"dead": 12, "named": 12}
    assert (rows["dropped"].dropped, rows["passed"].delivered) == (12, 350)
    assert rows["dead-letters"].entered == 12
    assert "12 dead letters were kept in memory only and end with this process" in program.err
    assert program.err.count("expression failed") == 4, "the first of each filter is told"
    assert "has(" in program.err, "and how to ask for a field that may be missing"
