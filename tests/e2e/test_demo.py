"""`sinkgraph demo` plays real notifications through an outage, once, as a user would see it."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from pathlib import Path

from tests.support.ledgers import ledger
from tests.support.program import Program, until


async def test_the_demo_loses_nothing_through_an_outage(tmp_path: Path) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    env = {"TMPDIR": str(temporary)}
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with Program("demo", "--rate", "100", cwd=tmp_path, env=env) as demo:
        code = await demo.ends(60)
    assert loop.time() - began <= 60
    text = demo.out.decode()
    assert code == 0, text + demo.err
    assert demo.err == ""
    assert "\x1b" not in text, "a pipe gets plain lines"
    story = [
        "--- the webhook goes down",
        "hooks.retry: breaker opened",
        "--- the webhook is back",
        "hooks.retry: breaker closed",
        "conservation law: residue 0",
        "nothing was lost",
    ]
    places = [text.find(mark) for mark in story]
    assert places == sorted(places)
    assert places[0] > 0
    depths = [int(n) for n in re.findall(r"queue [█·]{20} +(\d+)", text)]
    assert max(depths) >= 20, "the queue grows"
    assert depths[0] == depths[-1] == 0, "and drains"
    rows = ledger(text)
    assert rows["registry"].delivered == rows["audit.file"].delivered == 350
    assert rows["hooks.http"].delivered == 180
    assert rows["pushes"].filtered == 170
    assert "180 of 180 pushes at the webhook" in text
    assert os.listdir(temporary) == [], "it leaves nothing behind"


async def test_an_interrupted_demo_stops_at_once_and_cleans_up(tmp_path: Path) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    async with Program("demo", cwd=tmp_path, env={"TMPDIR": str(temporary)}) as demo:
        await until(lambda: b"webhook goes down" in demo.out, "the webhook is down")
        demo.signal(signal.SIGINT)
        assert await demo.ends(15) == 130
    assert "Traceback" not in demo.err
    assert os.listdir(temporary) == []
