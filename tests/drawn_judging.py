"""Files judged as a run judges them, and the store after it; expectations are evaluated by rows, without a library."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from expectations.contract import Table
from expectations.ingested import INGESTED
from expectations.records import CHECK_COLUMNS, QUALITY_CHECKS
from expectations.study import StudySettings
from tests import drawn_exports
from transforms.judging import Candidate, Judgement, LiveFile, judge, rejects_of
from transforms.splitting import Known
from transforms.splitting import tests_of as row_tests_of

Store = dict[str, pl.DataFrame]

SUBJECTS = "subject_id,enrolment_date\nS1,2012-01-01\nS2,2012-01-02\n"
SPECIMENS = "specimen_id,subject_id,collection_date\nB1,S1,2012-01-10\nB2,S2,2012-01-11\n"


def by_rows(table: Table, incoming: pl.DataFrame, known: Known) -> pl.DataFrame:
    """The checks of a table, in CHECK_COLUMNS: each part of a rule against its limit, and that there are rows."""
    told = []
    for test in row_tests_of(table, known):
        n = incoming.filter(test.rule.applies).height
        for number, holds in enumerate(test.parts):
            name = test.rule.name if len(test.parts) == 1 else f"{test.rule.name}: part {number}"
            n_bad = incoming.filter(~holds).height
            told.append((name, test.rule.says, test.rule.severity, n_bad <= test.rule.limit * n, n_bad))
    told.append(("row_count", "there is at least one row", "critical", incoming.height > 0, None))
    rows = [
        (table.name, name, says, "rows", severity, success, incoming.height, n_bad, None, None, "{}")
        for name, says, severity, success, n_bad in told
    ]
    return pl.DataFrame(rows, schema={name: QUALITY_CHECKS.schema[name] for name in CHECK_COLUMNS}, orient="row")


def empty_store() -> Store:
    return {table.name: table.empty() for table in INGESTED}


def judged(
    files: Iterable[Candidate], store: Store | None = None, settings: StudySettings = drawn_exports.SETTINGS
) -> Judgement:
    """One judgement; the files of the store all arrived in run 1 under their sha256 as path."""
    live = empty_store() if store is None else store
    shas = sorted({sha for frame in live.values() for sha in frame["file_sha256"]})
    return judge(list(files), live, [LiveFile(sha, f"{sha}.csv", 1) for sha in shas], settings, by_rows)


def after(store: Store, judgement: Judgement) -> Store:
    """The store once a judgement is carried out."""
    return {
        table.name: pl.concat(
            [
                store[table.name].join(
                    judgement.replaced[table.name], on=list(table.schema), how="anti", nulls_equal=True
                ),
                judgement.new[table.name],
            ]
        ).sort(table.key)
        for table in INGESTED
    }


def stored(*contents: str) -> Store:
    """The store after one run over these files."""
    files = [drawn_exports.candidate(content, f"{n}.csv") for n, content in enumerate(contents)]
    judgement = judged(files)
    assert judgement.holds == {}
    return after(empty_store(), judgement)


def holds(judgement: Judgement, *files: Candidate) -> dict[str, str]:
    """Path to reason code of the files held back or left out."""
    paths = {one.file_sha256: one.path for one in files}
    return {paths[sha]: hold.code for sha, hold in judgement.holds.items()}


def rejects(judgement: Judgement, *files: Candidate) -> list[tuple[str, str, str]]:
    """Path, place and rule of every reject."""
    paths = {one.file_sha256: one.path for one in files}
    told = rejects_of(judgement).select("file_sha256", "place", "rule").rows()
    return sorted((paths[sha], place, rule) for sha, place, rule in told)
