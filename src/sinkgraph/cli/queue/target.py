"""Where drained and exported events go: a file, a pipe, or standard output.

It writes bytes and makes them last; what they mean is the caller's. A file that an interrupted
drain left is gone on with where it ends, so that no line stands in it twice.
"""

from __future__ import annotations

import errno
import os
import select
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

import click

from sinkgraph.cli.options import cannot_write
from sinkgraph.diagnostics.safe import safe_text

__all__ = ["Target", "replacing"]

_TAIL = 8 << 20
_PART = ".part"


class Target:
    """Is open for writing at the end of `path` (`-`: standard output); close it with a block.

    `fresh`: what the file held is not kept. `regular`: whether a disk keeps what was synced.
    """

    def __init__(self, path: str, *, fresh: bool = False) -> None:
        self.path = path
        self._fd = -1
        self._tty = False
        try:
            if path == "-":
                sys.stdout.flush()
                self._tty = sys.stdout.isatty()
                self._fd = _stdout()
            else:
                self._fd = _opened(path, fresh)
            self.regular = self._fd >= 0 and stat.S_ISREG(os.fstat(self._fd).st_mode)
        except (OSError, ValueError) as error:
            raise cannot_write(path, error) from None

    def __enter__(self) -> Target:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.path != "-":
            os.close(self._fd)

    def go_on(self, lines: bytes) -> bytes:
        """Return what of the next lines is not in the file yet.

        A drain that was killed had written some of them, the last one perhaps in part. Raises a
        one-line error for a file that ends in the middle of something else.
        """
        if not self.regular or self.path == "-":
            return lines
        size, most = os.fstat(self._fd).st_size, max(_TAIL, 2 * len(lines))
        tail = os.pread(self._fd, most, max(0, size - most))
        whole = tail[: tail.rfind(b"\n") + 1]
        at = whole.rfind(lines[: lines.find(b"\n") + 1])
        starts = [at] if at == 0 or (at > 0 and whole[at - 1 : at] == b"\n") else []
        for start in [*starts, len(whole)]:
            if lines.startswith(tail[start:]):
                return lines[len(tail) - start :]
        raise click.ClickException(
            f"`{safe_text(self.path)}` does not end with a whole line, and not as an interrupted"
            " drain of this queue leaves it: choose another file"
        )

    def write(self, lines: bytes) -> None:
        """Write everything; raise a one-line error, or BrokenPipeError for a closed pipe."""
        try:
            if self.path == "-":
                if self._tty:
                    from sinkgraph.formats.json_text import terminal_safe

                    lines = terminal_safe(lines)
                sys.stdout.buffer.write(lines)
                sys.stdout.buffer.flush()
                return
            left = memoryview(lines)
            while left:
                left = left[os.write(self._fd, left) :]
        except BrokenPipeError:
            raise
        except OSError as error:
            raise cannot_write(self.path, error) from None

    def sync(self) -> None:
        """Make what was written last; of a pipe, find out whether it still has a reader."""
        if self._fd < 0:
            return
        try:
            if self.regular:
                os.fsync(self._fd)
                return
            poll = select.poll()
            poll.register(self._fd, 0)
            if any(what & select.POLLERR for _, what in poll.poll(0)):
                raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))
        except BrokenPipeError:
            raise
        except OSError as error:
            raise cannot_write(self.path, error) from None


@contextmanager
def replacing(path: str) -> Iterator[Target]:
    """Open a target whose file is there, whole, at the end of the block, or is as it was."""
    if path == "-" or (os.path.exists(path) and not os.path.isfile(path)):
        with Target(path) as target:
            yield target
            target.sync()
        return
    part = path + _PART
    try:
        with Target(part, fresh=True) as target:
            yield target
            target.sync()
        os.replace(part, path)
        _sync_folder(path)
    except OSError as error:
        raise cannot_write(path, error) from None
    finally:
        if os.path.exists(part):
            os.unlink(part)


def _opened(path: str, fresh: bool) -> int:
    """Open a file, a new one for its owner only; a named pipe must have a reader."""
    try:
        plain = stat.S_ISREG(os.stat(path).st_mode)
        new = False
    except FileNotFoundError:
        plain = new = True
    flags = os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
    if plain:
        flags |= os.O_RDWR | os.O_CREAT | os.O_APPEND | (os.O_TRUNC if fresh else 0)
    else:
        flags |= os.O_WRONLY
    try:
        fd = os.open(path, flags, 0o600)
    except OSError as error:
        if error.errno == errno.ENXIO:
            error.strerror = "nobody reads from it"
        raise
    os.set_blocking(fd, True)
    if new:
        _sync_folder(path)
    return fd


def _sync_folder(path: str) -> None:
    """Make the name of a new file last, as far as the file system knows how to."""
    try:
        fd = os.open(os.path.dirname(os.path.abspath(path)), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return
    try:
        os.fsync(fd)
    except OSError:
        pass
    finally:
        os.close(fd)


def _stdout() -> int:
    try:
        return sys.stdout.fileno()
    except (OSError, ValueError, AttributeError):
        return -1  # it was replaced by something in memory
