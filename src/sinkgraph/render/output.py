"""A drawing becomes a file: as text for other programs, or as a picture.

Which program makes the picture is `sinkgraph.render.image`.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Literal, get_args
from xml.etree.ElementTree import ParseError

from sinkgraph.diagnostics.safe import safe_text
from sinkgraph.render.dot import to_dot
from sinkgraph.render.image import TIMEOUT_S, ImageFormat, RenderError, render_image, was_shrunk
from sinkgraph.render.mermaid import to_mermaid
from sinkgraph.render.parts import Drawing
from sinkgraph.render.style import ThemeName
from sinkgraph.render.svg import finish

__all__ = ["OUTPUTS", "OutputFormat", "OutputTheme", "made", "write_file"]

OutputFormat = Literal["svg", "png", "pdf", "dot", "mmd"]
OUTPUTS: tuple[OutputFormat, ...] = get_args(OutputFormat)
OutputTheme = Literal["auto", "light", "dark"]
"""`auto` follows the page around an SVG; everything else is light then."""


def made(
    drawing: Drawing,
    format: OutputFormat,
    theme: OutputTheme = "auto",
    *,
    timeout_s: float = TIMEOUT_S,
) -> bytes:
    """Return a drawing in a format. Raises RenderError when no program makes the picture.

    `timeout_s` is how long `dot` may take, in seconds.
    """
    colours: ThemeName = "light" if theme == "auto" else theme
    if format == "mmd":
        return to_mermaid(drawing, theme=colours).encode("utf-8")
    dot = to_dot(drawing, theme=colours)
    if format == "dot":
        return dot.encode("utf-8")
    picture = render_image(dot, _image(format), timeout_s=timeout_s)
    if format != "svg":
        return picture
    try:
        return finish(picture, drawing, follow=theme == "auto")
    except ParseError as error:
        raise RenderError(f"cannot draw it: what `dot` gave is no SVG: {error}", dot) from None


def write_file(drawing: Drawing, path: Path, theme: OutputTheme = "auto") -> bool:
    """Write a drawing to `path`, whose suffix is one of OUTPUTS; what was there is replaced whole.

    Return whether it is a picture in full size: very large ones are scaled down as bitmaps.
    When nothing can draw a picture, the DOT is written beside it and RenderError tells where.
    Raises OSError when the file cannot be written, and ValueError for another suffix.
    """
    suffix = path.suffix.lower().removeprefix(".")
    if suffix not in OUTPUTS:
        raise ValueError(f"{path.name!r} names no drawing: its suffix is none of {OUTPUTS}")
    if path.is_dir():
        raise IsADirectoryError(21, "is a directory", str(path))
    try:
        drawn = made(drawing, suffix, theme)
    except RenderError as error:
        beside = path.with_suffix(".dot")
        _replace(beside, error.dot.encode("utf-8"))
        shown = safe_text(str(beside))
        raise RenderError(f"{error}; what to draw is in `{shown}`", error.dot) from None
    _replace(path, drawn)
    return not was_shrunk(drawn)


def _image(format: OutputFormat) -> ImageFormat:
    if format == "svg" or format == "png" or format == "pdf":
        return format
    raise ValueError(f"{format!r} is no picture")


def _replace(path: Path, content: bytes) -> None:
    """Write a file so that nobody ever reads half of it; devices and pipes are written to."""
    if path.exists() and not path.is_file():
        path.write_bytes(content)
        return
    target = Path(os.path.realpath(path))
    if target.exists():
        target.open("ab").close()  # a file that may not be written is not replaced either
    try:
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:40]}.")
    except OSError:
        path.write_bytes(content)  # where no file can be added, one may still be written
        return
    try:
        with os.fdopen(handle, "wb") as held:
            held.write(content)
        os.chmod(name, target.stat().st_mode & 0o777 if target.exists() else 0o666 & ~_umask())
        os.replace(name, target)
    except BaseException:
        os.unlink(name)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
