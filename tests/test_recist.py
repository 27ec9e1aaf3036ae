"""RECIST from lesions: sums and their boundaries, nodes, missing lesions, non-target lesions, the table."""

from __future__ import annotations

import polars as pl
import pytest

from expectations.clinical_in import LESION_MEASUREMENTS, LESIONS
from expectations.reasons import REASONS
from tests.clinical_study import infused, study
from tests.drawn_lesions import NO_REPORT, derive, lesions, responses, said
from transforms.recist import derived_assessments


def one_target(*mm: str, **response: object) -> str:
    """Responses of one target lesion, measured at baseline and then every 60 days."""
    days = [-5, *range(60, 60 * len(mm), 60)]
    return responses(
        f"lesion | kind | {' | '.join(map(str, days))}\nT1 | target | {' | '.join(mm)}", **response
    ).replace("60 ", "", 1)


@pytest.mark.parametrize(
    ("baseline", "then", "response"),
    [
        ("50", "35", "PR"),  # -30.0 %
        ("50", "35.1", "SD"),
        ("32.32", "22.624", "PR"),  # exactly 0.7, in micrometres; neither end is a binary fraction
        ("32.32", "22.625", "SD"),
        ("0.3", "0.21", "PR"),  # 0.21 <= 0.7 * 0.3 is false in floating point
        ("50", "60", "PD"),  # +20.0 %
        ("50", "59.9", "SD"),
        ("25", "30", "PD"),  # +20.0 % and 5.0 mm
        ("24", "28.9", "SD"),  # +20.4 % and 4.9 mm
        ("12", "17", "PD"),
        ("12", "16.9", "SD"),
        ("50", "absent", "CR"),
        ("50", "0", "CR"),
        ("50", "small", "PR"),
        ("6", "small", "SD"),  # 5 of 6 mm
        ("50", "-", "NE"),
        ("50", "present", "NE"),
        ("50", "progressed", "PD"),
    ],
)
def test_one_target_under_recist_1_1(baseline: str, then: str, response: str):
    assert one_target(baseline, then) == response


@pytest.mark.parametrize(
    ("baseline", "then", "response"),
    [("24", "28.9", "PD"), ("24", "28.8", "PD"), ("24", "28.7", "SD"), ("10", "12", "PD"), ("50", "35", "PR")],
)
def test_recist_1_0_asks_for_20_percent_and_no_5_mm(baseline: str, then: str, response: str):
    assert one_target(baseline, then, criteria="RECIST 1.0") == response


def test_progression_is_measured_from_the_smallest_sum_and_response_from_the_baseline():
    assert one_target("100", "60", "50", "60", "70") == "PR, 120 PR, 180 PD, 240 PD"
    assert one_target("100", "60", "50", "59.9") == "PR, 120 PR, 180 PR"


def test_the_baseline_counts_as_nadir():
    assert one_target("50", "60", "62") == "PD, 120 PD"


def test_a_sum_with_a_missing_target_is_no_nadir():
    drawing = """
        lesion | kind   | -5 | 60 | 120
        T1     | target | 50 | 20 | 50
        T2     | target | 50 | -  | 50
    """
    frame = derive(lesions(drawing))
    assert said(frame) == "60 NE, 120 SD"
    assert frame["nadir_mm"].to_list() == [None, 100.0, 100.0]
    assert frame["sum_mm"].to_list() == [100.0, None, 100.0]
    assert frame["measured_sum_mm"].to_list() == [100.0, 20.0, 100.0]
    assert frame["n_targets_missing"].to_list() == [0, 1, 0]
    assert frame["derived_reason"].to_list() == [None, "recist.targets_missing", None]


def test_a_missing_target_does_not_hide_the_progression_of_the_others():
    drawing = """
        lesion | kind   | -5 | 60   | 120
        T1     | target | 50 | 119  | 120
        T2     | target | 50 |      | -
    """
    assert responses(drawing) == "60 NE, 120 PD"


def test_percent_changes_and_sums_are_those_of_the_hand():
    frame = derive(lesions("lesion | kind | -5 | 60 | 120\nT1 | target | 32.32 | 16.16 | 24.24"))
    assert frame["change_from_baseline_percent"].to_list() == pytest.approx([0, -50, -25])
    assert frame["change_from_nadir_percent"].to_list()[1:] == pytest.approx([-50, 50])


