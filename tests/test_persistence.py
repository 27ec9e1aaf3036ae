"""Origin, index, peak and loss of a response over the whole follow-up."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from expectations.computed import PERSISTENCE, RESPONSES
from expectations.outcome_tables import OUTCOMES
from tests.drawing import table
from tests.drawn_series import drawn_responses, outcomes_of, products_of, study, visits_of
from transforms.persistence import persistence

LONG = (None, 999)
OF_A = (pl.col("antigen") == "A") & (pl.col("rule") == "dfr_eq")


def persisting(responses: pl.DataFrame, visits: pl.DataFrame, outcomes: pl.DataFrame) -> pl.DataFrame:
    """PERSISTENCE of subjects whose product no table names."""
    return persistence(responses, visits, outcomes, products_of(outcomes), study())


def measured(
    series: dict[str, str],
    contacts: dict | None = None,
    products: pl.DataFrame | None = None,
    named: str | None = None,
    **parts,
):
    """Antigen A of each subject under the drawn rule; `named` is the product's specimen."""
    responses = drawn_responses({(subject, "A"): drawing for subject, drawing in series.items()})
    responses = responses if products is None else pl.concat([responses, products])
    outcomes = outcomes_of({subject: LONG for subject in series} | (contacts or {}))
    rows = persistence(responses, visits_of(responses), outcomes, products_of(outcomes, named), study(**parts))
    return rows.filter(OF_A)


def test_origin_index_and_loss_follow_from_the_series():
    drawn = table(
        """
        id | series                      | death | origin           | n  | pos | loss_kind      | left | right
        a  | -7:- 30:+ 90:+ 180:+        |       | induced          | 3  | 3   | right_censored | 180  |
        b  | -7:- 30:+ 90:- 180:-        |       | induced          | 3  | 1   | interval       | 30   | 90
        c  | -7:- 30:+ 90:- 180:+        |       | induced          | 3  | 2   | right_censored | 180  |
        d  | -7:- 30:+ 90:+ 180:+        | 200   | induced          | 3  | 3   | death          | 180  | 200
        e  | -7:- 30:+ 90:-              | 200   | induced          | 2  | 1   | interval       | 30   | 90
        f  | -7:- 30:- 90:-              | 200   | never            | 2  | 0   | never_detected |      |
        g  | -7:+ 30:- 90:-              |       | lost             | 2  | 0   | interval       | 0    | 30
        h  | -7:+100 30:+199 90:-        |       | pre_existing     | 2  | 1   | interval       | 30   | 90
        i  | -7:+100 30:+200             |       | boosted          | 1  | 1   | right_censored | 30   |
        j  | -7:+100 30:-900 90:+150     |       | pre_existing     | 2  | 1   | right_censored | 90   |
        k  | 30:- 90:+                   |       | unknown_baseline | 2  | 1   | right_censored | 90   |
        l  | 30:- 90:-                   |       | never            | 2  | 0   | never_detected |      |
        m  | -7:+                        |       | not_evaluable    | 0  | 0   | no_post_sample |      |
        n  | -7:-                        | 10    | not_evaluable    | 0  | 0   | no_post_sample |      |
        o  | -7:- 30:0 90:?              |       | not_evaluable    | 0  | 0   | no_post_sample |      |
        p  | -7:0 30:+                   |       | unknown_baseline | 1  | 1   | right_censored | 30   |
        q  | -30:- -7:0 30:+             |       | induced          | 1  | 1   | right_censored | 30   |
        r  | -7:- 30:+ 60:? 90:+ 120:0   |       | induced          | 2  | 2   | right_censored | 90   |
        s  | -7:- 30:+ 60:? 90:-         |       | induced          | 2  | 1   | interval       | 30   | 90
        t  | -30:+ -7:- 0:+ 30:+         |       | pre_existing     | 1  | 1   | right_censored | 30   |
        u  |                             |       | not_evaluable    | 0  | 0   | no_post_sample |      |
        """
    )
    series = {row["id"]: row["series"] or "" for row in drawn.to_dicts()}
    contacts = {row["id"]: (row["death"], 999) for row in drawn.to_dicts()}
    names = {
        "id": "subject_id", "n": "n_evaluable", "pos": "n_positive", "left": "loss_left_day", "right": "loss_right_day"
    }  # fmt: skip
    answer = drawn.drop("series", "death").rename(names)
    assert_frame_equal(measured(series, contacts).select(answer.columns), answer, check_dtypes=False)


