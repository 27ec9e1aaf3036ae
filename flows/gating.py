"""Counting again what workspaces store, from the FCS files, in as many processes as there is work for."""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from expectations.records import REGATED_COUNTS
from expectations.study import StudySettings
from transforms.gating import COUNTED, counted_again, document, engine, plan_of
from transforms.gating_pairs import pairs
from transforms.gating_plan import FAILED
from transforms.gating_tube import Tube
from warehouse import archive, events

if TYPE_CHECKING:
    from transforms.fcs.data_sets import DataSet

LOG = logging.getLogger("perdure")

FEW: Final = 6
"""Pairs that are gated here: a process of its own takes as long to import FlowKit."""
_MOST_PROCESSES: Final = 8
"""Unless the study file asks for more: each holds a whole FCS file in memory."""
_MOST_AT_ONCE: Final = 4
"""Pairs a process is given at once: few, so that none works on alone at the end."""
_SHARES: Final = 4
"""Portions a process gets at least, where there is enough to do: they do not all take the same time."""
_THREADS: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "POLARS_MAX_THREADS")
"""What libraries ask for how many threads to take, when they are imported."""


@dataclass(frozen=True, slots=True)
class Portion:
    """Samples of one workspace or Gating-ML file, each with its FCS file."""

    gating_sha256: str
    pairs: tuple[tuple[int, str], ...]

    @property
    def apart(self) -> list[Portion]:
        """Every pair by itself."""
        return [Portion(self.gating_sha256, (pair,)) for pair in self.pairs]


def regate(
    folder: Path,
    tables: dict[str, pl.DataFrame],
    settings: StudySettings,
    run_id: str,
) -> pl.DataFrame:
    """New rows of REGATED_COUNTS: every pair of sample and FCS file that this version of FlowKit has not counted yet.

    A pair that goes wrong, whatever happens to the process that tries, has a row for all events with gating.failed, and
    is tried again on the next run.

    Args:
        folder: of the study, for the archive.
        tables: cytometry_samples, cytometry_files, cytometry_tubes, matched_samples and regated_counts by name.
        settings: cytometry.gating.
        run_id: of this run.
    """
    gating = settings.cytometry.gating
    if not gating.enabled:
        return REGATED_COUNTS.empty()
    names = ("cytometry_samples", "cytometry_files", "cytometry_tubes", "matched_samples")
    todo = _not_yet_counted(pairs(*(tables[name] for name in names)), tables["regated_counts"])
    processes = gating.processes or _processes()
    by = {"engine": pl.lit(engine()), "run_id": pl.lit(run_id)}
    counted = [
        REGATED_COUNTS.conform(one.with_columns(**by)) for one in _gated(folder, portions(todo, processes), processes)
    ]
    told = pl.concat([REGATED_COUNTS.empty(), *counted])
    return told.unique(REGATED_COUNTS.key, keep="first", maintain_order=True).sort(REGATED_COUNTS.key)


def keep_events(folder: Path, files: pl.DataFrame, settings: StudySettings) -> int:
    """Keeps the events of FCS files that are not kept yet, where the study file asks for it; gives their number.

    Args:
        folder: of the study.
        files: CYTOMETRY_FILES.
        settings: cytometry.gating.keep_events.
    """
    if not settings.cytometry.gating.keep_events:
        return 0
    n_kept = 0
    for digest in files["file_sha256"].unique().sort():
        if events.is_whole(events.place(folder, digest)):
            continue
        try:
            events.keep(folder, digest, _data_set(folder, digest).events())
            n_kept += 1
        except Exception:  # one file that goes wrong must not cost the others their events, nor the run its tables
            LOG.exception("the events of %s are not kept", digest)
    return n_kept


def _processes() -> int:
    """As many as there are cores this process may use, up to a limit."""
    there = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(there, _MOST_PROCESSES)


def portions(todo: pl.DataFrame, processes: int) -> list[Portion]:
    """Pairs in portions of one workspace each, small enough that every process gets several."""
    size = max(1, min(_MOST_AT_ONCE, math.ceil(todo.height / (processes * _SHARES))))
    told = []
    for (digest,), rows in todo.sort("file_sha256", "sample_number", "fcs_sha256").group_by(
        "file_sha256", maintain_order=True
    ):
        some = list(rows.select("sample_number", "fcs_sha256").iter_rows())
        told += [Portion(str(digest), tuple(some[begin : begin + size])) for begin in range(0, len(some), size)]
    return told


