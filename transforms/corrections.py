"""Later files that say something else about the same plate or row: held as a conflict, or the newest wins.

Nothing is ever mixed: a plate comes whole from one file, a row of a reference table whole from one line.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal, NamedTuple

import polars as pl

from expectations.clinical_in import EVALUATOR
from expectations.contract import Table
from transforms.evaluators import evaluator_name
from transforms.splitting import rows_as_json

Policy = Literal["hold", "newest"]
_WELL_KEY = ("plate_id", "well", "analyte")

_FEW = 3
"""Wells named of two exports that differ."""

_SOURCE = ("file_sha256", "place")
_AS_STORED = "evaluator_as_stored"


@dataclass(frozen=True, slots=True)
class Precedence:
    """Who wins: the study's policy, the order in which files arrived, and what a person released."""

    policy: Policy
    arrivals: Mapping[str, int]
    released: Mapping[str, int]
    """file_sha256 to the run of the decision: a release counts as an arrival in that run, after all others."""


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
    """What becomes of files that claim plates. Where there are conflicts, the rest holds only once they are out."""

    conflicts: dict[str, str] = field(default_factory=dict)
    """file_sha256 to the plate and the files it is about."""
    left_out: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Files none of whose plates is needed: file_sha256 to (reason code, plates)."""
    unneeded: dict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))
    """file_sha256 to the plates of it that stay out, each with the reason code."""
    replaced: list[Replacement] = field(default_factory=list)


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


def differences(counts: pl.DataFrame, files: Iterable[str], paths: Mapping[str, str]) -> dict[str, str]:
    """Per file, which wells others count differently, in words: the first few, and how many there are.

    Files without such a well are left out.
    """
    said = pl.coalesce(pl.col("spots").cast(pl.String), "status")
    mine = counts.join(_of_files(files), on="file_sha256", how="semi").select(*_WELL_KEY, "file_sha256", mine=said)
    rivals = counts.join(mine, on="plate_id", how="semi").select(*_WELL_KEY, other_sha="file_sha256", other=said)
    is_other = (pl.col("file_sha256") != pl.col("other_sha")) & (pl.col("mine") != pl.col("other"))
    differing = mine.join(rivals, on=_WELL_KEY, how="inner").filter(is_other)
    in_order = differing.sort("file_sha256", pl.col("well").str.len_chars(), *_WELL_KEY, "other_sha")
    return {str(sha): _in_words(rows, paths) for (sha,), rows in in_order.group_by("file_sha256", maintain_order=True)}


def _of_files(files: Iterable[str]) -> pl.DataFrame:
    return pl.DataFrame({"file_sha256": list(files)}, schema={"file_sha256": pl.String})


def _in_words(differing: pl.DataFrame, paths: Mapping[str, str]) -> str:
    told = [
        f"{r['well']}: {r['mine']} here, {r['other']} in {paths[r['other_sha']]}"
        for r in differing.head(_FEW).iter_rows(named=True)
    ]
    n = differing.select(_WELL_KEY).n_unique()
    return f" ({'; '.join(told)}; {n} well{'' if n == 1 else 's'} in all)"


def judge_plates(incoming: list[Claim], live: list[Claim], precedence: Precedence) -> PlateVerdict:
    """Which plates of which incoming files come in.

    Policy hold: files that count a plate differently are held, the live one stays. Policy newest: by read date where
    every version of the plate has one, else by arrival; a tie is held. A released file wins over both. A file is held
    whole; under newest only those plates of it stay out that another file has newer.
    """
    own = {(claim.file_sha256, claim.plate_id) for claim in live}
    by_plate: dict[str, list[Claim]] = defaultdict(list)
    for claim in [*live, *(one for one in incoming if (one.file_sha256, one.plate_id) not in own)]:
        by_plate[claim.plate_id].append(claim)
    verdict = PlateVerdict()
    for plate in sorted({claim.plate_id for claim in incoming}):
        _judge_plate(sorted(by_plate[plate], key=lambda claim: _order(claim, precedence)), precedence, verdict)
    for sha, plate in own & {(claim.file_sha256, claim.plate_id) for claim in incoming}:
        verdict.unneeded[sha][plate] = "accepted.whole"
    plates: dict[str, list[str]] = defaultdict(list)
    for claim in incoming:
        plates[claim.file_sha256].append(claim.plate_id)
    for sha in plates.keys() - verdict.conflicts.keys():
        reasons = {verdict.unneeded[sha].get(plate) for plate in plates[sha]}
        if not reasons & {None, "accepted.whole"}:
            code = max(str(one) for one in reasons)  # superseded, where any plate is
            verdict.left_out[sha] = (code, ", ".join(sorted(verdict.unneeded[sha])))
    return verdict


def _order(claim: Claim, precedence: Precedence) -> tuple[bool, bool, int, str, str]:
    """Of claims that say the same, the first is the one to keep: the live one, the released, the earliest."""
    is_released = claim.file_sha256 in precedence.released
    return (not claim.is_live, not is_released, claim.arrival, claim.path, claim.file_sha256)


def _judge_plate(claimants: list[Claim], precedence: Precedence, verdict: PlateVerdict) -> None:
    """Claimants of one plate, in order; each version of its counts has one or several."""
    versions: dict[int, list[Claim]] = defaultdict(list)
    for claim in claimants:
        versions[claim.fingerprint].append(claim)
    live = next((claim for claim in claimants if claim.is_live), None)
    winner = _winner(list(versions.values()), precedence)
    files = ", ".join(sorted({claim.path for claim in claimants}))
    for version in versions.values():
        is_live, is_winner = version[0].is_live, version is winner
        if not is_live and not is_winner and (winner is None or precedence.policy == "hold"):
            verdict.conflicts |= {claim.file_sha256: f"plate {claim.plate_id} in {files}" for claim in version}
        elif is_winner or winner is None:
            _leave_out(verdict, version[1:], "duplicate.same_values")
        else:
            _leave_out(verdict, version, "superseded.newer_export" if is_live else "superseded.older_export")
    if live is not None and winner is not None and not winner[0].is_live:
        verdict.replaced.append(Replacement(live.file_sha256, live.plate_id, winner[0].file_sha256))


def _leave_out(verdict: PlateVerdict, version: Iterable[Claim], code: str) -> None:
    for claim in version:
        if not claim.is_live:
            verdict.unneeded[claim.file_sha256][claim.plate_id] = code


def _winner(versions: list[list[Claim]], precedence: Precedence) -> list[Claim] | None:
    if len(versions) == 1:
        return versions[0]
    chosen = [one for one in versions if any(not c.is_live and c.file_sha256 in precedence.released for c in one)]
    if len(chosen) == 1:
        return chosen[0]
    if chosen or precedence.policy == "hold":
        return None
    dated = all(any(claim.read_date for claim in version) for version in versions)
    best = max(_age(version, dated=dated) for version in versions)
    newest = [version for version in versions if _age(version, dated=dated) == best]
    return newest[0] if len(newest) == 1 else None


def _age(version: list[Claim], *, dated: bool) -> tuple[date, int]:
    """What was said last counts, whoever said it first."""
    return max(((claim.read_date if dated else None) or date.min, claim.arrival) for claim in version)


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
    n_older: dict[str, int]
    """Per file, rows that lost to a later one."""


def judge_rows(table: Table, accepted: pl.DataFrame, live: pl.DataFrame, precedence: Precedence) -> RowVerdict:
    """Accepted rows against live ones of the same key: the same values are known, other values a conflict.

    Policy hold: the live row stays and the others are rejected, until a person releases one. Policy newest: the row of
    the file that arrived last wins. A release counts as an arrival in its run. A tie is a conflict.
    """
    judged = _with_winners(table, accepted, live, precedence)
    wins = (pl.col("saying") == pl.col("winner")).fill_null(value=False)
    first = pl.int_range(pl.len()).over([*table.key, "saying"]) == 0
    incoming = ~pl.col("is_live")
    beaten = (pl.col("weight") < pl.col("winner_weight")) & (
        pl.lit(precedence.policy == "newest") | pl.col("winner_is_released")
    )
    older = incoming & ~wins & beaten.fill_null(value=False)
    return RowVerdict(
        new=table.conform(judged.filter(incoming & wins & first)),
        replaced=_as_stored(table, judged.filter(~incoming & ~wins)),
        rejects=_conflict_rejects(table, judged.filter(incoming & ~wins & ~older)),
        n_known=_by_file(judged.filter(incoming & wins & ~first)),
        n_older=_by_file(judged.filter(older)),
    )


def _with_winners(table: Table, accepted: pl.DataFrame, live: pl.DataFrame, precedence: Precedence) -> pl.DataFrame:
    """Rows with what each says, its weight, and which saying of its key wins; null where nothing does."""
    key = list(table.key)
    live, accepted = (_spelled_alike(table, rows) for rows in (live, accepted))
    rivals = live.join(accepted.select(key).unique(), on=key, how="semi", nulls_equal=True)
    both = pl.concat([_weighed(rivals, precedence, is_live=True), _weighed(accepted, precedence, is_live=False)])
    both = both.sort("is_live", "arrival", "file_sha256", "place", descending=[True, False, False, False])
    counts = pl.lit(value=True) if precedence.policy == "newest" else pl.col("is_released")
    best = counts & (pl.col("weight") == pl.col("weight").filter(counts).max().over(key))
    saying = pl.struct(name for name in table.schema if name not in _SOURCE).hash(seed=0)
    told = both.with_columns(saying=saying).with_columns(
        n_sayings=pl.col("saying").n_unique().over(key),
        n_best=pl.col("saying").filter(best).n_unique().over(key),
        best_saying=pl.col("saying").filter(best).first().over(key),
        live_saying=pl.col("saying").filter(pl.col("is_live")).first().over(key),
    )
    only, decided = pl.col("n_sayings") == 1, pl.col("n_best") == 1
    winner = pl.when(only).then("saying").when(decided).then("best_saying").otherwise("live_saying")
    is_winner = pl.col("saying") == pl.col("winner")
    return told.with_columns(winner=winner).with_columns(
        winner_weight=pl.col("weight").filter(is_winner).max().over(key),
        winner_is_released=pl.col("is_released").filter(is_winner).any().over(key),
    )


def _spelled_alike(table: Table, rows: pl.DataFrame) -> pl.DataFrame:
    """Rows with evaluators as readers write them now, and beside it how the row has it: older stores kept capitals."""
    if EVALUATOR.name not in table.schema:
        return rows
    told = pl.col(EVALUATOR.name)
    plain = {name: evaluator_name(name) for name in rows[EVALUATOR.name].drop_nulls().unique()}
    return rows.with_columns(told.alias(_AS_STORED), told.replace(plain))


def _as_stored(table: Table, rows: pl.DataFrame) -> pl.DataFrame:
    if EVALUATOR.name not in table.schema:
        return table.conform(rows)
    return table.conform(rows.with_columns(pl.col(_AS_STORED).alias(EVALUATOR.name)))


def _weighed(rows: pl.DataFrame, precedence: Precedence, *, is_live: bool) -> pl.DataFrame:
    """Weight: when the file last arrived, a release after every arrival of its run."""
    sha = pl.col("file_sha256")
    released = sha.replace_strict(dict(precedence.released), default=None, return_dtype=pl.Int64)
    arrival = sha.replace_strict(dict(precedence.arrivals), default=0, return_dtype=pl.Int64)
    return rows.with_columns(
        arrival.alias("arrival"),
        pl.max_horizontal(2 * arrival, 2 * released + 1).alias("weight"),
        released.is_not_null().alias("is_released"),
        pl.lit(is_live).alias("is_live"),
    )


def _by_file(rows: pl.DataFrame) -> dict[str, int]:
    return dict(rows.group_by("file_sha256").len().iter_rows())


def _conflict_rejects(table: Table, rows: pl.DataFrame) -> pl.DataFrame:
    value = pl.concat_str([pl.col(name).cast(pl.String).fill_null("") for name in table.key], separator=", ")
    return rows.select(
        "file_sha256",
        pl.lit(table.name).alias("table_name"),
        "place",
        pl.lit("row.conflicting_key").alias("rule"),
        pl.lit(", ".join(table.key)).alias("column_name"),
        value.alias("value"),
        pl.lit("the same key has the same values in every file").alias("says"),
        pl.Series("row", rows_as_json(table, rows), dtype=pl.String),
    )
