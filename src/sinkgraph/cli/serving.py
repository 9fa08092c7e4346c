"""`sinkgraph render --serve`: a document in a browser, drawn again whenever it is saved.

The page and its server are `sinkgraph.render.serve`; here are the document and the terminal.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sinkgraph.cli.options import echo, load_document, many
from sinkgraph.diagnostics.safe import safe_text

if TYPE_CHECKING:
    from sinkgraph.cli.render import Wishes
    from sinkgraph.diagnostics.diagnostic import Diagnostic
    from sinkgraph.graph.load import Looked
    from sinkgraph.graph.model import Graph
    from sinkgraph.render.parts import Drawing
    from sinkgraph.render.serve.board import Board, Loaded
    from sinkgraph.render.serve.watch import Watched
    from sinkgraph.spec.document_tree import Mapping as Tree

__all__ = ["serve_drawings"]

_ROUNDS = 3
"""Readings after which files that are only now watched are taken as they are."""


def serve_drawings(file: str, wishes: Wishes, port: int | None) -> None:
    """Serve a page that shows a document until the process is told to stop."""
    from sinkgraph.render.serve.board import Board
    from sinkgraph.render.serve.watch import Watched

    paths = [Path(one).absolute() for one in (file, wishes.against) if one is not None]
    for path in paths:
        if not path.is_file():
            why = "is a directory" if path.is_dir() else "does not exist or is no file"
            raise click.ClickException(f"`{safe_text(str(path))}` {why}: there is nothing to watch")
    shown = safe_text(file)
    watched = Watched(paths)
    document = _Document(file, wishes, watched)
    board = Board(shown, document)
    state = board.renew()
    document.lenient = True
    if state["problem"]:
        raise click.ClickException(state["problem"])
    asyncio.run(_serve(board, watched, port or 0, state))
    sys.exit(0)


class _Document:
    """Reads the files anew each time it is called; whatever is wrong with them is a finding.

    All that is read is watched from then on: what is included, schemas, folders of globs.
    `lenient`: a group to fold may be gone, and come back.
    """

    def __init__(self, file: str, wishes: Wishes, watched: Watched) -> None:
        self._file = file
        self._wishes = wishes
        self._watched = watched
        self.lenient = False

    def __call__(self) -> Loaded:
        for _ in range(_ROUNDS):
            loaded, looked = self._load()
            if not self._watched.follow(map(Path, looked.files), map(Path, looked.folders)):
                break
        return loaded

    def _load(self) -> tuple[Loaded, Looked]:
        from sinkgraph.graph.load import Looked
        from sinkgraph.render.serve.board import Loaded

        file, wishes, looked = self._file, self._wishes, Looked()
        graph, found = load_document(
            file, set_vars=wishes.values, syntax=wishes.syntax, looked=looked
        )
        old: Graph | None = None
        others: list[Diagnostic] = []
        if wishes.against is not None:
            older = Looked()
            old, others = load_document(wishes.against, set_vars=wishes.values, looked=older)
            looked.files.extend(older.files)
            looked.folders.extend(older.folders)
        drawing = None
        if graph is not None and (wishes.against is None or old is not None):
            drawing = self._drawing(graph, old)
        return Loaded(graph, found, None if graph else self._tree(), others, drawing), looked

    def _tree(self) -> Tree | None:
        """Return what can be read of the document and of all it includes."""
        from sinkgraph.spec.document import read
        from sinkgraph.spec.including.whole import whole

        tree = read(self._file, self._wishes.syntax)[0]
        base = Path(self._file).absolute().parent
        return None if tree is None else whole(tree, base=base)[0].tree

    def _drawing(self, graph: Graph, old: Graph | None) -> Drawing:
        try:
            return self._wishes.drawing(graph, old).drawing
        except click.UsageError:
            if not self.lenient:
                raise
            return self._wishes.unfolded().drawing(graph, old).drawing


async def _serve(board: Board, watched: Any, port: int, state: dict[str, Any]) -> None:
    from sinkgraph.render.serve.server import Server

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for one in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(one, stop.set)
    try:
        server = Server(board, watched, port=port, renewed=_say)
        await server.__aenter__()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise click.ClickException(f"cannot listen on port {port}: {reason}") from None
    try:
        echo(f"{server.url} shows {state['file']} and follows it; Ctrl-C ends it")
        sys.stdout.flush()
        _say(state)
        await server.until(stop)
    finally:
        await server.__aexit__(None, None, None)


def _say(state: dict[str, Any]) -> None:
    """Print what came of a document, on one line."""
    severities = [one["severity"] for one in state["findings"]]
    parts = [many(severities.count(one), one) for one in ("error", "warning") if one in severities]
    drawn = f"drawn, {many(state['nodes'], 'node')}, {many(state['edges'], 'edge')}"
    if state["sketched"]:
        drawn = "sketched"
    if state["stale"]:
        drawn = "not drawn" + (f": {state['problem']}" if state["problem"] else "")
    echo(f"{state['file']}: {', '.join([drawn, *parts])}", err=True)
