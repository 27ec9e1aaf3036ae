"""What does not fit about a plate: each finding is told once, where it is, and in words; its absence is silent."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import settings as law
from hypothesis import strategies as st

from expectations.computed import PLATE_FINDINGS
from expectations.reasons import reason
from tests.drawn_layouts import counted, study
from transforms.plate_findings import listed


def spots(*wells: str, plate: str = "X", analyte: str = "IFNg", status: str = "counted") -> str:
    return "\n".join(f"{plate} | {well} | {analyte} | {status} | {1 if status == 'counted' else ''}" for well in wells)


def drawn(*lines: str) -> str:
    return "\n".join(["plate_id | well | analyte | status | spots", *lines])


def table_of(*lines: str) -> str:
    return "\n".join(["plate_id | well | specimen_id | stimulus | cells_per_well | control", *lines])


def findings(counts: str, settings=None, **drawings: str) -> list[tuple[str, ...]]:
    """Reason without its kind, plate, place, analyte, detail."""
    _, found = counted(counts, settings, **drawings)
    assert found.schema == PLATE_FINDINGS.schema
    assert not found.select(PLATE_FINDINGS.key).is_duplicated().any()
    assert {reason(code).kind for code in found["reason"]} <= {"plate"}
    short = pl.col("reason").str.strip_prefix("layout.")
    return found.select(short, "plate_id", "place", "analyte", "detail").rows()


WHOLE = table_of(
    "X | A1 | S1 | medium | 200000 |",
    "X | A2 | S1 | MART-1 | 200000 |",
    "X | A3 | S1 | DMSO   | 200000 |",
    "X | A4 | S1 | gp100  | 200000 |",
    "X | A5 |    | empty  |        |",
)


def test_a_plate_on_which_all_fits_has_no_findings():
    assert findings(drawn(spots("A1", "A2", "A3", "A4")), plate_layouts=WHOLE) == []


def test_counted_wells_without_a_layout_are_told_together_whatever_the_analyte():
    counts = drawn(
        spots("A1", "A2", "A3", "A4", "A12", "B1", "B2", "B3", "C1"),
        spots("A1", "A2", "A3", "A4", "B2", "B4", analyte="IL2"),
        spots("H1", status="not_counted"),
    )
    assert findings(counts, plate_layouts=WHOLE) == [
        ("well_without_layout", "X", "A12, B1-B4, C1", "", "counted, but no layout says what was in them")
    ]


def test_wells_of_a_layout_without_a_count_are_told_by_analyte_and_once_where_all_analytes_lack_them():
    layout = WHOLE + "\nY | A1 | S2 | medium | 200000 |"
    counts = drawn(
        spots("A1", "A2", "A4"),
        spots("A3", status="not_counted"),
        spots("A1", "A2", "A4", analyte="IL2"),
    )
    told = "in the layout with a specimen and a stimulus, but without a count"
    no_control = ("no_control", "X", "S1", "", "no evaluable well of the control: DMSO for gp100")
    assert findings(counts, plate_layouts=layout) == [no_control, ("well_without_count", "X", "A3", "", told)]
    assert findings(counts + "\n" + spots("A3", analyte="IL2"), plate_layouts=layout) == [
        (*no_control[:3], "IFNg", no_control[4]),
        ("well_without_count", "X", "A3", "IFNg", told),
    ]


TEMPLATE = """
    template | well | slot | stimulus | cells_per_well | control
    T        | A1   | 1    | medium   | 200000         |
    T        | A2   | 1    | Melan-A  | 200000         | medium
    T        | A3   |      |          |                |
    T        | A4   | 1    | CMV      |                |
    T        | A5   | 2    | CMV      | 200000         |
