"""Every command as its own `--help` tells it."""

from __future__ import annotations

from typing import Final

import click

from docs.markdown import code, grid, head
from flows.cli import USER_ERROR, cli
from flows.running import HELD_BACK

_WIDTH: Final = 100

_INTRO: Final = """\
Results go to standard output; progress and errors to standard error. A user's error is one paragraph that names the
file or setting, the place, the problem and the remedy, with its [reason code](reason-codes.md) at the end. An error of
perdure's own keeps its traceback.
"""

_EXIT_CODES: Final = (
    ("0", "Done. For `run` and for decisions of `quarantine`: everything was accepted."),
    ("1", "An error of perdure's own."),
    (
        str(USER_ERROR),
        "An error the user can mend: no study there, a fault in `study.toml`, another run at work, bad SQL.",
    ),
    (
        str(HELD_BACK),
        "`run`, and `quarantine` with `retry`, `release` or `dismiss`: finished, but a file is held back or still "
        "being copied, rows of an accepted file were rejected, or a critical quality check failed in the last run.",
    ),
)


def page() -> str:
    """The whole page, the commands in the order of `perdure --help`."""
    program = _context(cli, "perdure")
    parts = [head("Commands", "flows/cli.py"), _INTRO, _help(program)]
    parts.append(f"## Exit codes\n\n{grid(('code', 'meaning'), ((code(n), what) for n, what in _EXIT_CODES))}")
    for name, command in cli.commands.items():
        parts.append(f"## perdure {name}\n\n{_help(_context(command, name, program))}")
    return "\n".join(parts)


def _context(command: click.Command, name: str, parent: click.Context | None = None) -> click.Context:
    """What the command is called as; of one width whatever the terminal."""
    return command.make_context(name, [], parent, terminal_width=_WIDTH, resilient_parsing=True)


def _help(context: click.Context) -> str:
    """The help text as a block."""
    lines = [line.rstrip() for line in context.command.get_help(context).splitlines()]
    return "\n".join(["```text", *lines, "```", ""])
