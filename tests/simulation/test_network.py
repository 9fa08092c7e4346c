"""Simulated endpoints: scripts, outages, timeouts, and what they say arrived."""

from __future__ import annotations

import asyncio
import json
import random

import pytest

from sinkgraph.clock import Request, Response
from sinkgraph.errors import DeliveryFailed
from sinkgraph.formats.docker import DOCKER_V1
from sinkgraph.simulation.destination import Answer, Answering, Destination
from sinkgraph.simulation.loop import run
from sinkgraph.simulation.network import VirtualNetwork
from tests.support.virtual import virtual

HOOK = "http://hooks:9000/in"


def post(body: bytes = b'{"n": 1}', *, url: str = HOOK, timeout_s: float = 10.0) -> Request:
    return Request("POST", url, {"Content-Type": "application/json"}, body, timeout_s)


async def outcome(network: VirtualNetwork, request: Request) -> int | str:
    """Return the status, or the error and whether nothing was sent."""
    try:
        return (await network.send(request)).status
    except DeliveryFailed as error:
        return f"{'unsent' if error.unsent else 'sent'}: {error}"


def now() -> float:
    return asyncio.get_running_loop().time()


@virtual
async def test_an_endpoint_follows_its_script_and_then_takes_everything() -> None:
    network = VirtualNetwork()
    hooks = network.destination("http://hooks:9000").script("503 x2", 429, "201")
    assert [await outcome(network, post()) for _ in range(5)] == [503, 503, 429, 201, 200]
    assert hooks.statuses == ["503", "503", "429", "201", "200"]
    assert [one.at for one in hooks.exchanges] == pytest.approx([0, 0.01, 0.02, 0.03, 0.04])


@virtual
async def test_a_script_may_end_in_an_answer_for_ever() -> None:
    network = VirtualNetwork()
    network.destination("http://hooks:9000").script(200, then="500")
    assert [await outcome(network, post()) for _ in range(3)] == [200, 500, 500]


@virtual
async def test_an_answer_carries_headers_in_lower_case_and_a_cut_body() -> None:
    network = VirtualNetwork()
    hooks = network.destination("http://hooks:9000")
    hooks.script("429 Retry-After 7", Answer(200, {"X-Seen": "yes"}, b"x" * 100_000))
    assert await network.send(post()) == Response(429, {"retry-after": "7"}, b"")
    answer = await network.send(post())
    assert answer.headers == {"x-seen": "yes"}
    assert len(answer.body) == 65_536


@pytest.mark.parametrize(
    ("how", "expected", "took", "taken"),
    [
        ("refuse", "unsent: cannot connect to http://hooks:9000/in: connection refused", 0.01, 0),
        ("reset before", "unsent: http://hooks:9000/in broke off: connection reset", 0.01, 0),
        ("reset", "sent: http://hooks:9000/in broke off: connection reset by peer", 0.01, 0),
        ("reset after", "sent: http://hooks:9000/in broke off: connection reset", 0.01, 1),
        ("hang", "sent: no complete answer from http://hooks:9000/in within 3 s", 3.0, 0),
        ("unreachable", "unsent: no connection from http://hooks:9000/in within 3 s", 3.0, 0),
        ("200 in 5s", "sent: no complete answer from http://hooks:9000/in within 3 s", 3.0, 1),
    ],
)
def test_every_way_to_fail_says_truthfully_what_was_sent(
    how: str, expected: str, took: float, taken: int
) -> None:
    async def story() -> None:
        network = VirtualNetwork()
        hooks = network.destination("http://hooks:9000").script(how)
        said = str(await outcome(network, post(timeout_s=3.0)))
        assert said.startswith(expected)
        assert now() == pytest.approx(took)
        assert len(hooks.taken) == taken
        assert await outcome(network, post()) == 200

    run(story())


@virtual
async def test_a_host_nobody_stands_for_does_not_resolve() -> None:
    said = await outcome(VirtualNetwork(), post())
    assert said == ("unsent: cannot connect to http://hooks:9000/in: name or service not known")


