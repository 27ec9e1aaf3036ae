"""What comes in and what is held back: one pure pass over everything a run has read.

Tables are judged in an order in which each comes after those it refers to. A file that is held back in a pass is left
out of the next, so nothing accepted rests on a file that is not; passes end when none holds a further file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import polars as pl

from expectations.contract import Reference, Table
from expectations.ingested import INGESTED
from expectations.reasons import reason
from expectations.records import REJECTS
from expectations.study import StudySettings
from transforms.corrections import Claim, PlateVerdict, Policy, Precedence, claims, judge_plates, judge_rows
from transforms.readers.source import Reading
from transforms.splitting import REJECT_COLUMNS, Known, RowTest, bad_cell_rejects, split, tests_of
from transforms.unused_columns import unused_column_checks

Frames = Mapping[str, pl.DataFrame]
Check = Callable[[Table, pl.DataFrame, Known], pl.DataFrame]
"""Evaluates a table's expectations: (table, incoming, known) to rows of quality_checks without run and attempt."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file to be judged: what was read from it, and whether a person released it."""

    file_sha256: str
    path: str
    arrival: int
    reading: Reading
    is_released: bool = False


@dataclass(frozen=True, slots=True)
class LiveFile:
    """A file whose rows are in the store."""

    file_sha256: str
    path: str
    arrival: int


@dataclass(frozen=True, slots=True)
class Hold:
    """Why a file does not come in: a reason code, the place and the problem in words."""

    code: str
    place: str | None
    problem: str

    @property
    def remedy(self) -> str:
        """What to do about it, from the reason's declaration."""
        return reason(self.code).remedy


@dataclass(slots=True)
class Judgement:
    """What a run adds and takes away."""

    holds: dict[str, Hold] = field(default_factory=dict)
    new: dict[str, pl.DataFrame] = field(default_factory=dict)
    """Table to rows to add."""
    replaced: dict[str, pl.DataFrame] = field(default_factory=dict)
    """Table to live rows that go."""
    rejects: list[pl.DataFrame] = field(default_factory=list)
    checks: list[pl.DataFrame] = field(default_factory=list)
    """Rows of quality_checks with `attempt`."""
    evidence: list[pl.DataFrame] = field(default_factory=list)
    """Checks of the rows of files over a limit that the rest of the incoming table would have hidden."""
    n_known: dict[str, int] = field(default_factory=dict)
    """Per file, rows that said what was already known."""
    emptied: set[str] = field(default_factory=set)
    """Files of the store none of whose rows is left."""


def judge(
    candidates: list[Candidate], live: Frames, live_files: list[LiveFile], settings: StudySettings, check: Check
) -> Judgement:
    """The judgement of a run over all files it has read.

    Args:
        candidates: new files, and earlier ones that did not come in whole.
        live: per ingested table, the rows in the store without those of `candidates`.
        live_files: the files of those rows.
        settings: the study file.
        check: evaluates expectations; every pass calls it once a table that has incoming rows.
    """
    holds: dict[str, Hold] = {}
    checks: list[pl.DataFrame] = []
    attempt = 1
    once = _Once(check)
    while True:
        inside = [one for one in candidates if one.file_sha256 not in holds]
        result = _Pass(inside, live, live_files, settings, once).run()
        checks += _numbered(result.checks, attempt) + _numbered(result.evidence, attempt + 1)
        if not result.holds:
            unused = unused_column_checks((one.path, one.reading) for one in inside)
            result.holds, result.emptied = holds, _emptied(live, result.replaced)
            result.checks = checks + _numbered([unused], attempt)
            return result
        holds |= result.holds
        attempt += 2 if result.evidence else 1


class _Once:
    """Checks a table once for the same files and known values: a later pass that changes neither adds nothing."""

    def __init__(self, check: Check) -> None:
        self.check = check
        self.found: dict[object, pl.DataFrame] = {}

    def __call__(self, table: Table, incoming: pl.DataFrame, known: Known) -> tuple[pl.DataFrame, bool]:
        """The checks, and whether they were made now."""
        sizes = tuple(len(known[reference.target]) for reference in table.references)
        about = (table.name, frozenset(incoming["file_sha256"]), incoming.height, sizes)
        is_new = about not in self.found
        if is_new:
            self.found[about] = self.check(table, incoming, known)
        return self.found[about], is_new


def _numbered(checks: list[pl.DataFrame], attempt: int) -> list[pl.DataFrame]:
    return [frame.with_columns(pl.lit(attempt, dtype=pl.Int32).alias("attempt")) for frame in checks]


