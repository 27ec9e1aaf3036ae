"""What each rule says of the counts alone."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.drawn_plates import drawn_wells, study
from transforms.positivity import RULES
from transforms.replicates import at_ceiling, replicate_summaries


def judged(rule: str, drawing: str, *, ceiling: int | None = None, **rules) -> pl.DataFrame:
    known = at_ceiling(drawn_wells(drawing, ceiling))
    return RULES[rule](replicate_summaries(known, "medium"), known, study(rules=rules)).sort("plate_id", "antigen")


def plate(antigen: str, medium: str) -> str:
    return f"stimulus | spots\n A | {antigen}\n medium | {medium}"


def verdict(rule: str, antigen: str, medium: str, **parts) -> tuple[str | None, str | None]:
    """The verdict and reason for antigen A; 200 000 cells a well, so a spot is 5 spots per 10^6."""
    rows = judged(rule, plate(antigen, medium), **parts).filter(pl.col("antigen") == "A")
    return rows.select("verdict", "rule_reason").row(0)


@pytest.mark.parametrize(
    ("antigen", "medium", "answer"),
    [
        ("11 11 11", "0 0 0", "positive"),  # net exactly 55
        ("10 11 11", "0 0 0", "negative"),  # net 53.3
        ("13 14 14", "2 3 3", "positive"),  # 68.33 - 13.33: exactly 55, whatever floating point makes of it
        ("40 40 40", "10 10 10", "positive"),  # exactly 4-fold
        ("39 40 40", "10 10 10", "negative"),  # net 148, but below 4-fold
        ("60 0 0", "0 0 0", "positive"),  # a mean is a mean: the spread is for quality to judge
    ],
)
def test_threshold_asks_for_net_and_fold(antigen, medium, answer):
    assert verdict("threshold", antigen, medium) == (answer, None)


def test_threshold_follows_its_settings():
    assert verdict("threshold", "3 3 3", "1 1 1", threshold={"min_net": 10, "min_fold": 3}) == ("positive", None)


def test_threshold_compares_wells_of_unequal_cells_per_million():
    rows = judged("threshold", "stimulus | spots | cells\n A | 6 6 6 | 100000\n medium | 1 1 1 | 400000")
    assert rows.select("verdict", "statistic").row(0) == ("positive", 24.0)  # 60 against 2.5 spots per 10^6


def test_a_ratio_over_no_spots_has_no_value():
    assert judged("threshold", plate("20 20 20", "0 0 0"))["statistic"].to_list() == [None]


@pytest.mark.parametrize(
    ("antigen", "medium", "p", "answer"),
    [
        ("9 8 9", "1 2 1 0 2 1", 1 / 84, ("positive", None)),
        ("9 8 9", "1 2 1", 1 / 20, ("positive", None)),  # 20 relabelings: the smallest p there is
        ("9 8 2", "1 2 1", 2 / 20, ("negative", None)),  # the 2s can change names
        ("9 8", "1 2 1 0", None, (None, "too_few_relabelings")),  # 15 relabelings
        ("9 8", "1 2 1 0 2", 1 / 21, ("positive", None)),
        ("9 8", "1 2 1", None, (None, "too_few_replicates")),
        ("9 8 9", "1 2", None, (None, "too_few_replicates")),
        ("9", "1 2 1 0 2 1", None, (None, "too_few_replicates")),
        ("9 8 x", "1 2 x 0", None, (None, "too_few_replicates")),  # a masked well is a missing well
    ],
)
def test_dfr_eq_needs_enough_wells_and_gives_the_exact_p(antigen, medium, p, answer):
    rows = judged("dfr_eq", plate(antigen, medium))
    assert rows["p_value_adjusted"].item() == (p if p is None else pytest.approx(p))
    assert rows.select("verdict", "rule_reason").row(0) == answer


def test_a_masked_well_keeps_its_column():
    # 4 + 3 columns, so 35 relabelings, not 20; only the true one has a difference of 9.
    rows = judged("dfr_eq", plate("9 x 9 9", "0 0 0"))
    assert rows["p_value_adjusted"].item() == pytest.approx(1 / 35)


def test_dfr_eq_has_a_largest_family():
    assert verdict("dfr_eq", "9 8 9", "1 2 1 0", dfr_eq={"max_relabelings": 35}) == ("positive", None)
    assert verdict("dfr_eq", "9 8 9", "1 2 1 0", dfr_eq={"max_relabelings": 34}) == (None, "too_many_relabelings")


@pytest.mark.parametrize(("rule", "p"), [("dfr_eq", 1 / 84), ("dfr_2x", 0)])
def test_counts_of_unequal_cells_are_not_compared(rule, p):
    drawing = "stimulus | spots | cells\n A | 9 8 9 | 100000\n B | 9 8 9 | 200000\n medium | 1 2 1 0 2 1 | 200000"
    rows = judged(rule, drawing)
    assert rows["p_value_adjusted"].to_list() == [None, pytest.approx(p)]
    assert rows["verdict"].to_list() == [None, "positive"]


@pytest.mark.parametrize(
    ("antigen", "medium", "p", "answer"),
    [
        ("8 8 8", "2 2 2", 0, ("positive", None)),
        ("4 4 4", "2 2 2", 1, ("negative", None)),  # exactly twice the control
        ("2 8", "1 1 1 1", 1 / 4, ("negative", None)),  # 8 8, one draw of four, reaches the statistic log10(2)
        ("2 8", "1 1 1", None, (None, "too_few_replicates")),
        ("8 8 8", "2 2", None, (None, "too_few_replicates")),
        ("8 8 x", "2 2 x 2", None, (None, "too_few_replicates")),
        ("2 8 x", "1 1 1 1 x", 1 / 4, ("negative", None)),  # a masked well is never drawn
    ],
)
def test_dfr_2x_needs_enough_wells_and_gives_the_exact_p(antigen, medium, p, answer):
    rows = judged("dfr_2x", plate(antigen, medium))
    assert rows["p_value_adjusted"].item() == (p if p is None else pytest.approx(p, abs=1e-12))
    assert rows.select("verdict", "rule_reason").row(0) == answer


def test_dfr_2x_calls_at_its_alpha():
    assert verdict("dfr_2x", "2 8", "1 1 1 1", dfr_2x={"alpha": 0.25}) == ("positive", None)


def test_dfr_2x_has_a_largest_antigen():
    # 10 multisets of 3 antigen wells times 35 of 4 control wells
    assert verdict("dfr_2x", "9 8 9", "1 2 1 1", dfr_2x={"max_resamples": 350}) == ("positive", None)
    assert verdict("dfr_2x", "9 8 9", "1 2 1 1", dfr_2x={"max_resamples": 349}) == (None, "too_many_resamples")
    rows = judged("dfr_2x", "stimulus | spots\n A | 2 8\n B | 2 7 9\n medium | 1 1 1 1", dfr_2x={"max_resamples": 105})
    assert rows["p_value_adjusted"].to_list() == [pytest.approx(1 / 4), None]  # B takes no part


def test_dfr_2x_gives_no_number_for_too_many_to_count():
    rows = judged("dfr_2x", "stimulus | spots\n A | T 90 90\n B | 90 80 90\n medium | 1 1 1", ceiling=100)
    assert rows.select(pl.col("statistic", "p_value_adjusted").is_null()).rows() == [(True, True), (False, False)]
    assert rows["verdict"].to_list() == [None, "positive"]


def test_under_dfr_2x_an_antigen_at_its_ceiling_stays_in_the_family_of_the_others():
    def p_of_b(a: str) -> float:
        rows = judged("dfr_2x", f"stimulus | spots\n {a} B | 2 8\n medium | 1 1 1 1", ceiling=8)
        return rows.filter(pl.col("antigen") == "B")["p_value_adjusted"].item()

    assert p_of_b("") == pytest.approx(1 / 4)
    assert p_of_b("A | 2 T\n") == p_of_b("A | 2 8\n") == pytest.approx(7 / 16)


def test_the_family_is_one_specimen_plate_and_analyte():
    alone = judged("dfr_eq", plate("5 4 3", "3 2 4 1 2 3"))["p_value_adjusted"].item()
    rows = judged(
        "dfr_eq",
        """
        plate | analyte | specimen | stimulus | spots
        X     | IFNg    | S        | A        | 5 4 3
        X     | IFNg    | S        | medium   | 3 2 4 1 2 3
        X     | GrB     | S        | B        | 9 9 9
        X     | GrB     | S        | medium   | 8 8 8 8 8 8
        Y     | IFNg    | S        | B        | 9 9 9
        Y     | IFNg    | S        | medium   | 1 1 1 1 1 1
        X     | IFNg    | S2       | B        | 9 9 9
        X     | IFNg    | S2       | medium   | 1 1 1 1 1 1
        """,
    )
    own = rows.filter((pl.col("antigen") == "A") & (pl.col("analyte") == "IFNg") & (pl.col("specimen_id") == "S"))
    assert own["p_value_adjusted"].item() == pytest.approx(alone)


def test_an_antigen_that_cannot_be_tested_takes_no_part_in_the_family():
    alone = judged("dfr_eq", plate("5 4 3", "3 2 4 1 2 3"))["p_value_adjusted"].item()
    rows = judged("dfr_eq", "stimulus | spots\n A | 5 4 3\n B | 90 x x x\n medium | 3 2 4 1 2 3")
    assert rows["p_value_adjusted"].to_list() == [pytest.approx(alone), None]


@pytest.mark.parametrize("rule", ["dfr_eq", "dfr_2x"])
def test_antigens_of_another_negative_control_are_another_family(rule):
    alone = judged(rule, plate("5 4 3", "3 2 4 1 2 3"))["p_value_adjusted"].item()
    rows = judged(
        rule,
        """
        stimulus | control | spots
        A        |         | 5 4 3
        medium   |         | 3 2 4 1 2 3
        B        | DMSO    | 5 9 5
        CMV      | DMSO    | 1 6 7
        DMSO     |         | 9 3 7
        K562     |         | 90 0 90
        """,
    )
    assert rows["p_value_adjusted"].to_list()[0] == pytest.approx(alone)
    without = judged(rule, "stimulus | spots\n B | 5 9 5\n CMV | 1 6 7\n medium | 9 3 7")["p_value_adjusted"]
    assert rows["p_value_adjusted"].to_list()[1:] == pytest.approx(without.to_list())


def test_positive_controls_are_not_in_the_family():
    alone = judged("dfr_eq", plate("5 4 3", "3 2 4 1 2 3"))["p_value_adjusted"].item()
    rows = judged("dfr_eq", "stimulus | spots\n A | 5 4 3\n PHA | 90 80 1\n medium | 3 2 4 1 2 3")
    assert rows["p_value_adjusted"].to_list() == [pytest.approx(alone)]


@pytest.mark.parametrize(
    ("names", "replicates", "p"),
    [
        (["B1", "B2", "B3"], [1, 2, 3], 0.5),
        (["B9", "B5", "B1"], [1, 2, 3], 0.5),  # the replicate number leads
        (["B9", "B10", "B11"], [None, None, None], 0.5),  # then the well, counted as people count
        (["B1", "B2", "B3"], [3, 1, 2], 0.6),  # other columns stand below one another: another test
    ],
)
def test_the_columns_of_a_family_follow_the_replicate_then_the_well(names, replicates, p):
    # 0.5 and 0.6 by hand over the 20 relabelings of both rows; the order of wells matters for the joint distribution.
    wells = drawn_wells("stimulus | spots\n A | 4 2 5\n B | 0 2 10\n medium | 2 3 3").sort("antigen", "well")
    second = pl.col("antigen") == "B"
    wells = pl.concat(
        [
            wells.filter(second.fill_null(value=False)).with_columns(
                well=pl.Series(names), replicate=pl.Series(replicates, dtype=pl.Int32)
            ),
            wells.filter(~second.fill_null(value=False)),
        ]
    )
    known = at_ceiling(wells)
    rows = RULES["dfr_eq"](replicate_summaries(known, "medium"), known, study())
    assert rows["p_value_adjusted"].to_list() == [pytest.approx(p)] * 2


TNTC_CASES = [
    # antigen, medium, ceiling, threshold, dfr_eq
    ("T T T", "1 2 1 0 2 1", 300, "positive", "positive"),
    ("T 0 0", "1 2 1 0 2 1", 20, "tntc", "tntc"),  # at the ceiling neither passes, and the truth may lie higher
    ("T 12 0", "1 2 1 0 2 1", 30, "positive", "tntc"),
    ("1 2 1", "T 2 1 0 2 1", 9, "negative", "negative"),  # a higher control cannot make it positive
    ("30 30 30", "T 2 1 0 2 1", 9, "tntc", "tntc"),  # positive at the ceiling, but the control may lie higher
    ("T 30 30", "T 2 1 0 2 1", 40, "tntc", "tntc"),
    ("1 1 T", "T 2 1 0 2 1", 3, "tntc", "tntc"),
]


@pytest.mark.parametrize(("antigen", "medium", "ceiling", "threshold", "dfr_eq"), TNTC_CASES)
def test_too_many_to_count_is_called_only_where_the_ceiling_settles_it(antigen, medium, ceiling, threshold, dfr_eq):
    for rule, answer in (("threshold", threshold), ("dfr_eq", dfr_eq), ("dfr_2x", "tntc")):
        expected = (None, "tntc") if answer == "tntc" else (answer, None)
        assert verdict(rule, antigen, medium, ceiling=ceiling) == expected, rule


def test_a_control_at_its_ceiling_beside_a_missing_well_leaves_dfr_eq_open():
    # Where the gap moves among the controls, their mean is taken over fewer wells, and a higher control weighs more.
    assert verdict("dfr_eq", "1 2 x 1", "T 2 1 0 2 1", ceiling=9) == (None, "tntc")


def test_without_any_ceiling_nothing_can_be_said():
    for rule in RULES:
        assert verdict(rule, "T T T", "T T T T") == (None, "tntc")
        assert judged(rule, plate("T T T", "T T T T"))["statistic"].to_list() == [None]


def test_an_open_antigen_leaves_the_rest_of_its_family_as_it_is():
    # The plate's only countable wells are those of another analyte, so A has no ceiling there.
    wells = drawn_wells("stimulus | spots\n A | T 4 3\n B | 9 8 9\n medium | 1 2 1 0 2 1")
    wells = wells.with_columns(tntc_ceiling=pl.lit(None, dtype=pl.Int64))
    known = at_ceiling(wells)
    rows = RULES["dfr_eq"](replicate_summaries(known, "medium"), known, study()).sort("antigen")
    assert rows["verdict"].to_list() == [None, "positive"]
    assert rows["p_value_adjusted"].to_list() == [None, pytest.approx(1 / 84)]


SPOTS = st.integers(0, 30)
HIGHER = st.integers(0, 200)


@settings(deadline=None)
@given(
    st.lists(SPOTS, min_size=3, max_size=3),
    st.lists(SPOTS, min_size=6, max_size=6),
    HIGHER,
    st.sampled_from(sorted(RULES)),
)
def test_a_positive_at_the_ceiling_stays_positive_at_any_true_count(antigen, medium, more, rule):
    cut = verdict(rule, f"T {antigen[1]} {antigen[2]}", " ".join(map(str, medium)), ceiling=30)
    true = verdict(rule, f"{30 + more} {antigen[1]} {antigen[2]}", " ".join(map(str, medium)))
    assert cut == (None, "tntc") or cut == true == ("positive", None)


@settings(deadline=None)
@given(
    st.lists(SPOTS, min_size=3, max_size=3),
    st.lists(SPOTS, min_size=6, max_size=6),
    HIGHER,
    st.sampled_from(sorted(RULES)),
)
def test_a_negative_with_a_control_at_its_ceiling_stays_negative_at_any_true_count(antigen, medium, more, rule):
    rest = " ".join(map(str, medium[1:]))
    cut = verdict(rule, " ".join(map(str, antigen)), f"T {rest}", ceiling=30)
    true = verdict(rule, " ".join(map(str, antigen)), f"{30 + more} {rest}")
    assert cut == (None, "tntc") or cut == true == ("negative", None)
