"""From wells to responses: values, limits of detection, quality, and the four calls."""

from __future__ import annotations

import json
import math
from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from expectations import vocabulary
from expectations.computed import ELISPOT_WELLS, RESPONSES, VISITED_SPECIMENS
from expectations.reasons import REASONS
from expectations.records import ESTIMATES
from tests.drawing import table
from tests.drawn_plates import drawn_wells, study, visited
from transforms.responses import elispot_responses

ARRIVALS = pl.DataFrame({"file_sha256": ["f"], "arrival": [1]})
LOW = "1 2 1 0 2 1"


def responses(drawing: str, *, estimates=None, ceiling=None, viability=None, arrivals=ARRIVALS, **parts):
    wells = drawn_wells(drawing, ceiling)
    specimens = visited(*wells["specimen_id"].unique().to_list(), viability=viability)
    estimates = ESTIMATES.empty() if estimates is None else estimates
    return elispot_responses(wells, specimens, estimates, study(**parts), arrivals)


def of_a(antigen: str, medium: str = LOW, rule: str = "dfr_eq", more: str = "", **parts) -> dict:
    rows = responses(f"stimulus | spots\n A | {antigen}\n medium | {medium}\n {more}".rstrip(), **parts)
    return rows.filter((pl.col("antigen") == "A") & (pl.col("rule") == rule)).row(0, named=True)


def call(*args, **parts) -> tuple[str, str | None]:
    row = of_a(*args, **parts)
    return row["call"], row["reason"]


def quality(**limits) -> dict:
    return {"elispot": {"quality": limits}}


def test_values_are_spots_per_million_with_mean_and_median_of_each_side():
    row = of_a("10 12 50", "0 2 10")
    names = ("antigen_mean", "antigen_median", "control_mean", "control_median", "net_value", "net_lower", "net_upper")
    assert [row[name] for name in names] == [120, 60, 20, 10, 100, 100, 100]
    assert (row["n_antigen_wells"], row["n_control_wells"], row["unit"]) == (3, 3, "spots per 10^6 cells")


def test_a_negative_net_value_is_stored_as_it_is():
    row = of_a("0 0 1", "3 3 3")
    assert row["net_value"] == pytest.approx(5 / 3 - 15)
    assert row["is_below_lod"] is True


def test_masked_wells_are_missing_not_zero():
    row = of_a("10 x 20", "2 x 4")
    assert (row["antigen_mean"], row["control_mean"]) == (75, 15)
    assert (row["n_antigen_wells"], row["n_control_wells"]) == (2, 2)


def test_every_rule_stands_beside_the_others_with_its_version_and_parameters():
    rows = responses(f"stimulus | spots\n A | 30 30 30\n medium | {LOW}", rules={"primary": "threshold"})
    assert rows.select("rule", "is_primary_rule", "call").rows() == [
        ("dfr_2x", False, "positive"),
        ("dfr_eq", False, "positive"),
        ("threshold", True, "positive"),
    ]
    assert [json.loads(text) for text in rows["rule_parameters"]] == [
        {"alpha": 0.05, "max_resamples": 3_000_000},
        {"alpha": 0.05, "max_relabelings": 3_000_000},
        {"min_fold": 4.0, "min_net": 55.0},
    ]
    assert rows["rule_parameters"][2].index("min_fold") < rows["rule_parameters"][2].index("min_net")
    assert rows["rule_version"].to_list() == ["1"] * 3
    assert rows["response_key"].to_list() == ["S/X/A/IFNg/dfr_2x", "S/X/A/IFNg/dfr_eq", "S/X/A/IFNg/threshold"]


def test_every_rule_of_elispot_is_computed_and_no_other():
    assert set(responses(f"stimulus | spots\n A | 30 30 30\n medium | {LOW}")["rule"]) == set(vocabulary.ELISPOT_RULES)


