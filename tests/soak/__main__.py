"""`python -m tests.soak`: the long tests, part by part, so many minutes each; then a table.

`make soak MINUTES=30 PARTS="order crash"` is the same.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Sequence

from tests.soak.parts import PARTS
from tests.soak.play import play
from tests.soak.report import clock_face

__all__ = ["main"]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="for each part [10]")
    parser.add_argument("--seed", type=int, help="of the first round [drawn]")
    parser.add_argument("--list", action="store_true", help="say what parts there are")
    parser.add_argument("parts", nargs="*", metavar="PART", help="which parts [all]")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Play the parts that were asked for; return 1 when one failed, or never came to an end."""
    parser = _parser()
    asked = parser.parse_args(arguments)
    names = [part.name for part in PARTS]
    unknown = [name for name in asked.parts if name not in names]
    if unknown:
        parser.error(f"no part is named {', '.join(unknown)}; there are: {', '.join(names)}")
    if not asked.minutes > 0:
        parser.error(f"--minutes must be more than 0, not {asked.minutes:g}")
    if asked.list:
        for part in PARTS:
            sys.stdout.write(f"{part.name:<12} {part.promise:<20} {' '.join(part.what)}\n")
        return 0
    parts = [part for part in PARTS if not asked.parts or part.name in asked.parts]
    seed = asked.seed if asked.seed is not None else random.SystemRandom().randrange(10**9)
    limit_s = asked.minutes * 60
    sys.stdout.write(
        f"{len(parts)} parts, at most {clock_face(limit_s)} each and "
        f"{clock_face(limit_s * len(parts))} in all; seed {seed}\n"
    )
    try:
        results = play(parts, limit_s, seed, sys.stdout)
    except KeyboardInterrupt:
        return 130
    return 1 if any(one.failures for one in results) else 0


if __name__ == "__main__":
    sys.exit(main())
