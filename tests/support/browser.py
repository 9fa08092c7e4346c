"""A headless Chromium, driven over its own protocol: what a page shows is asked of the page itself.

It needs a Chromium on this machine and nothing else; `find_browser` returns None where there is
none.
"""

from __future__ import annotations

import asyncio
import base64
import json
import shutil
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any

import aiohttp

__all__ = ["Browser", "find_browser"]

_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
_DEADLINE_S = 30.0


def find_browser() -> str | None:
    """Return the program to start, or None."""
    return next((found for one in _NAMES if (found := shutil.which(one))), None)


class Browser:
    """Is one page in a browser of its own, which ends with the block."""

    def __init__(self, program: str, folder: Path, *, dark: bool = False) -> None:
        self._folder = folder
        self._dark = dark
        self._count = 0
        self._process = subprocess.Popen(
            [
                program,
                *("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"),
                *("--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking"),
                "--remote-debugging-port=0",
                f"--user-data-dir={folder}",
                "--window-size=1400,800",
                "about:blank",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    async def __aenter__(self) -> Browser:
        self._session = aiohttp.ClientSession()
        try:
            async with asyncio.timeout(_DEADLINE_S):
                port = await self._port()
                address = f"http://127.0.0.1:{port}/json/list"
                while True:
                    async with self._session.get(address) as reply:
                        pages = [one for one in await reply.json() if one["type"] == "page"]
                    if pages:
                        break
                    await asyncio.sleep(0.02)
                self._socket = await self._session.ws_connect(
                    pages[0]["webSocketDebuggerUrl"], max_msg_size=0
                )
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        scheme = {"name": "prefers-color-scheme", "value": "dark" if self._dark else "light"}
        await self.ask("Emulation.setEmulatedMedia", features=[scheme])
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._session.close()
        self._process.kill()
        await asyncio.to_thread(self._process.wait)

    async def _port(self) -> int:
        told = self._folder / "DevToolsActivePort"
        while True:
            text = told.read_text(encoding="ascii") if told.exists() else ""
            if "\n" in text:
                return int(text.split("\n")[0])
            if self._process.poll() is not None:
                raise AssertionError(f"the browser ended with {self._process.returncode}")
            await asyncio.sleep(0.02)

    async def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a command and return its result."""
        self._count += 1
        mine = self._count
        await self._socket.send_json({"id": mine, "method": method, "params": params})
        async with asyncio.timeout(_DEADLINE_S):
            while True:
                reply = json.loads(await self._socket.receive_str())
                if reply.get("id") == mine:
                    assert "error" not in reply, reply["error"]
                    found: dict[str, Any] = reply["result"]
                    return found

    async def open(self, url: str) -> None:
        """Load a page."""
        await self.ask("Page.navigate", url=url)

    async def value(self, script: str) -> Any:
        """Return what an expression of JavaScript gives, as JSON."""
        reply = await self.ask("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in reply, reply["exceptionDetails"]
        return reply["result"].get("value")

    async def until(self, script: str) -> Any:
        """Return the first true value of an expression."""
        end = asyncio.get_running_loop().time() + _DEADLINE_S
        while not (last := await self.value(script)):
            if asyncio.get_running_loop().time() > end:
                body = await self.value("document.body && document.body.innerText")
                raise AssertionError(f"did not come true: {script}\n{body}")
            await asyncio.sleep(0.02)
        return last

    async def picture(self) -> bytes:
        """Return what the window shows, as PNG."""
        reply = await self.ask("Page.captureScreenshot", format="png")
        return base64.b64decode(reply["data"])
