"""`perdure query`: one question, its answer as table, CSV, JSON or Parquet."""

from __future__ import annotations

import csv
import io
import json
import math
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path

from expectations.errors import UsageError
from warehouse.query import answer, opened, write_parquet

FORMATS = ("table", "csv", "json", "parquet")


def ask(folder: Path, question: str, form: str, as_of: str | None, out: Path | None) -> None:
    """Prints or writes the answer.

    Raises UsageError (query.failed) for an unknown format, a date that is none, or what DuckDB refuses.
    """
    if form not in FORMATS:
        raise UsageError(
            f"--format {form}",
            code="query.failed",
            problem="there is no such format",
            remedy=f"use one of {', '.join(FORMATS)}",
        )
    if out is not None and out.exists():
        raise UsageError(
            f"--out {out}",
            code="query.output",
            problem="the file is there already",
            remedy="name a new file, or remove it",
        )
    with opened(folder, day_named(as_of)) as connection:
        if form == "parquet":
            _parquet(connection, question, out)
            return
        names, rows = answer(connection, question)
    text = {"table": _table, "csv": _csv, "json": _json}[form](names, rows)
    if out is None:
        sys.stdout.write(text)
    else:
        with _writable(out):
            out.write_text(text, encoding="utf-8")


@contextmanager
def _writable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UsageError(
            f"--out {path}",
            code="query.output",
            problem=f"the file cannot be written ({error.strerror})",
            remedy="name a file in a folder that exists and is yours to write to",
        ) from error


def day_named(text: str | None) -> date | None:
    """The day an option --as-of names; None where it is not given.

    Raises UsageError (query.as_of) for what is no date.
    """
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError as error:
        raise UsageError(
            f"--as-of {text}", code="query.as_of", problem="this is no date", remedy="write it as YYYY-MM-DD"
        ) from error


def _parquet(connection: object, question: str, out: Path | None) -> None:
    if out is not None:
        with _writable(out):
            write_parquet(connection, question, out)  # type: ignore[arg-type]
        return
    if sys.stdout.isatty():
        raise UsageError(
            "--format parquet",
            code="query.failed",
            problem="Parquet is no text for a terminal",
            remedy="add --out FILE, or send it to a file",
        )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "answer.parquet"
        write_parquet(connection, question, path)  # type: ignore[arg-type]
        sys.stdout.buffer.write(path.read_bytes())


def _table(names: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Columns aligned, numbers to the right, nulls as an empty cell, then the number of rows."""
    cells = [[_shown(value) for value in row] for row in rows]
    widths = [max([len(name), *(len(row[n]) for row in cells)]) for n, name in enumerate(names)]
    is_number = [all(isinstance(row[n], int | float) or row[n] is None for row in rows) for n in range(len(names))]

    def line(values: Sequence[str]) -> str:
        told = [v.rjust(w) if right else v.ljust(w) for v, w, right in zip(values, widths, is_number, strict=True)]
        return "  ".join(told).rstrip()

    rule = "  ".join("-" * width for width in widths)
    n = f"({len(rows)} row{'' if len(rows) == 1 else 's'})"
    return "\n".join([line(names), rule, *(line(row) for row in cells), n]) + "\n"


def _shown(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _csv(names: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([str(value).lower() if isinstance(value, bool) else value for value in row] for row in rows)
    return text.getvalue()


def _json(names: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    def plain(value: object) -> object:
        if isinstance(value, float) and not math.isfinite(value):
            return str(value)  # JSON has no number for it
        if value is None or isinstance(value, str | int | float):
            return value
        return value.isoformat() if isinstance(value, date | datetime) else str(value)

    told = [{name: plain(value) for name, value in zip(_distinct(names), row, strict=True)} for row in rows]
    return json.dumps(told, ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def _distinct(names: Sequence[str]) -> list[str]:
    """Column names as keys: of two alike, the second is called name_2."""
    seen: dict[str, int] = {}
    told = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        told.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return told