class _Pass:
    """One pass over the tables; a small state machine, because each table's known values feed the next."""

    def __init__(
        self, inside: list[Candidate], live: Frames, live_files: list[LiveFile], settings: StudySettings, check: _Once
    ) -> None:
        self.inside, self.live, self.live_files, self.settings, self.check = inside, live, live_files, settings, check
        self.result = Judgement()
        self.released = {one.file_sha256 for one in inside if one.is_released}
        self.arrivals = {one.file_sha256: one.arrival for one in live_files}
        self.arrivals |= {one.file_sha256: one.arrival for one in inside}
        self.known: dict[str, set[str]] = {"study.stimuli": set(settings.stimuli)}

    def run(self) -> Judgement:
        verdict = self._plates()
        for table in INGESTED:
            self._table(table, verdict)
        strange = [cell for one in self.inside for cell in one.reading.bad_cells if cell.table == "-"]
        self.result.rejects.append(bad_cell_rejects(strange))
        return self.result

    def _plates(self) -> PlateVerdict:
        incoming = _claims_of(self._incoming("elispot_counts"), self._incoming("plates"), self.inside, is_live=False)
        live = _claims_of(self.live["elispot_counts"], self.live["plates"], self.live_files, is_live=True)
        verdict = judge_plates(incoming, live, self._precedence(self.settings.corrections.plates))
        for sha, (code, about) in verdict.left_out.items():
            self.result.holds[sha] = Hold(code, about, reason(code).meaning)
        return verdict

    def _precedence(self, policy: Policy) -> Precedence:
        return Precedence(policy, self.arrivals, self.released)

    def _incoming(self, name: str) -> pl.DataFrame:
        parts = [
            one.reading.tables[name]
            for one in self.inside
            if name in one.reading.tables and one.file_sha256 not in self.result.holds
        ]
        return pl.concat(parts) if parts else pl.DataFrame()

    def _table(self, table: Table, verdict: PlateVerdict) -> None:
        incoming = self._incoming(table.name)
        live = self.live[table.name]
        new = table.empty()
        if incoming.width:
            new = self._accepted(table, incoming, live, verdict)
        gone = self.result.replaced.get(table.name, table.empty())
        stay = live.join(gone, on=["file_sha256", *table.key], how="anti", nulls_equal=True)
        for target in _TARGETS.get(table.name, ()):
            self.known[f"{table.name}.{target}"] = set(stay[target].drop_nulls()) | set(new[target].drop_nulls())

    def _held(self, table: Table, incoming: pl.DataFrame, failed: list[str]) -> dict[str, Hold]:
        """Files over the limit of a critical rule. Each stands for itself: a large good file beside it is no excuse."""
        held, broken = _offenders(table, incoming, tests_of(table, self.known))
        if not held and failed:
            held = _all_of(table, incoming, failed)
        held = {sha: hold for sha, hold in held.items() if sha not in self.released}
        if held and any(name not in failed for name in broken):
            rows = incoming.filter(pl.col("file_sha256").is_in(list(held)))
            self.result.evidence.append(self.check(table, rows, self.known)[0])
        return held

    def _accepted(
        self, table: Table, incoming: pl.DataFrame, live: pl.DataFrame, verdict: PlateVerdict
    ) -> pl.DataFrame:
        found, is_new = self.check(table, incoming, self.known)
        if is_new:
            self.result.checks.append(found)
        held = self._held(table, incoming, _failed(found))
        self.result.holds |= held
        incoming = incoming.filter(~pl.col("file_sha256").is_in(list(held)))
        bad = [
            cell for one in self.inside for cell in one.reading.bad_cells if one.file_sha256 not in self.result.holds
        ]
        accepted, rejects = split(table, incoming, self.known, bad)
        self.result.rejects.append(rejects)
        if table.entity:
            replaced = pl.DataFrame(verdict.replaced, schema=["file_sha256", "plate_id", "by"], orient="row")
            if replaced.height:
                self.result.replaced[table.name] = live.join(replaced, on=["file_sha256", "plate_id"], how="semi")
            known = [(sha, plate) for sha, plates in verdict.known.items() for plate in plates]
            if known:
                said = pl.DataFrame(known, schema=["file_sha256", "plate_id"], orient="row")
                accepted = accepted.join(said, on=["file_sha256", "plate_id"], how="anti")
            self.result.new[table.name] = accepted
            return accepted
        rows = judge_rows(table, accepted, live, self._precedence(self.settings.corrections.reference_tables))
        self.result.new[table.name], self.result.replaced[table.name] = rows.new, rows.replaced
        self.result.rejects.append(rows.rejects)
        for sha, count in rows.n_known.items():
            self.result.n_known[sha] = self.result.n_known.get(sha, 0) + count
        return rows.new