@pytest.mark.parametrize("primary", vocabulary.ELISPOT_RULES)
def test_the_rule_of_the_study_file_is_marked_as_primary(primary):
    rows = responses(f"stimulus | spots\n A | 30 30 30\n medium | {LOW}", rules={"primary": primary})
    assert rows.filter(pl.col("is_primary_rule"))["rule"].to_list() == [primary]


def test_each_rule_gives_its_own_statistic():
    rows = responses("stimulus | spots\n A | 9 8 10\n medium | 1 2 3")
    twofold = math.log10(9 * 8 * 10 / (1 * 2 * 3)) / 3 - math.log10(2)
    assert rows["statistic"].to_list() == [pytest.approx(twofold), pytest.approx(7), pytest.approx(4.5)]


@pytest.mark.parametrize(
    ("antigen", "medium", "ceiling", "net", "lower", "upper", "is_below_lod"),
    [
        ("T 40 40", "0 0 0", 100, 300, 300, None, False),
        ("40 40 40", "T 0 0", 30, 150, None, 150, None),  # 10 spots or more in the mean: it may be below the LOD
        ("1 0 0", "T 0 0", 30, pytest.approx(5 / 3 - 50), None, pytest.approx(5 / 3 - 50), True),
        ("T 40 40", "T 0 0", 100, pytest.approx(300 - 500 / 3), None, None, None),
        ("T 0 0", "9 9 9", 10, pytest.approx(50 / 3 - 45), pytest.approx(50 / 3 - 45), None, None),
    ],
)
def test_wells_too_numerous_to_count_leave_one_bound_open(antigen, medium, ceiling, net, lower, upper, is_below_lod):
    row = of_a(antigen, medium, ceiling=ceiling)
    assert (row["net_value"], row["net_lower"], row["net_upper"]) == (net, lower, upper)
    assert row["is_below_lod"] is is_below_lod


def test_without_a_ceiling_there_is_no_number_at_all():
    row = of_a("T T T", "T T T")
    assert [row[n] for n in ("antigen_mean", "control_mean", "net_value", "net_lower", "net_upper")] == [None] * 5
    assert (row["call"], row["reason"], row["n_antigen_wells"]) == ("not_evaluable", "tntc", 3)


ESTIMATE = table(
    """
    readout | version | limit_of_blank | control_mean
    IFNg    | 1       | 500            | 0
    IFNg    | 2       | 30             | 6
    GrB     | 3       | 900            | 0
    """,
    ESTIMATES,
    estimate="limit_of_blank",
    assay="elispot",
)


@pytest.mark.parametrize(
    ("antigen", "estimates", "elispot", "lod", "version"),
    [
        ("10 12 14", None, {}, 5 / 3, None),  # one spot in three wells of 200 000 cells
        ("10 12 x", None, {}, 5 / 2, None),
        ("10 12 14", ESTIMATE, {}, 24, 2),  # the latest limit of blank minus the mean of its controls
        ("10 12 14", ESTIMATE.with_columns(limit_of_blank=7.0), {}, 5 / 3, None),  # one spot is the larger
        ("10 12 14", ESTIMATE, {"lod": 11.0}, 11, None),
    ],
)
def test_the_limit_of_detection_comes_from_the_setting_the_estimate_or_one_spot(
    antigen, estimates, elispot, lod, version
):
    row = of_a(antigen, estimates=estimates, elispot=elispot)
    assert row["lod"] == pytest.approx(lod)
    assert row["lod_version"] == version


def test_a_net_value_at_its_limit_of_detection_is_detected():
    assert of_a("1 0 0", "0 0 0")["is_below_lod"] is False
    assert of_a("0 0 0", "0 0 0")["is_below_lod"] is True


HIGH = "30 31 32"
PHA = {"controls": {"positive": ["PHA"]}}


