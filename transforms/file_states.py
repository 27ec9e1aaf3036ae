"""What becomes of every file: one state each, with its reason, from what was there and what a run decided."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from expectations.reasons import reason
from expectations.records import FILES
from transforms.judging import Candidate, Hold, Judgement, rejects_of

Row = dict[str, Any]

HELD = "quarantined"


@dataclass(slots=True)
class Events:
    """Everything a run learned about files."""

    new: list[Row] = field(default_factory=list)
    """Rows of files first seen in this run: sha256, path, size, arrival, run; state still open."""
    duplicates: list[Row] = field(default_factory=list)
    """The same, for further places of bytes that are known."""
    ignored: list[Row] = field(default_factory=list)
    """The same, for temporary files, whose bytes nobody keeps."""
    returned: list[Row] = field(default_factory=list)
    """Rows of `previous` whose bytes came back to their place after others had lain there, with the new arrival."""
    refused: dict[str, tuple[str | None, Hold, str]] = field(default_factory=dict)
    """file_sha256 to (format, why no reader could read it, remedy)."""
    dismissed: dict[str, Row] = field(default_factory=dict)
    """file_sha256 to decided_by and decision_reason."""
    released: dict[str, Row] = field(default_factory=dict)
    """The same, for released files."""
    in_inbox: Mapping[str, str] = field(default_factory=dict)
    """Path to sha256 of what lies in the inbox now."""


def file_states(previous: list[Row], events: Events, judged: list[Candidate], judgement: Judgement) -> pl.DataFrame:
    """The whole files table after a run (FILES).

    Args:
        previous: rows of the table before.
        events: what was seen, refused and decided.
        judged: the files that went to judgement.
        judgement: its outcome.
    """
    rows = {(row["file_sha256"], row["path"]): dict(row) for row in (*previous, *events.returned, *_every_new(events))}
    by_file: dict[str, list[Row]] = {}
    for row in rows.values():
        by_file.setdefault(row["file_sha256"], []).append(row)
    for row in events.ignored:
        rows[row["file_sha256"], row["path"]] |= _state("ignored", "ignored.temporary_file")
    for row in events.duplicates:
        rows[row["file_sha256"], row["path"]] |= _state("duplicate", "duplicate.same_bytes")
    for sha, (form, hold, remedy) in events.refused.items():
        _set(by_file[sha], ({"format": form} if form else {}) | _held(hold, remedy))
    _set_judged(by_file, judged, judgement)
    _set_replaced(by_file, judgement, {one.file_sha256 for one in judged})
    for sha, told in events.dismissed.items():
        _set(by_file[sha], _state("ignored", "ignored.dismissed") | told)
    for sha, told in events.released.items():
        _set(by_file[sha], told)
    _set_edited_in_place(by_file, events.in_inbox)
    return FILES.conform(pl.DataFrame(list(rows.values()), schema=FILES.schema)).sort(FILES.key)


def _every_new(events: Events) -> list[Row]:
    return [*events.ignored, *events.duplicates, *events.new]


def _set(rows: Iterable[Row], values: Row) -> None:
    """Changes a file's rows; places that are copies or temporary keep their own state."""
    for row in rows:
        if row["reason"] not in ("duplicate.same_bytes", "ignored.temporary_file"):
            row.update(values)


def _state(state: str, code: str) -> Row:
    told = reason(code)
    words = {"problem_place": None, "problem": told.meaning, "remedy": told.remedy or None}
    return {"state": state, "reason": code} | words


def _with_rejects(rejects: pl.DataFrame, facts: Row, n_tables: int, *, is_held: bool) -> Row:
    """The rule most of the rejected rows broke gives the reason; a file of which no row came in is held back."""
    counted = rejects.group_by("rule", "column_name", "says").agg(pl.len(), pl.col("place").first())
    first = counted.sort("len", "rule", "column_name", descending=[True, False, False]).row(0, named=True)
    n_others = counted.height - 1
    rows = f"rows of {n_tables} tables" if n_tables > 1 else "rows"
    share = f"{facts['n_rejects']} of {facts['n_rows']} {rows} rejected"
    problem = f"{share}; {first['len']} break the rule that {first['says']}"
    return {
        "state": HELD if is_held else "accepted_with_rejects",
        "reason": first["rule"],
        "problem_place": first["place"],
        "problem": problem + (f", and {n_others} other rule{'s' if n_others > 1 else ''}" if n_others else ""),
        "remedy": reason(first["rule"]).remedy,
    }


