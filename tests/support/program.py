"""The real command `sinkgraph` as a subprocess: what it says is waited for, and it never outlives.

It never sleeps for a time that should suffice: every wait has a condition and a deadline, and a
missed deadline shows all that the program said.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

__all__ = ["DATA", "DEADLINE_S", "GRAPHS", "Program", "finished", "until"]

GRAPHS = Path(__file__).parents[2] / "graphs"
DATA = GRAPHS / "data"
DEADLINE_S = 30.0


async def until(
    condition: Callable[[], Any], what: str = "", *, deadline_s: float = DEADLINE_S
) -> Any:
    """Return the first true value of `condition`, looked at every few milliseconds."""
    loop = asyncio.get_running_loop()
    end = loop.time() + deadline_s
    while True:
        value = condition()
        if value:
            return value
        if loop.time() > end:
            raise AssertionError(f"did not come true within {deadline_s:g} s: {what or condition}")
        await asyncio.sleep(0.02)


class Program:
    """Is one run of `python -m sinkgraph ARGS`; leaving the block kills what is left of it.

    `out` and `err` grow as it writes. `flags` are given to the interpreter, `env` is added to this
    process's environment, in which state dirs are below `cwd`/.state and runs are found in
    `cwd`/.run. `stdin` is written and closed, or left open when it is None and `keep_stdin` is
    true.
    """

    def __init__(
        self,
        *args: str | os.PathLike[str],
        cwd: str | os.PathLike[str],
        stdin: bytes | None = None,
        keep_stdin: bool = False,
        env: Mapping[str, str | None] | None = None,
        flags: tuple[str, ...] = (),
    ) -> None:
        self.args = [os.fspath(arg) for arg in args]
        self.out = b""
        self.code: int | None = None
        self._err = b""
        self._cwd = cwd
        self._stdin = stdin
        self._keep_stdin = keep_stdin
        self._flags = flags
        own = {
            "XDG_STATE_HOME": os.path.abspath(os.path.join(cwd, ".state")),
            "SINKGRAPH_STATE_DIR": None,
            "SINKGRAPH_RUNTIME_DIR": os.path.abspath(os.path.join(cwd, ".run")),
        }
        changed = {"NO_COLOR": "1", "COLUMNS": "100", "STATE_DIRECTORY": None, **own, **(env or {})}
        self._env = {k: v for k, v in {**os.environ, **changed}.items() if v is not None}

    async def __aenter__(self) -> Program:
        wanted = self._stdin is not None or self._keep_stdin
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, *self._flags, "-m", "sinkgraph", *self.args,
            cwd=self._cwd, env=self._env,
            stdin=asyncio.subprocess.PIPE if wanted else asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        self._readers = [
            asyncio.ensure_future(self._collect(self.process.stdout, self._heard)),
            asyncio.ensure_future(self._collect(self.process.stderr, self._told)),
        ]
        if self._stdin is not None and self.process.stdin is not None:
            self._readers.append(asyncio.ensure_future(self._feed(self._stdin)))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.process.returncode is None:
            self.process.kill()
        for reader in self._readers:
            reader.cancel()
        await asyncio.gather(*self._readers, return_exceptions=True)
        if self.process.stdin is not None:
            self.process.stdin.close()
        await self.process.wait()

    # what it says

    @property
    def err(self) -> str:
        """All it wrote to stderr so far."""
        return self._err.decode()

    async def _collect(
        self, stream: asyncio.StreamReader | None, take: Callable[[bytes], None]
    ) -> None:
        assert stream is not None
        while chunk := await stream.read(65_536):
            take(chunk)

    def _heard(self, chunk: bytes) -> None:
        self.out += chunk

    def _told(self, chunk: bytes) -> None:
        self._err += chunk

    async def _feed(self, text: bytes) -> None:
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(text)
            await self.process.stdin.drain()
        except (BrokenPipeError, ConnectionResetError):
            pass
        if not self._keep_stdin:
            self.process.stdin.close()

    async def says(self, pattern: str, deadline_s: float = DEADLINE_S) -> re.Match[str]:
        """Wait until stderr holds a match; return it."""
        gone = False

        def look() -> re.Match[str] | None:
            nonlocal gone
            found = re.search(pattern, self.err)
            if found is None and gone:
                raise AssertionError(f"it ended without saying {pattern!r}:\n{self.err}")
            gone = all(reader.done() for reader in self._readers[:2])
            return found

        try:
            found: re.Match[str] = await until(look, deadline_s=deadline_s)
        except AssertionError:
            raise AssertionError(f"it did not say {pattern!r}:\n{self.err}") from None
        return found

    async def port(self) -> int:
        """Return the port its first source listens on."""
        found = await self.says(r"listening on http://127\.0\.0\.1:(\d+)/")
        await self.says("press Ctrl-C")
        return int(found[1])

    # what is done to it

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    async def ends(self, deadline_s: float = DEADLINE_S) -> int:
        """Wait until it has ended and all it said was read; return its exit code."""
        try:
            async with asyncio.timeout(deadline_s):
                await self.process.wait()
                await asyncio.gather(*self._readers)
        except TimeoutError:
            raise AssertionError(f"it did not end within {deadline_s:g} s:\n{self.err}") from None
        assert self.process.returncode is not None
        self.code = self.process.returncode
        return self.code

    async def interrupted(self) -> int:
        """Send it SIGINT and wait for its end."""
        self.signal(signal.SIGINT)
        return await self.ends()


async def finished(*args: str | os.PathLike[str], **options: Any) -> Program:
    """Return a program that ran to its end."""
    async with Program(*args, **options) as program:
        await program.ends()
    return program
