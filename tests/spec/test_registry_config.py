"""A Docker registry's endpoints become a document that does what the registry did."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sinkgraph.diagnostics.diagnostic import Diagnostic
from sinkgraph.graph.load import load
from sinkgraph.spec.document import parse
from sinkgraph.spec.formatting.document import format_document
from sinkgraph.spec.leaves import plain
from sinkgraph.spec.registry_config import Imported, import_registry
from sinkgraph.testing import World, simulate

CONFIG = """
version: 0.1
http:
  addr: :5000
notifications:
  events: {includereferences: true}
  endpoints:
    - name: hooks
      url: http://hooks.test/in
      headers:
        Authorization: [Bearer open-sesame]
        X-Team: [a, $b]
      timeout: 1500ms
      threshold: 3
      backoff: 2s
      ignoredmediatypes: [application/octet-stream]
      ignore: {mediatypes: [application/octet-stream, text/plain], actions: [pull]}
    - {name: "second one", url: "http://second.test/", disabled: true, timeout: 500000000}
"""


def imported(text: str) -> Imported:
    tree, found = parse(text, "config.yml", "yaml")
    assert tree is not None, found
    return import_registry(tree, listen="127.0.0.1:8700")


def findings(text: str) -> list[Diagnostic]:
    return imported(text).found


def document(made: Imported) -> dict[str, Any]:
    tree, found = parse(made.text, "made.yaml", "yaml")
    assert tree is not None, found
    held: dict[str, Any] = plain(tree)
    return held


def test_a_number_of_nanoseconds_that_is_too_short_is_told() -> None:
    made = imported(
        'notifications: {endpoints: [{name: a, url: "http://a.test/", timeout: 500, backoff: 1us}]}'
    )
    timeout, backoff = made.notes
    assert timeout.startswith(
        "`timeout: 500` of endpoint 1 is 500 ns to a registry, and became 1ms"
    )
    assert timeout.endswith("was `500ms` meant?")
    assert backoff == "`backoff: 1us` of endpoint 1 became 1ms"


def test_what_is_made_is_in_order() -> None:
    made = imported(CONFIG).text
    assert format_document(made, "made.yaml", "yaml").text == made


def test_every_field_of_an_endpoint_has_its_place() -> None:
    made = imported(CONFIG)
    assert made.found == []
    sinks = document(made)["sinks"]
    hooks = sinks["hooks"]
    assert hooks["url"] == "http://hooks.test/in"
    assert hooks["timeout"] == "1s500ms"
    assert hooks["headers"] == {"Authorization": "${env:HOOKS_AUTHORIZATION}", "X-Team": "a, $$b"}
    assert hooks["breaker"]["failure_threshold"] == 3
    assert hooks["breaker"]["open_for"] == hooks["breaker"]["open_for_max"] == "2s"
    assert hooks["ignore"] == {
        "actions": ["pull"],
        "media_types": ["application/octet-stream", "text/plain"],
    }
    second = sinks["second-one"]
    assert (second["enabled"], second["timeout"]) == (False, "500ms")
    assert second["breaker"]["failure_threshold"] == 10
    assert made.env == ["HOOKS_AUTHORIZATION"]
    assert made.notes == ["endpoint `second one` is called `second-one`"]


def test_a_credential_is_not_copied() -> None:
    assert "open-sesame" not in imported(CONFIG).text


def test_one_endpoint_needs_no_fan_out() -> None:
    made = imported('notifications: {endpoints: [{name: a, url: "http://a.test/"}]}')
    assert document(made)["sources"]["registry"]["to"] == "a"


@pytest.mark.parametrize(
    ("duration", "written"),
    [
        ("1s", "1s"),
        ("1m30s", "1m30s"),
        ("1.5s", "1s500ms"),
        ("0", "1s"),
        ("250ms", "250ms"),
        ("500000000", "500ms"),
        ("1h0m0.5s", "1h500ms"),
    ],
)
def test_durations_are_read_as_go_reads_them(duration: str, written: str) -> None:
    made = imported(
        f'notifications: {{endpoints: [{{name: a, url: "http://a/", timeout: {duration}}}]}}'
    )
    assert document(made)["sinks"]["a"]["timeout"] == written


@pytest.mark.parametrize("name", ["fanout", "registry", "dead-letters", "ü/.. b", "..", "a" * 200])
def test_whatever_an_endpoint_is_called_the_document_is_one(name: str) -> None:
    quoted = json.dumps(name)
    endpoints = ", ".join([f'{{name: {quoted}, url: "http://a.test/"}}'] * 3)
    made = imported(f"notifications: {{endpoints: [{endpoints}]}}")
    graph = load(document(made))
    assert sum(node.kind == "http" for node in graph.nodes.values()) == 4


@pytest.mark.parametrize(
    ("text", "headline"),
    [
        ("version: 0.1", "the configuration has no endpoints"),
        ("notifications: {endpoints: {a: b}}", "`notifications.endpoints` is not a list of"),
        ("notifications: {endpoints: [5]}", "endpoint 1 is not a mapping"),
        ("notifications: {endpoints: [{name: a}]}", "endpoint 1 does not say its `url`"),
        (
            'notifications: {endpoints: [{url: "http://a", timeout: 5 sec}]}',
            "`timeout` of endpoint 1 is not a duration like `500ms`",
        ),
        (
            'notifications: {endpoints: [{url: "http://a", headers: [a]}]}',
            "`headers` of endpoint 1 is not a mapping",
        ),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place(text: str, headline: str) -> None:
    (one,) = findings(text)
    assert one.headline.startswith(headline)
    assert one.span is not None


def test_the_document_does_what_the_registry_did(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOKS_AUTHORIZATION", "Bearer open-sesame")
    made = document(imported(CONFIG))
    made["sources"]["registry"] = {"kind": "inlet", "to": "fanout"}

    async def story(world: World) -> None:
        hooks = world.destination("http://hooks.test").script("503 x3", then=302)
        async with world.run(made) as live:
            for n, action in enumerate(["push", "pull", "mount"]):
                target = {"mediaType": "application/json", "repository": f"r{n}"}
                await live.write({"action": action, "target": target})
            await live.write({"action": "push", "target": {"mediaType": "text/plain"}})
            assert await live.drain(60)
            assert live.snapshot()["dead-letters"].ledger.entered == 0
        bodies = [json.loads(one.request.body)["events"] for one in hooks.exchanges]
        assert all(len(events) == 1 for events in bodies), "one event a request"
        assert [events[0]["action"] for events in bodies] == ["push"] * 4 + ["mount"]
        first, _, third, fourth, _ = [one.at for one in hooks.exchanges]
        assert third - first < 0.5, "below the threshold it is tried again at once"
        assert fourth - third >= 2.0, "then it waits for as long as `backoff` says"
        assert hooks.exchanges[0].request.headers["Authorization"] == "Bearer open-sesame"

    simulate(story)
