"""Which state dir a run uses, and what `--fate` says of events stored there for nobody.

It touches nothing: whether a state dir can be used is found out by who opens it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import quote

import click

from sinkgraph.diagnostics.nearest import nearest
from sinkgraph.diagnostics.safe import safe_text

__all__ = ["FATES", "default_dir", "given_dir", "held_dir", "parse_fates", "run_dir"]

FATES = ("drain", "dead_letter", "discard", "move_to")
"""The words a `--fate` begins with; `move_to` is followed by `:NAME`."""

_EVENTS = "events.db"  # what a state dir that holds something holds


def given_dir(option: str | None, env: Mapping[str, str] | None = None) -> str | None:
    """Return the state dir somebody chose: the option, else the environment; None for nobody.

    `STATE_DIRECTORY` is systemd's and may name several directories: the first is taken.
    """
    held = os.environ if env is None else env
    if option is not None:
        if not option.strip():
            raise click.UsageError("`--state-dir` is empty: name a directory")
        return option
    systemd = held.get("STATE_DIRECTORY", "").partition(":")[0]
    return held.get("SINKGRAPH_STATE_DIR") or systemd or None


def default_dir(name: str, env: Mapping[str, str] | None = None) -> str | None:
    """Return the state dir of the graph `name` where nobody chose one; None without a home."""
    base = _base(env)
    folder = quote(name, safe="")
    folder = folder.replace(".", "%2E") if _dots(folder) else folder
    return None if base is None else os.path.join(base, folder)


def _base(env: Mapping[str, str] | None) -> str | None:
    """Return the folder below which state dirs are when nobody chose one; None without a home."""
    held = os.environ if env is None else env
    base = held.get("XDG_STATE_HOME", "")
    if not os.path.isabs(base):
        home = held.get("HOME", "") if env is not None else os.path.expanduser("~")
        if not os.path.isabs(home):
            return None
        base = os.path.join(home, ".local", "state")
    return os.path.join(base, "sinkgraph")


def held_dir(option: str | None, env: Mapping[str, str] | None = None) -> str:
    """Return the state dir to look into: the chosen one, else the only one that holds events.

    Whether the chosen one holds any is found out by who opens it. Raises a one-line error, a usage
    error where one has to be chosen.
    """
    chosen = given_dir(option, env)
    if chosen is not None:
        return chosen
    base = _base(env)
    if base is None:
        raise click.UsageError("there is no home directory to look in: give `--state-dir DIR`")
    try:
        names = sorted(os.listdir(base))
    except OSError:
        names = []
    found = [os.path.join(base, one) for one in names]
    found = [one for one in found if os.path.exists(os.path.join(one, _EVENTS))]
    if not found:
        raise click.ClickException(
            f"no state dir below {safe_text(base)} holds events: give `--state-dir DIR`"
        )
    if len(found) > 1:
        listed = "".join(f"\n  --state-dir {safe_text(one)}" for one in found)
        raise click.UsageError(f"{len(found)} state dirs hold events; choose one:{listed}")
    return found[0]


def run_dir(
    name: str, option: str | None, *, needed: Iterable[str], env: Mapping[str, str] | None = None
) -> str | None:
    """Return the state dir of a run, or None when it has none.

    One that was chosen is used. The default one is used when nodes need it (`needed`: their names),
    or when it holds events already. Raises a usage error when one is needed and there is no place.
    """
    chosen = given_dir(option, env)
    if chosen is not None:
        return chosen
    found = default_dir(name, env)
    first = next(iter(needed), None)
    if found is None and first is not None:
        shown = safe_text(first, 80)
        raise click.UsageError(
            f"`{shown}` needs a state dir, and there is no home directory: give `--state-dir DIR`"
        )
    if found is not None and first is None and not os.path.exists(os.path.join(found, _EVENTS)):
        return None
    return found


def parse_fates(
    fates: Iterable[str], state_dir: str | None, words: Sequence[str] = FATES
) -> dict[str, str]:
    """Return what `--fate` said, by name; `words` are those it may begin with.

    Raises a usage error.
    """
    made: dict[str, str] = {}
    for one in fates:
        name, equals, fate = (part.strip() for part in one.partition("="))
        shown = safe_text(one, 80)
        if not equals or not name or not fate:
            raise click.UsageError(f"`--fate {shown}` is not NAME=FATE; a fate is {_listed(words)}")
        word, _, other = (part.strip() for part in fate.partition(":"))
        if word == "move_to" and other:
            fate = f"{word}:{other}"
        elif fate == "move_to" or fate not in words:
            near = word if word in words else nearest(word, words)
            near = "move_to:NAME" if near == "move_to" else near
            help = f"the nearest is `{near}`" if near else f"a fate is {_listed(words)}"
            raise click.UsageError(f"`--fate {shown}` names no fate: {help}")
        if made.setdefault(name, fate) != fate:
            raise click.UsageError(f"`--fate` says two things of `{safe_text(name, 80)}`")
    if made and state_dir is None:
        raise click.UsageError(
            "`--fate` is about stored events, and this run has no state dir: give `--state-dir DIR`"
        )
    return made


def _dots(folder: str) -> bool:
    return folder in {".", ".."}


def _listed(words: Sequence[str]) -> str:
    shown = [f"`{'move_to:NAME' if word == 'move_to' else word}`" for word in words]
    return f"{', '.join(shown[:-1])} or {shown[-1]}"
