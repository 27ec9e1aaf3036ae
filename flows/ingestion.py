"""One ingest: its steps as plain methods, so that Prefect tasks, tests and the flow all call the same code."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Final

import polars as pl

from expectations import suites
from expectations.errors import SourceFileError
from expectations.ingested import INGESTED
from expectations.records import DECISIONS, FILES, QUALITY_CHECKS, REJECTS
from flows.triggers import Todo
from transforms.file_states import HELD, Events, Row, file_states, is_replaced
from transforms.judging import Candidate, Hold, Judgement, LiveFile, judge, rejects_of
from transforms.readers import redcap, registry
from transforms.readers.source import Reading, SourceFile
from warehouse import archive, inbox, lake
from warehouse.inbox import Sighting
from warehouse.ledger import run_number

LOG = logging.getLogger("perdure")

_COPIES: Final = ("duplicate.same_bytes", inbox.TEMPORARY)
"""Reasons of places where a file did not come in."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person decided about a file held back."""

    file_sha256: str
    action: str
    decided_by: str
    because: str


class Ingestion:
    """The state of one ingest. Steps are called in order: take_in, read, judge, store."""

    def __init__(
        self, todo: Todo, run_id: str, number: int, versions: Mapping[str, int], decisions: Iterable[Decision]
    ) -> None:
        """`versions` are those of the repaired lake; `number` is the run's."""
        self.todo, self.run_id, self.number = todo, run_id, number
        self.folder, self.settings = todo.study.folder, todo.study.settings
        self.versions = dict(versions)
        self.decisions = list(decisions)
        self.events = Events(in_inbox={one.path: one.sha256 for one in todo.seen.sightings})
        self.previous: list[Row] = lake.read(self.folder, FILES, versions).to_dicts()
        self._rows = {(row["file_sha256"], row["path"]): row for row in self.previous}
        self.released_in: dict[str, int] = {}
        """file_sha256 to the number of the run in which a person released it."""
        self.refused_again: set[str] = set()
        """Files whose rows stay in the store though they can no longer be read as study.toml says."""
        self.waiting: list[str] = list(todo.seen.unreadable)
        self.to_read: list[Row] = []
        self.candidates: list[Candidate] = []
        self.judgement = Judgement()
        self.files = FILES.empty()

    def take_in(self) -> int:
        """Waits until new files have settled, archives their bytes, and lists what is to be read; gives its number."""
        self._decide()
        ignored = [one for one in self.todo.new if inbox.is_temporary(one.path)]
        fresh = [one for one in self.todo.new if not inbox.is_temporary(one.path)]
        known = {row["file_sha256"] for row in self.previous if row["reason"] != inbox.TEMPORARY}
        for some in inbox.portions(fresh):
            self._keep(some, known)
        for one in ignored:
            self.events.ignored.append(self._row(one))
        reading = {row["file_sha256"] for row in self.to_read}
        self.to_read += [row for row in self._again() if row["file_sha256"] not in reading]
        return len(self.to_read)

    def _keep(self, some: list[Sighting], known: set[str]) -> None:
        """Archives what has settled of some files and is not `known` already."""
        quiet, moving = inbox.settled(self.todo.study.inbox, some, self.todo.seen.at)
        self.waiting += moving
        fresh = []
        for one in some:
            if one.path not in quiet:
                continue
            if (one.sha256, one.path) in self._rows:
                self._take_back(one)
                continue
            if one.sha256 in known:
                self.events.duplicates.append(self._row(one))
                continue
            known.add(one.sha256)
            fresh.append(one)
        archive.keep_all(self.folder, [quiet[one.path] for one in fresh])
        rows = [self._row(one) for one in fresh]
        self.events.new += rows
        self.to_read += rows

    def _take_back(self, one: Sighting) -> None:
        """Bytes that lay here before others did count as arriving now, unless a person dismissed them."""
        row = self._rows[one.sha256, one.path] | {"arrival": self.number}
        self.events.returned.append(row)
        is_read = any(other["file_sha256"] == one.sha256 for other in self.to_read)
        if one.sha256 not in self.events.dismissed and not is_read:
            self.to_read.append(row)

    @property
    def has_seen_anything(self) -> bool:
        """False where every new file still waits."""
        return bool(self.events.new or self.events.duplicates or self.events.returned)

    def read(self) -> int:
        """Reads every file from the archive; one that no reader can read is refused and the rest goes on."""
        for row in self.to_read:
            source = SourceFile(row["path"], row["file_sha256"], archive.fetch(self.folder, row["file_sha256"]))
            reading = self._reading(source)
            if reading is not None:
                sha, released = row["file_sha256"], self.released_in.get(row["file_sha256"])
                self.candidates.append(
                    Candidate(sha, row["path"], row["arrival"], reading, released is not None, released)
                )
        return len(self.candidates)

    def judge(self) -> int:
        """Checks, splits and compares everything read; gives the number of files held back."""
        live = {table.name: lake.read(self.folder, table, self.versions) for table in INGESTED}
        present = {sha for frame in live.values() for sha in frame["file_sha256"].unique()}
        given_up = self._given_up(live)
        live = {
            name: frame.join(given_up[name], on=frame.columns, how="anti", nulls_equal=True)
            for name, frame in live.items()
        }
        self._keep_refused(present & {sha for frame in live.values() for sha in frame["file_sha256"].unique()})
        self.judgement = judge(self.candidates, live, self._live_files(present), self.settings, suites.check)
        for name, rows in given_up.items():
            self.judgement.replaced[name] = pl.concat([self.judgement.replaced[name], rows])
        self.files = file_states(self.previous, self.events, self.candidates, self.judgement)
        return len(self.judgement.holds)

    def _live_files(self, present: set[str]) -> list[LiveFile]:
        """The files of the rows in the store, each at the place where it lay first and not at that of a copy."""
        inside, here = self.events.in_inbox, self._here
        copies_first = sorted(self.previous, key=lambda row: row["reason"] not in _COPIES)
        found = {
            sha: LiveFile(
                sha,
                row["path"],
                row["arrival"],
                self.released_in.get(sha),
                sha in here,
                inside.get(row["path"]) if row["format"] in registry.BY_STUDY_FILE and sha not in here else None,
            )
            for row in copies_first
            if (sha := row["file_sha256"]) in present
        }
        return list(found.values())

    def _keep_refused(self, present: set[str]) -> None:
        """Files that came in and are refused on reading them again: what they gave stays, and the refusal says so."""
        for sha, (form, hold, remedy) in self.events.refused.items():
            if sha in present:
                problem = f"{hold.problem}; the rows that came in from it before stay"
                self.events.refused[sha] = (form, replace(hold, problem=problem), remedy)
                self.refused_again.add(sha)

    def _given_up(self, live: Mapping[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
        """Rows of files read again in tables that study.toml no longer fills from them.

        One that no entry maps any more gives up all of them; one that is refused for a fault keeps them.
        """
        fills = {
            one.file_sha256: set(one.reading.tables)
            for one in self.candidates
            if one.reading.format in registry.BY_STUDY_FILE
        }
        unmapped = {sha for sha, (_, hold, _) in self.events.refused.items() if hold.code == redcap.UNMAPPED}
        again = [*fills, *unmapped]
        return {
            name: frame.filter(pl.col("file_sha256").is_in([sha for sha in again if name not in fills.get(sha, ())]))
            for name, frame in live.items()
        }

    def store(self) -> dict[str, int]:
        """Writes what came in and what was noted; gives the versions of all tables."""
        days = self.settings.store.as_of_days
        for table in INGESTED:
            new = self.judgement.new.get(table.name, table.empty())
            gone = self.judgement.replaced.get(table.name, table.empty())
            touched = set(gone["file_sha256"])
            if touched:
                live = lake.read(self.folder, table, self.versions).filter(pl.col("file_sha256").is_in(touched))
                stay = live.join(gone, on=list(table.key_in_file), how="anti", nulls_equal=True)
                new = pl.concat([stay, new])
            if touched or new.height:
                self.versions[table.name] = lake.rewrite(self.folder, table, touched, new, days)
        self._store_records(days)
        return self.versions

    def _store_records(self, days: int) -> None:
        judged = ({row["file_sha256"] for row in self.to_read} - self.refused_again) | self._mended()
        judged &= set(lake.read(self.folder, REJECTS, self.versions)["file_sha256"])
        rejects = rejects_of(self.judgement)
        if rejects.height or judged:
            paths = self.files.group_by("file_sha256").agg(pl.col("path").first())
            told = rejects.join(paths, on="file_sha256", how="left", validate="m:1")
            self.versions["rejects"] = lake.rewrite(self.folder, REJECTS, judged, told, days)
        if self.judgement.checks:
            checks = pl.concat(self.judgement.checks).with_columns(pl.lit(self.run_id).alias("run_id"))
            self.versions["quality_checks"] = lake.append(self.folder, QUALITY_CHECKS, checks, days)
        if self.decisions:
            rows = [
                {
                    "file_sha256": one.file_sha256,
                    "action": one.action,
                    "decided_at": datetime.now(UTC).replace(tzinfo=None),
                    "decided_by": one.decided_by,
                    "because": one.because,
                    "run_id": self.run_id,
                }
                for one in self.decisions
            ]
            self.versions["decisions"] = lake.append(
                self.folder, DECISIONS, pl.DataFrame(rows, schema=DECISIONS.schema), days
            )
        self.versions["files"] = lake.replace(self.folder, FILES, self.files, days)

    def _decide(self) -> None:
        """Applies today's decisions on top of those of earlier runs; the latest on a file holds."""
        earlier = lake.read(self.folder, DECISIONS, self.versions).sort("decided_at").to_dicts()
        told = [*earlier, *(asdict(one) | {"run_id": self.run_id} for one in self.decisions)]
        for row in told:
            by = {"decided_by": row["decided_by"], "decision_reason": row["because"]}
            mine, other = self.events.released, self.events.dismissed
            if row["action"] == "dismiss":
                mine, other = other, mine
            mine[row["file_sha256"]] = by
            other.pop(row["file_sha256"], None)
            self.released_in.pop(row["file_sha256"], None)
            if row["action"] == "release":
                self.released_in[row["file_sha256"]] = run_number(row["run_id"])

    def _again(self) -> list[Row]:
        """Earlier files to read once more.

        Those that did not come in whole: held back, rejects that other data may mend, or released now. Those that came
        in as study.toml said, where it says something else now. And every table where one was saved over: the file
        that lies in its place, and others that may hold a row which only the one that goes was noted for.
        """
        is_any_saved_over = self._is_any_saved_over()
        now = {one.file_sha256 for one in self.decisions if one.action == "release"}
        mended = self._mended()
        rows: dict[str, Row] = {}
        for row in self.previous:
            sha = row["file_sha256"]
            partly = row["state"] == "accepted_with_rejects" and row["format"] in registry.TRIED_AGAIN
            is_open = row["state"] == HELD or partly or self._is_told_otherwise(row)
            unfinished = (is_open or (is_any_saved_over and self._is_table_in(row))) and sha not in mended
            if sha not in self.events.dismissed and (unfinished or sha in now):
                rows.setdefault(row["file_sha256"], row)
        return list(rows.values())

    def _is_told_otherwise(self, row: Row) -> bool:
        """True for a file that came in by a study file which has changed since, unless others took its place."""
        head = self.todo.head
        if head is None or head.row["study_file_sha256"] == self.todo.study.sha256:
            return False
        return row["format"] in registry.BY_STUDY_FILE and self._is_table_in(row)

    def _is_table_in(self, row: Row) -> bool:
        """True for a table that came in, said what was known or, under `newest`, was older; not one saved over."""
        came_in = row["state"].startswith("accepted") or row["reason"] == "duplicate.same_values"
        is_newest = self.settings.corrections.reference_tables == "newest"
        is_older = is_newest and row["reason"] == "superseded.newer_export" and row["file_sha256"] in self._here
        return row["format"] in registry.TRIED_AGAIN and (came_in or is_older) and not self._is_gone(row)

    def _is_any_saved_over(self) -> bool:
        """True where an export of a trial database that came in gives way to what lies in its place now."""
        arrivals = {row["file_sha256"]: row["arrival"] for row in (*self.previous, *self.events.new, *self.to_read)}
        return any(
            self.released_in.get(row["file_sha256"], -1) < arrivals.get(self.events.in_inbox[row["path"]], -1)
            for row in self.previous
            if row["state"].startswith("accepted") and row["format"] in registry.BY_STUDY_FILE and self._is_gone(row)
        )

    @cached_property
    def _here(self) -> set[str]:
        """sha256 of everything in the inbox."""
        return set(self.events.in_inbox.values())

    def _is_gone(self, row: Row) -> bool:
        return is_replaced([row], row["file_sha256"], self._here, self.events.in_inbox)

    def _mended(self) -> set[str]:
        """Files held back or accepted in part whose place in the inbox other bytes have taken: they are history."""
        open_ones = (row for row in self.previous if row["state"] in (HELD, "accepted_with_rejects"))
        return {row["file_sha256"] for row in open_ones if self._is_gone(row)}

    def _reading(self, source: SourceFile) -> Reading | None:
        try:
            return registry.read(source, self.settings)
        except SourceFileError as error:
            hold = Hold(error.code, error.place, error.problem)
            self.events.refused[source.sha256] = (None, hold, error.remedy)
        except Exception:  # a fault of ours on one file must not stop the other 399
            LOG.exception("perdure failed on %s; the file is held back", source.path)
            hold = Hold("format.reader_failed", None, "perdure failed on this file; the log has the traceback")
            self.events.refused[source.sha256] = (None, hold, hold.remedy)
        return None

    def _row(self, one: Sighting) -> Row:
        empty: dict[str, Any] = dict.fromkeys(FILES.schema)
        return empty | {
            "file_sha256": one.sha256,
            "path": one.path,
            "size_bytes": one.size_bytes,
            "arrival": self.number,
            "first_run_id": self.run_id,
        }
