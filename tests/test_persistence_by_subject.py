"""The primary exposure: a subject's tumour antigens together."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from expectations.computed import PERSISTENCE_AT_LANDMARK, PERSISTENCE_BY_SUBJECT
from tests.drawing import table
from tests.drawn_series import drawn_responses, outcomes_of, products_of, study, visits_of
from transforms.landmarks import persistence_at_landmark
from transforms.persistence import persistence
from transforms.persistence_by_subject import persistence_by_subject


def by_subject(
    series: dict[tuple[str, str], str], contacts: dict, products: pl.DataFrame | None = None
) -> pl.DataFrame:
    responses = drawn_responses(series)
    responses = responses if products is None else pl.concat([responses, products])
    samples = responses, visits_of(responses), outcomes_of(contacts)
    whole = persistence(*samples, products_of(samples[2]), study())
    rows = persistence_by_subject(persistence_at_landmark(*samples, study()), whole, samples[2], study())
    return rows.filter(pl.col("rule") == "dfr_eq")


def test_one_persistent_tumour_antigen_is_enough_and_false_needs_all_of_them():
    drawn = table(
        """
        id | A          | B          | CMV   | death | contact | persistent | reason                  | n | pos | sum
        a  | 90:+80     | 90:-4      | 90:-  |       | 999     | true       |                         | 2 | 1   | 84
        b  | 90:-5      | 90:-4      | 90:+  |       | 999     | false      |                         | 2 | 0   | 9
        c  | 90:-5      | 90:0       | 90:+  |       | 999     |            | not_all_antigens_tested | 1 | 0   |
        d  | 90:+80     | 90:0       | 90:-  |       | 999     | true       |                         | 1 | 1   |
        e  | 30:+       | 30:-       | 90:+  |       | 999     |            | no_sample_in_window     | 0 | 0   |
        f  | 30:+       |            | 30:+  | 60    | 60      |            | dead                    | 0 | 0   |
        g  |            |            | 30:+  |       | 60      |            | window_not_reached      | 0 | 0   |
        h  | 88:--6     | 95:-4      | 90:+  |       | 999     | false      |                         | 2 | 0   | -2
        """
    )
    rows = drawn.to_dicts()
    series = {(row["id"], antigen): row[antigen] or "" for row in rows for antigen in ("A", "B", "CMV")}
    contacts = {row["id"]: (row["death"], row["contact"]) for row in rows}
    names = {"id": "subject_id", "n": "n_antigens_evaluable", "pos": "n_antigens_persistent", "sum": "sum_net_value"}
    answer = drawn.drop("A", "B", "CMV", "death", "contact").rename(names)
    judged = by_subject(series, contacts)
    assert_frame_equal(judged.select(answer.columns), answer, check_dtypes=False)
    assert judged["n_antigens_declared"].to_list() == [2] * drawn.height
    assert judged["is_primary_rule"].to_list() == [True] * drawn.height


def test_induced_antigens_are_counted_by_the_landmark_and_product_antigens_beside_them():
    products = drawn_responses({("P", "A"): "-1:+", ("P", "B"): "-1:-", ("P", "CMV"): "-1:+"})
    products = products.with_columns(material=pl.lit("infusion_product"), specimen_id=pl.lit("TIL"))
    series = {("P", "A"): "-7:- 90:+", ("P", "B"): "-7:- 90:- 300:+", ("P", "CMV"): "-7:- 90:+"}
    row = by_subject(series, {"P": (None, 999)}, products).row(0, named=True)
    names = ("n_antigens_induced", "n_product_antigens", "n_product_antigens_persistent")
    assert [row[name] for name in names] == [1, 1, 1]


def test_a_product_antigen_not_seen_again_is_counted_as_such():
    products = drawn_responses({("P", "A"): "-1:+", ("P", "B"): "-1:+"})
    products = products.with_columns(material=pl.lit("infusion_product"), specimen_id=pl.lit("TIL"))
    row = by_subject({("P", "A"): "90:+", ("P", "B"): "90:-"}, {"P": (None, 999)}, products).row(0, named=True)
    assert (row["n_product_antigens"], row["n_product_antigens_persistent"]) == (2, 1)


@pytest.mark.parametrize(("call", "counts"), [("+", (2, 2, 1)), ("-", (2, 1, 1)), ("0", (1, 1, 1)), ("?", (1, 1, 1))])
def test_product_antigens_count_as_evaluable_where_the_product_could_be_called(call, counts):
    products = drawn_responses({("P", "A"): "-1:+", ("P", "B"): f"-1:{call}", ("P", "CMV"): "-1:+"})
    products = products.with_columns(material=pl.lit("infusion_product"), specimen_id=pl.lit("TIL"))
    row = by_subject({("P", "A"): "90:+", ("P", "B"): "90:-"}, {"P": (None, 999)}, products).row(0, named=True)
    names = ("n_product_antigens_evaluable", "n_product_antigens", "n_product_antigens_persistent")
    assert tuple(row[name] for name in names) == counts


def test_nothing_in_gives_nothing_out():
    responses = drawn_responses({})
    samples = responses, visits_of(responses), outcomes_of({})
    whole = persistence(*samples, products_of(samples[2]), study())
    rows = persistence_by_subject(PERSISTENCE_AT_LANDMARK.empty(), whole, samples[2], study())
    assert_frame_equal(rows, PERSISTENCE_BY_SUBJECT.empty())


SAMPLES = st.dictionaries(st.integers(60, 130), st.sampled_from("+-?0"), max_size=6)


@settings(deadline=None, max_examples=50)
@given(SAMPLES, SAMPLES, st.integers(60, 130))
def test_taking_late_visits_away_never_turns_unknown_into_negative(a, b, last):
    def judged(keep) -> bool | None:
        series = {("P", "CMV"): "-7:-"} | {
            ("P", name): " ".join(f"{day}:{call}" for day, call in samples.items() if keep(day))
            for name, samples in (("A", a), ("B", b))
        }
        return by_subject(series, {"P": (None, 999)})["persistent"].item()

    before, after = judged(lambda _: True), judged(lambda day: day <= last)
    assert not (before is None and after is False)


@pytest.mark.parametrize("death", [None, 104, 105])
def test_a_deciding_sample_stands_whatever_follows(death):
    row = by_subject({("P", "A"): "80:-", ("P", "B"): "80:-"}, {"P": (death, 999)}).row(0, named=True)
    assert (row["persistent"], row["reason"]) == (False, None)
