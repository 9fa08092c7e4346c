"""DOT becomes a picture: by `dot` on the PATH, else by pygraphviz, else with advice.

No shell is involved, and a renderer that hangs is ended.
"""

from __future__ import annotations

import shutil
import subprocess
import threading
from typing import Literal, get_args

from sinkgraph.diagnostics.safe import safe_text
from sinkgraph.errors import SinkgraphError

__all__ = ["FORMATS", "TIMEOUT_S", "ImageFormat", "RenderError", "render_image", "was_shrunk"]

ImageFormat = Literal["svg", "png", "pdf"]
FORMATS: tuple[ImageFormat, ...] = get_args(ImageFormat)

TIMEOUT_S = 120.0
_ADVICE = (
    "install Graphviz (`apt install graphviz`, `brew install graphviz`), or `sinkgraph[render]`"
)
_MAX_REASON = 300
_IN_PROCESS = threading.Lock()
"""Graphviz' library draws one graph at a time."""
_MOST_PIXELS = 32_766
"""Of a bitmap's side; Graphviz draws bitmaps with Cairo, whose limit is 32,767."""
_SIZES = slice(16, 24)
"""Where a PNG has its width and height."""


class RenderError(SinkgraphError):
    """Say that no picture could be made, and what to install. `dot` is the text to draw."""

    def __init__(self, message: str, dot: str) -> None:
        super().__init__(message)
        self.dot = dot


def render_image(dot: str, format: ImageFormat, *, timeout_s: float = TIMEOUT_S) -> bytes:
    """Return DOT as a picture; raise RenderError when nothing on this machine can draw it.

    `timeout_s` ends a `dot` that takes too long, in seconds.
    """
    reasons: list[str] = []
    program = shutil.which("dot")
    if program is not None:
        try:
            return _by_program(program, dot, format, timeout_s)
        except subprocess.TimeoutExpired:
            reason = f"`dot` took longer than {timeout_s:g}s"
            raise RenderError(f"cannot draw it: {reason}", dot) from None
        except (OSError, _Failed) as error:
            reasons.append(f"`{safe_text(program)}` failed: {_short(error)}")
    else:
        reasons.append("there is no `dot` on the PATH")
    try:
        return _in_process(dot, format)
    except ImportError as error:
        missing = error.name is not None and error.name.startswith("pygraphviz")
        absent = isinstance(error, ModuleNotFoundError) and missing
        reasons.append("pygraphviz is not installed" if absent else f"pygraphviz: {_short(error)}")
    except Exception as error:
        reasons.append(f"pygraphviz failed: {_short(error)}")
    raise RenderError(f"cannot draw it: {', and '.join(reasons)}; {_ADVICE}", dot)


def was_shrunk(picture: bytes) -> bool:
    """Tell whether a PNG is as large as `dot` can draw one, so that it was scaled down to that."""
    if not picture.startswith(b"\x89PNG") or len(picture) < _SIZES.stop:
        return False
    sizes = picture[_SIZES]
    return max(int.from_bytes(sizes[:4]), int.from_bytes(sizes[4:])) >= _MOST_PIXELS


class _Failed(Exception):
    """Say that a renderer ran and gave no picture."""


def _by_program(program: str, dot: str, format: str, timeout_s: float) -> bytes:
    done = subprocess.run(
        [program, f"-T{format}"],
        input=dot.encode("utf-8"),
        capture_output=True,
        check=False,
        timeout=timeout_s,
    )
    if done.returncode != 0 or not done.stdout:
        told = done.stderr.decode("utf-8", "replace").strip()
        raise _Failed(told or f"it ended with {done.returncode} and no picture")
    return done.stdout


def _in_process(dot: str, format: str) -> bytes:
    import pygraphviz  # type: ignore[import-untyped]

    with _IN_PROCESS:
        graph = pygraphviz.AGraph(string=dot)
        try:
            drawn = graph.draw(format=format, prog="dot")
        finally:
            graph.close()
    if not isinstance(drawn, bytes) or not drawn:
        raise _Failed("it gave no picture")
    return drawn


def _short(error: BaseException) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return safe_text(text, _MAX_REASON)
