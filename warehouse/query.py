"""Ad hoc questions to the published file, or to an earlier state: read-only, closed to the rest of the machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from expectations.errors import UsageError
from warehouse import events, ledger
from warehouse.publish import fill, published

if TYPE_CHECKING:
    import duckdb

Format = Literal["table", "csv", "json", "parquet"]


@contextmanager
def opened(folder: Path, as_of: date | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """A read-only connection to the newest published state, or to the last one of a day.

    Raises UsageError: study.not_published, query.as_of, query.failed where the file cannot be opened.
    """
    connection = _newest(folder) if as_of is None else _earlier(folder, as_of)
    with connection:
        _show_events_that_are_here(connection, folder)
        kept = str(folder.resolve() / events.EVENTS).replace("'", "''")
        connection.execute(f"set allowed_directories = ['{kept}']")
        connection.execute("set enable_external_access = false")
        connection.execute("set lock_configuration = true")
        with _told_where_it_is_older(folder):
            yield connection


def answer(connection: duckdb.DuckDBPyConnection, question: str) -> tuple[list[str], list[tuple[object, ...]]]:
    """Column names and rows of one query.

    Raises UsageError (query.failed) with DuckDB's own words.
    """
    import duckdb

    try:
        cursor = connection.execute(question)
        if cursor is None:
            raise duckdb.ParserException("there is no query in it")
        return [column[0] for column in cursor.description or []], cursor.fetchall()
    except duckdb.Error as error:
        raise _failed(error) from error


def rows(connection: duckdb.DuckDBPyConnection, question: str) -> list[dict[str, Any]]:
    """Rows of one query, each as column to value. Raises like `answer`."""
    names, found = answer(connection, question)
    return [dict(zip(names, row, strict=True)) for row in found]


def write_parquet(connection: duckdb.DuckDBPyConnection, question: str, path: Path) -> int:
    """Writes a query's rows to a Parquet file; gives their number.

    Raises UsageError (query.failed) with DuckDB's own words.
    """
    import duckdb
    import pyarrow.parquet

    try:
        rows = connection.sql(question).to_arrow_table()
    except duckdb.Error as error:
        raise _failed(error) from error
    pyarrow.parquet.write_table(rows, path)
    return int(rows.num_rows)


def _show_events_that_are_here(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Puts the study's folder as it lies now in front of the view `events`, which names it as it lay when published."""
    if not (folder / events.EVENTS).is_dir():
        return
    digests = [str(digest) for (digest,) in connection.execute("select file_sha256 from cytometry_files").fetchall()]
    for statement in events.view(folder, digests, is_temporary=True):
        connection.execute(statement)


@contextmanager
def _told_where_it_is_older(folder: Path) -> Iterator[None]:
    """What this version looks for and does not find: the file was published by another one."""
    import duckdb

    try:
        yield
    except (duckdb.BinderException, duckdb.CatalogException) as error:
        raise UsageError(
            str(folder),
            code="study.other_version",
            problem=f"the published file has not what this version of perdure looks for ({str(error).splitlines()[0]})",
            remedy=f"run `perdure run {folder}`, which publishes it anew",
        ) from error


def _failed(error: Exception) -> UsageError:
    if f"/{events.EVENTS}/" in str(error) and ".parquet" in str(error):
        return UsageError(
            "query",
            code="query.failed",
            problem="the events of FCS files are not where they lay when the study was published",
            remedy="put the folder `events` back; else the next run that has something to do makes them again",
        )
    remedy = 'correct the SQL; `perdure query STUDY "show tables"` lists what there is'
    return UsageError("query", code="query.failed", problem=str(error).strip().replace("\n", " "), remedy=remedy)


def _newest(folder: Path) -> duckdb.DuckDBPyConnection:
    import duckdb

    path = published(folder)
    if not path.is_file():
        raise UsageError(
            str(folder),
            code="study.not_published",
            problem="nothing has been published yet",
            remedy="run `perdure run` on this folder first",
        )
    try:
        return duckdb.connect(path, read_only=True)
    except duckdb.IOException as error:
        if "lock" not in str(error):
            raise
        # Somebody has opened the published file for writing and keeps the others out: the lake still answers.
        state = ledger.head(folder)
        assert state is not None
        return _copied(folder, state)


def _earlier(folder: Path, day: date) -> duckdb.DuckDBPyConnection:
    state = ledger.state_as_of(folder, day)
    if state is None:
        first = next((known.row["committed_at"] for known in ledger.states(folder)), None)
        began = (
            "nothing has been published yet" if first is None else f"the first state is of {first:%Y-%m-%d %H:%M} UTC"
        )
        raise UsageError(
            f"--as-of {day}",
            code="query.as_of",
            problem=f"there is no state as old as that; {began}",
            remedy="name a later day",
        )
    return _copied(folder, state)


def _copied(folder: Path, state: ledger.State) -> duckdb.DuckDBPyConnection:
    import duckdb

    connection = duckdb.connect()
    fill(connection, folder, state)
    return connection
