"""What perdure did in the sample study: two runs, files in every state, rejected rows, checks and decisions."""

# ruff: noqa: E501 - one row, one line

from __future__ import annotations

import polars as pl

from expectations.reasons import reason
from expectations.tables import TABLES
from tests.drawing import table
from tests.published_sample_cohort import filled

LAST_RUN = "2012-03-01T0615-0002"
FIRST_RUN = "2012-02-01T0615-0001"
STUDY_SHA = "5f" * 32

RUNS = f"""
    run_id      | started_at                | committed_at              | as_of_date | next_due_date | n_files_looked_at | n_files_held | n_rows_rejected | n_critical_failures | trigger
    {FIRST_RUN} | 2012-02-01T06:15:02 | 2012-02-01T06:15:20 | 2012-02-01 | 2012-03-01    | 31                | 4            | 2               | 1                   | first run
    {LAST_RUN}  | 2012-03-01T06:15:02 | 2012-03-01T06:15:19 | 2012-03-01 | 2012-05-05    | 3                 | 5            | 2               | 1                   | 3 new files
"""

HELD = (
    ("plates/GC_2041.txt", "aid_text", "aid.count_token", "line 31, well C5", "a cell of the grid reads `1O4`"),
    ("plates/GC_2042.txt", "aid_text", "layout.missing", "plate GC_2042", "no layout for 96 counted wells"),
    ("plates/GC_2031 corrected.txt", "aid_text", "conflict.same_plate", "plate GC_2031, well B7", "96 wells are held with other counts: 41 there, 14 here"),
    ("from clinic/follow-up march.xlsx", "reference_table", "expectation.critical", "sheet follow-up", "9 of 25 rows broke `contact_date is filled`"),
    ("misc/notes <draft>.docx", None, "format.unrecognised", None, "the content is that of no instrument or table"),
)  # fmt: skip


def files() -> pl.DataFrame:
    """Twenty plates and four tables accepted, and a file in each other state."""
    rows = [
        {"path": f"plates/GC_20{n:02d}.txt", "format": "aid_text", "state": "accepted", "n_rows": 96, "n_rejects": 0}
        for n in range(12, 32)
    ]
    rows += [
        {"path": f"reference/{name}.csv", "format": "reference_table", "state": state, "n_rows": n, "n_rejects": bad}
        for name, state, n, bad in (
            ("subjects", "accepted", 16, 0),
            ("specimens", "accepted_with_rejects", 98, 3),
            ("layouts", "accepted", 1920, 0),
            ("follow_up", "accepted_with_rejects", 61, 2),
        )
    ]
    rows += [
        {"path": path, "format": form, "state": "quarantined", "reason": code, "problem_place": place, "problem": problem,
         "remedy": reason(code).remedy, "n_rows": 96 if form == "aid_text" else None, "n_rejects": 0}
        for path, form, code, place, problem in HELD
    ]  # fmt: skip
    rows += [
        {"path": "plates/copy of GC_2013.txt", "state": "duplicate", "reason": "duplicate.same_bytes"},
        {"path": "plates/GC_2020 old.txt", "format": "aid_text", "state": "superseded", "reason": "superseded.newer_export"},
        {"path": "~$subjects.xlsx", "state": "ignored", "reason": "ignored.temporary_file"},
        {"path": "misc/photo.png", "state": "ignored", "reason": "ignored.dismissed", "decided_by": "A. Analyst", "decision_reason": "gel photo, not ours"},
    ]  # fmt: skip
    numbered = [
        {"file_sha256": f"{n:064x}", "size_bytes": 4000 + n, "arrival": 1, "first_run_id": FIRST_RUN, **row}
        for n, row in enumerate(rows, start=1)
    ]
    return filled("files", pl.DataFrame(numbered, infer_schema_length=None))


def rejects() -> pl.DataFrame:
    """Five rows split off, one of which broke two rules."""
    return table(
        """
        file_sha256 | path                    | table_name | place   | rule                  | column_name     | value      | says                                     | row
        22          | reference/specimens.csv | specimens  | line 17 | row.required          | collection_date |            | collection_date is filled                | {}
        22          | reference/specimens.csv | specimens  | line 40 | row.ambiguous_date    | collection_date | 03/04/2010 | every filled cell can be read            | {}
        22          | reference/specimens.csv | specimens  | line 71 | row.unknown_reference | subject_id      | P61        | subject_id is known to subjects          | {}
        22          | reference/specimens.csv | specimens  | line 71 | row.range             | viability_percent | 870      | viability_percent is between 0 and 100   | {}
        24          | reference/follow_up.csv | follow_up  | line 9  | row.allowed_values    | vital_status    | <lost>     | vital_status is one of alive, dead       | {}
        24          | reference/follow_up.csv | follow_up  | line 30 | row.required          | contact_date    |            | contact_date is filled                   | {}
        """,
        TABLES["rejects"],
    )


def quality_checks() -> pl.DataFrame:
    """The first run checked specimens and plates; the last one held a follow-up file back after its first attempt."""
    return table(
        f"""
        run_id      | table_name     | attempt | check_name                | says                                              | severity | success | n_rows | n_unexpected | limit_percent | examples
        {FIRST_RUN} | specimens      | 1       | rows                      | there is at least one row                         | critical | true    | 98     | 0            |               |
        {FIRST_RUN} | specimens      | 1       | viability_percent.range   | viability_percent is between 0 and 100            | critical | true    | 98     | 1            | 10            | 870
        {FIRST_RUN} | specimens      | 1       | declared_visit            | the declared visit is the one the date gives      | warning  | false   | 98     | 12           | 5             | P03-month 1
        {FIRST_RUN} | elispot_counts | 1       | rows                      | there is at least one row                         | critical | true    | 1920   | 0            |               |
        {FIRST_RUN} | elispot_counts | 1       | plate_id.layout           | plate_id is known to plate_layouts.plate_id       | critical | false   | 2016   | 96           | 0             | GC_2042
        {FIRST_RUN} | elispot_counts | 2       | plate_id.layout           | plate_id is known to plate_layouts.plate_id       | critical | true    | 1920   | 0            | 0             |
        {FIRST_RUN} | follow_up      | 1       | contact_date.required     | contact_date is filled                            | critical | true    | 61     | 1            | 10            |
        {LAST_RUN}  | follow_up      | 1       | contact_date.required     | contact_date is filled                            | critical | false   | 86     | 10           | 10            | line 4, line 8
        {LAST_RUN}  | follow_up      | 1       | key                       | subject_id, contact_date is unique                | critical | true    | 86     | 0            |               |
        """,
        TABLES["quality_checks"],
        engine="great_expectations",
        result="{}",
    )


def record_tables() -> dict[str, pl.DataFrame]:
    """Every record table of the sample but `settings`."""
    runs = table(RUNS, TABLES["runs"], program_version="0.1.0", study_file_sha256=STUDY_SHA, table_versions="{}")
    estimates = table(
        f"""
        estimate       | assay   | readout | version | limit_of_blank | control_mean | n_wells | estimated_on | input_sha256 | run_id
        limit_of_blank | elispot | IFNg    | 1       | 21.4           | 8.9          | 540     | 2012-02-01   | ab           | {FIRST_RUN}
        """,
        TABLES["estimates"],
    )
    return {
        "runs": runs,
        "files": files(),
        "rejects": rejects(),
        "quality_checks": quality_checks(),
        "estimates": estimates,
    }
