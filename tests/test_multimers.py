"""Calls of multimers: events, shares, and the alleles of each multimer of an antigen."""

from __future__ import annotations

import polars as pl
import pytest

from tests.drawn_tubes import MULTIMERS, drawn_tubes, one, study, told, typed

TWO = [*MULTIMERS, {"antigen": "A", "hla": "B*07:02", "population": "CD8", "gates": ["tet2+"]}]
A2, B7 = "A A*02:01 multimer+", "A B*07:02 multimer+"
"""The two multimers of antigen A."""


def multimers(count: object, parent: int = 100_000, *alleles: str) -> dict[str, pl.DataFrame]:
    drawing = f"stimulus | subset | count | parent\nmultimer | A A*02:01 multimer+ | {count} | {parent}"
    return drawn_tubes(drawing, hla_typing=typed(*alleles))


@pytest.mark.parametrize(
    ("count", "parent", "expected"),
    [
        (10, 100_000, ("positive", None)),
        (9, 50_000, ("negative", None)),
        (19, 200_000, ("negative", None)),
        (20, 200_000, ("positive", None)),
        (500, 49_999, ("not_evaluable", "too_few_events")),
        ("0.5%", 100_000, ("not_evaluable", "percent_only")),
    ],
)
def test_multimers_need_events_a_share_and_cells(count, parent, expected):
    row = one(multimers(count, parent, "A*02:01", "A*24:02"), study(multimers=MULTIMERS), rule="multimer_events")
    assert (row["call"], row["reason"]) == expected
    assert (row["readout"], row["control"], row["control_mean"]) == ("multimer", None, None)


def test_a_multimers_value_is_its_percentage_and_its_limit_the_least_that_can_be_called():
    row = one(multimers(10, 100_000, "A*02:01"), study(multimers=MULTIMERS), rule="multimer_events")
    assert (row["net_value"], row["lod"], row["is_below_lod"]) == (pytest.approx(0.01), pytest.approx(0.01), False)
    row = one(multimers(10, 50_000, "A*02:01"), study(multimers=MULTIMERS), rule="multimer_events")
    assert (row["net_value"], row["lod"], row["statistic"]) == (pytest.approx(0.02), pytest.approx(0.02), 10.0)


@pytest.mark.parametrize(
    ("alleles", "reason"),
    [(("A*01:01", "A*03:01"), "hla_mismatch"), ((), "hla_unknown"), (("A*02", "A*03:01"), "hla_unknown")],
)
def test_multimers_are_called_in_matched_subjects_only(alleles, reason):
    row = one(multimers(500, 100_000, *alleles), study(multimers=MULTIMERS), rule="multimer_events")
    assert told(row) == ("not_evaluable", reason, reason)


def two(drawing: str, *alleles: str) -> dict[str, pl.DataFrame]:
    """Tubes (or one) stained with both multimers of A, from lines `tube | subset | count | parent`."""
    lines = [f"multimer | {line}" for line in drawing.strip().splitlines()]
    return drawn_tubes("\n".join(["stimulus | tube | subset | count | parent", *lines]), hla_typing=typed(*alleles))


def called(drawing: str, *alleles: str) -> dict:
    return one(two(drawing, *alleles), study(multimers=TWO), rule="multimer_events")


APART = f"""
m1 | {A2} | 200 | 100000
m2 | {B7} | 1   | 100000
"""
BOTH = ("A*02:01", "A*03:01", "B*07:02", "B*08:01")
ONLY_B7 = ("A*01:01", "A*03:01", "B*07:02", "B*08:01")


def test_events_of_a_multimer_the_subject_has_no_allele_for_are_not_counted():
    row = called(APART, *ONLY_B7)
    assert told(row) == ("negative", None, "")
    assert (row["stimulated_count"], row["stimulated_parent_count"], row["n_antigen_wells"]) == (1, 100_000, 1)
    row = called(APART, "A*02:01", "A*03:01", "B*35:01", "B*08:01")
    assert (row["call"], row["stimulated_count"], row["net_value"]) == ("positive", 200, pytest.approx(0.2))


