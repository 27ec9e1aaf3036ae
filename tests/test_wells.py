"""What was in each counted well."""

from __future__ import annotations

import polars as pl
from hypothesis import given
from hypothesis import settings as law
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from expectations.computed import ELISPOT_WELLS
from expectations.ingested import (
    ELISPOT_COUNTS,
    INSTRUMENT_LAYOUTS,
    LAYOUT_TEMPLATES,
    PLATE_LAYOUTS,
    PLATE_TEMPLATES,
    PLATES,
    SPECIMENS,
)
from expectations.study import StudySettings
from tests import drawn_layouts
from tests.drawing import table
from tests.drawn_layouts import counted
from transforms.layouts import layouts
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


def effective(plate_layouts: pl.DataFrame, specimens: pl.DataFrame) -> pl.DataFrame:
    """The layouts of a study that has a layout table only."""
    tables = {one.name: one.empty() for one in (LAYOUT_TEMPLATES, PLATE_TEMPLATES, INSTRUMENT_LAYOUTS)}
    return layouts({**tables, "plate_layouts": plate_layouts, "specimens": specimens}, study()).effective


def joined(counts: str, layout: str, *, plates: str = "plate_id | analyte", settings: StudySettings | None = None):
    specimens = table("specimen_id | subject_id\n S1 | P1", SPECIMENS)
    return elispot_wells(
        table(counts, ELISPOT_COUNTS, file_sha256="counts", place="grid"),
        table(plates, PLATES),
        effective(table(layout, PLATE_LAYOUTS, file_sha256="layout", place="line 2"), specimens),
        specimens,
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
    specimens = table("specimen_id | subject_id\n S1 | P1", SPECIMENS)
    wells = elispot_wells(
        counts,
        table("plate_id | analyte | read_date\n X | IFNg | 2020-05-04", PLATES),
        effective(table(LAYOUT, PLATE_LAYOUTS, file_sha256="layout", place="line 2"), specimens),
        specimens,
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


def test_a_reference_sample_belongs_to_nobody_even_where_somebody_lists_it_among_the_specimens():
    listed = "plate_id | well | analyte | spots | status\n X | A1 | IFNg | 3 | counted"
    told = study(trend={"reference_samples": ["S1"]})
    assert joined(listed, LAYOUT, settings=told).select("specimen_id", "subject_id").row(0) == ("S1", None)
    assert joined(listed, LAYOUT).select("specimen_id", "subject_id").row(0) == ("S1", "P1")


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


def test_a_set_ceiling_below_a_count_of_the_plate_gives_way_to_that_count():
    wells = joined(
        """
        plate_id | well | analyte | spots | status
        X        | A1   | IFNg    | 650   | counted
        X        | A2   | IFNg    |       | tntc
        Y        | A2   | IFNg    |       | tntc
        """,
        LAYOUT,
        settings=study(tntc_ceiling=400),
    )
    assert wells["tntc_ceiling"].to_list() == [650, 650, 400]


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
    no_layout = effective(PLATE_LAYOUTS.empty(), SPECIMENS.empty())
    frames = (ELISPOT_COUNTS.empty(), PLATES.empty(), no_layout, SPECIMENS.empty())
    assert_frame_equal(elispot_wells(*frames, study()), ELISPOT_WELLS.empty())


@given(st.permutations(range(9)))
@law(deadline=None)
def test_row_order_changes_nothing(order):
    layout = table(LAYOUT, PLATE_LAYOUTS, file_sha256="layout", place="line 2")
    counts = layout.select(
        "plate_id", "well", analyte=pl.lit("IFNg"), spots=pl.int_range(pl.len()), status=pl.lit("counted")
    )
    counts = ELISPOT_COUNTS.conform(counts.with_columns(file_sha256=pl.lit("counts"), place=pl.lit("grid")))
    specimens = table("specimen_id | subject_id\n S1 | P1", SPECIMENS)
    one = elispot_wells(counts, PLATES.empty(), effective(layout, specimens), specimens, study())
    shuffled = effective(layout[list(reversed(order))], specimens)
    other = elispot_wells(counts[order], PLATES.empty(), shuffled, specimens, study())
    assert_frame_equal(one, other)


CONTROLS = """
    plate_id | well | specimen_id | stimulus  | cells_per_well | control
    X        | A1   | S1          | MART-1    | 200000         |
    X        | A2   | S1          | CMV       | 200000         | line X
    X        | A3   | S1          | gp100     | 200000         |
    X        | A4   | S1          | gp100     | 200000         | DMSO 0.1%
    X        | A5   | S2          | gp100     | 200000         | RPMI
    X        | B1   | S1          | RPMI      | 200000         | DMSO
    X        | B2   | S1          | DMSO 0.1% | 200000         |
    X        | B3   | S1          | line X    | 200000         |
    X        | B4   | S1          | PHA       | 200000         | DMSO
    X        | B5   | S1          | empty     | 200000         | DMSO
    X        | B6   |             | MART-1    | 200000         | DMSO
    """


def test_the_control_of_a_well_is_the_layouts_then_the_antigens_then_the_studys():
    spots = "plate_id | well | spots\n" + "\n".join(f"X | {well} | 1" for well in table(CONTROLS)["well"])
    wells, _ = counted(spots, plate_layouts=CONTROLS)
    assert {well: (role, control) for well, role, control in wells.select("well", "well_role", "control").rows()} == {
        "A1": ("antigen", "medium"),
        "A2": ("antigen", "line X"),
        "A3": ("antigen", "DMSO"),
        "A4": ("antigen", "DMSO"),
        "A5": ("antigen", "medium"),
        "B1": ("negative_control", "medium"),
        "B2": ("negative_control", "DMSO"),
        "B3": ("negative_control", "line X"),
        "B4": ("positive_control", None),
        "B5": ("unused", None),
        "B6": ("unused", None),
    }


def test_an_antigen_whose_wells_name_several_controls_has_none_but_only_in_that_specimen_and_plate():
    drawing = """
        plate_id | well | specimen_id | stimulus | cells_per_well | control
        X        | A1   | S1          | MART-1   | 200000         |
        X        | A2   | S1          | Melan-A  | 200000         | DMSO
        X        | A3   | S1          | CMV      | 200000         | DMSO
        X        | A4   | S2          | MART-1   | 200000         | DMSO
        Y        | A1   | S1          | MART-1   | 200000         |
    """
    spots = "plate_id | well | spots\nX | A1 | 1\nX | A2 | 1\nX | A3 | 1\nX | A4 | 1\nY | A1 | 1"
    wells, _ = counted(spots, plate_layouts=drawing)
    assert wells.select("plate_id", "well", "control").rows() == [
        ("X", "A1", None),
        ("X", "A2", None),
        ("X", "A3", "DMSO"),
        ("X", "A4", "DMSO"),
        ("Y", "A1", "medium"),
    ]


def test_wells_of_a_reference_sample_have_its_name_and_no_subject():
    layout = "plate_id | well | specimen_id | stimulus | cells_per_well\n X | A1 | REF | CMV | 200000"
    wells, _ = counted("plate_id | well | spots\n X | A1 | 9", plate_layouts=layout)
    assert wells.select("specimen_id", "subject_id", "well_role").row(0) == ("REF", None, "antigen")


def test_a_well_of_unknown_number_of_cells_holds_no_test():
    wells, _ = counted(
        "plate_id | well | spots\n X | A1 | 9",
        instrument_layouts="plate_id | well | donor | stimulus\n X | A1 | S1 | medium",
    )
    assert wells.select("specimen_id", "well_role", "antigen", "control").row(0) == ("S1", "unused", None, None)


def named(counts: str, **analytes: str) -> dict[str, list[tuple[str, int]]]:
    settings = drawn_layouts.study(analytes=analytes)
    wells, _ = counted(counts, settings)
    plates = wells["plate_id"].unique().to_list()
    return {plate: wells.filter(plate_id=plate).select("analyte", "spots").rows() for plate in plates}


STAINED = """
    plate_id | well | analyte  | spots
    X        | A1   | FITC     | 1
    X        | A1   | Cy5      | 2
    X        | A1   | FITC+Cy5 | 3
    X        | A1   | FITC+Cy3 | 4
    """


def test_counts_are_told_under_the_analytes_that_the_study_file_gives_them():
    found = named(STAINED, FITC="IFNg", Cy5="IL2")
    assert found == {"X": [("FITC+Cy3", 4), ("IFNg", 1), ("IFNg+IL2", 3), ("IL2", 2)]}


def test_a_combination_that_is_mapped_itself_has_that_name():
    found = named(STAINED, **{"FITC": "IFNg", "Cy5": "IL2", "FITC+Cy5": "both"})
    assert found == {"X": [("FITC+Cy3", 4), ("IFNg", 1), ("IL2", 2), ("both", 3)]}


def test_where_two_counts_of_a_plate_would_become_one_analyte_both_keep_the_name_of_the_export():
    both = """
        plate_id | well | analyte | spots
        X        | A1   | FITC    | 1
        X        | A1   | Cy5     | 2
        Y        | A1   | FITC    | 3
        Z        | A1   | Cy5     | 4
        Z        | A1   | IFNg    | 5
    """
    assert named(both, FITC="IFNg", Cy5="IFNg") == {
        "X": [("Cy5", 2), ("FITC", 1)],
        "Y": [("IFNg", 3)],
        "Z": [("Cy5", 4), ("IFNg", 5)],
    }


@given(st.dictionaries(st.sampled_from("ABCD"), st.sampled_from("ABCD")))
@law(deadline=None)
def test_whatever_the_study_file_says_no_two_counts_of_a_well_are_told_as_one(mapped):
    found = named("plate_id | well | analyte | spots\n" + "\n".join(f"X | A1 | {a} | 1" for a in "ABCD"), **mapped)
    assert len({analyte for analyte, _ in found["X"]}) == 4
