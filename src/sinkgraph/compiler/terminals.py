"""Builders of the terminal kinds."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from sinkgraph.compiler.build import Parts
from sinkgraph.log.disk.format import DATABASE, LOCK, MARK
from sinkgraph.sinks.base import Node
from sinkgraph.sinks.blackhole import Blackhole
from sinkgraph.sinks.call import Call
from sinkgraph.sinks.channel import Channel
from sinkgraph.sinks.file import FileSink
from sinkgraph.sinks.http import HttpSink
from sinkgraph.sinks.stdout import Stdout

__all__ = ["MAKERS"]


def _http(parts: Parts) -> Node:
    spec = parts.spec
    return HttpSink(
        spec.url,
        method=spec.method,
        headers=spec.headers,
        timeout=spec.timeout,
        format=spec.format,
        concurrency=spec.concurrency,
        max_batch=spec.max_batch,
        on_status=spec.on_status,
    )


def _file(parts: Parts) -> Node:
    spec = parts.spec
    if parts.state_dir is not None and _is_store(parts.output_dir / spec.path, parts.state_dir):
        parts.refuse(f"{spec.path} is a file of the state dir {parts.state_dir}")
    rotation = {}
    if spec.rotate is not None:
        rotation = {"max_size": spec.rotate.max_size, "keep": spec.rotate.keep}
    return FileSink(spec.path, format=spec.format, sync=spec.sync, **rotation)


def _is_store(path: Path, state_dir: str) -> bool:
    """Tell whether a path is one of the files in which a state dir keeps events."""
    name = path.name.casefold()
    if not name.startswith((DATABASE, LOCK, MARK)):
        return False
    return os.path.realpath(path.parent) == os.path.realpath(state_dir)


def _stdout(parts: Parts) -> Node:
    return Stdout()


def _channel(parts: Parts) -> Node:
    return Channel(parts.spec.capacity, readers=parts.spec.readers)


def _call(parts: Parts) -> Node:
    return Call(parts.spec.target)


def _blackhole(parts: Parts) -> Node:
    return Blackhole()


MAKERS: dict[str, Callable[[Parts], Node]] = {
    "http": _http,
    "file": _file,
    "stdout": _stdout,
    "channel": _channel,
    "call": _call,
    "blackhole": _blackhole,
}