_TARGETS: dict[str, set[str]] = {}
for _table in INGESTED:
    for _reference in _table.references:
        if not _reference.target.startswith("study."):
            _name, _, _column = _reference.target.partition(".")
            _TARGETS.setdefault(_name, set()).add(_column)


def _emptied(live: Frames, replaced: Frames) -> set[str]:
    touched = {sha for frame in replaced.values() for sha in frame["file_sha256"].unique()}
    if not touched:
        return set()
    before = _rows_by_file(live)
    after = _rows_by_file(replaced)
    return {sha for sha in touched if before[sha] == after[sha]}


def _rows_by_file(frames: Frames) -> dict[str, int]:
    counts: dict[str, int] = {}
    for frame in frames.values():
        for sha, count in frame["file_sha256"].value_counts().iter_rows():
            counts[sha] = counts.get(sha, 0) + count
    return counts


def _claims_of(
    counts: pl.DataFrame, plates: pl.DataFrame, files: list[Candidate] | list[LiveFile], *, is_live: bool
) -> list[Claim]:
    if counts.is_empty():
        return []
    arrivals = pl.DataFrame(
        [(one.file_sha256, one.arrival, one.path) for one in files],
        schema=["file_sha256", "arrival", "path"],
        orient="row",
    )
    return claims(counts, plates, arrivals, is_live=is_live)


def _failed(found: pl.DataFrame) -> list[str]:
    """Names of the rules whose critical expectations failed; one rule can have two expectations."""
    failed = found.filter(~pl.col("success") & (pl.col("severity") == "critical"))["check_name"]
    return [name.partition(":")[0] for name in failed]


def _offenders(table: Table, incoming: pl.DataFrame, tests: list[RowTest]) -> tuple[dict[str, Hold], set[str]]:
    """Files that break a critical rule beyond its limit, each with the first such rule; and those rules' names."""
    held: dict[str, Hold] = {}
    broken: set[str] = set()
    for test in tests:
        if test.rule.severity != "critical":
            continue
        shares = (
            incoming.with_columns(holds=test.holds, applies=test.rule.applies)
            .group_by("file_sha256")
            .agg(
                n=pl.col("applies").sum(),
                n_bad=(~pl.col("holds")).sum(),
                place=pl.col("place").filter(~pl.col("holds")).first(),
            )
            .sort("file_sha256")
        )
        for row in shares.filter(pl.col("n_bad") > test.rule.limit * pl.col("n")).iter_rows(named=True):
            if row["file_sha256"] not in held:
                held[row["file_sha256"]] = _hold(table, test, row)
                broken.add(test.rule.name)
    return held, broken


def _all_of(table: Table, incoming: pl.DataFrame, failed: list[str]) -> dict[str, Hold]:
    """No single file is over a limit, yet the table is: none can be told apart, so all wait."""
    problem = f"the incoming rows of all files together break {', '.join(failed)}"
    hold = Hold("expectation.critical", f"table {table.name}", problem)
    return dict.fromkeys(incoming["file_sha256"].unique().sort(), hold)


def _hold(table: Table, test: RowTest, row: Mapping[str, object]) -> Hold:
    rule = test.rule
    code = rule.holds_file_as if isinstance(rule, Reference) else "expectation.critical"
    place = f"{table.name}, first at {row['place']}"
    share = f"{row['n_bad']} of {row['n']} rows break the rule that {rule.says}"
    if code == "layout.missing":
        return Hold(code, place, f"no plate layout covers its wells ({row['n_bad']} of {row['n']} counted wells)")
    return Hold(code, place, f"{share}; at most {100 * rule.limit:g} % may")


def rejects_of(judgement: Judgement) -> pl.DataFrame:
    """All rejects of a judgement, in REJECT_COLUMNS, sorted."""
    schema = {name: REJECTS.schema[name] for name in REJECT_COLUMNS}
    parts = [frame.select(REJECT_COLUMNS) for frame in judgement.rejects if frame.height]
    return (
        (pl.concat(parts) if parts else pl.DataFrame(schema=schema))
        .unique()
        .sort("file_sha256", "table_name", "place", "rule", "column_name")
    )