def test_an_indeterminate_call_counts_as_negative_only_where_the_study_says_so():
    row = measured({"P": "-7:? 30:+ 90:?"}, indeterminate="negative").row(0, named=True)
    assert (row["origin"], row["n_evaluable"], row["loss_kind"]) == ("induced", 2, "interval")
    assert (row["baseline_day"], row["baseline_call"]) == (-7, "indeterminate")
    row = measured({"P": "-7:? 30:+ 90:?"}).row(0, named=True)
    assert (row["origin"], row["n_evaluable"], row["loss_kind"]) == ("unknown_baseline", 1, "right_censored")
    assert (row["baseline_day"], row["baseline_call"]) == (None, None)


def test_baseline_is_the_last_evaluable_candidate_and_candidates_only():
    responses = drawn_responses({("P", "A"): "-30:-3 -9:-4 -7:0 -2:+50 30:+"})
    visits = visits_of(responses).with_columns(is_baseline_candidate=pl.col("study_day") < -5)
    row = persisting(responses, visits, outcomes_of({"P": LONG})).row(by_predicate=OF_A, named=True)
    assert (row["baseline_day"], row["baseline_call"], row["baseline_value"]) == (-9, "negative", 4)


def test_of_two_samples_of_one_day_the_first_by_name_counts():
    first = drawn_responses({("P", "A"): "30:-"}).with_columns(specimen_id=pl.lit("P/a"))
    second = drawn_responses({("P", "A"): "30:+"}).with_columns(specimen_id=pl.lit("P/b"))
    for responses in (pl.concat([first, second]), pl.concat([second, first])):
        row = persisting(responses, visits_of(responses), outcomes_of({"P": LONG})).row(by_predicate=OF_A, named=True)
        assert (row["n_evaluable"], row["n_positive"]) == (1, 0)


@pytest.mark.parametrize(
    ("series", "peak", "day", "fold", "is_bound"),
    [
        ("-7:-20 30:+80 90:+160", 160, 90, 3, False),
        ("-7:-20 30:+160 90:+160", 160, 30, 3, False),  # the earlier of equal peaks
        ("-7:-0 30:+160 90:+80", 160, 30, 4, True),  # a baseline below its LOD counts as its LOD, 10
        ("-7:--5 30:+80", 80, 30, 3, True),
        ("-7:-20 30:-5 90:-3", 5, 30, -1, True),
        ("30:+80 90:-1", 80, 30, None, None),
        ("-7:-20 30:?900", None, None, None, None),  # an indeterminate value is no peak
    ],
)
def test_peak_and_fold_never_fall_below_the_limit_of_detection(series, peak, day, fold, is_bound):
    row = measured({"P": series}).row(0, named=True)
    assert (row["peak_value"], row["peak_day"], row["fold_is_bound"]) == (peak, day, is_bound)
    assert row["fold_from_baseline_log2"] == (None if fold is None else pytest.approx(fold))


def test_each_end_of_a_fold_has_its_own_limit_and_a_bound_stays_a_bound():
    responses = drawn_responses({("P", "A"): "-7:-5 30:+80"}).with_columns(
        lod=pl.when(pl.col("study_day") < 0).then(40.0).otherwise(10.0),
        net_upper=pl.when(pl.col("study_day") < 0).then("net_upper"),
        is_below_lod=pl.lit(value=False),
    )
    row = persisting(responses, visits_of(responses), outcomes_of({"P": LONG})).row(by_predicate=OF_A, named=True)
    assert (row["fold_from_baseline_log2"], row["fold_is_bound"]) == (pytest.approx(1), True)


def products(calls: str) -> pl.DataFrame:
    """Responses of one product specimen a call: TIL0, TIL1, ..."""
    drawn = drawn_responses({("P", "A"): " ".join(f"{day}:{call}" for day, call in enumerate(calls))})
    named = pl.concat_str(pl.lit("TIL"), "study_day")
    return drawn.with_columns(material=pl.lit("infusion_product"), specimen_id=named)


