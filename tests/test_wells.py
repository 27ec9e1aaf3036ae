"""What was in each counted well."""

from __future__ import annotations

import polars as pl
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from expectations.computed import ELISPOT_WELLS
from expectations.ingested import ELISPOT_COUNTS, PLATE_LAYOUTS, PLATES, SPECIMENS
from expectations.study import StudySettings
from tests.drawing import table
from transforms.wells import elispot_wells


def study(**elispot) -> StudySettings:
    return StudySettings.model_validate(
        {
            "study": {"id": "T"},
            "visits": [{"name": "Baseline", "day": 0, "window": [-60, 0]}],
            "antigens": [
                {"name": "MART-1", "role": "tumour", "aliases": ["Melan-A", "MART1"]},
                {"name": "CMV", "role": "viral"},
            ],
            "controls": {"negative": ["medium", "DMSO"], "positive": ["PHA"], "unused": ["empty"]},
            "persistence": {"landmarks": [{"day": 30}]},
            "elispot": elispot,
        }
    )


def joined(counts: str, layouts: str, *, plates: str = "plate_id | analyte", settings: StudySettings | None = None):
    return elispot_wells(
        table(counts, ELISPOT_COUNTS, file_sha256="counts", place="grid"),
        table(plates, PLATES),
        table(layouts, PLATE_LAYOUTS, file_sha256="layout", place="line 2"),
        table("specimen_id | subject_id\n S1 | P1", SPECIMENS),
        settings or study(),
    )


LAYOUT = """
    plate_id | well | specimen_id | stimulus | cells_per_well | replicate
    X        | A1   | S1          | MART-1   | 200000         | 1
    X        | A2   | S1          | Melan-A  | 200000         | 2
    X        | A3   | S1          | CMV      | 100000         | 1
    X        | B1   | S1          | medium   | 200000         | 1
    X        | B2   | S1          | DMSO     | 200000         | 1
    X        | B3   | S1          | PHA      | 200000         | 1
    X        | C1   |             | empty    | 1              |
    X        | C2   |             | medium   | 200000         |
    X        | H12  | S1          | MART-1   | 200000         | 3
    """


def test_a_well_gets_its_meaning_from_the_layout():
    drawn = """
        well | spots | status  | well_role        | antigen | specimen_id | subject_id | cells_per_well | per_million
        A1   | 53    | counted | antigen          | MART-1  | S1          | P1         | 200000         | 265.0
        A2   |       | tntc    | antigen          | MART-1  | S1          | P1         | 200000         |
        A3   | 7     | counted | antigen          | CMV     | S1          | P1         | 100000         | 70.0
        B1   | 2     | counted | negative_control |         | S1          | P1         | 200000         | 10.0
        B2   | 0     | counted | negative_control |         | S1          | P1         | 200000         | 0.0
        B3   |       | masked  | positive_control |         | S1          | P1         | 200000         |
        C1   | 1     | counted | unused           |         |             |            | 1              | 1000000.0
        C2   | 0     | counted | unused           |         |             |            | 200000         | 0.0
        D1   | 4     | counted | unused           |         |             |            |                |
        """
    answer = table(drawn).rename({"per_million": "spots_per_million"})
    counts = table(drawn, ELISPOT_COUNTS, plate_id="X", analyte="IFNg").select(*ELISPOT_COUNTS.schema)
    wells = elispot_wells(
        counts,
        table("plate_id | analyte | read_date\n X | IFNg | 2020-05-04", PLATES),
        table(LAYOUT, PLATE_LAYOUTS, file_sha256="layout", place="line 2"),
        table("specimen_id | subject_id\n S1 | P1", SPECIMENS),
        study(),
    )
    assert_frame_equal(wells.select(answer.columns), answer, check_dtypes=False)
    assert wells["read_date"].null_count() == 0
    assert wells.filter(pl.col("well") == "D1")["layout_sha256"].to_list() == [None]
    assert wells.filter(pl.col("well") == "A1").select("layout_sha256", "layout_place").row(0) == ("layout", "line 2")


def test_the_ceiling_is_the_highest_countable_count_of_that_plate_and_analyte():
    wells = joined(
        """
        plate_id | well | analyte | spots | status
        X        | A1   | IFNg    | 310   | counted
        X        | A2   | IFNg    |       | tntc
        X        | D9   | IFNg    | 420   | counted
        X        | A1   | GrB     | 15    | counted
        X        | A2   | GrB     |       | tntc
        Y        | A2   | IFNg    |       | tntc
        Y        | A3   | IFNg    |       | masked
        """,
        LAYOUT,
    )
    ceilings = wells.filter(pl.col("status") == "tntc").select("plate_id", "analyte", "tntc_ceiling").rows()
    assert sorted(ceilings) == [("X", "GrB", 15), ("X", "IFNg", 420), ("Y", "IFNg", None)]


def test_a_set_ceiling_holds_for_every_plate():
    wells = joined(
        """
        plate_id | well | analyte | spots | status
        X        | A1   | IFNg    | 310   | counted
        X        | A2   | IFNg    |       | tntc
        Y        | A2   | IFNg    |       | tntc
        """,
        LAYOUT,
        settings=study(tntc_ceiling=600),
    )
    assert wells["tntc_ceiling"].to_list() == [600, 600, 600]


def test_too_many_to_count_is_never_a_number():
    wells = joined(
        "plate_id | well | analyte | status\n X | A2 | IFNg | tntc", LAYOUT, settings=study(tntc_ceiling=600)
    )
    assert wells.select("spots", "spots_per_million").row(0) == (None, None)


def test_one_well_stained_for_two_analytes_is_two_rows():
    wells = joined(
        "plate_id | well | analyte | spots | status\n X | A1 | IFNg | 3 | counted\n X | A1 | GrB | 5 | counted", LAYOUT
    )
    assert wells.select("well", "analyte", "antigen", "spots").rows() == [
        ("A1", "GrB", "MART-1", 5),
        ("A1", "IFNg", "MART-1", 3),
    ]


def test_no_plates_make_an_empty_table():
    frames = (ELISPOT_COUNTS.empty(), PLATES.empty(), PLATE_LAYOUTS.empty(), SPECIMENS.empty())
    assert_frame_equal(elispot_wells(*frames, study()), ELISPOT_WELLS.empty())


@given(st.permutations(range(9)))
def test_row_order_changes_nothing(order):
    layout = table(LAYOUT, PLATE_LAYOUTS, file_sha256="layout", place="line 2")
    counts = layout.select(
        "plate_id", "well", analyte=pl.lit("IFNg"), spots=pl.int_range(pl.len()), status=pl.lit("counted")
    )
    counts = ELISPOT_COUNTS.conform(counts.with_columns(file_sha256=pl.lit("counts"), place=pl.lit("grid")))
    specimens = table("specimen_id | subject_id\n S1 | P1", SPECIMENS)
    one = elispot_wells(counts, PLATES.empty(), layout, specimens, study())
    other = elispot_wells(counts[order], PLATES.empty(), layout[list(reversed(order))], specimens, study())
    assert_frame_equal(one, other)
