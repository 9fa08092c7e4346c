"""The OpenAPI tells the truth: whatever is asked, the answer is in it, in the shape it says."""

from __future__ import annotations

import asyncio
import json
import random
from typing import Any
from urllib.parse import quote, urlencode

import jsonschema
from hypothesis import given, settings
from hypothesis import strategies as st

from sinkgraph.control.openapi import description
from sinkgraph.control.ways import WAYS, Way
from tests.support.control import TOKENS, Watched, watched

NAMES = ["q", "again", "end", "eu/kept", "fan", "in", "ticks", "nonsense", "dead-letters", "%00"]
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "events": st.lists(JUNK, max_size=3),
    "to": st.sampled_from(["in", "ticks", ""]),
    "timeout_s": st.sampled_from([0, 0.01, -1, 9]),
    "for_s": st.sampled_from([1, 60, 0, -1, 1e9]),
    "why": st.text(max_size=20),
    "document": st.text(max_size=20),
    "fates": st.dictionaries(st.text(max_size=4), st.text(max_size=4), max_size=2),
    "generation": st.integers(-1, 3),
    "numbers": st.lists(st.integers(-1, 5), max_size=3),
    "expect": st.integers(-1, 3),
    "rate": st.sampled_from([1, 0, -1]),
    "node": st.sampled_from(NAMES),
}
BODY = st.fixed_dictionaries({}, optional=FIELDS) | JUNK
QUERY = st.dictionaries(
    st.sampled_from(["since", "node", "limit", "after", "where", "rate", "bytes", "type"]),
    st.sampled_from(["1", "0", "-1", "x", "1e300", "nan", "true", "q", "data.n > 1"]),
    max_size=3,
)


def is_stream(way: Way) -> bool:
    return way.gives == "text/event-stream"


def schema_of(model: dict[str, Any]) -> dict[str, Any]:
    return {**model, "components": description()["components"]}


def check(way: Way, status: int, content_type: str, body: bytes) -> None:
    """Hold an answer against what the description says of its way."""
    operation = description()["paths"][way.path][way.method.lower()]
    told = operation["responses"].get(str(status))
    assert told is not None, (way.method, way.path, status, body[:300])
    kind = content_type.partition(";")[0]
    assert kind in told["content"], (way.path, status, kind, body[:300])
    if kind.endswith("json"):
        jsonschema.validate(json.loads(body), schema_of(told["content"][kind]["schema"]))


async def tried(graph: Watched, way: Way, seen: dict[str, Any]) -> None:
    path = way.path.replace("{name}", quote(seen["name"])).replace("{number}", seen["number"])
    how: dict[str, Any] = {"headers": {"Content-Type": seen["type"]}}
    if way.method == "POST":
        how["data"] = json.dumps(seen["body"]).encode()
    if seen["token"]:
        how["token"] = TOKENS[seen["token"]]
    reply = await graph.ask(way.method, f"{path}?{urlencode(seen['query'])}", **how)
    check(way, reply.status, reply.headers["content-type"], reply.body)


REQUEST = st.fixed_dictionaries(
    {
        "way": st.sampled_from([way for way in WAYS if not is_stream(way)]),
        "name": st.sampled_from(NAMES),
        "number": st.sampled_from(["1", "x", "-1", "9" * 30]),
        "type": st.sampled_from(["application/json"] * 4 + ["text/plain"]),
        "body": BODY,
        "query": QUERY,
        "token": st.sampled_from(["", "admin", "read"]),
    }
)


@settings(max_examples=8)
@given(st.lists(REQUEST, min_size=40, max_size=60))
def test_whatever_is_asked_is_answered_as_it_is_described(requests: list[dict[str, Any]]) -> None:
    async def story() -> None:
        async with watched() as graph:
            for seen in requests:
                await tried(graph, seen["way"], seen)
            for name in ("q", "eu/kept"):
                await graph.post(f"/v1/nodes/{name}/resume")
            assert graph.live.snapshot().residue == 0
            kinds = [entry.kind for entry in graph.live.topology.journal.entries]
            assert "control_failed" not in kinds

    asyncio.run(story())


async def test_every_answer_to_a_good_request_is_described() -> None:
    async with watched() as graph:
        await graph.live.write({"n": 1}, to="in")
        for way in WAYS:
            if is_stream(way):
                continue
            name = "again" if "breakers" in way.path else "q"
            seen = {"name": name, "number": "1", "type": "application/json", "token": ""}
            body: dict[str, Any] = {}
            if way.path == "/v1/write":
                body = {"events": [1], "to": "in"}
            if way.path.endswith("/purge"):
                body = {"numbers": [1], "expect": 1}
            if way.path in ("/v1/plan", "/v1/apply"):
                body = {"document": "sinkgraph: 1"}
            if way.path == "/v1/rollback":
                body = {"generation": 1}
            await tried(graph, way, {**seen, "body": body, "query": {}})


def test_the_description_is_a_valid_one() -> None:
    told = description()
    text = json.dumps(told)
    for name in told["components"]["schemas"]:
        assert f"#/components/schemas/{name}" in text, f"nothing refers to {name}"
        jsonschema.Draft202012Validator.check_schema(told["components"]["schemas"][name])
    ids = [one["operationId"] for path in told["paths"].values() for one in path.values()]
    assert len(ids) == len(set(ids)) == len(WAYS)
    for _ in range(20):
        way = random.Random(4).choice(WAYS)
        assert way.says in text


async def test_ways_nobody_knows_are_problems() -> None:
    async with watched(tcp=False) as graph:
        for method, path, status in (
            ("GET", "/", 404),
            ("GET", "/v1", 404),
            ("GET", "/v1/snapshot/", 404),
            ("DELETE", "/v1/snapshot", 405),
            ("PUT", "/v1/nodes/q/pause", 405),
            ("OPTIONS", "/v1/graph", 405),
            ("POST", "/v1/nodes/q/explode", 404),
            ("POST", "/v1/nodes//pause", 404),
        ):
            reply = await graph.ask(method, path)
            assert reply.status == status, (method, path, reply.body)
            assert reply.headers["content-type"] == "application/problem+json"
            assert reply.json["status"] == status
