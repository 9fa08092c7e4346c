"""A run under systemd says when it is ready and when it stops."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

from tests.support.program import Program

DOCUMENT = """\
sinkgraph: 1
name: told
sources: {ticks: {kind: generate, rate: 1/s, to: out}}
sinks: {out: {kind: blackhole}}
"""


async def test_a_run_says_ready_and_stopping(tmp_path: Path) -> None:
    (tmp_path / "g.yaml").write_text(DOCUMENT)
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "n"))
        manager.setblocking(False)
        env = {"NOTIFY_SOCKET": str(tmp_path / "n")}
        async with Program("run", "g.yaml", cwd=tmp_path, env=env) as run, asyncio.timeout(60):
            told = (await loop.sock_recv(manager, 4096)).decode()
            assert told.startswith("READY=1\nSTATUS=running, ")
            run.process.terminate()
            while "STOPPING=1" not in told:
                told = (await loop.sock_recv(manager, 4096)).decode()
            assert await run.ends() == 0
