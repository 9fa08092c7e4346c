"""The http source in front of real queues: a 429 has stored nothing, on no branch."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import sinkgraph as sg
from sinkgraph.clock import Request
from sinkgraph.runtime.network import HttpNetwork

DOCUMENT = {
    "sinkgraph": 1,
    "name": "admission",
    "sources": {
        "in": {"kind": "http", "listen": "127.0.0.1:0", "to": "fan", "max_wait": "300ms"},
    },
    "sinks": {
        "fan": {"kind": "broadcast", "to": ["wide", "narrow"]},
        "wide": {"kind": "queue", "capacity": 100, "to": "seen"},
        "narrow": {"kind": "queue", "capacity": 3, "to": "stuck"},
        "seen": {"kind": "channel", "capacity": 100},
        "stuck": {"kind": "channel", "capacity": 0},
    },
}


async def post(network: HttpNetwork, url: str, *events: Any) -> tuple[int, dict[str, Any]]:
    body = json.dumps(events).encode()
    answer = await network.send(Request("POST", url, {"content-type": "application/json"}, body))
    return answer.status, json.loads(answer.body)


async def test_a_refused_request_is_stored_on_no_branch() -> None:
    network = HttpNetwork()
    async with sg.run(DOCUMENT) as live:
        source: Any = live.topology.nodes["in"]
        url = f"http://127.0.0.1:{source.address[1]}/"
        assert await post(network, url, 1, 2) == (202, {"accepted": 2, "worth": "memory"})
        status, content = await post(network, url, 3, 4)
        assert status == 429
        assert "narrow" in content["error"]
        assert (await post(network, url, 5))[0] == 202
        reader = aiter(live.channel("seen"))
        got = [(await anext(reader)).data for _ in range(3)]
        assert got == [1, 2, 5]
        # Waiting for room is what max_wait is for: a reader makes it in time.
        stuck = aiter(live.channel("stuck"))
        waiting = asyncio.ensure_future(post(network, url, 6, 7))
        assert [(await anext(stuck)).data for _ in range(5)] == [1, 2, 5, 6, 7]
        assert (await waiting)[0] == 202
        assert [(await anext(reader)).data for _ in range(2)] == [6, 7]
        ledgers = live.snapshot().nodes
        assert ledgers["in"].ledger.returned == 2
        assert all(node.ledger.residue == 0 for node in ledgers.values())
    await network.close()


async def test_a_request_no_queue_could_ever_hold_is_413_and_stored_nowhere() -> None:
    network = HttpNetwork()
    async with sg.run(DOCUMENT) as live:
        source: Any = live.topology.nodes["in"]
        url = f"http://127.0.0.1:{source.address[1]}/"
        status, content = await post(network, url, 1, 2, 3, 4)
        assert status == 413
        assert content["error"] == "4 events do not fit in queue narrow: it holds 3"
        ledgers = live.snapshot().nodes
        assert ledgers["wide"].ledger.entered == ledgers["narrow"].ledger.entered == 0
    await network.close()
