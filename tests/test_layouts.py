"""What was in a well: which of several layouts holds, and what a template or an operator's entry comes to."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import settings as law
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from expectations.ingested import ELISPOT_COUNTS, INFUSION_PRODUCTS, INGESTED, PLATES, SPECIMENS, SUBJECTS
from expectations.records import RECORDS
from expectations.study import StudySettings
from tests.drawing import table
from tests.drawn_layouts import SPECIMENS_HELD, TABLES, laid, lines_of, study
from transforms.analysis import Analysis, analyse
from transforms.layouts import layouts

TEMPLATE = """
    template | well | slot | stimulus | cells_per_well | replicate | control
    T        | A1   | 1    | medium   | 200000         | 1         |
    T        | A2   | 1    | MART-1   | 200000         | 1         | DMSO
    T        | B1   | 2    | medium   | 200000         | 1         |
    T        | B2   | 2    | MART-1   |                | 1         |
    T        | H1   |      | empty    |                |           |
"""


def test_every_slot_of_a_template_becomes_the_wells_of_its_specimen():
    found = laid(
        layout_templates=TEMPLATE,
        plate_templates="""
            plate_id | template | slot | specimen_id | cells_per_well
            X        | T        | 1    | S1          |
            X        | T        | 2    | S2          | 100000
            Y        | T        | 1    | S2          |
        """,
    ).effective
    answer = table(
        """
        plate_id | well | specimen_id | stimulus | cells_per_well | replicate | control
        X        | A1   | S1          | medium   | 200000         | 1         |
        X        | A2   | S1          | MART-1   | 200000         | 1         | DMSO
        X        | B1   | S2          | medium   | 100000         | 1         |
        X        | B2   | S2          | MART-1   | 100000         | 1         |
        X        | H1   |             | empty    |                |           |
        Y        | A1   | S2          | medium   | 200000         | 1         |
        Y        | A2   | S2          | MART-1   | 200000         | 1         | DMSO
        Y        | B1   |             | medium   | 200000         | 1         |
        Y        | B2   |             | MART-1   |                | 1         |
        Y        | H1   |             | empty    |                |           |
        """
    )
    assert_frame_equal(found.select(answer.columns), answer, check_dtypes=False)
    assert set(found["layout_source"]) == {"layout_templates"}


def test_the_place_of_a_templates_well_names_its_slot_and_the_row_that_filled_it():
    found = laid(
        layout_templates=TEMPLATE,
        plate_templates="plate_id | template | slot | specimen_id\n W | T | 1 | S1\n X | T | 1 | S2",
    ).effective
    places = dict(found.filter(plate_id="X").select("well", "layout_place").iter_rows())
    assert places == {
        "A1": "line 2: slot 1 of template T, assigned at line 3 (sha256 plate_templa)",
        "A2": "line 3: slot 1 of template T, assigned at line 3 (sha256 plate_templa)",
        "B1": "line 4: slot 2 of template T, no specimen assigned",
        "B2": "line 5: slot 2 of template T, no specimen assigned",
        "H1": "line 6: template T",
    }
    assert set(found["layout_sha256"]) == {"layout_templates"}


def test_a_table_goes_before_a_template_and_that_before_the_instrument_well_by_well():
    found = laid(
        plate_layouts="""
            plate_id | well | specimen_id | stimulus | cells_per_well
            X        | A1   | S2          | CMV      | 50000
        """,
        layout_templates=TEMPLATE,
        plate_templates="plate_id | template | slot | specimen_id\n X | T | 1 | S1",
        instrument_layouts="""
            plate_id | well | donor | stimulus | cells_per_well
            X        | A1   | S1    | PHA      | 1
            X        | A2   | S1    | PHA      | 2
            X        | B1   | S1    | PHA      | 3
            X        | C1   | S1    | PHA      | 4
            Z        | C1   | S2    | Melan-A  | 5
        """,
    ).effective
    assert found.filter(pl.col("well") != "H1").select(
        "plate_id", "well", "specimen_id", "stimulus", "layout_source"
    ).rows() == [
        ("X", "A1", "S2", "CMV", "plate_layouts"),
        ("X", "A2", "S1", "MART-1", "layout_templates"),
        ("X", "B1", None, "medium", "layout_templates"),
        ("X", "B2", None, "MART-1", "layout_templates"),
        ("X", "C1", "S1", "PHA", "instrument_layouts"),
        ("Z", "C1", "S2", "Melan-A", "instrument_layouts"),
    ]


def test_a_donor_or_stimulus_that_is_not_known_is_never_guessed_from():
    found = laid(
        instrument_layouts="""
            plate_id | well | donor | stimulus | cells_per_well
            X        | A1   | S1    | MART-1   | 200000
            X        | A2   | s1    | MART-1   | 200000
            X        | A3   | S1    | mart-1   | 200000
            X        | A4   | P1    | Mart     | 200000
            X        | A5   |       | MART-1   | 200000
            X        | A6   | S1    |          | 200000
            X        | A7   | REF   | CMV      | 200000
            X        | A8   |       | empty    |
        """
    )
    assert found.effective.select("well", "specimen_id", "stimulus").rows() == [
        ("A1", "S1", "MART-1"),
        ("A7", "REF", "CMV"),
        ("A8", None, "empty"),
    ]
    assert found.unknown.rows() == [("X", "A2", "s1", None), ("X", "A3", None, "mart-1"), ("X", "A4", "P1", "Mart")]


TWO = """
    template | well | slot | stimulus | cells_per_well | control
    left     | A1   | 1    | MART-1   | 200000         |
    left     | A7   |      | empty    |                |
    right    | A1   | 2    | {}       | 200000         | {}
    right    | A7   | 2    | CMV      | 200000         |