def test_a_multimer_that_may_not_fit_gives_way_to_one_that_does():
    row = called(APART, "B*07:02", "B*08:01")  # HLA-A is not typed
    assert (told(row), row["stimulated_count"]) == (("negative", None, ""), 1)


def test_only_where_none_is_matched_the_typing_forbids_the_call():
    assert called(APART, "A*01:01", "A*03:01", "B*35:01", "B*08:01")["reason"] == "hla_mismatch"
    assert called(APART, "A*01:01", "A*03:01")["reason"] == "hla_unknown"
    assert called(APART)["reason"] == "hla_unknown"


def test_two_matched_multimers_in_one_tube_share_its_cells():
    row = called(f"m1 | {A2} | 8 | 100000\nm1 | {B7} | 7 | 100000", *BOTH)
    assert (row["stimulated_count"], row["stimulated_parent_count"], row["n_antigen_wells"]) == (15, 100_000, 1)
    assert (row["net_value"], row["call"]) == (pytest.approx(0.015), "positive")


def test_two_matched_multimers_in_tubes_of_their_own_add_their_percentages():
    # 0.2 % and 0.05 %: a tube in which one of them was not looked for does not dilute the other.
    row = called(f"m1 | {A2} | 200 | 100000\nm2 | {B7} | 100 | 200000", *BOTH)
    assert (row["net_value"], row["stimulated_count"], row["n_antigen_wells"]) == (pytest.approx(0.25), 300, 2)
    assert row["stimulated_parent_count"] == 100_000
    few = called(f"m1 | {A2} | 200 | 100000\nm2 | {B7} | 100 | 49999", *BOTH)
    assert told(few) == ("not_evaluable", "too_few_events", "")


def test_replicate_tubes_of_one_multimer_are_still_summed():
    row = called(f"m1 | {A2} | 200 | 100000\nm2 | {A2} | 100 | 100000", *BOTH)
    assert (row["net_value"], row["stimulated_count"], row["n_antigen_wells"]) == (pytest.approx(0.15), 300, 2)


def test_a_matched_multimer_without_a_count_leaves_no_part_that_passes_for_the_whole():
    row = called(f"m1 | {A2} | 200 | 100000\nm2 | {B7} | count_missing | 100000", *BOTH)
    assert told(row) == ("not_evaluable", "count_missing", "count_missing")
    assert (row["net_value"], row["stimulated_count"], row["n_antigen_wells"]) == (None, None, 0)


def test_of_two_batches_the_one_with_a_matched_multimer_is_reported():
    drawing = f"""
        stimulus | batch | subset | count | acquired
        multimer | b1    | {B7}   | 300   | 2020-03-01
        multimer | b2    | {A2}   | 300   | 2020-03-02
    """
    t = drawn_tubes(drawing, hla_typing=typed(*ONLY_B7))
    row = one(t, study(multimers=TWO), rule="multimer_events", is_reported=True)
    assert (row["plate_id"], row["call"]) == ("b1", "positive")


def test_of_two_batches_the_one_with_enough_cells_is_reported():
    drawing = f"""
        stimulus | batch | subset | count | parent | acquired
        multimer | b1    | {A2}   | 300   | 50000  | 2020-03-01
        multimer | b2    | {A2}   | 300   | 49999  | 2020-03-02
    """
    t = drawn_tubes(drawing, hla_typing=typed(*BOTH))
    row = one(t, study(multimers=TWO), rule="multimer_events", is_reported=True)
    assert (row["plate_id"], row["call"]) == ("b1", "positive")


def test_one_other_allele_is_a_mismatch_where_the_subject_is_homozygous_for_it():
    t = multimers(500)
    for copies, reason in ((2, "hla_mismatch"), (1, "hla_unknown"), (None, "hla_unknown")):
        t["hla_typing"] = typed("A*24:02", copies=copies)
        assert one(t, study(multimers=MULTIMERS), rule="multimer_events")["reason"] == reason


def test_one_gate_cannot_stand_for_two_alleles():
    same_gate = [*MULTIMERS, MULTIMERS[0] | {"hla": "B*07:02"}]
    with pytest.raises(
        ValueError, match="'CD8/tet\\+' stands for both A A\\*02:01 multimer\\+ and A B\\*07:02 multimer\\+"
    ):
        study(multimers=same_gate)
