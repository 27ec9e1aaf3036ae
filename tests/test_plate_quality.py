"""Control charts of plates: what a plate measures, limits that stay, and Westgard's rules, all worked by hand."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from expectations.computed import PLATE_QUALITY
from expectations.records import CONTROL_BASELINES
from expectations.study import StudySettings
from tests.drawing import table
from transforms.control_baselines import control_baselines, versioned_baselines
from transforms.plate_quality import plate_quality

TODAY = date(2021, 1, 1)
FIRST, LAST = date(2020, 1, 1), date(2020, 1, 31)
PERIOD = {"reference_first": FIRST, "reference_last": LAST, "min_plates": 3}


def study(**trend) -> StudySettings:
    return StudySettings.model_validate(
        {
            "study": {"id": "T"},
            "visits": [{"name": "Baseline", "day": 0, "window": [-60, 0]}],
            "antigens": [{"name": "MART-1", "role": "tumour"}],
            "persistence": {"landmarks": [{"day": 30}]},
            "elispot": {"trend": trend},
        }
    )


# --- charts: drawn plates with logs of their medium ---------------------------------------------------------------


def plates_of(drawing: str, **constants: object) -> pl.DataFrame:
    """Measures as `plate_measures` returns them, drawn by log10(x + 1)."""
    common = {"measure": "negative_control", "analyte": "IFNg", "sample": "medium", "instrument": "AID"}
    drawn = table(drawing).with_row_index("number", offset=1)
    given = {
        name: value for name, value in {**common, "is_bound": False, **constants}.items() if name not in drawn.columns
    }
    logs, day = pl.col("log").cast(pl.Float64), pl.col("day").cast(pl.Date)
    names = (
        {}
        if "plate_id" in drawn.columns
        else {"plate_id": pl.format("P{}", pl.col("number").cast(pl.String).str.zfill(3))}
    )
    return drawn.with_columns(**{name: pl.lit(value) for name, value in given.items()}, **names).with_columns(
        read_date=day,
        value=10**logs - 1,
        value_log10=logs,
        n_wells=pl.lit(3),
        is_reference=day.is_between(FIRST, LAST).fill_null(value=False),
    )


def estimated(plates: pl.DataFrame, settings: StudySettings) -> pl.DataFrame:
    fresh = control_baselines(plates, settings, TODAY)
    return versioned_baselines(CONTROL_BASELINES.empty(), fresh, re_estimate=False, run_id="r1")


def judged(plates: pl.DataFrame, settings: StudySettings | None = None, baselines: pl.DataFrame | None = None):
    """Verdict and rules of every plate, in the order drawn."""
    settings = settings or study(**PERIOD)
    found = plate_quality(plates, estimated(plates, settings) if baselines is None else baselines, settings)
    assert found.schema == PLATE_QUALITY.schema
    key = list(PLATE_QUALITY.key)
    drawn = plates.select(key).join(found, on=key, how="left", maintain_order="left", validate="1:1")
    return list(zip(drawn["trend_status"], drawn["westgard"], strict=True))


REFERENCE = """
    day        | log
    2020-01-01 | 0.9
    2020-01-10 | 1.0
    2020-01-31 | 1.1
