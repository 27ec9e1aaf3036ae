"""What comes in and what is held back: one pure pass over everything a run has read.

Tables are judged in an order in which each comes after those it refers to. A file that is held back in a pass is left
out of the next, so nothing accepted rests on a file that is not; passes end when none holds a further file. Plates are
compared only once no file breaks an expectation: a broken export must not stand in the way of a good one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import polars as pl

from expectations.contract import Table
from expectations.ingested import INGESTED, OF_PLATES, OF_SAMPLES
from expectations.reasons import reason
from expectations.records import REJECTS
from expectations.study import StudySettings
from transforms.corrections import Claim, Policy, Precedence, claims, differences, judge_plates
from transforms.limits import Hold, every_file, failed_rules, offenders
from transforms.readers.source import BadCell
from transforms.splitting import REJECT_COLUMNS, Known, bad_cell_rejects, split, tests_of
from transforms.succession import Candidate, LiveFile, heirs_of, judge_rows_in_place
from transforms.unused_columns import unused_column_checks

__all__ = ["Candidate", "Hold", "Judgement", "LiveFile", "judge", "rejects_of"]

Frames = Mapping[str, pl.DataFrame]
Check = Callable[[Table, pl.DataFrame, Known], pl.DataFrame]
"""Evaluates a table's expectations: (table, incoming, known) to rows of quality_checks without run and attempt."""


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
    rejects_of_held: list[pl.DataFrame] = field(default_factory=list)
    """Rows for which a file was held back in this pass: what a person has to mend."""
    left_out: dict[str, Hold] = field(default_factory=dict)
    """Files that are not needed: another says the same, or something newer."""
    evidence: list[pl.DataFrame] = field(default_factory=list)
    """Checks of the rows of files over a limit that the rest of the incoming table would have hidden."""
    n_known: dict[str, int] = field(default_factory=dict)
    """Per file, rows that said what was already known."""
    n_older: dict[str, int] = field(default_factory=dict)
    """Per file, rows that lost to a later one."""
    kept: set[str] = field(default_factory=set)
    """Judged files that had rows in the store and still have."""
    emptied: set[str] = field(default_factory=set)
    """Files of the store none of whose rows is left."""
    barren: set[str] = field(default_factory=set)
    """Files saved over others, of which no row came in: those others do not give way to them."""


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
    rejects: list[pl.DataFrame] = []
    attempt = 1
    once = _Once(check)
    barren: set[str] = set()
    while True:
        inside = [one for one in candidates if one.file_sha256 not in holds]
        result = _Pass(inside, _without(live, holds), live_files, settings, once).run(barren)
        checks += _numbered(result.checks, attempt) + _numbered(result.evidence, attempt + 1)
        rejects += result.rejects_of_held
        if not result.holds and not result.barren:
            unused = unused_column_checks((one.path, one.reading) for one in inside)
            result.checks = checks + _numbered([unused], attempt)
            result.rejects += rejects
            return _finished(result, holds, live, {one.file_sha256 for one in candidates})
        holds |= result.holds
        barren |= result.barren
        attempt += 2 if result.evidence else 1


def _without(live: Frames, holds: Mapping[str, Hold]) -> Frames:
    """What is in the store without the rows of files that are held back now, though they came in before."""
    if not holds:
        return live
    return {name: frame.filter(~pl.col("file_sha256").is_in(list(holds))) for name, frame in live.items()}


def _finished(result: Judgement, holds: dict[str, Hold], live: Frames, judged: set[str]) -> Judgement:
    """The last pass with what earlier ones held back; rows in the order of their keys."""
    for table in INGESTED:
        gone = live[table.name].filter(pl.col("file_sha256").is_in(list(holds)))
        replaced = pl.concat([result.replaced.get(table.name, table.empty()), gone])
        result.replaced[table.name] = replaced.sort(table.key)
        result.new[table.name] = result.new.get(table.name, table.empty()).sort(*table.key, "file_sha256")
    left_out = list(result.left_out)
    result.rejects = [frame.filter(~pl.col("file_sha256").is_in(left_out)) for frame in result.rejects]
    result.holds = holds | result.left_out
    result.emptied = _emptied(live, result.replaced)
    result.kept = (judged & set(_rows_by_file(live))) - result.emptied
    return result