def gate_portion(folder: str, portion: Portion) -> pl.DataFrame:
    """The counts of a portion (REGATED_COUNTS without engine and run), gated in this process."""
    root = _parsed(folder, portion.gating_sha256)
    told = [_one(Path(folder), root, portion.gating_sha256, number, fcs) for number, fcs in portion.pairs]
    return pl.concat(told)


@lru_cache(maxsize=1)
def _parsed(folder: str, digest: str) -> Any:
    """A workspace or Gating-ML file, parsed once for all the portions of it that a process is given in turn."""
    return document(archive.place(Path(folder), digest).read_bytes())


def _one(folder: Path, root: Any, gating: str, number: int, fcs: str) -> pl.DataFrame:
    try:
        counted = counted_again(plan_of(root, number), tube_of(_data_set(folder, fcs)))
    except Exception:  # one pair that goes wrong must not cost the others their counts
        LOG.exception("sample %s of %s could not be gated on %s", number, gating, fcs)
        counted = _uncounted()
    return _of_pair(counted, gating, number, fcs)


def tube_of(data_set: DataSet) -> Tube:
    """The events of a data set as gates ask for them, on the linear scale."""
    linear = data_set.events(linear=True)
    return Tube(
        [channel.name for channel in data_set.channels],
        [channel.stain for channel in data_set.channels],
        lambda index: linear.to_series(index).cast(pl.Float64).to_numpy(),
        linear.height,
        data_set.spillover,
    )


def _data_set(folder: Path, digest: str) -> DataSet:
    from transforms.fcs.data_sets import file_on_disk, open_fcs

    return open_fcs(file_on_disk(archive.place(folder, digest)))[0]


def _not_yet_counted(paired: pl.DataFrame, regated: pl.DataFrame) -> pl.DataFrame:
    is_counted = (pl.col("reason") != FAILED).fill_null(value=True)
    done = regated.filter(is_counted, pl.col("engine") == engine())
    there = paired.filter(pl.col("fcs_sha256").is_not_null())
    return there.join(done, on=("file_sha256", "sample_number", "fcs_sha256"), how="anti")


def _gated(folder: Path, todo: Sequence[Portion], processes: int) -> Iterator[pl.DataFrame]:
    if processes == 1 or sum(len(portion.pairs) for portion in todo) <= FEW:
        yield from (gate_portion(str(folder), portion) for portion in todo)
        return
    done, broken = _in_processes(folder, todo, processes)
    yield from done
    left = [one for several in broken for one in several.apart]
    while left:
        # In a single process they are gated one after the other: the first that has no counts is the one that ended it.
        done, left = _in_processes(folder, left, 1)
        yield from done
        for pair in left[:1]:
            LOG.error("the process that gated %s on %s ended", pair.gating_sha256, pair.pairs[0][1])
            yield _of_pair(_uncounted(), pair.gating_sha256, *pair.pairs[0])
        left = left[1:]


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Processes started meanwhile compute in one thread: there are as many of them as cores."""
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _in_processes(folder: Path, todo: Sequence[Portion], processes: int) -> tuple[list[pl.DataFrame], list[Portion]]:
    """What was counted, and the portions that were under way or waiting when a process ended."""
    done, broken = [], []
    # Spawned: a fork would take over the threads of Polars and Prefect in whatever state they are in.
    with ProcessPoolExecutor(min(processes, len(todo)), mp_context=get_context("spawn")) as pool:
        asked: list[tuple[Portion, Future[pl.DataFrame] | None]] = []
        with _one_thread_each():
            for portion in todo:
                try:
                    asked.append((portion, pool.submit(gate_portion, str(folder), portion)))
                except BrokenProcessPool:
                    asked.append((portion, None))
        for portion, future in asked:
            try:
                if future is None:
                    broken.append(portion)
                else:
                    done.append(future.result())
            except BrokenProcessPool:
                broken.append(portion)
    return done, broken


def _uncounted() -> pl.DataFrame:
    return pl.DataFrame([("", None, None, FAILED)], schema=COUNTED, orient="row")


def _of_pair(counted: pl.DataFrame, gating: str, number: int, fcs: str) -> pl.DataFrame:
    return counted.with_columns(
        file_sha256=pl.lit(gating),
        sample_number=pl.lit(number, REGATED_COUNTS.schema["sample_number"]),
        fcs_sha256=pl.lit(fcs),
    )
