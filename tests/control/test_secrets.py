"""A secret of the document, of an event and of a URL leaves by no way of the control plane."""

from __future__ import annotations

from typing import Any

from sinkgraph.control.ways import WAYS
from sinkgraph.errors import DeliveryFailed
from tests.support.control import DOCUMENT, End, watched
from tests.support.program import until

CANARY = "cAnArY-0815-4711"


def document() -> dict[str, Any]:
    sinks = {
        **DOCUMENT["sinks"],
        "out": {
            "kind": "queue",
            "to": {
                "kind": "http",
                "url": f"http://127.0.0.1:1/x?key={CANARY}",
                "headers": {"Authorization": f"Bearer {CANARY}"},
            },
        },
    }
    sinks["fan"] = {"kind": "broadcast", "to": ["q", "eu/kept", "out"]}
    variables = {"word": {"default": CANARY, "secret": True}}
    return {**DOCUMENT, "vars": variables, "sinks": sinks}


async def test_a_secret_leaves_by_no_way() -> None:
    end = End()
    end.fails = DeliveryFailed(f"https://u:{CANARY}@host/?k={CANARY} said {CANARY}")
    async with watched(document(), end=end) as graph:
        await graph.live.write({"password": CANARY, "n": 1}, to="in", meta={"token": CANARY})
        await until(lambda: end.calls)
        await graph.post("/v1/nodes/q/pause", {"why": f"because of {CANARY}"})
        graph.control.desk.sampler.look()
        seen = []
        for way in WAYS:
            path = way.path.replace("{name}", "q").replace("{number}", "1")
            if way.method == "GET" and way.gives != "text/event-stream":
                reply = await graph.ask("GET", path)
                seen.append(reply.body)
        for path in ("/v1/stream", "/v1/events"):
            headers = {"Accept": "text/event-stream"}
            url = f"http://sinkgraph{path}"
            async with graph.http.get(url, headers=headers) as answer:
                while b"data: " not in (line := await answer.content.readline()):
                    pass
                seen.append(line)
        assert b"***" in b"".join(seen)
        assert [body for body in seen if CANARY.encode() in body] == []
        await graph.post("/v1/nodes/q/resume")


async def test_a_tap_shows_no_secret() -> None:
    async with watched(document()) as graph:
        url = "http://sinkgraph/v1/tap/eu%2Fkept"
        async with graph.http.get(url) as answer:
            assert await answer.content.readline() == b": tapped\n"
            event = {"note": f"x {CANARY} y", "nested": {"api_key": "abc", "list": [CANARY]}}
            await graph.live.write(event, to="in", meta={"cookie": "abc"})
            while not (line := await answer.content.readline()).startswith(b"data: "):
                pass
            assert CANARY.encode() not in line
            assert b"abc" not in line
            assert b"x *** y" in line