class _Once:
    """Checks a table once for the same files and known values: a later pass that changes neither adds nothing."""

    def __init__(self, check: Check) -> None:
        self.check = check
        self.found: dict[object, pl.DataFrame] = {}

    def __call__(self, table: Table, incoming: pl.DataFrame, known: Known) -> tuple[pl.DataFrame, bool]:
        """The checks, and whether they were made now."""
        targets = tuple(frozenset(known[reference.target]) for reference in table.references)
        about = (table.name, frozenset(incoming["file_sha256"]), targets)
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
        files: list[Candidate | LiveFile] = [*live_files, *inside]
        self.arrivals = {one.file_sha256: one.arrival for one in files}
        now = max(self.arrivals.values(), default=0)
        self.released = {one.file_sha256: one.released_in for one in live_files if one.released_in is not None}
        self.released |= {one.file_sha256: one.released_in or now for one in inside if one.is_released}
        self.heirs: dict[str, str] = {}
        self.chosen = self.released
        """What persons decided between files; an heir has that of the export it was saved over, but no other limits."""
        self.known: dict[str, set[str]] = {
            "study.stimuli": set(settings.stimuli),
            "study.antigens": set(settings.antigen_names),
            "study.negative_controls": set(settings.negative_controls),
            "specimens.specimen_id": set(settings.elispot.trend.reference_samples),
            _LAID_OUT: set(),
        }

    def run(self, barren: set[str]) -> Judgement:
        """`barren` are files of which no row came in, so that nothing gives way to them."""
        self.heirs = heirs_of([one for one in self.inside if one.file_sha256 not in barren], self.live_files)
        inherited = {heir: self.released[old] for old, heir in self.heirs.items() if old in self.released}
        self.chosen = inherited | self.released
        for table in INGESTED:
            self._table(table)
        if not self.result.holds:
            self._plates()
            self._samples()
            self.result.barren = set(self.heirs.values()) - self._came_in()
        strange = [cell for one in self.inside for cell in one.reading.bad_cells if cell.table == "-"]
        self.result.rejects.append(bad_cell_rejects(strange))
        return self.result

    def _came_in(self) -> set[str]:
        """Files of which a row came in, or is not needed because another file says the same or something newer."""
        new = {sha for frame in self.result.new.values() for sha in frame["file_sha256"].unique()}
        return new | self.result.n_known.keys() | self.result.n_older.keys()

    def _plates(self) -> None:
        """Every plate from one file: others that claim it are held back, not needed, or give way."""
        new, replaced = self.result.new, self.result.replaced
        counted = new["elispot_counts"].select("file_sha256", "plate_id").unique()
        for name in _OF_PLATES[:-1]:
            new[name] = new[name].join(counted, on=["file_sha256", "plate_id"], how="semi")
        incoming = _claims_of(new["elispot_counts"], new["plates"], self.inside, is_live=False)
        live = _claims_of(self._stay("elispot_counts"), self._stay("plates"), self.live_files, is_live=True)
        verdict = judge_plates(incoming, live, self._precedence(self.settings.corrections.plates))
        counts = pl.concat([new["elispot_counts"], self._stay("elispot_counts")])
        paths = {one.file_sha256: one.path for one in self.live_files} | {
            one.file_sha256: one.path for one in self.inside
        }
        differing = differences(counts, verdict.conflicts, paths)
        for sha, about in verdict.conflicts.items():
            problem = reason("conflict.same_plate").meaning.rstrip(".") + differing.get(sha, "")
            self.result.holds[sha] = Hold("conflict.same_plate", about, problem)
        for sha, (code, about) in verdict.left_out.items():
            self.result.left_out[sha] = Hold(code, about, reason(code).meaning)
        gone = _plate_keys((one.file_sha256, one.plate_id) for one in verdict.replaced)
        unneeded = _plate_keys((sha, plate) for sha, plates in verdict.unneeded.items() for plate in plates)
        for name in _OF_PLATES:
            leaving = self._stay(name).join(gone, on=gone.columns, how="semi")
            new[name] = new[name].join(unneeded, on=unneeded.columns, how="anti")
            replaced[name] = pl.concat([replaced[name], leaving])

    def _samples(self) -> None:
        """Cytometry stands side by side, but a file saved over by another one that came in gives way to it."""
        new, replaced = self.result.new, self.result.replaced
        incoming = {sha for name in _OF_SAMPLES for sha in new[name]["file_sha256"].unique()}
        taken = {one.path: one.file_sha256 for one in self.inside if one.file_sha256 in incoming}
        gone = [
            one.file_sha256
            for one in self.live_files
            if not one.is_in_inbox and taken.get(one.path, one.file_sha256) != one.file_sha256
        ]
        for name in _OF_SAMPLES:
            leaving = self._stay(name).filter(pl.col("file_sha256").is_in(gone))
            replaced[name] = pl.concat([replaced[name], leaving])

    def _precedence(self, policy: Policy) -> Precedence:
        return Precedence(policy, self.arrivals, self.chosen)

    def _incoming(self, name: str) -> pl.DataFrame:
        parts = [
            one.reading.tables[name]
            for one in self.inside
            if name in one.reading.tables and one.file_sha256 not in self.result.holds
        ]
        return pl.concat(parts, rechunk=True) if parts else pl.DataFrame()

    def _table(self, table: Table) -> None:
        self.result.new[table.name] = table.empty()
        self.result.replaced[table.name] = self.live[table.name].filter(pl.col("file_sha256").is_in(list(self.heirs)))
        incoming = self._incoming(table.name)
        if incoming.width:
            self._take_in(table, incoming)
        stay, new = self._stay(table.name), self.result.new[table.name]
        for target in _TARGETS.get(table.name, ()):
            values = set(stay[target].drop_nulls()) | set(new[target].drop_nulls())
            self.known.setdefault(f"{table.name}.{target}", set()).update(values)
        if table.name in _LAID_OUT_BY:
            self.known[_LAID_OUT].update(laid_out_plates(table.name, pl.concat([stay, new]), self.known))

    def _stay(self, name: str) -> pl.DataFrame:
        """Rows of the store that nothing has replaced so far."""
        gone = self.result.replaced[name]
        if gone.is_empty():
            return self.live[name]
        return self.live[name].join(gone, on=gone.columns, how="anti", nulls_equal=True)

    def _held(self, table: Table, incoming: pl.DataFrame, failed: list[str]) -> dict[str, Hold]:
        """Files over the limit of a critical rule. Each stands for itself: a large good file beside it is no excuse."""
        held, broken = offenders(table, incoming, tests_of(table, self.known))
        if not held and failed:
            held = every_file(table, incoming, failed)
        held = {sha: hold for sha, hold in held.items() if sha not in self.released}
        if held and any(name not in failed for name in broken):
            rows = incoming.filter(pl.col("file_sha256").is_in(list(held)))
            self.result.evidence.append(self.check(table, rows, self.known)[0])
        return held

    def _take_in(self, table: Table, incoming: pl.DataFrame) -> None:
        found, is_new = self.check(table, incoming, self.known)
        if is_new:
            self.result.checks.append(found)
        held = self._held(table, incoming, failed_rules(found))
        self.result.holds |= held
        bad = [cell for one in self.inside for cell in one.reading.bad_cells]
        kept = incoming
        if held:
            is_held = pl.col("file_sha256").is_in(list(held))
            self._tell_rejects_of_held(table, incoming.filter(is_held), bad)
            kept = incoming.filter(~is_held)
        inside = set(kept["file_sha256"])
        accepted, rejects = split(table, kept, self.known, [cell for cell in bad if cell.file_sha256 in inside])
        self.result.rejects.append(rejects)
        mine = self.live[table.name].filter(pl.col("file_sha256").is_in(list(inside)))
        broken_now = mine.join(accepted, on=accepted.columns, how="anti", nulls_equal=True)
        leaving = pl.concat([self.result.replaced[table.name], broken_now])
        self.result.replaced[table.name] = leaving
        if table.entity:
            self.result.new[table.name] = accepted
        else:
            self._compare(table, accepted, leaving)

    def _tell_rejects_of_held(self, table: Table, rows: pl.DataFrame, bad: list[BadCell]) -> None:
        """What is to be mended in files with broken rows; one that only lacks its layout has nothing to mend."""
        broken = {sha for sha, hold in self.result.holds.items() if hold.code == "expectation.critical"}
        rows = rows.filter(pl.col("file_sha256").is_in(list(broken)))
        if rows.height:
            inside = set(rows["file_sha256"])
            cells = [cell for cell in bad if cell.file_sha256 in inside]
            self.result.rejects_of_held.append(split(table, rows, self.known, cells)[1])

    def _compare(self, table: Table, accepted: pl.DataFrame, leaving: pl.DataFrame) -> None:
        """Rows of a reference table against those in the store and in other files."""
        precedence = self._precedence(self.settings.corrections.reference_tables)
        places = leaving.with_columns(pl.col("file_sha256").replace(self.heirs))
        rows = judge_rows_in_place(table, accepted, self._stay(table.name), places, precedence)
        self.result.new[table.name] = rows.new
        self.result.replaced[table.name] = pl.concat([leaving, rows.replaced])
        self.result.rejects.append(rows.rejects)
        for sums, counts in ((self.result.n_known, rows.n_known), (self.result.n_older, rows.n_older)):
            for sha, count in counts.items():
                sums[sha] = sums.get(sha, 0) + count