"""


@pytest.mark.parametrize("rows", ["X | left | 1 | S1\n X | right | 2 | S1", "X | right | 2 | S1\n X | left | 1 | S1"])
def test_a_plate_may_follow_several_templates_and_the_one_that_fills_a_well_speaks_of_it(rows: str):
    found = laid(
        layout_templates=TWO.format("Melan-A", ""), plate_templates=f"plate_id | template | slot | specimen_id\n {rows}"
    ).effective
    assert found.select("well", "specimen_id", "stimulus").rows() == [("A1", "S1", "MART-1"), ("A7", "S1", "CMV")]


@pytest.mark.parametrize(
    ("stimulus", "control", "specimens"), [("CMV", "", "S1 S1"), ("MART-1", "", "S1 S2"), ("MART-1", "DMSO", "S1 S1")]
)
def test_a_well_that_two_templates_fill_differently_holds_no_test(stimulus: str, control: str, specimens: str):
    first, second = specimens.split()
    drawing = TWO.format(stimulus, control).replace(
        "200000         |\n    left", "200000         | medium\n    left", 1
    )
    found = laid(
        layout_templates=drawing,
        plate_templates=f"plate_id | template | slot | specimen_id\n X | left | 1 | {first}\n X | right | 2 | {second}",
    ).effective
    assert found.select("well", "specimen_id", "stimulus").rows() == [("A1", None, None), ("A7", second, "CMV")]


def test_a_specimen_in_a_slot_that_the_template_lacks_is_told():
    found = laid(
        layout_templates=TEMPLATE,
        plate_templates="plate_id | template | slot | specimen_id\n X | T | 1 | S1\n X | T | 7 | S2",
    )
    assert found.unplaced.rows() == [("X", "T", "7", "S2")]
    assert "S2" not in set(found.effective["specimen_id"])


ALL = {
    "plate_layouts": "plate_id | well | specimen_id | stimulus\n X | A1 | S1 | CMV\n Y | A1 | S2 | CMV",
    "layout_templates": TEMPLATE,
    "plate_templates": "plate_id | template | slot | specimen_id\n X | T | 1 | S1\n X | T | 2 | S2\n Y | T | 1 | S2",
    "instrument_layouts": "plate_id | well | donor | stimulus\n X | A2 | S1 | CMV\n Y | D1 | S1 | CMV\n Y | D2 | ? | ?",
}


@given(st.randoms(use_true_random=False))
@law(deadline=None)
def test_the_order_of_rows_is_irrelevant_and_every_well_has_one_layout(random):
    def shuffled(name: str) -> pl.DataFrame:
        frame = lines_of(ALL[name], name)
        return frame[random.sample(range(frame.height), frame.height)]

    one = laid(**ALL)
    other = layouts({**{name: shuffled(name) for name in TABLES}, "specimens": SPECIMENS_HELD}, study())
    for part in ("effective", "disputed", "unknown", "unplaced"):
        assert_frame_equal(getattr(one, part), getattr(other, part))
    assert not one.effective.select("plate_id", "well").is_duplicated().any()


WELLS = ("A1", "A2", "A3", "B1", "B2", "B3")
"""A row: medium, 2 spots each; B row: MART-1, 50 spots each; 200 000 cells a well."""


def analysed() -> Analysis:
    """Three plates with the same counts: X laid out by a table, Y by a template, Z at the instrument."""
    stimuli = {well: "medium" if well[0] == "A" else "MART-1" for well in WELLS}
    rows = {
        "plate_layouts": [f"X | {well} | S1 | {stimulus} | 200000" for well, stimulus in stimuli.items()],
        "layout_templates": [f"T | {well} | 1 | {stimulus} | 200000" for well, stimulus in stimuli.items()],
        "plate_templates": ["Y | T | 1 | S2"],
        "instrument_layouts": [f"Z | {well} | S3 | {stimulus} | 200000" for well, stimulus in stimuli.items()],
    }
    headers = {
        "plate_layouts": "plate_id | well | specimen_id | stimulus | cells_per_well",
        "layout_templates": "template | well | slot | stimulus | cells_per_well",
        "plate_templates": "plate_id | template | slot | specimen_id",
        "instrument_layouts": "plate_id | well | donor | stimulus | cells_per_well",
    }
    counts = [f"{plate} | {well} | {2 if well[0] == 'A' else 50}" for plate in "XYZ" for well in WELLS]
    stored = {one.name: one.empty() for one in (*INGESTED, *RECORDS)}
    stored |= {name: lines_of("\n".join([headers[name], *lines]), name) for name, lines in rows.items()}
    stored |= {
        "elispot_counts": table(
            "\n".join(["plate_id | well | spots", *counts]), ELISPOT_COUNTS, analyte="IFNg", status="counted"
        ),
        "plates": table(
            "plate_id\nX\nY\nZ", PLATES, analyte="IFNg", instrument="AID", n_wells=6, read_date=date(2020, 5, 4)
        ),
        "subjects": table("subject_id\nP1\nP2\nP3", SUBJECTS, enrolment_date=date(2020, 1, 1)),
        "infusion_products": table("subject_id\nP1\nP2\nP3", INFUSION_PRODUCTS, infusion_date=date(2020, 3, 1)),
        "specimens": table(
            "specimen_id | subject_id\n S1 | P1\n S2 | P2\n S3 | P3",
            SPECIMENS,
            collection_date=date(2020, 4, 1),
            viability_percent=90.0,
        ),
    }
    parts = study().model_dump() | {"controls": {"negative": ["medium"]}}
    settings = StudySettings.model_validate(parts | {"antigens": [{"name": "MART-1", "role": "tumour"}]})
    return analyse(stored, settings, date(2020, 6, 1), "run 1", re_estimate=False)


def test_plates_laid_out_by_a_table_a_template_and_an_instrument_give_the_same_responses():
    done = analysed()
    responses = done.tables["responses"].filter(rule="threshold")
    # (50 - 2) spots in 200 000 cells are 240 in 10^6
    answer = [("X", "S1", 240.0, "positive"), ("Y", "S2", 240.0, "positive"), ("Z", "S3", 240.0, "positive")]
    assert responses.select("plate_id", "specimen_id", "net_value", "call").sort("plate_id").rows() == answer
    sources = done.tables["elispot_wells"].select("plate_id", "layout_source").unique().sort("plate_id").rows()
    assert sources == [("X", "plate_layouts"), ("Y", "layout_templates"), ("Z", "instrument_layouts")]
    assert done.tables["plate_findings"].is_empty()
