"""Documents and short ways to read them, for the tests of `sinkgraph.graph`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sinkgraph.diagnostics.diagnostic import Diagnostic, sort_diagnostics
from sinkgraph.graph.load import load_graph, load_tree
from sinkgraph.graph.model import Graph
from sinkgraph.spec.document import parse

SAMPLE = """\
# yaml-language-server: $schema=./sinkgraph.schema.json
sinkgraph: 1                         # document version, required
name: registry-notifications         # required
description: Registry pushes go to an audit file and to a webhook.

vars:                                # typed, overridable with --set name=value
  hook_url: {default: "http://127.0.0.1:9000/hook"}

sources:                             # where events enter
  registry:
    kind: http
    listen: 127.0.0.1:8700
    path: /events
    schema: docker.registry
    to: fanout

sinks:                               # everything that is written to, as in go-events
  fanout: {kind: broadcast, to: [audit, pushes]}
  audit:  {kind: queue, store: disk, to: {kind: file, path: audit.jsonl}}
  pushes:
    kind: filter
    where: data.action == "push" && data.target.repository.startsWith("library/")
    to: hooks
  hooks:                             # a composite: queue → retry → http
    kind: endpoint
    url: "${var:hook_url}"
    headers: {Authorization: "Bearer ${env:HOOK_TOKEN}"}
    timeout: 500ms
    breaker: {failure_threshold: 5, open_for: 1s}

promises:                            # a graph that no longer keeps them is refused
  - {from: registry, to: audit.file, delivery: at_least_once, accepted: durable, order: kept}

tests:                               # run by `sinkgraph test`, on a virtual clock
  - name: a push survives an outage
"""
"""The sample of the design."""

TOKEN = {"HOOK_TOKEN": "open-sesame"}


def read(
    text: str,
    *,
    env: dict[str, str] | None = None,
    set_vars: dict[str, str] | None = None,
    secrets: Any = "strict",
) -> tuple[Graph | None, list[Diagnostic]]:
    """Return graph and findings of a YAML text."""
    tree, found = parse(text, "graph.yaml", "yaml")
    if tree is None:
        return None, found
    here = Path.cwd()
    graph, more = load_tree(
        tree,
        base=here,
        output=here,
        set_vars=set_vars or {},
        secrets=secrets,
        env=env or {},
    )
    return graph, sort_diagnostics([*found, *more])


def graph_of(text: str, **options: Any) -> Graph:
    """Return the graph of a YAML text that has no error."""
    graph, found = read(text, **options)
    assert graph is not None, found
    return graph


def of_nodes(sinks: dict[str, Any], sources: dict[str, Any] | None = None, **more: Any) -> Any:
    """Return graph and findings of a document made of these nodes."""
    document = {"sinkgraph": 1, "name": "made", "sources": sources or {}, "sinks": sinks, **more}
    return load_graph(document, env={})


def codes(found: list[Diagnostic]) -> list[str]:
    """Return the codes of findings, in their order."""
    return [one.code for one in found]
