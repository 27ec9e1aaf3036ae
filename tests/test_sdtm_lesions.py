"""CDISC SDTM datasets: lesions, their measurements and the laboratory, and what is held back."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.drawn_exports import bad_cells, column, source
from tests.drawn_sdtm import held_rows, judge, read, rows, study
from transforms.readers import registry
from transforms.readers.source import Reading

# --- Lesions ---


def test_tu_gives_lesions_by_evaluator_and_a_fragment_names_where_it_comes_from():
    drawing = """USUBJID | TUTESTCD | TUSTRESC   | TULOC      | TULNKID | TUEVAL  | VISIT | TUDTC      | TUMETHOD
                 P1      | TUMIDENT | TARGET     | LIVER      | T04     | CENTRAL | SCR   | 2014-01-01 | CT SCAN
                 P1      | TUMIDENT | NON-TARGET | LYMPH NODE | NT01    | CENTRAL | SCR   | 2014-01    | CT SCAN
                 P1      | TUMIDENT | NEW        |            | NEW01   | CENTRAL | W12   | 2014-04-01 | MRI
                 P1      | TUSPLIT  | TARGET     | LIVER      | T04.1   | CENTRAL | W12   | 2014-04-01 | CT SCAN
                 P1      | TUMIDENT | TARGET     | LIVER      | T04     | CENTRAL | W12   | 2014-04-01 | CT SCAN
                 P1      | TUSPLIT  | TARGET     | LUNG       | X9      | CENTRAL | W12   | 2014-04-01 | CT SCAN
                 P1      | TUMERGE  | TARGET     | LUNG       | T01/T02 | CENTRAL | W12   | 2014-04-01 | CT SCAN"""
    reading = read("TU", drawing)
    columns = ("lesion_id", "category", "organ", "is_lymph_node", "identified_date", "visit", "split_from")
    assert rows(reading, "lesions", *columns)[:4] == [
        ("T04", "target", "liver", False, date(2014, 1, 1), "SCR", None),
        ("NT01", "non_target", "lymph node", True, None, "SCR", None),
        ("NEW01", "new", None, None, date(2014, 4, 1), "W12", None),
        ("T04.1", "target", "liver", False, date(2014, 4, 1), "W12", "T04"),
    ]
    assert sorted(bad_cells(reading)) == [
        ("line 7", "row.unknown_reference", "TULNKID", "X9"),
        ("line 8", "row.not_used", "TUTESTCD", "TUMERGE"),
    ]


def test_a_lesion_in_two_categories_is_held_back():
    drawing = """USUBJID | TUTESTCD | TUSTRESC   | TULNKID | TUEVAL
                 P1      | TUMIDENT | TARGET     | T01     | INVESTIGATOR
                 P1      | TUMIDENT | NON-TARGET | T01     | INVESTIGATOR"""
    assert bad_cells(read("TU", drawing)) == [("line 2", "row.conflicting_key", "TUSTRESC", "target, non-target")]


TR_HEADER = "USUBJID|TRGRPID|TRLNKID|TRTESTCD|TRSTRESC|TRSTRESN|TRSTRESU|TRSTAT|TREVAL|TRDTC"


def measured(*lines: str) -> Reading:
    """TR rows of P1 on one day; each line is group, lesion, test, text, number, unit and, where given, status."""
    told = []
    for line in lines:
        cells = [cell.strip() for cell in line.split("|")]
        cells += [""] * (7 - len(cells))
        told.append(" | ".join(["P1", *cells, "INVESTIGATOR", "2014-03-01"]))
    return read("TR", "\n".join([TR_HEADER, *told]))


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["TARGET | T01 | LDIAM | 21.5 | 21.5 | mm"], ("measured", 21.5, None)),
        (["TARGET | T01 | LDIAM | 2.15 | 2.15 | cm"], ("measured", 21.5, None)),
        (["TARGET | T01 | LPERP | 12 | 12 | mm"], ("measured", 12.0, None)),
        (["TARGET | T01 | LPERP | 12 | 12 | mm", "TARGET | T01 | LDIAM | 20 | 20 | mm"], ("measured", 20.0, 12.0)),
        (["TARGET | T01 | LDIAM | 0 | 0 | mm", "TARGET | T01 | TUMSTATE | ABSENT | |"], ("measured", 0.0, None)),
        (
            ["TARGET | T01 | LDIAM | 5 | 5 | mm", "TARGET | T01 | TUMSTATE | TOO SMALL TO MEASURE"],
            ("measured", 5.0, None),
        ),
        (["TARGET | T01 | LDIAM | TOO SMALL TO MEASURE | | "], ("too_small", None, None)),
        (["TARGET | T01 | LDIAM | | | | NOT DONE"], ("not_assessed", None, None)),
        (["NON-TARGET | T01 | TUMSTATE | PRESENT"], ("present", None, None)),
        (["NON-TARGET | T01 | TUMSTATE | PRESENT", "NON-TARGET | T01 | TUMSTATE | Present"], ("present", None, None)),
        (["NON-TARGET | T01 | TUMSTATE | ABSENT"], ("absent", None, None)),
        (["NON-TARGET | T01 | TUMSTATE | UNEQUIVOCAL PROGRESSION"], ("progressed", None, None)),
        (["NON-TARGET | T01 | TUMSTATE | EQUIVOCAL PROGRESSION"], ("equivocal", None, None)),
        (["NEW | T01 | TUMSTATE | UNEQUIVOCAL"], ("present", None, None)),
        (["NEW | T01 | TUMSTATE | EQUIVOCAL"], ("equivocal", None, None)),
        (["TARGET | T01 | TUMSTATE | COALESCED"], ("merged", None, None)),
        (["NON-TARGET | T01 | LNSTATE | NON-PATHOLOGICAL"], ("absent", None, None)),
    ],
)
def test_tr_gives_one_measurement_a_lesion_and_day(lines, expected):
    reading = measured(*lines)
    assert reading.bad_cells == []
    assert rows(reading, "lesion_measurements", "status", "diameter_mm", "short_axis_mm") == [expected]


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        (["TARGET | T01 | LDIAM | 1 | 1 | in"], ("row.allowed_values", "TRSTRESU", "in")),
        (["TARGET | T01 | LDIAM | 1 | 1 | "], ("row.required", "TRSTRESU", None)),
        (
            ["TARGET | T01 | LDIAM | 1 | 1 | mm", "TARGET | T01 | LDIAM | 2 | 2 | mm"],
            ("row.conflicting_key", "TRSTRESN", "1, 2"),
        ),
        (
            ["TARGET | T01 | LDIAM | 9 | 9 | mm", "TARGET | T01 | TUMSTATE | ABSENT"],
            ("row.conflicting_key", "TRSTRESC", "9, absent"),
        ),
        (
            ["NON-TARGET | T01 | TUMSTATE | ABSENT", "NON-TARGET | T01 | TUMSTATE | PRESENT"],
            ("row.conflicting_key", "TRSTRESC", "absent, present"),
        ),
    ],
)
def test_a_diameter_without_a_known_unit_and_rows_that_contradict_each_other_are_held_back(lines, fault):
    rule, variable, value = fault
    ((_, *told),) = bad_cells(measured(*lines))
    assert told == [rule, variable, value]


def test_a_comma_is_the_decimal_sign_where_another_one_parts_the_cells():
    reading = diameters("33,612", "21,5", "1.250,5")
    assert column(reading, "lesion_measurements", "diameter_mm") == [33.612, 21.5, 1250.5]


def test_a_number_that_could_be_read_two_ways_is_none():
    reading = diameters("33,612", "12")
    assert column(reading, "lesion_measurements", "diameter_mm") == [None, 12]
    assert bad_cells(reading) == [("line 2", "row.unreadable", "TRSTRESN", "33,612")]


def test_numbers_of_one_laboratory_are_read_in_one_way():
    header = "STUDYID;DOMAIN;USUBJID;LBTESTCD;LBSTRESN;LBSTRESU;LBDTC\n"

    def values(*numbers):
        lines = [f"S;LB;P{n};LDH;{number};U/L;2014-01-02\n" for n, number in enumerate(numbers)]
        reading = registry.read(source(header + "".join(lines)), study())
        return column(reading, "lab_results", "value"), [cell[1:] for cell in bad_cells(reading)]

    assert values("1,250", "1.250", "1.250,5") == ([1.25, 1250, 1250.5], [])
    assert values("1,250", "1_000", "7") == (
        [None, None, 7],
        [("row.unreadable", "LBSTRESN", "1,250"), ("row.unreadable", "LBSTRESN", "1_000")],
    )


def diameters(*numbers: str) -> Reading:
    """TR with semicolons; a lesion a number."""
    header = "STUDYID;DOMAIN;USUBJID;TRLNKID;TRTESTCD;TRSTRESN;TRSTRESU;TREVAL;TRDTC\n"
    lines = [f"S;TR;P1;T{n};LDIAM;{number};mm;;2014-03-01\n" for n, number in enumerate(numbers)]
    return registry.read(source(header + "".join(lines)), study())


def test_a_sentence_in_a_result_is_never_quoted():
    reading = measured("TARGET | T01 | LDIAM | PATIENT ANNA HANSEN REFUSED SCAN | | ", "TARGET | T02 | LDIAM | ODD | |")
    assert bad_cells(reading) == [("line 2", "row.allowed_values", "TRSTRESC", "text of 32 characters")]
    assert column(reading, "lesion_measurements", "status") == [None, "ODD"]
    assert "HANSEN" not in str(reading)


def test_rows_without_their_lesion_are_each_told():
    dm = "USUBJID | RFICDTC\nP1 | 2014-01-01"
    many = "\n".join(f"P1 | TUMIDENT | TARGET | T{n} | INVESTIGATOR" for n in range(20))
    tu = f"USUBJID | TUTESTCD | TUSTRESC | TULNKID | TUEVAL\n{many}"
    without = "\n".join(f"P1 | TUMIDENT | {what} | | INVESTIGATOR" for what in ("TARGET", "TARGET"))
    judgement = judge(study(), DM=dm, TU=f"{tu}\n{without}")
    assert judgement.new["lesions"].height == 20
    assert held_rows(judgement) == [("row.required", "lesion_id", None)] * 2
    measurements = measured("TARGET | | LDIAM | 1 | 1 | mm", "TARGET | | LDIAM | 2 | 2 | mm")
    assert column(measurements, "lesion_measurements", "place") == ["line 2", "line 3"]


def test_sums_are_passed_over_and_unknown_tests_are_told():
    reading = measured(
        "TARGET | T01 | LDIAM | 21 | 21 | mm",
        "TARGET | | SUMDIAM | 21 | 21 | mm",
        "TARGET | | PCBSD | -10 | -10 | %",
        "TARGET | T01 | SUVMAXX | 3 | 3 | ",
    )
    assert column(reading, "lesion_measurements", "lesion_id") == ["T01"]
    assert bad_cells(reading) == [("line 5", "row.not_used", "TRTESTCD", "SUVMAXX")]


def test_a_state_no_table_knows_is_held_back_as_it_stands():
    dm, tu = "USUBJID | RFICDTC\nP1 | 2014-01-01", "USUBJID | TUTESTCD | TUSTRESC | TULNKID | TUEVAL\n"
    tu += "\n".join(f"P1 | TUMIDENT | NON-TARGET | N{n} | INVESTIGATOR" for n in range(20))
    words = ["UNEQUIVOCAL", *["PRESENT"] * 19]
    tr = (
        TR_HEADER
        + "\n"
        + "\n".join(
            f"P1 | NON-TARGET | N{n} | TUMSTATE | {word} | | | | INVESTIGATOR | 2014-03-01"
            for n, word in enumerate(words)
        )
    )
    judgement = judge(study(), DM=dm, TU=tu, TR=tr)
    assert held_rows(judgement) == [("row.allowed_values", "status", "UNEQUIVOCAL")]
    assert judgement.new["lesion_measurements"].height == 19


# --- Laboratory ---


def test_lb_gives_numbers_with_their_units_and_lymphocytes_as_blood_counts():
    drawing = """USUBJID | LBTESTCD | LBSPEC | LBSTRESC | LBSTRESN | LBSTRESU | LBSTNRHI | LBDTC
                 P1      | LDH      | SERUM  | 250      | 250      | U/L      | 220      | 2014-01-02T08:10
                 P1      | LYM      | BLOOD  | 0.9      | 0.9      | 10^9/L   | 4.0      | 2014-01-02
                 P1      | LYMLE    | BLOOD  | 30       | 30       | %        |          | 2014-01-02
                 P1      | GLUC     | URINE  | 1        | 1        | mmol/L   |          | 2014-01-02
                 P1      | COLOR    | URINE  | YELLOW   |          |          |          | 2014-01-02
                 P1      | PH       | URINE  | 6        | 6        |          |          | 2014-01-02"""
    reading = read("LB", drawing)
    assert rows(reading, "lab_results", "sample_date", "test", "value", "unit", "upper_limit") == [
        (date(2014, 1, 2), "LDH", 250.0, "U/L", 220.0),
        (date(2014, 1, 2), "LYM", 0.9, "10^9/L", 4.0),
        (date(2014, 1, 2), "LYMLE", 30.0, "%", None),
        (date(2014, 1, 2), "GLUC, urine", 1.0, "mmol/L", None),
    ]
    assert rows(reading, "blood_counts", "subject_id", "count_date", "lymphocytes_per_ul") == [
        ("P1", date(2014, 1, 2), 900.0)
    ]
    assert bad_cells(reading) == [("line 7", "row.required", "LBSTRESU", None)]


@pytest.mark.parametrize(("unit", "per_ul"), [("10^3/uL", 1200.0), ("GI/L", 1200.0), ("cells/uL", 1.2), ("/uL", 1.2)])
def test_lymphocytes_are_counted_per_microlitre(unit, per_ul):
    drawing = f"USUBJID | LBTESTCD | LBSTRESN | LBSTRESU | LBDTC\nP1 | LYM | 1.2 | {unit} | 2014-01-02"
    assert column(read("LB", drawing), "blood_counts", "lymphocytes_per_ul") == [pytest.approx(per_ul)]


def test_of_two_results_of_a_day_the_first_counts_and_without_a_time_neither():
    drawing = """USUBJID | LBTESTCD | LBSTRESN | LBSTRESU | LBDTC
                 P1      | LDH      | 300      | U/L      | 2014-01-02T18:00
                 P1      | LDH      | 250      | U/L      | 2014-01-02T08:00
                 P2      | LDH      | 300      | U/L      | 2014-01-02
                 P2      | LDH      | 250      | U/L      | 2014-01-02"""
    reading = read("LB", drawing)
    assert column(reading, "lab_results", "value") == [250.0, None]
    assert bad_cells(reading) == [("line 4", "row.conflicting_key", "LBSTRESN", "300, 250")]


@pytest.mark.parametrize(
    ("times", "value"), [(("T8:30", "T10:30"), 5), (("T10:30", "T08:30:00"), 6), (("T8:30", ""), None)]
)
def test_times_are_compared_as_times(times, value):
    results = "\n".join(f"P1 | LDH | {n} | U/L | 2014-01-02{time}" for n, time in zip((5, 6), times, strict=True))
    reading = read("LB", f"USUBJID | LBTESTCD | LBSTRESN | LBSTRESU | LBDTC\n{results}")
    assert column(reading, "lab_results", "value") == [value]


def test_results_without_their_day_are_each_told():
    reading = read(
        "LB",
        """USUBJID | LBTESTCD | LBSTRESN | LBSTRESU | LBDTC
           P1      | LDH      | 1        | U/L      |
           P1      | LDH      | 2        | U/L      |""",
    )
    assert column(reading, "lab_results", "place") == ["line 2", "line 3"]


SHUFFLED = [
    "P1 | TARGET     | T01  | LDIAM    | 20      | 20 | mm | | INVESTIGATOR | 2014-03-01",
    "P1 | TARGET     | T01  | LPERP    | 12      | 12 | mm | | INVESTIGATOR | 2014-03-01",
    "P1 | TARGET     | T01  | TUMSTATE | PRESENT |    |    | | INVESTIGATOR | 2014-03-01",
    "P1 | TARGET     | T02  | LPERP    | 9       | 9  | mm | | INVESTIGATOR | 2014-03-01",
    "P1 | NON-TARGET | NT01 | TUMSTATE | ABSENT  |    |    | | INVESTIGATOR | 2014-03-01",
    "P1 | NON-TARGET | NT01 | TUMSTATE | ABSENT  |    |    | | INVESTIGATOR | 2014-03-01",
    "P1 | TARGET     | T01  | LDIAM    | 15      | 15 | mm | | INVESTIGATOR | 2014-05-01",
    "P2 | TARGET     | T01  | LDIAM    | 30      | 30 | mm | | INVESTIGATOR | 2014-03-01",
]


@given(st.permutations(SHUFFLED))
def test_the_order_of_rows_changes_nothing(lines):
    def sorted_frame(order):
        frame = read("TR", "\n".join([TR_HEADER.replace("|", " | "), *order])).tables["lesion_measurements"]
        return frame.drop("file_sha256", "place").sort("subject_id", "lesion_id", "assessment_date")

    assert sorted_frame(lines).equals(sorted_frame(SHUFFLED))