@pytest.mark.parametrize(
    ("criteria", "then", "response"),
    [
        ("RECIST 1.1", "9.9", "CR"),
        ("RECIST 1.1", "9.999", "CR"),
        ("RECIST 1.1", "10", "PR"),
        ("RECIST 1.1", "small", "CR"),
        ("RECIST 1.0", "9.9", "PR"),
        ("RECIST 1.0", "small", "PR"),
        ("RECIST 1.0", "0", "CR"),
    ],
)
def test_a_target_node_is_gone_below_10_mm_under_1_1_and_at_0_under_1_0(criteria: str, then: str, response: str):
    assert responses(f"lesion | kind | -5 | 60\nN1 | node | 20 | {then}", criteria=criteria) == f"60 {response}"


def test_under_1_0_a_node_below_10_mm_that_is_left_is_told():
    drawing = "lesion | kind | -5 | 60 | 120\nN1 | node | 20 | 9.9 | 9.9\nT1 | target | 40 | 0 | 1"
    frame = derive(lesions(drawing), criteria="RECIST 1.0")
    assert said(frame) == "60 PR, 120 PR"
    assert frame["derived_reason"].to_list() == [None, "recist.node_not_gone", None]


def test_every_node_must_be_below_10_mm_and_every_other_target_gone():
    drawing = """
        lesion | kind   | -5 | 60  | 120 | 180
        N1     | node   | 20 | 9.9 | 9.9 | 9.9
        N2     | node   | 15 | 10  | 9   | 9
        T1     | target | 40 | 0   | 1   | 0
    """
    frame = derive(lesions(drawing))
    assert said(frame) == "60 PR, 120 PR, 180 CR"
    assert frame["derived_reason"].to_list() == [None, None, None, "recist.node_left"]


def test_a_node_is_recognised_by_its_organ_where_nothing_else_says_so():
    known, measured = lesions("lesion | kind | -5 | 60\nN1 | node | 20 | 8")
    by_organ = known.with_columns(
        pl.lit(None, pl.Boolean).alias("is_lymph_node"), pl.lit("Axillary LYMPH NODE").alias("organ")
    )
    assert said(derive((by_organ, measured))) == "60 CR"
    told_otherwise = by_organ.with_columns(is_lymph_node=pl.lit(value=False))
    assert said(derive((told_otherwise, measured))) == "60 PR"


def test_of_a_node_with_both_axes_the_short_one_counts_under_1_1_and_the_longest_under_1_0():
    known, measured = lesions("lesion | kind | -5 | 60\nN1 | node | 30 | 12\nT1 | target | 20 | 0")
    short = pl.when(pl.col("lesion_id") == "N1").then(pl.col("diameter_mm") * 0.8).otherwise(1.0)
    both = known, measured.with_columns(short_axis_mm=short)
    assert said(derive(both)) == "60 CR"
    assert derive(both)["sum_mm"].to_list() == [44.0, 9.6]
    assert said(derive(both, criteria="RECIST 1.0")) == "60 PR"
    assert derive(both, criteria="RECIST 1.0")["sum_mm"].to_list() == [50.0, 12.0]


def test_growth_of_a_normal_node_is_no_progression():
    assert responses("lesion | kind | -5 | 60 | 120\nN1 | node | 20 | 4 | 9.5") == "60 CR, 120 CR"


@pytest.mark.parametrize(
    ("kind", "baseline", "gone", "again", "response"),
    [
        ("target", "40", "0", "2", "PD"),  # -95 % of the baseline, 2 mm: progression all the same
        ("target", "40", "0", "small", "PD"),
        ("target", "40", "0", "-", "NE"),
        ("target", "40", "0", "0", "CR"),
        ("node", "20", "8", "10", "PD"),
        ("node", "20", "8", "9.9", "CR"),
    ],
)
def test_a_lesion_that_is_there_again_after_a_complete_response_is_progression(
    kind: str, baseline: str, gone: str, again: str, response: str
):
    frame = derive(lesions(f"lesion | kind | -5 | 60 | 120\nT1 | {kind} | {baseline} | {gone} | {again}"))
    assert said(frame) == f"60 CR, 120 {response}"
    assert (frame["derived_reason"][2] == "recist.reappeared") == (response == "PD")


def test_without_a_complete_response_a_target_that_comes_back_is_just_added():
    drawing = """
        lesion | kind   | -5 | 60 | 120
        T1     | target | 40 | 0  | 4
        T2     | target | 40 | 40 | 40
    """
    assert responses(drawing) == "60 PR, 120 PR"