@pytest.mark.parametrize(
    ("antigen", "medium", "rule", "answer"),
    [
        (HIGH, LOW, "dfr_eq", ("positive", None)),
        ("1 2 1", LOW, "dfr_eq", ("negative", None)),
        (HIGH, "x x x", "dfr_eq", ("not_evaluable", "no_negative_control")),
        (HIGH, "x x x", "threshold", ("not_evaluable", "no_negative_control")),
        ("90 91 92", "10 10 10", "threshold", ("positive", None)),  # a control of exactly 50
        ("90 91 92", "10 10 11", "threshold", ("not_evaluable", "negative_control_high")),
        ("1 2 1", "10 10 11", "threshold", ("not_evaluable", "negative_control_high")),  # nor is it negative
        (HIGH.replace("31", "x").replace("32", "x"), LOW, "threshold", ("not_evaluable", "too_few_replicates")),
        ("x x x", LOW, "threshold", ("not_evaluable", "too_few_replicates")),
        ("30 31 x", LOW, "threshold", ("positive", None)),
        ("30 31", "1 2 1", "dfr_eq", ("not_evaluable", "too_few_replicates")),
        ("30 31", "1 2 1", "threshold", ("positive", None)),
        ("80 30 30", LOW, "threshold", ("indeterminate", "replicate_variability")),  # variance 833 over 31
        ("9 2 0", "1 2 1 0 2 1", "dfr_eq", ("negative", None)),
        (HIGH, LOW, "dfr_2x", ("positive", None)),
        ("3 3 3", "1 2 1 1 2 1", "dfr_2x", ("negative", None)),  # above the control, not above twice the control
        (HIGH, "x x x", "dfr_2x", ("not_evaluable", "no_negative_control")),
        ("80 30 30", LOW, "dfr_2x", ("indeterminate", "replicate_variability")),
    ],
)
def test_quality_blocks_or_doubts_a_call(antigen, medium, rule, answer):
    assert call(antigen, medium, rule) == answer


def test_few_replicates_are_flagged_and_nothing_more():
    row = of_a("30 31 x", rule="threshold")
    assert (row["call"], row["quality_flags"]) == ("positive", "few_replicates")
    assert of_a(HIGH)["quality_flags"] == ""


@pytest.mark.parametrize("consequence", ["flag", "indeterminate", "not_evaluable"])
@pytest.mark.parametrize(
    ("limit", "criterion", "antigen", "medium", "parts"),
    [
        ("on_negative_control", "negative_control_high", "90 91 92", "15 15 15 15 15 15", {}),
        ("on_replicate_variability", "replicate_variability", "180 30 30", LOW, {}),
        ("on_viability", "low_viability", HIGH, LOW, {"viability": 69.9}),
        ("on_below_lod", "below_lod", HIGH, LOW, {"estimates": ESTIMATE.with_columns(limit_of_blank=400.0)}),
        ("on_positive_control", "no_positive_control", HIGH, LOW, PHA),
        ("on_positive_control", "positive_control_low", HIGH, LOW, PHA | {"more": "PHA | 20 20"}),
    ],
)  # fmt: skip
def test_a_failed_criterion_does_what_its_setting_says(limit, criterion, antigen, medium, parts, consequence):
    row = of_a(antigen, medium, "threshold", **parts, **quality(**{limit: consequence}))
    answer = {"flag": ("positive", None)}.get(consequence, (consequence, criterion))
    assert (row["call"], row["reason"]) == answer
    assert row["quality_flags"] == criterion


def test_a_doubtful_criterion_leaves_a_negative_alone():
    assert call("1 2 1", viability=10) == ("negative", None)
    assert call("1 2 1", viability=10, **quality(on_viability="not_evaluable")) == ("not_evaluable", "low_viability")


def test_below_the_limit_of_detection_speaks_of_positives_only():
    row = of_a("1 1 1", "0 0 0 0 0 0", estimates=ESTIMATE)
    assert (row["call"], row["reason"], row["quality_flags"]) == ("indeterminate", "below_lod", "below_lod")
    assert of_a("0 0 0", "0 0 0 0 0 0", estimates=ESTIMATE)["quality_flags"] == ""


