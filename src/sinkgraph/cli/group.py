"""A click group that loads a command only when it is called, and ends every run in one way.

Usage errors, closed pipes, interrupts and errors of sinkgraph become one clear line, or none, and
an exit code; an error nobody foresaw keeps its traceback. Which commands there are is told to it.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from keyword import iskeyword
from typing import TYPE_CHECKING, Any, NoReturn

import click

from sinkgraph.cli.options import FINDINGS, INTERRUPTED, PIPE_CLOSED, USAGE, echo, wants_color
from sinkgraph.diagnostics.nearest import nearest
from sinkgraph.diagnostics.safe import safe_text
from sinkgraph.errors import SinkgraphError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

__all__ = ["LazyGroup"]


class _PipeClosed(Exception):
    """Say that nobody reads what is printed any more."""


class _RichHelp(click.Command):
    """Is a command whose help is drawn by rich-click, which is loaded only for that."""

    def get_help(self, ctx: click.Context) -> str:
        """Return the help of this command."""
        from rich_click import RichCommand, RichContext

        twin = RichCommand(
            name=self.name, params=self.params, help=self.help, epilog=self.epilog, callback=None
        )
        above = ctx.parent
        shown = RichContext(twin, info_name=ctx.info_name, parent=above)
        return twin.get_help(shown)


class LazyGroup(click.Group):
    """Holds commands by section: name → what it does; `package.name` has its `command`.

    The module of a name that is a word of Python has a `_` behind it.
    """

    def __init__(
        self, *args: Any, package: str, sections: Mapping[str, Mapping[str, str]], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.package = package
        self.sections = sections

    # --- commands ------------------------------------------------------------------------------

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands, section by section."""
        return [
            name
            for section in self.sections.values()
            for name in section
            if find_spec(self._module(name)) is not None
        ]

    def _module(self, name: str) -> str:
        return f"{self.package}.{name}_" if iskeyword(name) else f"{self.package}.{name}"

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load and return a command, or None when there is none of that name."""
        if cmd_name not in self.list_commands(ctx):
            return None
        found = import_module(self._module(cmd_name)).command
        if type(found) is not click.Command:
            return found  # type: ignore[no-any-return]
        return _RichHelp(
            name=cmd_name,
            callback=found.callback,
            params=found.params,
            help=found.help,
            epilog=found.epilog,
            context_settings=found.context_settings,
            no_args_is_help=found.no_args_is_help,
        )

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command the arguments ask for; an unknown one is answered with the nearest."""
        name = args[0]
        if name in self.list_commands(ctx) or name.startswith("-"):
            return super().resolve_command(ctx, args)
        near = nearest(name, self.list_commands(ctx))
        help = f"; the nearest is `{near}`" if near else ""
        raise click.UsageError(f"`{safe_text(name, 80)}` is not a command{help}", ctx)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the sections from what is known without loading a command."""
        there = set(self.list_commands(ctx))
        for title, commands in self.sections.items():
            rows = [(name, text) for name, text in commands.items() if name in there]
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return the commands that begin so, without loading one; then options."""
        from click.shell_completion import CompletionItem

        there = set(self.list_commands(ctx))
        made = [
            CompletionItem(name, help=text)
            for section in self.sections.values()
            for name, text in section.items()
            if name in there and name.startswith(incomplete)
        ]
        return made + click.Command.shell_complete(self, ctx, incomplete)

    # --- the end of a run ----------------------------------------------------------------------

    def make_context(self, *given: Any, **extra: Any) -> click.Context:
        """Parse the arguments; help is printed here."""
        with _told_apart():
            return super().make_context(*given, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command, and print what is left to print."""
        with _told_apart():
            made = super().invoke(ctx)
            _flush()
            return made

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run with the given arguments, or those of the process, and end it with an exit code."""
        if not standalone_mode:
            return super().main(args, prog_name, complete_var, False, **extra)
        _survive_any_text()
        try:
            code = super().main(args, prog_name, complete_var, False, **extra)
            _exit(code if isinstance(code, int) else 0)
        except _PipeClosed:
            _hush()
            sys.exit(PIPE_CLOSED)
        except click.exceptions.NoArgsIsHelpError as error:
            echo(error.format_message(), err=True)
            _exit(USAGE)
        except click.ClickException as error:
            _say(error)
            _exit(error.exit_code)
        except (click.Abort, KeyboardInterrupt):
            _exit(INTERRUPTED)
        except SinkgraphError as error:
            _error(str(error))
            _exit(FINDINGS)
        except OSError as error:
            _error(_reason(error))
            _exit(FINDINGS)


@contextmanager
def _told_apart() -> Iterator[None]:
    """Make a closed pipe of ours an error of its own, before click takes it for its own."""
    try:
        yield
    except BrokenPipeError:
        raise _PipeClosed from None


def _say(error: click.ClickException) -> None:
    """Print an error of usage or of a command in the form of a finding."""
    ctx = getattr(error, "ctx", None)
    if isinstance(error, click.NoSuchOption):
        name = error.option_name
        long = name.startswith("--")  # any two letters are near each other
        near = nearest(name, error.possibilities or _options(ctx)) if long else None
        help = f"; the nearest is `{near}`" if near else ""
        _error(f"`{safe_text(error.option_name, 80)}` is not an option{help}")
    else:
        text = error.format_message().rstrip(".")
        _error(text[:1].lower() + text[1:])
    if isinstance(error, click.UsageError) and ctx is not None:
        echo(f"  = help: `{ctx.command_path} --help` says what it takes", err=True)


def _options(ctx: click.Context | None) -> list[str]:
    if ctx is None:
        return []
    return [name for param in ctx.command.get_params(ctx) for name in param.opts if name[0] == "-"]


def _error(text: str) -> None:
    mark = "\x1b[1;31merror\x1b[0m" if wants_color(err=True) else "error"
    lines = [safe_text(line) for line in text.splitlines()] or ["it failed without a reason"]
    echo(f"{mark}: " + "\n  ".join(lines), err=True)


def _reason(error: OSError) -> str:
    reason = (error.strerror or str(error) or type(error).__name__).lower()
    return f"`{error.filename}`: {reason}" if error.filename else reason


def _exit(code: int) -> NoReturn:
    """End with a code once everything is written; what cannot be written changes the code."""
    try:
        _flush()
    except BrokenPipeError:
        _hush()
        sys.exit(PIPE_CLOSED)
    except OSError as error:
        _hush()
        _error(f"what was printed could not be written: {_reason(error)}")
        sys.exit(code or FINDINGS)
    sys.exit(code)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()


def _hush() -> None:
    """Let what is still buffered go nowhere, so that the interpreter ends without a word."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, AttributeError):
            try:
                os.dup2(nowhere, stream.fileno())
            except (OSError, AttributeError):
                pass
    os.close(nowhere)


def _survive_any_text() -> None:
    """Write what the terminal's encoding lacks as an escape instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
