"""A cohort drawn for tests of associations, and the tables that associations are made of."""

from __future__ import annotations

import polars as pl

from expectations.computed import PERSISTENCE_BY_SUBJECT, RESPONSES, VISITED_SPECIMENS
from expectations.contract import Table
from expectations.outcome_tables import INFUSED_CELLS, OUTCOMES
from expectations.study import StudySettings
from tests.drawing import table
from transforms.association import associations

# os_days and pfs_days count both ends: 105 days end on study day 104 = 90 + 14, the landmark's time zero.
COHORT = """
    subject_id | is_infused | best       | os_days | os_event | pfs_days | pfs_event | pfs_reason      | persistent | cells | is_below_lod | lod
    P1         | true       | CR         | 501     | false    | 501      | false     | last_assessment | true       | 9e8   | false        | 1e7
    P2         | true       | PR         | 401     | true     | 200      | true      | progression     | true       | 8e8   | false        | 1e7
    P3         | true       | CR         | 301     | false    | 301      | false     | last_assessment | true       | 7e8   | false        | 1e7
    P4         | true       | PR         | 280     | true     | 150      | true      | progression     | false      | 6e8   | false        | 1e7
    P5         | true       | SD         | 250     | true     | 100      | true      | progression     | true       | 5e8   | false        | 1e7
    P6         | true       | SD         | 200     | true     | 110      | true      | progression     | false      | 4e8   | false        | 1e7
    P7         | true       | PD         | 150     | true     | 60       | true      | progression     | false      | 3e8   | false        | 1e7
    P8         | true       | SD         | 120     | true     | 120      | true      | death           | false      | 2e8   | false        | 1e7
    P9         | true       | PD         | 105     | true     | 105      | true      | death           | true       | 1e8   | false        | 1e7
    P10        | true       | PD         | 60      | true     | 60       | true      | death           | true       |       |              |
    P11        | true       | NON-CR/NON-PD | 300  | true     | 80       | false     | new_therapy     |            | 5e7   | false        | 1e7
    P12        | true       | NE         | 300     | true     | 300      | true      | death           | false      | 4e7   | false        | 1e7
    P13        | true       |            | 50      | true     | 50       | true      | death           |            |       |              |
    P14        | false      |            |         | true     |          |           |                 |            |       |              |
    P15        | true       | PD         |         |          |          |           |                 | false      | 3e7   | false        | 1e7
"""  # noqa: E501 - one subject, one line

_TYPES = {
    **dict.fromkeys(("best", "pfs_reason"), pl.String),
    **dict.fromkeys(("persistent", "os_event", "pfs_event", "is_below_lod"), pl.Boolean),
    **dict.fromkeys(("cells", "lod"), pl.Float64),
    **dict.fromkeys(("os_days", "pfs_days"), pl.Int32),
}


def cohort(drawing: str = COHORT) -> pl.DataFrame:
    """Subjects; PFS is null where it is not drawn."""
    return cohort_of(table(drawing))


def cohort_of(drawn: pl.DataFrame) -> pl.DataFrame:
    """Subjects of a frame, with the columns that are not drawn null."""
    absent = {name: pl.lit(None) for name in _TYPES if name not in drawn.columns}
    return drawn.with_columns(**absent).cast(_TYPES)


def under(contract: Table, frame: pl.DataFrame, **constants: object) -> pl.DataFrame:
    """The frame with every column of the contract, those not drawn null."""
    given_columns = [pl.lit(value).alias(name) for name, value in constants.items()]
    return contract.conform(pl.concat([contract.empty(), frame.with_columns(given_columns)], how="diagonal_relaxed"))


def by_subject(drawn: pl.DataFrame, **constants: object) -> pl.DataFrame:
    """PERSISTENCE_BY_SUBJECT of the primary series at day 90, unless said otherwise."""
    traits = {"assay": "elispot", "population": "all cells", "readout": "IFNg", "rule": "dfr_eq"}
    traits |= {"landmark_day": 90, "half_width_days": 14}
    known = drawn.filter("is_infused").select("subject_id", "persistent", *{"induced"} & set(drawn.columns))
    return under(PERSISTENCE_BY_SUBJECT, known, **{**traits, **constants})


def outcomes(drawn: pl.DataFrame) -> pl.DataFrame:
    """OUTCOMES; response and disease control follow from the best response."""
    best = pl.col("best")
    is_known = best.is_not_null() & (best != "NE")
    return under(
        OUTCOMES,
        drawn.select(
            "subject_id", "is_infused", "os_days", "os_event", "pfs_days", "pfs_event", "pfs_reason",
            *{"best_change_percent"} & set(drawn.columns),
            best_overall_response="best",
            is_evaluable=is_known,
            is_responder=pl.when(is_known).then(best.is_in(["CR", "PR"])),
            has_disease_control=pl.when(is_known).then(best != "PD"),
        ),
    )  # fmt: skip


def infused_cells(drawn: pl.DataFrame) -> pl.DataFrame:
    """INFUSED_CELLS."""
    names = {"cells": "tumour_reactive_cells", "lod": "tumour_reactive_cells_lod"}
    columns = drawn.filter("is_infused").select("subject_id", "cells", "lod", "is_below_lod").rename(names)
    return under(INFUSED_CELLS, columns)


def tables_of(drawn: pl.DataFrame, exposure: pl.DataFrame | None = None) -> dict[str, pl.DataFrame]:
    """What `associations` takes; no sample beyond what `exposure` says."""
    return {
        "persistence_by_subject": by_subject(drawn) if exposure is None else exposure,
        "outcomes": outcomes(drawn),
        "infused_cells": infused_cells(drawn),
        "responses": RESPONSES.empty(),
        "visited_specimens": VISITED_SPECIMENS.empty(),
    }


def associate(
    drawn: pl.DataFrame, settings: StudySettings, exposure: pl.DataFrame | None = None, **tables: pl.DataFrame
) -> pl.DataFrame:
    """ASSOCIATIONS of the cohort."""
    return associations(tables_of(drawn, exposure) | tables, settings)
