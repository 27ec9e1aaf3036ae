"""The command line: it parses, calls, prints, and gives an exit code. 0 all accepted, 3 something held back, 2, 1.

Heavy packages are imported by the command that needs them: `--help`, `status` and `query` start at once.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from expectations.errors import PerdureError

USER_ERROR, INTERRUPTED = 2, 130

STUDY = click.argument("study", metavar="STUDY", type=click.Path(path_type=Path))


class InOrder(click.Group):
    """Lists its commands in the order in which they are written here: that of a person's first day."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Their names."""
        return list(self.commands)


@click.group(cls=InOrder, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="perdure")
def cli() -> None:
    """Immune monitoring: from a folder of exports to T-cell persistence, clinical response and two reports."""


@cli.command()
@click.argument("folder", metavar="[DIR]", type=click.Path(path_type=Path), default=Path("demo-study"))
@click.option("--seed", type=int, help="Another seed simulates another study.")
def demo(folder: Path, seed: int | None) -> None:
    """Make a simulated study and run it: the first thing to try."""
    from flows.demo import make_demo
    from flows.running import run, summary

    make_demo(folder, seed)
    click.echo(summary(folder, run(folder, "simulated study")))


@cli.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
def init(folder: Path) -> None:
    """Make an empty study folder: a commented study.toml, an inbox, and header-only reference tables."""
    from flows.new_study import make_study

    for line in make_study(folder):
        click.echo(line)


@cli.command("run")
@STUDY
@click.option(
    "--re-estimate", is_flag=True, help="Make new versions of estimates (limit of blank) whose input has grown."
)
def run_command(study: Path, re_estimate: bool) -> None:
    """Ingest what is new, analyse, publish and report."""
    from flows.running import exit_code, run, summary

    result = run(study, str(study), re_estimate=re_estimate)
    click.echo(summary(study, result))
    sys.exit(exit_code(study, result))


@cli.command()
@STUDY
def status(study: Path) -> None:
    """What came in, what is held back and why, what is missing, when it last ran."""
    from flows.status import status_lines

    for line in status_lines(study):
        click.echo(line)


@cli.command()
@STUDY
@click.argument("sql", metavar="SQL")
@click.option("--format", "form", default="table", show_default=True, help="table, csv, json or parquet.")
@click.option("--as-of", help="Ask the last state of a day, YYYY-MM-DD (UTC), instead of the newest.")
@click.option("--out", type=click.Path(path_type=Path), help="Write to this file instead of the terminal.")
def query(study: Path, sql: str, form: str, as_of: str | None, out: Path | None) -> None:
    """Ask the published tables, read-only; "show tables" lists what there is."""
    from flows.asking import ask

    ask(study, sql, form, as_of, out)


@cli.command()
@STUDY
@click.argument("folder", metavar="FOLDER", type=click.Path(path_type=Path))
@click.option("--as-of", help="Export the last state of a day, YYYY-MM-DD (UTC), instead of the newest.")
@click.option(
    "--table1-by",
    "division",
    type=click.Choice(["response", "primary_exposure", "all"]),
    default="response",
    show_default=True,
    help="Columns of Table 1.",
)
def export(study: Path, folder: Path, as_of: str | None, division: str) -> None:
    """Write the whole analysis as CSV with a data dictionary, and Table 1 and results for a paper.

    FOLDER must be new or empty.
    """
    from flows.asking import day_named
    from warehouse.export import export_analysis

    for line in export_analysis(study, folder, day_named(as_of), division):
        click.echo(line)


@cli.command()
@STUDY
@click.argument("action", metavar="[list|show|retry|release|dismiss]", default="list")
@click.argument("file", metavar="[FILE]", required=False)
@click.option("--because", help="Why; kept with the decision (release, dismiss).")
def quarantine(study: Path, action: str, file: str | None, because: str | None) -> None:
    """List or show files held back; retry them, release one as it is, or dismiss one.

    FILE is a path in the inbox or the first digits of the sha256.
    """
    from flows.quarantine import act
    from flows.running import exit_code

    result = act(study, action, file, because)
    if result is not None:
        sys.exit(exit_code(study, result))


@cli.command()
@STUDY
@click.argument("key", metavar="KEY")
def explain(study: Path, key: str) -> None:
    """One number back to the wells, files, sha256, rules and versions that made it.

    KEY is a response_key, persistence_key or association_key, `primary` for the primary association, a subject, or a
    file by path or sha256.
    """
    from warehouse.explain import explanation

    for line in explanation(study, key):
        click.echo(line)


def main() -> None:
    """Runs the command line; a user's error is one paragraph on stderr, an error of ours keeps its traceback."""
    try:
        cli(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except PerdureError as error:
        click.echo(error.paragraph(), err=True)
        sys.exit(USER_ERROR)
    except SystemExit:
        raise
    except BaseException as error:
        if not _is_interruption(error):
            raise
        click.echo("Stopped. What was published before still stands; run again to go on.", err=True)
        sys.exit(INTERRUPTED)


def _is_interruption(error: BaseException | None) -> bool:
    """Whether Ctrl-C is behind it: a library in which it arrives may turn it into an error of its own."""
    while error is not None:
        if isinstance(error, click.Abort | KeyboardInterrupt):
            return True
        error = error.__cause__ or error.__context__
    return False
