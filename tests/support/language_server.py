"""A client of yaml-language-server over stdio: opens documents and asks what an editor asks.

It knows nothing of sinkgraph; where the server is installed is `make editor`'s affair.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from typing import IO, Any

__all__ = ["INSTALLED", "Editor", "missing", "open_editor"]

INSTALLED = (
    Path(__file__).parents[2] / ".venv/editor/node_modules/yaml-language-server/bin"
) / "yaml-language-server"

_PATIENCE_S = 30.0
_SETTINGS: dict[str, Any] = {
    "yaml": {
        "validate": True,
        "hover": True,
        "completion": True,
        "schemaStore": {"enable": False},
    }
}
_MARKDOWN = ["markdown", "plaintext"]
_ITEM = {"snippetSupport": True, "documentationFormat": _MARKDOWN}
_CAPABILITIES: dict[str, Any] = {
    "textDocument": {
        "synchronization": {"dynamicRegistration": False},
        "completion": {"completionItem": _ITEM},
        "hover": {"contentFormat": _MARKDOWN},
        "publishDiagnostics": {"relatedInformation": True},
    },
    "workspace": {"configuration": True},
}


def missing() -> str:
    """Return why the server cannot be asked here, or ""."""
    if shutil.which("node") is None:
        return "node is not installed"
    if not INSTALLED.exists():
        return "yaml-language-server is not installed: `make editor` does it (needs npm)"
    return ""


class Editor:
    """Is an editor with documents open in it; a cursor is the mark `|` in a document's text."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._input = process.stdin
        self._heard: Queue[dict[str, Any] | None] = Queue()
        self._findings: dict[str, list[dict[str, Any]]] = {}
        self._number = self._opened = 0
        self._reader = Thread(target=_read, args=(process.stdout, self._heard), daemon=True)
        self._reader.start()

    def begin(self) -> None:
        """Introduce the editor to the server."""
        self.ask("initialize", {"processId": None, "rootUri": None, "capabilities": _CAPABILITIES})
        self._tell("initialized", {})
        self._tell("workspace/didChangeConfiguration", {"settings": _SETTINGS})

    def findings(self, path: Path, text: str) -> list[tuple[int, str]]:
        """Return the line, from 1, and the message of what is underlined in a document."""
        uri = self._open(path, text)
        while uri not in self._findings:
            self._hear()
        found = self._findings[uri]
        return [(one["range"]["start"]["line"] + 1, one["message"]) for one in found]

    def completions(self, path: Path, text: str) -> dict[str, dict[str, Any]]:
        """Return what is offered at the cursor, by label."""
        answer = self._at_cursor("textDocument/completion", path, text)
        items = answer["items"] if isinstance(answer, dict) else answer or []
        return {one["label"]: one for one in items}

    def hover(self, path: Path, text: str) -> str:
        """Return what is shown where the pointer rests."""
        answer = self._at_cursor("textDocument/hover", path, text)
        return "" if answer is None else str(answer["contents"]["value"])

    def ask(self, method: str, params: Any) -> Any:
        """Return the server's answer to a request; raise AssertionError when it is an error."""
        self._number += 1
        number = self._number
        self._send({"id": number, "method": method, "params": params})
        while True:
            message = self._hear()
            if message.get("id") == number and "method" not in message:
                assert "error" not in message, message["error"]
                return message.get("result")

    def _open(self, path: Path, text: str) -> str:
        """Open a document beside `path` that no other one was opened as; return its URI."""
        self._opened += 1
        uri = path.absolute().with_stem(f"{path.stem}-{self._opened}").as_uri()
        held = {"uri": uri, "languageId": "yaml", "version": 1, "text": text}
        self._tell("textDocument/didOpen", {"textDocument": held})
        return uri

    def _at_cursor(self, method: str, path: Path, text: str) -> Any:
        before, mark, after = text.partition("|")
        assert mark, "a `|` marks the cursor"
        uri = self._open(path, before + after)
        character = len(before) - (before.rfind("\n") + 1)
        position = {"line": before.count("\n"), "character": character}
        return self.ask(method, {"textDocument": {"uri": uri}, "position": position})

    def _hear(self) -> dict[str, Any]:
        """Take the next message; answer what the server itself asks, and note findings."""
        try:
            message = self._heard.get(timeout=_PATIENCE_S)
        except Empty:
            raise AssertionError("the language server does not answer") from None
        assert message is not None, "the language server has ended"
        method = message.get("method")
        if method == "textDocument/publishDiagnostics":
            self._findings[message["params"]["uri"]] = message["params"]["diagnostics"]
        elif method == "workspace/configuration":
            asked = message["params"]["items"]
            self._reply(message, [_SETTINGS.get(one.get("section", "")) for one in asked])
        elif method is not None and "id" in message:
            self._reply(message, None)
        return message

    def _reply(self, message: dict[str, Any], result: Any) -> None:
        self._send({"id": message["id"], "result": result})

    def _tell(self, method: str, params: Any) -> None:
        self._send({"method": method, "params": params})

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self._input.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self._input.flush()


@contextmanager
def open_editor() -> Iterator[Editor]:
    """Yield an editor whose language server runs as a child process, and ends with the block."""
    command = ["node", str(INSTALLED), "--stdio"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        try:
            editor = Editor(process)
            editor.begin()
            yield editor
        finally:
            process.kill()


def _read(pipe: IO[bytes], heard: Queue[dict[str, Any] | None]) -> None:
    """Put every message of the server into a queue, and None at its end."""
    while True:
        length = 0
        while (line := pipe.readline().strip()) != b"":
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        if not length:
            break
        heard.put(json.loads(pipe.read(length)))
    heard.put(None)
