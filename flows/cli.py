"""The command line: it parses, calls, prints, and gives an exit code. 0 all accepted, 3 something held back, 2, 1.

Heavy packages are imported by the command that needs them: `--help`, `status` and `query` start at once.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from expectations.errors import PerdureError

app = typer.Typer(
    name="perdure",
    help="Immune monitoring: from a folder of exports to T-cell persistence, clinical response and two reports.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

StudyFolder = Annotated[Path, typer.Argument(metavar="STUDY", help="The study folder: study.toml and inbox/.")]

USER_ERROR, HELD_BACK = 2, 3


@app.command()
def demo(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="Where to make it.")] = Path("demo-study"),
    seed: Annotated[int | None, typer.Option(help="Another seed simulates another study.")] = None,
) -> None:
    """Make a simulated study and run it: the first thing to try."""
    from flows.demo import make_demo
    from flows.running import run, summary

    make_demo(folder, seed)
    result = run(folder, "simulated study")
    typer.echo(summary(folder, result))


@app.command()
def init(folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder.")]) -> None:
    """Make an empty study folder: a commented study.toml, an inbox, and header-only reference tables."""
    from flows.new_study import make_study

    for line in make_study(folder):
        typer.echo(line)


@app.command()
def run(
    study: StudyFolder,
    re_estimate: Annotated[
        bool,
        typer.Option("--re-estimate", help="Make new versions of estimates (limit of blank) whose input has grown."),
    ] = False,
) -> None:
    """Ingest what is new, analyse, publish and report."""
    from flows.running import exit_code, run, summary

    result = run(study, str(study), re_estimate=re_estimate)
    typer.echo(summary(study, result))
    raise typer.Exit(exit_code(study, result))


@app.command()
def status(study: StudyFolder) -> None:
    """What came in, what is held back and why, what is missing, when it last ran."""
    from flows.status import status_lines

    for line in status_lines(study):
        typer.echo(line)


@app.command()
def query(
    study: StudyFolder,
    sql: Annotated[str, typer.Argument(metavar="SQL", help='One query; "show tables" lists what there is.')],
    form: Annotated[str, typer.Option("--format", help="table, csv, json or parquet.")] = "table",
    as_of: Annotated[str | None, typer.Option(help="The last state of a day, YYYY-MM-DD (UTC).")] = None,
    out: Annotated[Path | None, typer.Option(help="File to write to instead of the terminal.")] = None,
) -> None:
    """Ask the published tables, read-only."""
    from flows.asking import ask

    ask(study, sql, form, as_of, out)


@app.command()
def quarantine(
    study: StudyFolder,
    action: Annotated[str, typer.Argument(help="list, show, retry, release or dismiss.")] = "list",
    file: Annotated[
        str | None, typer.Argument(metavar="[FILE]", help="Path in the inbox, or the first digits of the sha256.")
    ] = None,
    because: Annotated[str | None, typer.Option(help="Why; kept with the decision (release, dismiss).")] = None,
) -> None:
    """List or show files held back; retry them, release one as it is, or dismiss one."""
    from flows.quarantine import act
    from flows.running import exit_code

    result = act(study, action, file, because)
    if result is not None:
        raise typer.Exit(exit_code(study, result))


@app.command()
def explain(
    study: StudyFolder,
    key: Annotated[
        str, typer.Argument(metavar="KEY", help="Key of a response, persistence or association row, or a file.")
    ],
) -> None:
    """One number back to the wells, files, sha256, rules and versions that made it."""
    from warehouse.explain import explanation

    for line in explanation(study, key):
        typer.echo(line)


def main() -> Any:
    """Runs the command line; a user's error is one paragraph on stderr."""
    try:
        return app()
    except PerdureError as error:
        typer.echo(error.paragraph(), err=True)
        sys.exit(USER_ERROR)