"""
FILLED = "plate_id | template | slot | specimen_id\n X | T | 1 | S1"


def disagreements(counts: str, **drawings: str) -> list[tuple[str, str]]:
    found = findings(counts, **drawings)
    return [(place, detail) for code, _, place, _, detail in found if code == "sources_disagree"]


def test_layouts_that_say_different_things_of_a_well_are_told_with_who_says_what():
    found = disagreements(
        drawn(spots("A1", "A2", "A3", "A4", "A5", "A6")),
        plate_layouts=table_of(
            "X | A1 | S2 | CMV    | 200000 |",
            "X | A2 | S1 | MART-1 | 100000 | DMSO",
            "X | A6 |    | medium |        |",
        ),
        layout_templates=TEMPLATE,
        plate_templates=FILLED,
        instrument_layouts="""
            plate_id | well | donor   | stimulus | cells_per_well | replicate
            X        | A1   | S2      | medium   |                | 7
            X        | A2   | S1      | MART-1   | 200000         | 7
            X        | A3   | S1      | CMV      | 200000         | 7
            X        | A4   | unknown | medium   |                | 7
            X        | A5   | S1      | CMV      | 200000         | 7
            X        | A6   | S2      | medium   |                | 7
        """,
    )
    both = "stimulus: CMV by the layout table, medium by template T, medium by the instrument"
    assert found == [
        ("A1", f"specimen: S2 by the layout table, S1 by template T, S2 by the instrument; {both}"),
        (
            "A2",
            "cells per well: 100000 by the layout table, 200000 by template T, 200000 by the instrument;"
            " control: DMSO by the layout table, medium by template T",
        ),
        ("A3, A5", "specimen: no specimen by template T, S1 by the instrument"),
        ("A4", "stimulus: CMV by template T, medium by the instrument"),
        ("A6", "specimen: no specimen by the layout table, S2 by the instrument"),
    ]


def test_layouts_that_agree_in_other_words_or_where_both_speak_are_silent():
    assert (
        disagreements(
            drawn(spots("A1", "A2", "A3", "A4", "A5", "B1")),
            plate_layouts=table_of(
                "X | A1 | S1 | RPMI   | 200000 |",
                "X | A2 | S1 | MART-1 | 200000 | RPMI",
                "X | B1 |    | medium | 200000 |",
            ),
            layout_templates=TEMPLATE,
            plate_templates=FILLED,
            instrument_layouts="""
                plate_id | well | donor | stimulus | cells_per_well
                X        | A1   |       | medium   |
                X        | A2   | P 12  | M1       | 200000
                X        | A4   | S1    | CMV      | 200000
                X        | B1   |       | MART-1   | 100000
            """,
        )
        == []
    )


def test_two_templates_that_fill_a_well_differently_disagree():
    templates = TEMPLATE + "    U | A1 | 3 | CMV | 200000 |\n    U | A3 | 3 | CMV | 200000 |"
    found = disagreements(drawn(spots("A1")), layout_templates=templates, plate_templates=f"{FILLED}\n X | U | 3 | S1")
    assert found == [("A1", "stimulus: medium by template T, CMV by template U")]


def test_an_unknown_donor_or_stimulus_is_told_once_a_plate_but_not_where_another_layout_names_the_well():
    found = findings(
        drawn(spots("A1", "B1", "B2", "C1", "C2"), spots("B1", plate="Y")),
        plate_layouts=table_of("X | A1 | S1 | medium | 200000 |"),
        instrument_layouts="""
            plate_id | well | donor | stimulus | cells_per_well
            X        | A1   | P 9   | neg      | 200000
            X        | B1   | P 1   | MART-1   | 200000
            X        | B2   | P 1   | CMV      | 200000
            X        | C1   | P 2   | Mart     | 200000
            X        | C2   | S2    | Mart     | 200000
            Y        | B1   | P 1   | CMV      | 200000
            Z        | B1   | P 3   | CMV      | 200000
        """,
    )

    def donor(name: str) -> str:
        return f"not used: the donor entered at the instrument, '{name}', is the name of no specimen"

    mart = "not used: the stimulus entered at the instrument, 'Mart', is not declared in study.toml"
    assert [one for one in found if one[0] != "well_without_layout"] == [
        ("donor_unknown", "X", "B1-B2", "", donor("P 1")),
        ("donor_unknown", "X", "C1", "", donor("P 2")),
        ("stimulus_unknown", "X", "C1-C2", "", mart),
        ("donor_unknown", "Y", "B1", "", donor("P 1")),
    ]


def test_an_unknown_donor_is_told_where_a_template_leaves_the_slot_of_the_well_empty():
    entered = "plate_id | well | donor | stimulus | cells_per_well\n X | A5 | S2x | CMV | 200000"
    templates = TEMPLATE.replace("CMV      |                |", "CMV      | 200000         |")
    found = findings(
        drawn(spots("A1", "A2", "A4", "A5")),
        layout_templates=templates,
        plate_templates=FILLED,
        instrument_layouts=entered,
    )
    assert [one[:3] for one in found if one[0] != "sources_disagree"] == [("donor_unknown", "X", "A5")]


def test_wells_of_which_nobody_says_how_many_cells_they_hold_are_told():
    found = findings(drawn(spots("A1", "A2", "A4")), layout_templates=TEMPLATE, plate_templates=FILLED)
    assert found == [
        (
            "cells_unknown",
            "X",
            "A4",
            "",
            "the layout does not say how many cells were put into them, so they are not used",
        )
    ]


def test_a_specimen_in_a_slot_that_the_template_lacks_is_told_on_plates_that_were_received():
    assigned = f"{FILLED}\n X | T | 9 | S2\n Y | T | 9 | S2"
    templates = TEMPLATE.replace("CMV      |                |", "CMV      | 200000         |")
    found = findings(drawn(spots("A1", "A2", "A4")), layout_templates=templates, plate_templates=assigned)
    assert found == [
        ("slot_unknown", "X", "slot 9 of template T", "", "S2 is assigned to slot 9, which template T lacks")
    ]


def test_a_specimen_tested_against_one_antigen_on_several_plates_is_told_on_each_but_not_a_reference_sample():
    lines = [
        f"{plate} | {well} | {specimen} | {stimulus} | 200000 |"
        for plate, stimuli in {
            "X": ("MART-1", "CMV"),
            "Y": ("Melan-A", "CMV"),
            "Z": ("MART-1",),
            "W": ("gp100",),
        }.items()
        for row, specimen in {"A": "S1", "B": "REF"}.items()
        for well, stimulus in zip(
            (f"{row}1", f"{row}2", f"{row}3", f"{row}4"), ("medium", "DMSO", *stimuli), strict=False
        )
    ]
    wells = [line.split(" | ")[:2] for line in lines]
    counts = drawn(*(spots(well, plate=plate) for plate, well in wells))
    assert findings(counts, plate_layouts=table_of(*lines)) == [
        ("specimen_on_several_plates", "X", "S1", "IFNg", "tested more than once: CMV also on Y; MART-1 also on Y, Z"),
        ("specimen_on_several_plates", "Y", "S1", "IFNg", "tested more than once: CMV also on X; MART-1 also on X, Z"),
        ("specimen_on_several_plates", "Z", "S1", "IFNg", "tested more than once: MART-1 also on X, Y"),
    ]


@pytest.mark.parametrize("status", ["masked", "qc_rejected", "off_scale"])
def test_an_antigen_needs_an_evaluable_well_of_its_own_control_in_its_own_specimen_plate_and_analyte(status: str):
    layout = table_of(
        "X | A1 | S1  | medium | 200000 |",
        "X | A2 | S1  | MART-1 | 200000 |",
        "X | A3 | S1  | gp100  | 200000 |",
        "X | A4 | S1  | CMV    | 200000 | line X",
        "X | B1 | S2  | DMSO   | 200000 |",
        "X | B2 | S2  | MART-1 | 200000 |",
        "X | B3 | S2  | CMV    | 200000 |",
        "X | B4 | REF | CMV    | 200000 |",
        "Y | A1 | S1  | DMSO   | 200000 |",
        "Y | A2 | S2  | medium | 200000 |",
    )
    counts = drawn(
        spots("A1", "A2", "A3", "A4", "B1", "B2", "B3", "B4"),
        spots("A2", "A3", "A4", "B1", "B2", "B3", "B4", analyte="IL2"),
        spots("A1", analyte="IL2", status=status),
        spots("A1", "A2", plate="Y"),
    )
    told = "no evaluable well of the control: "
    assert findings(counts, plate_layouts=layout) == [
        ("no_control", "X", "S1", "IFNg", f"{told}DMSO for gp100; line X for CMV"),
        ("no_control", "X", "S1", "IL2", f"{told}DMSO for gp100; line X for CMV; medium for MART-1"),
        ("no_control", "X", "S2", "", f"{told}medium for CMV, MART-1"),
    ]


def test_a_control_too_numerous_to_count_is_there():
    counts = drawn(spots("A2", "A3", "A4"), spots("A1", status="tntc"))
    assert findings(counts, plate_layouts=WHOLE) == []


def test_wells_of_one_antigen_that_name_different_controls_are_told_with_the_names():
    layout = WHOLE + "\nX | B1 | S1 | MART-1 | 200000 | DMSO 0.1%\nX | B2 | S1 | gp100 | 200000 | DMSO"
    assert findings(drawn(spots("A1", "A2", "A3", "A4", "B1", "B2")), plate_layouts=layout) == [
        (
            "control_ambiguous",
            "X",
            "S1",
            "IFNg",
            "wells of one antigen name different controls; MART-1: DMSO and medium",
        )
    ]


def test_two_counts_that_would_become_one_analyte_are_told():
    counts = drawn(
        *(spots("A1", "A2", "A3", "A4", analyte=analyte) for analyte in ("FITC", "Cy5", "IFNg")),
    )
    settings = study(analytes={"FITC": "IFNg", "Cy5": "IL2"})
    assert findings(counts, settings, plate_layouts=WHOLE) == [
        (
            "analyte_twice",
            "X",
            "FITC, IFNg",
            "",
            "would become IFNg, which another count of this plate is called, and keep their names",
        )
    ]


@pytest.mark.parametrize(
    ("wells", "told"),
    [
        (["A10", "A9", "A1", "A2", "B3"], "A1-A2, A9-A10, B3"),
        ([f"H{n}" for n in range(1, 13)], "H1-H12"),
        (["A12", "B1"], "A12, B1"),
        (["A1", "A1"], "A1"),
    ],
)
def test_wells_are_listed_by_row_with_neighbours_as_a_range(wells: list[str], told: str):
    assert listed(wells) == told


@given(st.sets(st.tuples(st.sampled_from("ABCP"), st.integers(1, 24)), min_size=1))
@law(deadline=None)
def test_a_list_of_wells_names_each_of_them_and_no_other(wells: set[tuple[str, int]]):
    named = set()
    for part in listed(f"{row}{column}" for row, column in wells).split(", "):
        first, _, last = part.partition("-")
        named |= {(first[0], column) for column in range(int(first[1:]), int((last or first)[1:]) + 1)}
    assert named == wells
