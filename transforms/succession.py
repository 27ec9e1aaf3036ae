"""Exports saved over their old places: the file that lies there now is what the trial database says today.

Every row of such an export goes, also one whose date was corrected or that was deleted: its key holds the date, so that
nothing else would tell that the later file speaks of it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import polars as pl

from expectations.contract import Table
from transforms.corrections import Precedence, RowVerdict, judge_rows
from transforms.readers.source import Reading


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file to be judged: what was read from it, and whether a person released it."""

    file_sha256: str
    path: str
    arrival: int
    reading: Reading
    is_released: bool = False
    released_in: int | None = None
    """Number of the run of that decision; None for one of this run."""


@dataclass(frozen=True, slots=True)
class LiveFile:
    """A file whose rows are in the store; `released_in` is the run of a person's decision for it, if there was one."""

    file_sha256: str
    path: str
    arrival: int
    released_in: int | None = None
    is_in_inbox: bool = True
    """False where the inbox no longer holds these bytes anywhere."""
    saved_over_by: str | None = None
    """sha256 of what lies now where an export of a trial database lay, whose bytes have left the inbox."""


def heirs_of(inside: list[Candidate], live_files: list[LiveFile]) -> dict[str, str]:
    """Exports whose bytes left the inbox, each with the file that was saved over it.

    A person who released the earlier one after the later one arrived has decided that it stays.
    """
    arrivals = {one.file_sha256: one.arrival for one in inside}
    found = {}
    for old in live_files:
        heir = old.saved_over_by
        if heir is None or heir not in arrivals or old.file_sha256 in arrivals:
            continue
        if old.released_in is None or old.released_in < arrivals[heir]:
            found[old.file_sha256] = heir
    return found


def judge_rows_in_place(
    table: Table, accepted: pl.DataFrame, live: pl.DataFrame, places: pl.DataFrame, precedence: Precedence
) -> RowVerdict:
    """Like judge_rows, but some accepted rows count as already in: those that take the place of rows that leave.

    So a correction saved over an export stands where the export stood against other files, and so does what a file says
    once study.toml reads it in another way.

    Args:
        table: the reference table.
        accepted: rows that keep its rules.
        live: rows in the store that stay.
        places: rows that leave, under the file that takes their place.
        precedence: as for judge_rows.
    """
    key = list(table.key_in_file)
    placed = accepted.join(places, on=key, how="semi", nulls_equal=True)
    others = accepted.join(places, on=key, how="anti", nulls_equal=True)
    verdict = judge_rows(table, others, pl.concat([live, placed]), precedence)
    beaten = verdict.replaced.join(placed, on=key, how="semi", nulls_equal=True)
    stay = placed.join(beaten, on=key, how="anti", nulls_equal=True)
    n_older = verdict.n_older | {
        sha: n + verdict.n_older.get(sha, 0) for sha, n in beaten.group_by("file_sha256").len().iter_rows()
    }
    return replace(
        verdict,
        new=pl.concat([verdict.new, stay]),
        replaced=verdict.replaced.join(placed, on=key, how="anti", nulls_equal=True),
        n_older=n_older,
    )