"""
"""Mean 1, SD 0.1: z of a log is (log - 1) * 10."""

IN_CONTROL = ("in_control", None)
WARNING = ("warning", "1-2s")
FAR = ("rejected", "1-2s,1-3s")
TWICE = ("rejected", "1-2s,2-2s")


def test_limits_are_mean_and_sd_of_the_period_s_plates_and_z_the_distance_in_sd():
    plates = plates_of(REFERENCE + "    2020-02-01 | 1.25")
    row = estimated(plates, study(**PERIOD)).row(0, named=True)
    assert (row["mean_log10"], row["sd_log10"]) == (pytest.approx(1.0), pytest.approx(0.1))
    assert (row["n_plates"], row["version"], row["estimated_on"], row["run_id"]) == (3, 1, TODAY, "r1")
    found = plate_quality(plates, estimated(plates, study(**PERIOD)), study(**PERIOD)).sort("plate_id")
    assert found["z"].to_list() == pytest.approx([-1, 0, 1, 2.5])
    assert found["is_reference"].to_list() == [True, True, True, False]
    assert found["baseline_version"].to_list() == [1, 1, 1, 1]


def after(*logs: float, **columns: object) -> pl.DataFrame:
    """The reference plates and then one plate a day."""
    days = "".join(f"\n{date(2020, 2, 1) + timedelta(days=n)} | {log}" for n, log in enumerate(logs))
    return plates_of(REFERENCE.rstrip() + days, **columns)


@pytest.mark.parametrize(
    ("logs", "verdicts"),
    [
        ([1.2, 0.8], [IN_CONTROL, IN_CONTROL]),  # exactly 2 SD is not beyond
        ([1.3, 0.7], [WARNING, WARNING]),  # exactly 3 SD warns; the two are on different sides
        ([1.21], [WARNING]),
        ([0.69], [FAR]),
        ([1.25, 1.0, 1.25], [WARNING, IN_CONTROL, WARNING]),
        ([1.25, 1.25], [WARNING, TWICE]),
        ([0.75, 0.79, 0.79], [WARNING, TWICE, TWICE]),
        ([1.25, 0.75, 0.75], [WARNING, WARNING, TWICE]),
        ([1.25, 1.2, 1.25], [WARNING, IN_CONTROL, WARNING]),
        ([1.35, 1.35], [FAR, ("rejected", "1-2s,1-3s,2-2s")]),
    ],
)
def test_westgard_rules(logs, verdicts):
    assert judged(after(*logs))[3:] == verdicts


def test_two_instruments_analytes_controls_or_measures_never_make_a_pair():
    for column in ("instrument", "analyte", "sample", "measure"):
        other = "positive_control" if column == "measure" else "other"
        one = after(1.25)
        two = after(1.25, **{column: other}).with_columns(plate_id=pl.format("Q{}", "plate_id"))
        both = judged(pl.concat([one, two.select(one.columns)]))
        assert [both[3], both[7]] == [WARNING, WARNING], column


def test_each_instrument_has_limits_of_its_own():
    one, two = after(1.0), after(1.0, instrument="CTL").with_columns(plate_id=pl.format("Q{}", "plate_id"))
    two = two.with_columns(pl.col("value_log10") + pl.when(pl.col("is_reference")).then(1).otherwise(0))
    both = judged(pl.concat([one, two.select(one.columns)]))
    assert both[3] == IN_CONTROL and both[7] == FAR


def test_plates_of_one_day_follow_each_other_by_name():
    plates = plates_of(
        """
        plate_id | day        | log
        R1       | 2020-01-01 | 0.9
        R2       | 2020-01-10 | 1.0
        R3       | 2020-01-31 | 1.1
        B        | 2020-02-01 | 1.25
        A        | 2020-02-01 | 1.25
        C        | 2020-02-01 | 1.0
        D        | 2020-02-02 | 1.25
        """
    )
    assert judged(plates)[3:] == [TWICE, WARNING, IN_CONTROL, WARNING]


def bounds(*bound_logs: float | None) -> pl.DataFrame:
    """After the reference period, one plate a day whose control is too numerous to count; None is an exact 1.25."""
    plates = after(*(1.25 if log is None else log for log in bound_logs))
    flags = [False] * 3 + [log is not None for log in bound_logs]
    return plates.with_columns(is_bound=pl.Series(flags))


@pytest.mark.parametrize(
    ("logs", "verdicts"),
    [
        ([1.25], [WARNING]),
        ([1.35], [FAR]),
        ([1.1], [("not_judged", None)]),
        ([0.5], [("not_judged", None)]),  # the true value may be anywhere above
        ([1.25, None], [WARNING, TWICE]),
        ([None, 1.1, None], [WARNING, ("not_judged", None), WARNING]),
        ([0.5, 0.5], [("not_judged", None), ("not_judged", None)]),
    ],
)
def test_a_lower_bound_breaks_upper_limits_and_is_else_not_judged(logs, verdicts):
    assert judged(bounds(*logs))[3:] == verdicts


def test_a_lower_bound_of_the_reference_period_is_at_least_that_and_is_no_plate_towards_the_fewest():
    plates = plates_of(REFERENCE.rstrip() + "\n2020-01-20 | 1.05")
    plates = plates.with_columns(is_bound=pl.col("value_log10") == 1.05)
    row = estimated(plates, study(**PERIOD)).row(0, named=True)
    assert (row["n_plates"], row["n_bounds"], row["version"]) == (4, 1, 1)
    assert row["mean_log10"] > (0.9 + 1.0 + 1.1 + 1.05) / 4
    assert estimated(plates, study(**{**PERIOD, "min_plates": 4}))["version"].to_list() == [0]


def test_a_plate_without_a_read_date_or_value_is_not_charted_and_has_no_limits():
    plates = after(1.5, 1.25)
    gone = pl.when(pl.col("plate_id") != "P004")
    undated = plates.with_columns(read_date=gone.then("read_date"))
    assert judged(undated)[3:] == [("not_charted", None), WARNING]
    valueless = plates.with_columns(gone.then("value_log10").alias("value_log10"))
    assert judged(valueless)[3:] == [("not_charted", None), WARNING]
    found = (
        plate_quality(undated, estimated(plates, study(**PERIOD)), study(**PERIOD)).sort("plate_id").row(3, named=True)
    )
    assert [found[name] for name in ("mean_log10", "sd_log10", "z", "baseline_version")] == [None] * 4


def test_a_plate_whose_value_is_not_known_parts_its_neighbours():
    plates = after(1.25, 1.25, 1.25)
    plates = plates.with_columns(pl.when(pl.col("plate_id") != "P005").then("value_log10").alias("value_log10"))
    assert judged(plates)[3:] == [WARNING, ("not_charted", None), WARNING]


def test_measures_of_the_whole_plate_are_not_charted():
    plates = after(1.0, measure="tntc_share", sample="").with_columns(value_log10=pl.lit(None, dtype=pl.Float64))
    assert set(judged(plates)) == {("not_charted", None)}
    assert estimated(plates, study(**PERIOD)).is_empty()


def test_without_a_period_there_are_no_limits():
    plates = after(1.5).with_columns(is_reference=pl.lit(value=False))
    assert set(judged(plates, study())) == {("no_reference", None)}
    assert estimated(plates, study()).is_empty()


def test_too_few_plates_give_version_0_and_no_limits():
    few = study(**{**PERIOD, "min_plates": 4})
    row = estimated(after(1.5), few).row(0, named=True)
    assert (row["version"], row["n_plates"], row["mean_log10"], row["sd_log10"]) == (0, 3, None, None)
    assert set(judged(after(1.5), few)) == {("no_reference", None)}


def test_a_period_in_which_all_plates_are_alike_has_no_limits():
    plates = after(0.0, 0.7).with_columns(
        value_log10=pl.when(pl.col("is_reference")).then(0.0).otherwise("value_log10")
    )
    assert estimated(plates, study(**PERIOD))["sd_log10"].to_list() == [0.0]
    assert set(judged(plates)) == {("no_reference", None)}


# --- versions ----------------------------------------------------------------------------------------------------


def test_a_new_plate_of_the_period_moves_no_limit_until_re_estimation_is_asked_for():
    settings = study(**PERIOD)
    held = estimated(after(1.25), settings)
    more = pl.concat([after(1.25), plates_of("plate_id | day | log\nN | 2020-01-15 | 1.6").select(after(1.25).columns)])
    fresh = control_baselines(more, settings, TODAY)
    assert versioned_baselines(held, fresh, re_estimate=False, run_id="r2").is_empty()
    assert judged(more, settings, held)[3] == WARNING

    added = versioned_baselines(held, fresh, re_estimate=True, run_id="r2")
    assert added.select("version", "n_plates", "run_id").rows() == [(2, 4, "r2")]
    assert added["mean_log10"].item() == pytest.approx(1.15)
    both = pl.concat([held, added])
    assert judged(more, settings, both)[3] == IN_CONTROL
    assert versioned_baselines(both, fresh, re_estimate=True, run_id="r3").is_empty()  # the same plates


def test_limits_that_had_too_few_plates_come_only_when_asked_for():
    settings = study(**{**PERIOD, "min_plates": 4})
    held = estimated(after(), settings)
    more = pl.concat([after(), plates_of("plate_id | day | log\nN | 2020-01-15 | 1.0").select(after().columns)])
    fresh = control_baselines(more, settings, TODAY)
    assert versioned_baselines(held, fresh, re_estimate=False, run_id="r2").is_empty()
    assert versioned_baselines(held, fresh, re_estimate=True, run_id="r2")["version"].to_list() == [1]


def test_where_a_changed_setting_makes_the_same_plates_enough_asking_gives_limits():
    held = estimated(after(), study(**{**PERIOD, "min_plates": 4}))
    fresh = control_baselines(after(), study(**PERIOD), TODAY)
    assert versioned_baselines(held, fresh, re_estimate=False, run_id="r2").is_empty()
    assert versioned_baselines(held, fresh, re_estimate=True, run_id="r2")["version"].to_list() == [1]


def test_another_period_is_another_estimate_and_the_first_comes_back_as_it_was():
    plates = after(1.25, 1.3, 1.35)
    held = estimated(plates, study(**PERIOD))
    other = study(reference_first=date(2020, 2, 1), reference_last=date(2020, 2, 28), min_plates=3)
    moved = plates.with_columns(is_reference=pl.col("read_date") >= date(2020, 2, 1))
    added = versioned_baselines(held, control_baselines(moved, other, TODAY), re_estimate=False, run_id="r2")
    assert added.select("version", "reference_first").rows() == [(1, date(2020, 2, 1))]
    assert added["mean_log10"].item() == pytest.approx(1.3)
    both = pl.concat([held, added])
    assert judged(moved, other, both)[3] == IN_CONTROL
    assert judged(plates, study(**PERIOD), both)[3] == WARNING


def test_the_fingerprint_changes_with_a_plate_and_with_its_value_and_not_with_row_order():
    settings, plates = study(**PERIOD), after()
    changed = plates.with_columns(value=pl.col("value") + 0.001)
    renamed = plates.with_columns(plate_id=pl.format("x{}", "plate_id"))
    prints = [
        control_baselines(rows, settings, TODAY)["input_sha256"].item()
        for rows in (plates, plates.reverse(), changed, renamed)
    ]
    assert prints[0] == prints[1] and len(set(prints)) == 3


# --- invariants --------------------------------------------------------------------------------------------------

LOGS = st.floats(0, 4).map(lambda log: round(log, 2))


@settings(deadline=None)
@given(st.lists(LOGS, min_size=3, max_size=8), st.lists(LOGS, max_size=8), st.lists(LOGS, min_size=1, max_size=5))
def test_later_plates_change_neither_limits_nor_earlier_verdicts(reference, known, later):
    chosen = study(**PERIOD)
    days = [FIRST + timedelta(days=n) for n in range(len(reference))]
    days += [LAST + timedelta(days=1 + n) for n in range(len(known) + len(later))]
    lines = [f"{day} | {log:.2f}" for day, log in zip(days, [*reference, *known, *later], strict=True)]
    whole = plates_of("\n".join(["day | log", *lines]))
    before = whole.head(len(reference) + len(known))
    assert_frame_equal(
        control_baselines(before, chosen, TODAY), control_baselines(whole, chosen, TODAY), check_exact=True
    )
    held = estimated(before, chosen)
    assert judged(whole, chosen, held)[: before.height] == judged(before, chosen, held)


@settings(deadline=None)
@given(st.permutations(range(9)))
def test_row_order_changes_no_limit_and_no_verdict(order):
    chosen, plates = study(**PERIOD), after(1.25, 1.25, 0.75, 1.35, 1.0, 1.2)
    one, other = (plate_quality(rows, estimated(rows, chosen), chosen) for rows in (plates, plates[list(order)]))
    assert_frame_equal(one, other, check_exact=True)