@pytest.mark.parametrize(
    ("more", "answer"),
    [
        ("PHA | T T", ("positive", None)),
        ("", ("not_evaluable", "no_positive_control")),
        ("PHA | x x", ("not_evaluable", "no_positive_control")),
        ("PHA | 20 20", ("not_evaluable", "positive_control_low")),
        ("PHA | 21 22", ("positive", None)),  # 107.5 - 5.83 >= 100
    ],
)
def test_a_declared_positive_control_must_work(more, answer):
    assert call(HIGH, LOW, more=more, ceiling=9, **PHA) == answer  # the ceiling alone would be too low


def test_positive_controls_nobody_declared_are_not_asked_for():
    assert call(HIGH, LOW) == ("positive", None)


def test_a_positive_control_counts_in_its_own_specimen_plate_and_analyte_only():
    rows = responses(
        """
        specimen | plate | analyte | stimulus | spots
        S        | X     | IFNg    | A        | 30 31 32
        S        | X     | IFNg    | medium   | 1 2 1 0 2 1
        S2       | X     | IFNg    | PHA      | 300 300
        S        | Y     | IFNg    | PHA      | 300 300
        S        | X     | GrB     | PHA      | 300 300
        """,
        **PHA,
    )
    assert rows["reason"].unique().to_list() == ["no_positive_control"]


def test_unequal_cells_forbid_comparing_counts_and_flag_the_rest():
    drawing = f"stimulus | spots | cells\n A | {HIGH} | 100000\n medium | {LOW} | 200000"
    rows = responses(drawing).select("rule", "call", "reason", "quality_flags").rows()
    assert rows == [
        ("dfr_2x", "not_evaluable", "unequal_cells", "unequal_cells"),
        ("dfr_eq", "not_evaluable", "unequal_cells", "unequal_cells"),
        ("threshold", "positive", None, "unequal_cells"),
    ]


def test_the_first_reason_in_order_is_given_and_every_flag_is_listed():
    row = of_a("300 0", "20 20", more="PHA | 20 20", viability=5, **PHA)
    assert (row["call"], row["reason"]) == ("not_evaluable", "negative_control_high")
    assert row["quality_flags"] == (
        "few_replicates,low_viability,negative_control_high,positive_control_low,replicate_variability"
    )


def test_too_many_to_count_is_the_reason_where_quality_has_none():
    assert call("T 0 0", LOW, ceiling=20) == ("not_evaluable", "tntc")
    assert call("T 0 0", "20 20 20", ceiling=20) == ("not_evaluable", "negative_control_high")
    assert call("T T T", LOW, ceiling=300) == ("positive", None)
    assert call("T T T", LOW, "dfr_2x", ceiling=300) == ("not_evaluable", "tntc")


REPORTED = """
    plate | read_date  | file | stimulus | spots
    X     | {x}        | fx   | A        | 30 31 32
    X     | {x}        | fx   | medium   | 1 2 1 0 2 1
    Y     | {y}        | fy   | A        | 1 2 1
    Y     | {y}        | fy   | medium   | 1 2 1 0 2 1
    """


@pytest.mark.parametrize(
    ("x", "y", "arrived", "reported"),
    [
        ("2020-05-02", "2020-05-01", (1, 2), "X"),  # the latest read
        ("2020-05-01", "2020-05-02", (2, 1), "Y"),
        ("2020-05-01", "", (1, 2), "X"),  # a plate without a read date counts as the oldest
        ("2020-05-01", "2020-05-01", (2, 1), "X"),  # then the latest to arrive
        ("", "", (1, 1), "Y"),  # then the last by name
    ],
)
def test_one_plate_of_a_specimen_is_reported(x, y, arrived, reported):
    arrivals = pl.DataFrame({"file_sha256": ["fx", "fy"], "arrival": arrived})
    rows = responses(REPORTED.format(x=x, y=y), arrivals=arrivals)
    assert rows.filter(pl.col("is_reported"))["plate_id"].unique().to_list() == [reported]


