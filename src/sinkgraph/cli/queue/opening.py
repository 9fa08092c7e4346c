"""What the queue commands share: the state dir, a queue by its name, and its pending events.

Nothing is held while a caller prints: for each block the store is opened and closed again, so
that a run which uses it is never kept from tidying up.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from sinkgraph.cli.state_dir import held_dir
from sinkgraph.diagnostics.nearest import nearest
from sinkgraph.diagnostics.safe import safe_text

if TYPE_CHECKING:
    from sinkgraph.log.disk.offline import Found, Held
    from sinkgraph.log.disk.store import Store

__all__ = [
    "blocks",
    "for_reading",
    "for_writing",
    "keep_apart",
    "name_argument",
    "place",
    "place_options",
    "refused",
    "size_of_file",
    "state_option",
    "stored_size",
    "waiting",
]

_Command = TypeVar("_Command", bound=Callable[..., Any])
_MOST_EVENTS = 5_000
_SHOWN = 5


def state_option(command: _Command) -> _Command:
    """Add `--state-dir`, given to the command as `state_dir`."""
    return click.option(
        "--state-dir",
        default=None,
        metavar="DIR",
        help="Which state dir [$SINKGRAPH_STATE_DIR, $STATE_DIRECTORY; the only one of this user].",
    )(command)


def place_options(command: _Command) -> _Command:
    """Add STATE_DIR as an argument and as an option; `place` tells what they mean."""
    argued = click.argument("directory", metavar="[STATE_DIR]", required=False)(command)
    return state_option(argued)


def place(directory: str | None, state_dir: str | None) -> str:
    """Return the state dir of a command with `place_options`. Raises as `held_dir` does."""
    if directory is not None and state_dir is not None:
        raise click.UsageError("the state dir is given twice: STATE_DIR and `--state-dir`")
    return held_dir(directory if directory is not None else state_dir)


def name_argument(command: _Command) -> _Command:
    """Add NAME, a queue as `queue ls` lists it."""
    return click.argument("name")(command)


@contextmanager
def for_reading(directory: str) -> Iterator[Store]:
    """Open a store to read; who else uses it is not disturbed."""
    from sinkgraph.log.disk.store import Store

    store = Store.open(directory, read_only=True)
    try:
        yield store
    finally:
        store.close()


@contextmanager
def for_writing(directory: str) -> Iterator[Store]:
    """Open a store that is there already to change it; nobody else may use it meanwhile."""
    from sinkgraph.log.disk.directory import found
    from sinkgraph.log.disk.store import Store

    found(directory)
    with refused(directory):
        store = Store.open(directory)
    try:
        yield store
    finally:
        store.close()


@contextmanager
def refused(directory: str) -> Iterator[None]:
    """Say of a state dir that is in use what can be done meanwhile."""
    from sinkgraph.log.disk.errors import StateLocked

    try:
        yield
    except StateLocked as error:
        who = f"process {error.pid}" if error.pid else "another process"
        raise click.ClickException(
            f"state directory {safe_text(directory)} is in use by {who}: stop that first;"
            " `queue ls`, `peek`, `export` and `check` work meanwhile"
        ) from None


def waiting(store: Store, name: str) -> Held:
    """Return what waits for a queue; raise a one-line error where there is no such queue."""
    from sinkgraph.log.disk.offline import held, hold

    one = hold(store, name)
    if one is None:
        _no_such_queue(name, [n for n, one in held(store).items() if one.pending])
    if one.misread:
        raise click.ClickException(
            f"the place of queue {safe_text(name)} cannot be read ({safe_text(one.misread)}):"
            " run `sinkgraph queue check`"
        )
    return one


def _no_such_queue(name: str, there: list[str]) -> NoReturn:
    shown = safe_text(name, 80)
    near = nearest(name, there)
    if near is not None:
        help = f"the nearest is `{safe_text(near)}`"
    elif there:
        listed = ", ".join(f"`{safe_text(one)}`" for one in there[:_SHOWN])
        more = f" and {len(there) - _SHOWN:,} more" if len(there) > _SHOWN else ""
        help = f"events wait for {listed}{more}"
    else:
        help = "no stored event waits for any queue"
    raise click.ClickException(f"no queue `{shown}` is in this state dir; {help}")


def blocks(
    directory: str, name: str, *, most: int = _MOST_EVENTS
) -> Iterator[tuple[Held, list[Found]]]:
    """Yield what waits for a queue, oldest first, and its place as it was read with that.

    The first block may be empty, no other is.
    """
    from sinkgraph.log.disk.offline import Walk

    walk = Walk(name)
    first = True
    while True:
        with for_reading(directory) as store:
            one = waiting(store, name)
            found = walk.read(store, one, most=most)
        if found or first:
            yield one, found
        if not found:
            return
        first = False


def keep_apart(directory: str, output: str) -> None:
    """Refuse to write into the files of a store."""
    folder, name = os.path.split(os.path.realpath(output))
    if name.startswith("events.") and folder == os.path.realpath(directory) and output != "-":
        shown = safe_text(output)
        raise click.UsageError(f"`{shown}` belongs to the state dir itself: choose another file")


def size_of_file(path: str) -> int:
    """Return the bytes of a file, 0 where there is none."""
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


def stored_size(directory: str) -> int:
    """Return the bytes of a store, its write-ahead log included."""
    path = os.path.join(directory, "events.db")
    return size_of_file(path) + size_of_file(f"{path}-wal")