def test_from_a_nadir_of_0_without_a_complete_response_growth_by_5_mm_is_progression_and_0_is_none():
    drawing = """
        lesion | kind       | -5      | 60      | 120     | 180     | 240
        T1     | target     | 40      | 0       | 0       | 4.9     | 5
        X1     | non_target | present | present | present | present | present
    """
    assert responses(drawing) == "60 PR, 120 PR, 180 PR, 240 PD"
    assert responses(drawing, criteria="RECIST 1.0") == "60 PR, 120 PR, 180 PD, 240 PD"


def test_a_node_that_is_normal_again_and_a_non_target_that_is_back_after_a_complete_response():
    drawing = """
        lesion | kind       | -5      | 60     | 120     | 180       | 240
        T1     | target     | 40      | 0      | 0       | 0         | 0
        X1     | non_target | present | absent | absent  | equivocal | present
    """
    frame = derive(lesions(drawing))
    assert said(frame) == "60 CR, 120 CR, 180 PR, 240 PD"
    assert frame["derived_reason"].to_list()[3:] == ["recist.non_target_left", "recist.reappeared"]


# target response, non-target lesions, new lesion -> overall, from the table of both papers
TABLE = """
    CR | absent     |         | CR
    CR |            |         | CR
    CR | present    |         | PR
    CR | -          |         | PR
    PR | absent     |         | PR
    PR | present    |         | PR
    PR | -          |         | PR
    PR |            |         | PR
    SD | absent     |         | SD
    SD | present    |         | SD
    SD | -          |         | SD
    NE | absent     |         | NE
    NE | present    |         | NE
    NE | -          |         | NE
    PD | absent     |         | PD
    PD | -          |         | PD
    CR | progressed |         | PD
    PR | progressed |         | PD
    SD | progressed |         | PD
    NE | progressed |         | PD
    CR | absent     | present | PD
    CR | absent     | 3       | PD
    SD | present    | small   | PD
    NE | -          | present | PD
    SD | present    | equivocal | SD
    SD | present    | absent  | SD
    NONE | absent   |         | CR
    NONE | present  |         | NON-CR/NON-PD
    NONE | -        |         | NE
    NONE | progressed |       | PD
    NONE | present  | present | PD
"""
SIZES = {"CR": "absent", "PR": "20", "SD": "50", "PD": "90", "NE": "-"}


@pytest.mark.parametrize("criteria", ["RECIST 1.0", "RECIST 1.1"])
@pytest.mark.parametrize(
    ("target", "non_target", "new", "overall"),
    [tuple(map(str.strip, line.split("|"))) for line in TABLE.strip().splitlines()],
)
def test_the_overall_response_follows_the_table(target: str, non_target: str, new: str, overall: str, criteria: str):
    lines = ["lesion | kind | -5 | 60"]
    lines += [f"T1 | target | 50 | {SIZES[target]}"] if target in SIZES else []
    lines += [f"X1 | non_target | present | {non_target}"] if non_target else []
    lines += [f"W1 | new | | {new}"] if new else []
    frame = derive(lesions("\n".join(lines)), criteria=criteria)
    assert said(frame) == f"60 {overall}"
    assert said(frame, "derived_target_response") == f"60 {target}"
    assert frame["derived_has_new_lesion"].to_list() == [None, new not in ("", "absent", "equivocal")]


@pytest.mark.parametrize(
    ("states", "response"),
    [
        (("absent", "absent"), "CR"),
        (("absent", "present"), "NON-CR/NON-PD"),
        (("absent", "-"), "NE"),
        (("present", ""), "NE"),
        (("progressed", ""), "PD"),
        (("absent", "9.9"), "CR"),
        (("absent", "10"), "NON-CR/NON-PD"),
        (("small", "9"), "NON-CR/NON-PD"),
    ],
)
def test_non_target_lesions_alone(states: tuple[str, str], response: str):
    drawing = f"""
        lesion | kind            | -5      | 60
        X1     | non_target      | present | {states[0]}
        X2     | non_target_node | 12      | {states[1]}
    """
    assert responses(drawing) == f"60 {response}"


def test_no_lesions_and_no_reports_give_no_rows():
    frame = derived_assessments(LESIONS.empty(), LESION_MEASUREMENTS.empty(), NO_REPORT, infused("P1"), study())
    assert frame.is_empty()


def test_growth_by_20_percent_and_less_than_5_mm_leaves_its_reason():
    frame = derive(lesions("lesion | kind | -5 | 60\nT1 | target | 12 | 16"))
    assert frame["derived_reason"][1] == "recist.less_than_5_mm"
    assert "recist.less_than_5_mm" in REASONS
