"""Build and run the programs that measure sinkgraph's peers, and hand back their figures.

It installs nothing: when a compiler or a library is missing it raises `PeerUnavailable`, which says
what to install. How a figure is taken is written at the top of goevents/main.go; here every program
is run once with one processor and once with all of them, and the faster median counts, so that a
peer is never charged for a scheduling choice it would not make.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["GOEVENTS_SHAPES", "PeerFigure", "PeerUnavailable", "measure"]

GOEVENTS_SHAPES = (
    "queue_retry",
    "filter",
    "broadcast_1",
    "broadcast_10",
    "broadcast_100",
    "broadcast_1000",
)
"""queue → retry(breaker) → blackhole; filter → blackhole, every second event passes;
broadcast to N × (queue → retry(breaker) → blackhole)."""

SOURCE = Path(__file__).parent / "goevents" / "main.go"
LIBRARY = Path("src/github.com/docker/go-events")
SHARED_GOPATHS = (Path("/usr/share/gocode"),)
"""Where Debian puts the sources of Go libraries."""

INSTALL = "apt-get install golang-go golang-github-docker-go-events-dev"
BUILD_TIMEOUT_S = 180
RUN_TIMEOUT_S = 120


class PeerUnavailable(RuntimeError):
    """Says what is missing to measure a peer on this machine, and how to get it."""


@dataclass(frozen=True, slots=True)
class PeerFigure:
    """Holds what one shape cost a peer; times are nanoseconds per written event."""

    shape: str
    branches: int
    events: int
    repeats: int
    ns_min: float
    ns_median: float
    procs: int
    toolchain: str


def measure(
    shapes: Sequence[str] | None = None, *, budget_s: float = 2.0, repeats: int = 7
) -> dict[str, PeerFigure]:
    """Measure docker/go-events on `shapes` (all when None) and return shape → figure.

    `budget_s` bounds the time of one shape in one run; every shape is run twice. Raises
    `PeerUnavailable` when Go or the library is missing, ValueError for a shape nobody knows.
    """
    wanted = tuple(shapes) if shapes is not None else GOEVENTS_SHAPES
    for name in wanted:
        if name not in GOEVENTS_SHAPES:
            known = ", ".join(GOEVENTS_SHAPES)
            raise ValueError(f"no shape is named {name!r}; known: {known}")
    if not wanted:
        return {}
    go, gopath = find_toolchain()
    with tempfile.TemporaryDirectory(prefix="sinkgraph-peers-") as scratch:
        program = build(go, gopath, Path(scratch))
        every = max(2, os.cpu_count() or 2)
        runs = [run(program, wanted, procs, budget_s, repeats) for procs in (1, every)]
    return {
        name: min((found[name] for found in runs), key=lambda figure: figure.ns_median)
        for name in wanted
    }


def find_toolchain(env: Mapping[str, str] = os.environ) -> tuple[str, Path]:
    """Return the `go` on PATH and the GOPATH that holds the library's source."""
    go = shutil.which("go", path=env.get("PATH"))
    if go is None:
        raise PeerUnavailable(f"no `go` on PATH; on Debian: {INSTALL}")
    named = [Path(one) for one in env.get("GOPATH", "").split(os.pathsep) if one]
    for gopath in (*named, *SHARED_GOPATHS):
        if (gopath / LIBRARY / "queue.go").is_file():
            return go, gopath
    raise PeerUnavailable(f"no source of docker/go-events in a GOPATH; on Debian: {INSTALL}")


def build(go: str, gopath: Path, scratch: Path) -> Path:
    """Compile the Go program into `scratch` and return its path; it touches no network."""
    program = scratch / "goevents"
    env = dict(os.environ)
    env.update(
        GO111MODULE="off",
        GOPATH=str(gopath),
        GOPROXY="off",
        GOTOOLCHAIN="local",
        GOFLAGS="",
        CGO_ENABLED="0",
    )
    if "HOME" not in env:
        env.setdefault("GOCACHE", str(scratch / "cache"))
    command = [go, "build", "-o", str(program), str(SOURCE)]
    done = subprocess.run(
        command, env=env, capture_output=True, text=True, timeout=BUILD_TIMEOUT_S, check=False
    )
    if done.returncode != 0:
        raise PeerUnavailable(f"the Go program does not build:\n{done.stderr.strip()}")
    return program


def run(
    program: Path, shapes: Sequence[str], procs: int, budget_s: float, repeats: int
) -> dict[str, PeerFigure]:
    """Run the compiled program with `procs` processors and return shape → figure."""
    command = [
        str(program),
        f"-shapes={','.join(shapes)}",
        f"-budget={budget_s}s",
        f"-repeats={repeats}",
    ]
    done = subprocess.run(
        command,
        env={**os.environ, "GOMAXPROCS": str(procs)},
        capture_output=True,
        text=True,
        timeout=RUN_TIMEOUT_S + 4 * budget_s * len(shapes),
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"the Go program failed ({done.returncode}): {done.stderr.strip()}")
    figures = [parse(line) for line in done.stdout.splitlines()]
    return {figure.shape: figure for figure in figures}


def parse(line: str) -> PeerFigure:
    """Read one JSON line of the Go program."""
    fields = json.loads(line)
    return PeerFigure(
        shape=fields["shape"],
        branches=fields["branches"],
        events=fields["events"],
        repeats=fields["repeats"],
        ns_min=fields["ns_min"],
        ns_median=fields["ns_median"],
        procs=fields["procs"],
        toolchain=fields["go"],
    )


def main() -> int:
    """Print the figures of every shape, or of those named on the command line."""
    try:
        figures = measure(sys.argv[1:] or None)
    except (PeerUnavailable, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"{'docker/go-events':<18}{'ns/event':>12}{'best':>12}{'events':>12}{'procs':>7}")
    for one in figures.values():
        print(
            f"{one.shape:<18}{one.ns_median:>12,.1f}{one.ns_min:>12,.1f}"
            f"{one.events:>12,}{one.procs:>7}"
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