@virtual
async def test_an_outage_beats_the_script_and_ends_in_time() -> None:
    network = VirtualNetwork()
    hooks = network.destination("http://hooks:9000", latency=0.0).script(202)
    hooks.down(1.0, 2.0, 503)
    await asyncio.sleep(1.0)
    assert await outcome(network, post()) == 503
    await asyncio.sleep(2.0)
    assert [await outcome(network, post()) for _ in range(2)] == [202, 200]


@virtual
async def test_a_judge_sees_the_request_and_beats_all() -> None:
    network = VirtualNetwork()
    hooks = network.destination("http://hooks:9000").script("500 x9")

    def judge(request: Request) -> Answering | None:
        return 422 if b"bad" in request.body else None

    hooks.judge = judge
    assert await outcome(network, post(b'"bad"')) == 422
    assert await outcome(network, post()) == 500
    hooks.recover()
    assert await outcome(network, post(b'"bad"')) == 200


@virtual
async def test_a_url_beats_its_origin() -> None:
    network = VirtualNetwork()
    network.destination("http://hooks:9000").script(then=500)
    network.destination("http://hooks:9000/in/b")
    assert await outcome(network, post(url="http://hooks:9000/in/b")) == 200
    assert await outcome(network, post()) == 500
    assert network.destination("http://hooks:9000").then.status == 500


@virtual
async def test_the_default_port_is_the_schemes() -> None:
    network = VirtualNetwork()
    network.destination("https://hooks")
    assert await outcome(network, post(url="https://hooks:443/x")) == 200


@virtual
async def test_what_was_taken_is_told_by_id_from_every_format() -> None:
    network = VirtualNetwork()
    hooks = network.destination("http://hooks:9000").script(503)
    one = {"Content-Type": "application/json", "ce-id": "a%20b"}
    lines = {"content-type": "application/x-ndjson"}
    envelope = {"Content-Type": DOCKER_V1}
    for headers, body in (
        (one, b'{"n": 0}'),
        (one, b'{"n": 1}'),
        (lines, b'{"id": "c", "n": 2}\n{"n": 3}\n'),
        (envelope, json.dumps({"events": [{"id": "d"}, {"id": "a b"}]}).encode()),
        ({}, b"no json"),
    ):
        await outcome(network, Request("POST", HOOK, headers, body))
    assert hooks.ids == {"a b": 2, "c": 1, "d": 1}
    assert hooks.payloads[:3] == [{"n": 1}, {"id": "c", "n": 2}, {"n": 3}]
    arrived = network.arrived()
    assert [one.id for one in arrived] == ["a b", "c", None, "d", "a b"]
    assert [one.at for one in arrived][:2] == pytest.approx([0.01, 0.02])


@virtual
async def test_a_cancelled_request_is_no_longer_in_flight() -> None:
    network = VirtualNetwork()
    hooks = network.destination("http://hooks:9000").script("hang")
    task = asyncio.ensure_future(network.send(post()))
    await asyncio.sleep(1)
    assert hooks.in_flight == 1
    task.cancel()
    await asyncio.wait([task])
    assert (hooks.in_flight, hooks.most_in_flight) == (0, 1)


@virtual
async def test_latency_is_drawn_within_its_bounds_and_repeats() -> None:
    async def times(seed: int) -> list[float]:
        network = VirtualNetwork(random=random.Random(seed))
        network.destination("http://hooks:9000", latency=(0.5, 1.5))
        seen = []
        for _ in range(20):
            began = now()
            await network.send(post())
            seen.append(round(now() - began, 9))
        return seen

    first = await times(1)
    assert all(0.5 <= one <= 1.5 for one in first)
    assert len(set(first)) == 20
    assert first == await times(1) != await times(2)


@pytest.mark.parametrize("nonsense", ["oops", "600", "503 x", "429 Retry-After", 99, ""])
def test_a_script_that_means_nothing_is_refused(nonsense: Answering) -> None:
    with pytest.raises(ValueError, match=r"is no answer|is no HTTP status"):
        Destination("http://hooks", random.Random(0)).script(nonsense)
