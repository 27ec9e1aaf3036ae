"""Cells per microlitre of blood, from the blood count nearest to the collection."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from expectations.ingested import BLOOD_COUNTS
from tests.drawing import table
from tests.drawn_tubes import MULTIMERS, drawn_tubes, one, study, typed

STRONG = "stimulus | count\nA | 500\nmedium | 5"
BLOOD = """
    subject_id | count_date | lymphocytes_per_ul | cd8_per_ul
    P1         | 2020-02-26 | 9000               | 9000
    P1         | 2020-02-28 | 1000               | 400
    P1         | 2020-03-03 | 5000               | 500
"""


def test_cells_per_microlitre_come_from_the_nearest_blood_count_the_earlier_of_two():
    counts = table(BLOOD, BLOOD_COUNTS)
    row = one(drawn_tubes(STRONG, blood_counts=counts))
    assert (row["net_per_ul"], row["blood_count_date"]) == (pytest.approx(0.495 * 400 / 100), date(2020, 2, 28))
    row = one(drawn_tubes(STRONG, blood_counts=counts[2:]))
    assert (row["net_per_ul"], row["blood_count_date"]) == (pytest.approx(0.495 * 5), date(2020, 3, 3))
    row = one(drawn_tubes(STRONG, blood_counts=counts[:1]))
    assert (row["net_per_ul"], row["blood_count_date"]) == (None, None)
    row = one(drawn_tubes(STRONG, blood_counts=counts[:1]), study(blood_count_days=4))
    assert row["net_per_ul"] == pytest.approx(0.495 * 90)


def test_a_population_the_blood_count_does_not_count_goes_through_the_lymphocytes():
    drawing = """
        stimulus | population | count | lymphocytes
        A        | CD4        | 300   | 200000
        medium   | CD4        | 10    | 100000
    """
    row = one(drawn_tubes(drawing, blood_counts=table(BLOOD, BLOOD_COUNTS)))
    assert row["net_per_ul"] == pytest.approx((300 / 200_000 - 10 / 100_000) * 1000)
    row = one(drawn_tubes(drawing.replace("100000", ""), blood_counts=table(BLOOD, BLOOD_COUNTS)))
    assert (row["net_per_ul"], row["blood_count_date"]) == (None, None)


def test_a_blood_count_without_the_population_goes_through_the_lymphocytes():
    drawing = "stimulus | count | lymphocytes\nA | 300 | 200000\nmedium | 10 | 100000"
    counts = table(BLOOD, BLOOD_COUNTS).with_columns(cd8_per_ul=pl.lit(None, dtype=pl.Float64))
    row = one(drawn_tubes(drawing, blood_counts=counts))
    assert row["net_per_ul"] == pytest.approx((300 / 200_000 - 10 / 100_000) * 1000)


def test_lymphocytes_are_counted_by_the_blood_count_themselves():
    drawing = "stimulus | population | count\nA | L | 500\nmedium | L | 5"
    row = one(drawn_tubes(drawing, blood_counts=table(BLOOD, BLOOD_COUNTS)))
    assert row["net_per_ul"] == pytest.approx(0.495 * 1000 / 100)


def test_multimers_have_cells_per_microlitre_of_their_whole_percentage():
    drawing = "stimulus | subset | count\nmultimer | A A*02:01 multimer+ | 500"
    t = drawn_tubes(drawing, hla_typing=typed("A*02:01"), blood_counts=table(BLOOD, BLOOD_COUNTS))
    row = one(t, study(multimers=MULTIMERS), rule="multimer_events")
    assert row["net_per_ul"] == pytest.approx(0.5 * 400 / 100)


def test_infusion_products_have_no_cells_per_microlitre_of_blood():
    drawing = "stimulus | count | material\nA | 500 | infusion_product\nmedium | 5 | infusion_product"
    row = one(drawn_tubes(drawing, blood_counts=table(BLOOD, BLOOD_COUNTS)))
    assert (row["material"], row["net_per_ul"]) == ("infusion_product", None)


def test_a_nearer_blood_count_that_did_not_count_the_cells_gives_way_to_one_that_did():
    counts = """
        subject_id | count_date | lymphocytes_per_ul | cd8_per_ul
        P1         | 2020-03-01 | 900                |
        P1         | 2020-03-02 |                    | 200
    """
    drawing = "stimulus | population | count | lymphocytes\n"
    drawing += "A | CD8 | 500 | 200000\nmedium | CD8 | 5 | 200000\nA | CD4 | 500 | 200000\nmedium | CD4 | 5 | 200000"
    t = drawn_tubes(drawing, blood_counts=table(counts, BLOOD_COUNTS))
    row = one(t, population="CD8")
    assert (row["net_per_ul"], row["blood_count_date"]) == (pytest.approx(0.495 * 200 / 100), date(2020, 3, 2))
    row = one(t, population="CD4")  # no blood count has CD4, but the first has lymphocytes
    assert (row["net_per_ul"], row["blood_count_date"]) == (pytest.approx(495 / 200_000 * 900), date(2020, 3, 1))
