"""Answer `python -m sinkgraph_tui`: open the screens of a running graph.

`sinkgraph top` starts it. It decides nothing but what was chosen: flags first, then environment.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence

from sinkgraph.api.addresses import Address, Unreachable, resolve
from sinkgraph.api.client import Client
from sinkgraph_tui.app import Top
from sinkgraph_tui.looks import PALETTES
from sinkgraph_tui.settings import HZ, Settings

__all__ = ["main"]

_UNREACHABLE = 3
TOKEN_ENV = "SINKGRAPH_CONTROL_TOKEN"


def main(arguments: Sequence[str] | None = None) -> int:
    """Show a graph until it is quit; return 3 when there is none."""
    parser = argparse.ArgumentParser(prog="sinkgraph top", description=__doc__)
    parser.add_argument("addr", nargs="?")
    parser.add_argument("--hz", type=float, default=2.0, help="frames a second, 0.2 to 5")
    parser.add_argument("--theme", choices=sorted(PALETTES), default="sink-dark")
    parser.add_argument("--glyphs", choices=("auto", "unicode", "ascii"), default="auto")
    parser.add_argument("--read-only", action="store_true")
    parser.add_argument("--no-mouse", action="store_true")
    parser.add_argument("--reader", action="store_true", help="nothing moves by itself")
    asked = parser.parse_args(arguments)
    try:
        address = resolve(asked.addr)
    except Unreachable as error:
        sys.stderr.write(f"error: {error}\n")
        return _UNREACHABLE
    settings = Settings(
        hz=min(max(asked.hz, HZ[0]), HZ[1]),
        theme=asked.theme,
        glyphs=_glyphs(asked.glyphs),
        read_only=asked.read_only or address.url is not None,
        mouse=not asked.no_mouse,
        reader=asked.reader,
    )
    return asyncio.run(_show(address, settings))


async def _show(address: Address, settings: Settings) -> int:
    async with Client(address, token=os.environ.get(TOKEN_ENV)) as client:
        app = Top(client, settings)
        await app.run_async(mouse=settings.mouse)
    return app.return_code or 0


def _glyphs(chosen: str) -> str:
    if chosen != "auto":
        return chosen
    encoding = (sys.stdout.encoding or "").lower().replace("-", "")
    return "unicode" if encoding == "utf8" else "ascii"


if __name__ == "__main__":
    raise SystemExit(main())
