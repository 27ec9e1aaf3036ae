"""Later files that say something else about the same plate or row: held as a conflict, or the newest wins.

Nothing is ever mixed: a plate comes whole from one file, a row of a reference table whole from one line.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal, NamedTuple

import polars as pl

from expectations.contract import Table
from transforms.splitting import rows_as_json

Policy = Literal["hold", "newest"]
_SOURCE = ("file_sha256", "place")


@dataclass(frozen=True, slots=True)
class Precedence:
    """Who wins: the study's policy, the order of arrival of every file, and the files a person released."""

    policy: Policy
    arrivals: Mapping[str, int]
    released: Collection[str]


class Claim(NamedTuple):
    """One file's claim to one plate: `fingerprint` is equal where all counts are."""

    file_sha256: str
    plate_id: str
    fingerprint: int
    read_date: date | None
    arrival: int
    path: str
    is_live: bool


class Replacement(NamedTuple):
    """A live plate that gives way to a newer or released export."""

    file_sha256: str
    plate_id: str
    by_file_sha256: str


@dataclass(slots=True)
class PlateVerdict:
    """What becomes of files that claim plates."""

    left_out: dict[str, tuple[str, str]] = field(default_factory=dict)
    """file_sha256 to (reason code, the plate and the files it is about)."""
    replaced: list[Replacement] = field(default_factory=list)
    known: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """file_sha256 to plates of which another file says the same."""


def fingerprints(counts: pl.DataFrame) -> pl.DataFrame:
    """Per file and plate a number that is equal where wells, analytes, counts and statuses all are."""
    values = pl.struct("well", "analyte", "spots", "status").hash(seed=0)
    return counts.group_by("file_sha256", "plate_id").agg(values.sum().alias("fingerprint"))


def claims(counts: pl.DataFrame, plates: pl.DataFrame, arrivals: pl.DataFrame, *, is_live: bool) -> list[Claim]:
    """Every claim of every file; `arrivals` has file_sha256, arrival, path."""
    dates = plates.group_by("file_sha256", "plate_id").agg(pl.col("read_date").max())
    told = (
        fingerprints(counts)
        .join(dates, on=["file_sha256", "plate_id"], how="left", validate="1:1")
        .join(arrivals, on="file_sha256", how="left", validate="m:1")
        .sort("plate_id", "file_sha256")
    )
    return [
        Claim(r["file_sha256"], r["plate_id"], r["fingerprint"], r["read_date"], r["arrival"], r["path"], is_live)
        for r in told.iter_rows(named=True)
    ]


def judge_plates(incoming: list[Claim], live: list[Claim], precedence: Precedence) -> PlateVerdict:
    """Which incoming files come in.

    Policy hold: a plate that two files count differently is held, the live one stays. Policy newest: by read date
    where every claimant has one, else by arrival; a tie is held. A released file wins over both.
    """
    by_plate: dict[str, list[Claim]] = defaultdict(list)
    for claim in [*live, *sorted(incoming, key=lambda claim: claim.path)]:
        by_plate[claim.plate_id].append(claim)
    verdict = PlateVerdict()
    for plate in sorted({claim.plate_id for claim in incoming}):
        _judge_plate(by_plate[plate], precedence, verdict)
    for sha in {claim.file_sha256 for claim in incoming} - set(verdict.left_out):
        mine = {claim.plate_id for claim in incoming if claim.file_sha256 == sha}
        if mine <= verdict.known[sha]:
            verdict.left_out[sha] = ("duplicate.same_values", ", ".join(sorted(mine)))
    verdict.replaced = [one for one in verdict.replaced if one.by_file_sha256 not in verdict.left_out]
    return verdict


def _judge_plate(claimants: list[Claim], precedence: Precedence, verdict: PlateVerdict) -> None:
    """Claimants of one plate, the live one first, then by path."""
    first_of: dict[int, Claim] = {}
    for claim in claimants:
        if first_of.setdefault(claim.fingerprint, claim) is not claim:
            verdict.known[claim.file_sha256].add(claim.plate_id)
    if len(first_of) == 1:
        return
    live = claimants[0] if claimants[0].is_live else None
    winner = _winner(list(first_of.values()), precedence)
    files = ", ".join(sorted(claim.path for claim in first_of.values()))
    for claim in claimants:
        says_the_same = winner is not None and claim.fingerprint == winner.fingerprint
        if claim.is_live or says_the_same or (live is not None and claim.fingerprint == live.fingerprint):
            continue
        code = (
            "superseded.older_export" if winner is not None and precedence.policy == "newest" else "conflict.same_plate"
        )
        verdict.left_out.setdefault(claim.file_sha256, (code, f"plate {claim.plate_id} in {files}"))
    if live is not None and winner is not None and not winner.is_live:
        verdict.replaced.append(Replacement(live.file_sha256, live.plate_id, winner.file_sha256))