_OF_PLATES = [table.name for table in OF_PLATES]
"""Tables that hold plates; the last holds the counts."""
_OF_SAMPLES = [table.name for table in OF_SAMPLES]
_LAID_OUT = "plate_layouts.plate_id"
"""What an export's plates must be in: a layout table, an assigned template, or a layout of the instrument."""
_LAID_OUT_BY = ("plate_templates", "instrument_layouts")

_TARGETS: dict[str, set[str]] = {}
for _table in INGESTED:
    for _reference in _table.references:
        if not _reference.target.startswith("study."):
            _name, _, _column = _reference.target.partition(".")
            _TARGETS.setdefault(_name, set()).add(_column)


def laid_out_plates(name: str, rows: pl.DataFrame, known: Known) -> set[str]:
    """Plates that rows of `plate_templates` or `instrument_layouts` say the content of.

    What an operator entered counts where it names a known specimen and a declared stimulus in one well at least.
    """
    if name == "instrument_layouts":
        specimens, stimuli = list(known["specimens.specimen_id"]), list(known["study.stimuli"])
        rows = rows.filter(pl.col("donor").is_in(specimens) & pl.col("stimulus").is_in(stimuli))
    return set(rows["plate_id"])


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


def _plate_keys(keys: Iterable[tuple[str, str]]) -> pl.DataFrame:
    return pl.DataFrame(list(keys), schema={"file_sha256": pl.String, "plate_id": pl.String}, orient="row")


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


def rejects_of(judgement: Judgement) -> pl.DataFrame:
    """All rejects of a judgement, in REJECT_COLUMNS, sorted."""
    schema = {name: REJECTS.schema[name] for name in REJECT_COLUMNS}
    parts = [frame.select(REJECT_COLUMNS) for frame in judgement.rejects if frame.height]
    return (
        (pl.concat(parts) if parts else pl.DataFrame(schema=schema))
        .unique()
        .sort("file_sha256", "table_name", "place", "rule", "column_name")
    )
