"""Each antigen is judged by the negative control of its own vehicle or line, and by no other."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from expectations.records import ESTIMATES
from tests.drawn_plates import drawn_wells, study, visited
from transforms.positivity import RULES
from transforms.responses import elispot_responses

ARRIVALS = pl.DataFrame({"file_sha256": ["f"], "arrival": [1]})
PHA = {"controls": {"positive": ["PHA"]}}

TWO_VEHICLES = """
    stimulus | control | spots
    A        |         | 30 31 32
    B        | DMSO    | 30 31 32
    medium   |         | 1 2 3
    DMSO     |         | 7 8 9 8
    K562     |         | 90 91 92
    """


def responses(drawing: str, ceiling: int | None = None, **parts) -> pl.DataFrame:
    wells = drawn_wells(drawing, ceiling)
    specimens = visited(*wells["specimen_id"].unique().to_list())
    return elispot_responses(wells, specimens, ESTIMATES.empty(), study(**parts), ARRIVALS)


def of(antigen: str, rows: pl.DataFrame, rule: str = "threshold") -> dict:
    return rows.filter(antigen=antigen, rule=rule).row(0, named=True)


def test_an_antigen_is_compared_with_the_control_its_wells_name():
    rows = responses(TWO_VEHICLES)
    names = ("control", "n_control_wells", "control_mean", "net_value")
    assert [of("A", rows)[name] for name in names] == ["medium", 3, 10, 145]
    assert [of("B", rows)[name] for name in names] == ["DMSO", 4, 40, 115]


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_takes_the_same_control(rule):
    drawing = "stimulus | control | spots\n A | DMSO | 30 31 32\n medium | | 30 30 30\n DMSO | | 1 2 3 2"
    row = of("A", responses(drawing), rule)
    assert (row["call"], row["control"]) == ("positive", "DMSO")
    alone = responses("stimulus | spots\n A | 30 31 32\n medium | 1 2 3 2")
    assert (row["statistic"], row["p_value_adjusted"]) == tuple(
        of("A", alone, rule)[name] for name in ("statistic", "p_value_adjusted")
    )


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("dmso", ["", "DMSO | | x x x"])
def test_without_its_own_control_an_antigen_has_no_call_whatever_others_there_are(rule, dmso):
    drawing = f"stimulus | control | spots\n A | DMSO | 30 31 32\n medium | | 1 2 3\n {dmso}".rstrip()
    row = of("A", responses(drawing), rule)
    assert (row["call"], row["reason"]) == ("not_evaluable", "no_negative_control")
    assert (row["control"], row["control_mean"], row["net_value"]) == ("DMSO", None, None)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(
    "drawing",
    [
        "stimulus | control | spots\n A | ? | 30 31 32\n medium | | 1 2 3\n DMSO | | 1 2 3",
        "stimulus | control | spots\n A | DMSO | 30 31 32\n A | | 30 31 32\n medium | | 1 2 3\n DMSO | | 1 2 3",
    ],
)
def test_an_antigen_whose_wells_name_several_controls_has_no_call(rule, drawing):
    row = of("A", responses(drawing), rule)
    assert (row["call"], row["reason"], row["quality_flags"]) == (
        "not_evaluable",
        "control_ambiguous",
        "control_ambiguous",
    )
    assert [row[name] for name in ("control", "control_mean", "net_value", "statistic")] == [None] * 4
    assert row["antigen_mean"] == 155


def test_an_ambiguous_control_of_one_specimen_or_plate_leaves_the_others_alone():
    rows = responses(
        """
        specimen | plate | stimulus | control | spots
        S        | X     | A        | ?       | 30 31 32
        S        | X     | medium   |         | 1 2 3
        S        | Y     | A        |         | 30 31 32
        S        | Y     | medium   |         | 1 2 3
        S2       | X     | A        |         | 30 31 32
        S2       | X     | medium   |         | 1 2 3
        """
    ).filter(rule="dfr_eq")
    assert dict(rows.select(pl.concat_str("specimen_id", "plate_id"), "reason").rows()) == {
        "SX": "control_ambiguous",
        "SY": None,
        "S2X": None,
    }


def test_a_high_control_blocks_only_the_antigens_it_belongs_to():
    rows = responses(TWO_VEHICLES.replace("7 8 9 8", "11 11 11 11"))
    assert (of("A", rows)["reason"], of("B", rows)["reason"]) == (None, "negative_control_high")


def test_too_many_to_count_in_one_control_leaves_the_other_antigens_as_they_are():
    rows = responses(TWO_VEHICLES.replace("7 8 9 8", "T 8 9 8"), ceiling=100)
    assert (of("A", rows)["net_lower"], of("B", rows)["net_lower"]) == (145, None)
    assert [of(antigen, rows, "dfr_2x")["reason"] for antigen in "AB"] == [None, "negative_control_high"]


@pytest.mark.parametrize(
    ("negatives", "answers"),
    [
        ("medium | | 1 2 3\n DMSO | | 7 8 9", {"A": None, "B": None}),  # 110 - 10, for both
        ("medium | | 2 2 3\n DMSO | | 0 0 0", {"A": "positive_control_low", "B": "positive_control_low"}),
        ("medium | | x x x\n DMSO | | 2 2 2", {"B": None}),  # no evaluable medium: 110 - 10, the antigen's own
        ("DMSO | | 3 3 3", {"B": "positive_control_low"}),
    ],
)
def test_positive_controls_are_measured_against_the_default_control_or_where_there_is_none_the_antigen_s(
    negatives, answers
):
    rows = responses(
        f"stimulus | control | spots\n A | | 40 41 42\n B | DMSO | 40 41 42\n PHA | | 22 22\n {negatives}", **PHA
    )
    assert {antigen: of(antigen, rows)["reason"] for antigen in answers} == answers


def test_the_default_control_is_the_first_the_study_file_names():
    drawing = "stimulus | control | spots\n A | DMSO | 40 41 42\n PHA | | 22 22\n medium | | 9 9 9\n DMSO | | 2 2 2"
    controls = {"negative": ["DMSO"], "positive": ["PHA"], "matched": {"medium": []}}
    assert of("A", responses(drawing, controls=controls))["reason"] is None


MARKS = st.lists(st.one_of(st.integers(0, 60).map(str), st.sampled_from("Tx")), min_size=1, max_size=4).map(" ".join)


@settings(deadline=None)
@given(MARKS, MARKS, MARKS, MARKS, st.randoms())
def test_wells_of_other_controls_and_antigens_never_enter(a, b, medium, dmso, random):
    drawing = f"stimulus | control | spots\n A | | {a}\n medium | | {medium}"
    whole = drawing + f"\n B | DMSO | {b}\n DMSO | | {dmso}"
    alone, wells = drawn_wells(drawing, 70), drawn_wells(whole, 70)
    shuffled = wells[random.sample(range(wells.height), wells.height)]
    one, other = (
        elispot_responses(w, visited(), ESTIMATES.empty(), study(), ARRIVALS).filter(antigen="A")
        for w in (alone, shuffled)
    )
    assert_frame_equal(one, other, check_exact=True)