@pytest.mark.parametrize(
    ("calls", "named", "in_product"),
    [
        ("+", None, True),
        ("-", None, False),
        ("?", None, None),
        ("0", None, None),
        ("", None, None),
        ("-+", None, None),  # two specimens, and no table says which one was given
        ("-+", "TIL0", False),
        ("-+", "TIL1", True),
        ("-0", "TIL1", None),
        ("+", "TIL7", None),  # the one given was not assayed
    ],
)
def test_in_product_is_known_only_where_the_product_that_was_given_was_evaluable(calls, named, in_product):
    row = measured({"P": "-7:- 30:+"}, products=products(calls), named=named).row(0, named=True)
    assert row["in_product"] is in_product
    assert (row["n_evaluable"], row["baseline_call"]) == (1, "negative")


def test_only_reported_blood_of_a_known_day_counts():
    good = drawn_responses({("P", "A"): "30:+"})
    others = [
        drawn_responses({("P", "A"): "60:+"}, is_reported=pl.lit(value=False)),
        drawn_responses({("P", "A"): "61:+"}, material=pl.lit("tumour")),
        drawn_responses({("P", "A"): "62:+"}, study_day=pl.lit(None, dtype=pl.Int32)),
    ]
    responses = pl.concat([good, *others])
    rows = persisting(responses, visits_of(responses), outcomes_of({"P": LONG}))
    assert rows.filter((pl.col("antigen") == "A") & (pl.col("rule") == "dfr_eq"))["n_positive"].to_list() == [1]


def test_every_infused_subject_and_declared_antigen_has_a_row_under_every_rule_there_is():
    rules = {"dfr_eq": True, "threshold": False, "dfr_2x": False}
    responses = pl.concat(
        drawn_responses({("P", "A"): "30:+"}, rule=rule, is_primary_rule=pl.lit(value=is_primary))
        for rule, is_primary in rules.items()
    )
    outcomes = outcomes_of({"P": LONG, "Q": LONG, "never": LONG})
    outcomes = outcomes.with_columns(is_infused=pl.col("subject_id") != "never")
    rows = persisting(responses, visits_of(responses), outcomes)
    keys = {(s, a, r) for s in "PQ" for a in ("A", "B", "CMV") for r in rules}
    assert set(rows.select("subject_id", "antigen", "rule").rows()) == keys
    assert rows.height == len(keys)
    assert rows.filter(pl.col("subject_id") == "Q")["origin"].unique().to_list() == ["not_evaluable"]
    assert rows["persistence_key"][0] == "P/A/IFNg/dfr_2x"
    assert rows.filter(pl.col("is_primary_rule"))["rule"].unique().to_list() == ["dfr_eq"]


def test_without_responses_or_subjects_the_table_is_empty():
    outcomes = outcomes_of({"P": LONG})
    empty = RESPONSES.empty()
    assert_frame_equal(persisting(empty, visits_of(empty), outcomes), PERSISTENCE.empty())
    some = drawn_responses({("P", "A"): "30:+"})
    assert_frame_equal(persisting(some, visits_of(some), OUTCOMES.empty()), PERSISTENCE.empty())


SAMPLES = st.dictionaries(st.integers(-30, 400), st.sampled_from("+-?0"), max_size=12)


@settings(deadline=None)
@given(SAMPLES, st.one_of(st.none(), st.integers(401, 800)), st.randoms())
def test_loss_is_what_the_days_say_and_row_order_changes_nothing(samples, death, random):
    responses = drawn_responses({("P", "A"): " ".join(f"{day}:{call}" for day, call in samples.items())})
    order = random.sample(range(responses.height), responses.height)
    outcomes = outcomes_of({"P": (death, 800)})
    rows = persisting(responses, visits_of(responses), outcomes)
    assert_frame_equal(rows, persisting(responses[order], visits_of(responses), outcomes), check_exact=True)
    if rows.is_empty():
        return
    row = rows.row(by_predicate=OF_A, named=True)
    after = {day: call for day, call in samples.items() if day > 0 and call in "+-"}
    assert row["n_evaluable"] == len(after)
    if row["loss_kind"] == "interval":
        assert after[row["loss_right_day"]] == "-"
        assert not [d for d, call in after.items() if row["loss_left_day"] < d < row["loss_right_day"]]
        assert not [d for d, call in after.items() if d > row["loss_right_day"] and call == "+"]
    if row["loss_kind"] in ("death", "right_censored"):
        assert row["loss_left_day"] == max(after) and after[max(after)] == "+"
        assert row["loss_right_day"] == death
    if row["loss_kind"] in ("never_detected", "no_post_sample"):
        assert "+" not in after.values() and row["loss_left_day"] is None