def _winner(distinct: list[Claim], precedence: Precedence) -> Claim | None:
    chosen = [claim for claim in distinct if not claim.is_live and claim.file_sha256 in precedence.released]
    if len(chosen) == 1:
        return chosen[0]
    if chosen or precedence.policy == "hold":
        return None
    dated = all(claim.read_date is not None for claim in distinct)
    best = max(_age(claim, dated) for claim in distinct)
    newest = [claim for claim in distinct if _age(claim, dated) == best]
    return newest[0] if len(newest) == 1 else None


def _age(claim: Claim, dated: bool) -> tuple[date, int]:
    return (claim.read_date if dated and claim.read_date else date.min, claim.arrival)


@dataclass(frozen=True, slots=True)
class RowVerdict:
    """Rows of a reference table after comparison with live ones and with each other."""

    new: pl.DataFrame
    """Rows to add, in the table's schema."""
    replaced: pl.DataFrame
    """Live rows (whole) that a new row takes the place of."""
    rejects: pl.DataFrame
    """Rows left out because they contradict another (REJECT_COLUMNS)."""
    n_known: dict[str, int]
    """Per file, rows that say what is already known."""


def judge_rows(table: Table, accepted: pl.DataFrame, live: pl.DataFrame, precedence: Precedence) -> RowVerdict:
    """Accepted rows against live ones of the same key: the same values are known, other values a conflict."""
    values = [name for name in table.schema if name not in _SOURCE]
    keys = accepted.select(table.key).unique()
    rivals = live.join(keys, on=list(table.key), how="semi", nulls_equal=True)
    both = pl.concat([_ranked(rivals, precedence, is_live=True), _ranked(accepted, precedence, is_live=False)])
    said = pl.struct(values).hash(seed=0)
    best = pl.col("weight") == pl.col("weight").max().over(list(table.key))
    judged = (
        both.sort("is_live", "file_sha256", "place", descending=[True, False, False])
        .with_columns(saying=said)
        .with_columns(
            n_sayings=pl.col("saying").n_unique().over(list(table.key)),
            n_best=pl.col("saying").filter(best).n_unique().over(list(table.key)),
            best_saying=pl.col("saying").filter(best).first().over(list(table.key)),
            has_release=(pl.col("weight") >= _RELEASED).any().over(list(table.key)),
            live_saying=pl.col("saying").filter(pl.col("is_live")).first().over(list(table.key)),
        )
    )
    decided = pl.lit(precedence.policy == "newest") | pl.col("has_release")
    winner = (
        pl.when(pl.col("n_sayings") == 1)
        .then(pl.col("saying"))
        .when(decided & (pl.col("n_best") == 1))
        .then(pl.col("best_saying"))
        .otherwise(pl.col("live_saying"))
    )
    judged = judged.with_columns(winner=winner)
    wins = (pl.col("saying") == pl.col("winner")).fill_null(value=False)
    first = pl.int_range(pl.len()).over([*table.key, "saying"]) == 0
    incoming = ~pl.col("is_live")
    loses_to_newer = pl.lit(precedence.policy == "newest") & pl.col("winner").is_not_null() & ~pl.col("has_release")
    known = judged.filter(incoming & wins & ~first)
    contradicting = judged.filter(incoming & ~wins & ~loses_to_newer)
    return RowVerdict(
        new=table.conform(judged.filter(incoming & wins & first)),
        replaced=table.conform(judged.filter(pl.col("is_live") & ~wins)),
        rejects=_conflict_rejects(table, contradicting),
        n_known=dict(known.group_by("file_sha256").len().iter_rows()),
    )


_RELEASED = 10**9
"""Weight of a released file: above every arrival."""


def _ranked(rows: pl.DataFrame, precedence: Precedence, *, is_live: bool) -> pl.DataFrame:
    weights = {
        sha: number + (_RELEASED if sha in precedence.released and not is_live else 0)
        for sha, number in precedence.arrivals.items()
    }
    weight = pl.col("file_sha256").replace_strict(weights, default=0, return_dtype=pl.Int64)
    return rows.with_columns(weight.alias("weight"), pl.lit(is_live).alias("is_live"))


def _conflict_rejects(table: Table, rows: pl.DataFrame) -> pl.DataFrame:
    value = pl.concat_str([pl.col(name).cast(pl.String).fill_null("") for name in table.key], separator=", ")
    return rows.select(
        "file_sha256",
        pl.lit(table.name).alias("table_name"),
        "place",
        pl.lit("row.conflicting_key").alias("rule"),
        pl.lit(", ".join(table.key)).alias("column_name"),
        value.alias("value"),
        pl.lit("no other file says something else about the same key").alias("says"),
        pl.Series("row", rows_as_json(table, rows), dtype=pl.String),
    )