def _held(hold: Hold, remedy: str | None = None) -> Row:
    state = {"duplicate": "duplicate", "superseded": "superseded"}.get(hold.code.split(".")[0], HELD)
    return {
        "state": state,
        "reason": hold.code,
        "problem_place": hold.place,
        "problem": hold.problem,
        "remedy": remedy or hold.remedy,
    }


def _set_judged(by_file: dict[str, list[Row]], judged: list[Candidate], judgement: Judgement) -> None:
    rejects = rejects_of(judgement)
    rejected = rejects.unique(["file_sha256", "table_name", "place"])["file_sha256"].value_counts()
    n_rejects = dict(rejected.iter_rows())
    rejects_by_file = {str(sha): rows for (sha,), rows in rejects.group_by("file_sha256", maintain_order=True)}
    added: dict[str, int] = {}
    for frame in judgement.new.values():
        for sha, count in frame["file_sha256"].value_counts().iter_rows():
            added[sha] = added.get(sha, 0) + count
    for one in judged:
        sha = one.file_sha256
        facts = _facts(one) | {"n_rejects": n_rejects.get(sha, 0)}
        came_in = bool(added.get(sha) or sha in judgement.kept)
        if sha in judgement.holds:
            state = _held(judgement.holds[sha])
        elif facts["n_rejects"]:
            is_held = not came_in and not judgement.n_known.get(sha)
            n_tables = len(one.reading.tables.keys() - {"plates"})
            state = _with_rejects(rejects_by_file[sha], facts, n_tables, is_held=is_held)
        elif came_in:
            in_part = judgement.n_older.get(sha)
            state = _state("accepted", "accepted.partly_superseded" if in_part else "accepted.whole")
        elif judgement.n_older.get(sha):
            state = _state("superseded", "superseded.newer_export")
        elif judgement.n_known.get(sha):
            state = _state("duplicate", "duplicate.same_values")
        else:
            state = _state("accepted", "accepted.whole")
        _set(by_file[sha], facts | state)


def _facts(one: Candidate) -> Row:
    tables = one.reading.tables
    told = tables["plates"].select("plate_id", "read_date").rows() if "plates" in tables else []
    plates = sorted({plate for plate, _ in told if plate is not None})
    strange = {cell.place for cell in one.reading.bad_cells if cell.rule == "row.sheet_unrecognised"}
    return {
        "format": one.reading.format,
        "n_rows": sum(frame.height for name, frame in tables.items() if name != "plates") + len(strange),
        "read_date": max((day for _, day in told if day is not None), default=None),
        "plates": ", ".join(plates) or None,
    }


def _set_replaced(by_file: dict[str, list[Row]], judgement: Judgement, judged: set[str]) -> None:
    """A file none of whose rows is left, because a newer one took their place, is superseded."""
    for sha in judgement.emptied - judged:
        _set(by_file.get(sha, []), _state("superseded", "superseded.newer_export"))


def _set_edited_in_place(by_file: dict[str, list[Row]], in_inbox: Mapping[str, str]) -> None:
    here = set(in_inbox.values())
    for sha, rows in by_file.items():
        if not is_replaced(rows, sha, here, in_inbox):
            continue
        if any(row["state"] == HELD for row in rows):
            _set(rows, _state("superseded", "superseded.replaced_in_inbox"))
        elif any(row["state"] == "accepted_with_rejects" for row in rows):
            _set(rows, _state("accepted", "accepted.partly_superseded") | {"n_rejects": 0})
        elif any(row["reason"] == "superseded.newer_export" for row in rows):
            _set(rows, {"n_rejects": 0})


def is_replaced(rows: Iterable[Row], sha: str, here: Collection[str], in_inbox: Mapping[str, str]) -> bool:
    """True for a file whose bytes are gone from the inbox while others lie in its place: somebody has mended it."""
    return sha not in here and any(row["path"] in in_inbox for row in rows)