def test_a_later_plate_without_a_value_of_the_antigen_does_not_displace_one_that_has_values():
    rows = responses(
        """
        plate | read_date  | stimulus | spots
        X     | 2020-05-01 | A        | 30 31 32
        X     | 2020-05-01 | medium   | 1 2 1 0 2 1
        Y     | 2020-05-02 | A        | x x x
        Y     | 2020-05-02 | medium   | 1 2 1 0 2 1
        """
    )
    assert rows.filter(pl.col("is_reported"))["plate_id"].unique().to_list() == ["X"]


def test_antigens_spread_over_two_plates_are_both_reported():
    rows = responses(
        """
        plate | read_date  | stimulus | spots
        X     | 2020-05-01 | A        | 30 31 32
        X     | 2020-05-01 | medium   | 1 2 1 0 2 1
        Y     | 2020-05-02 | B        | 30 31 32
        Y     | 2020-05-02 | medium   | 1 2 1 0 2 1
        """
    )
    assert rows["is_reported"].all()


def test_specimens_bring_their_subject_day_and_material_along():
    wells = drawn_wells(f"stimulus | spots\n CMV | {HIGH}\n medium | {LOW}")
    specimens = table(
        """
        specimen_id | subject_id | material         | collection_date | study_day | visit
        S           | P7         | infusion_product | 2020-03-01      | 0         | infusion product
        """,
        VISITED_SPECIMENS,
    )
    row = elispot_responses(wells, specimens, ESTIMATES.empty(), study(), ARRIVALS).row(0, named=True)
    names = ("subject_id", "material", "collection_date", "study_day", "visit", "antigen_role")
    assert [row[n] for n in names] == ["P7", "infusion_product", date(2020, 3, 1), 0, "infusion product", "viral"]


def test_no_wells_give_an_empty_table():
    rows = elispot_responses(
        ELISPOT_WELLS.empty(), VISITED_SPECIMENS.empty(), ESTIMATES.empty(), study(), ARRIVALS.clear()
    )
    assert_frame_equal(rows, RESPONSES.empty())


MARKS = st.lists(st.one_of(st.integers(0, 60).map(str), st.sampled_from("Tx")), min_size=1, max_size=4).map(" ".join)
PLATES = st.tuples(MARKS, MARKS, MARKS)


def drawn(marks: tuple[str, str, str]) -> str:
    return f"stimulus | spots\n A | {marks[0]}\n B | {marks[1]}\n medium | {marks[2]}"


@settings(deadline=None)
@given(PLATES, st.randoms())
def test_row_order_changes_nothing(marks, random):
    wells = drawn_wells(drawn(marks)).with_columns(cells_per_well=pl.lit(300_000, dtype=pl.Int64))
    order = random.sample(range(wells.height), wells.height)
    one, other = (elispot_responses(w, visited(), ESTIMATES.empty(), study(), ARRIVALS) for w in (wells, wells[order]))
    assert_frame_equal(one, other, check_exact=True)


@settings(deadline=None)
@given(PLATES)
def test_net_never_exceeds_raw_and_every_call_has_what_it_needs(marks):
    rows = responses(drawn(marks))
    assert rows.filter(pl.col("net_value") > pl.col("antigen_mean")).is_empty()
    assert rows.filter(pl.col("lod") <= 0).is_empty()
    needs_reason = pl.col("call").is_in(["indeterminate", "not_evaluable"])
    assert rows.filter(needs_reason != pl.col("reason").is_not_null()).is_empty()
    assert set(rows["reason"].drop_nulls()) <= set(REASONS)
    assert rows.select(pl.col(RESPONSES.required).null_count().sum()).row(0) == (0,) * len(RESPONSES.required)
    decided = rows.filter(pl.col("call").is_in(["positive", "negative"]))
    assert decided["net_value"].null_count() == 0
