"""Tumour-reactive T cells infused: total viable cells times the net response of the product."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from expectations.computed import ELISPOT_WELLS, RESPONSES
from expectations.ingested import INFUSION_PRODUCTS
from expectations.outcome_tables import INFUSED_CELLS
from expectations.study import StudySettings
from tests.drawing import table
from transforms.infusion import infused_cells

NO_WELLS = ELISPOT_WELLS.empty()
REPORTED = {
    "subject_id": "P",
    "plate_id": "X",
    "material": "infusion_product",
    "assay": "elispot",
    "population": "all cells",
    "readout": "IFNg",
    "rule": "dfr_eq",
    "is_primary_rule": True,
    "is_reported": True,
    "lod": 10.0,
}


def study(**parts) -> StudySettings:
    return StudySettings.model_validate(
        {
            "study": {"id": "T"},
            "visits": [{"name": "Baseline", "day": 0, "window": [-60, 0]}],
            "antigens": [
                {"name": "A", "role": "tumour"},
                {"name": "B", "role": "tumour"},
                {"name": "CMV", "role": "viral"},
            ],
            "persistence": {"landmarks": [{"day": 90}]},
            **parts,
        }
    )


def reported(drawing: str) -> pl.DataFrame:
    """RESPONSES of the product of P; whatever is not drawn is as in REPORTED, and the bounds are the value."""
    drawn = table(drawing, RESPONSES)
    defaults = [pl.col(name).fill_null(pl.lit(value, dtype=drawn.schema[name])) for name, value in REPORTED.items()]
    return drawn.with_columns(defaults).with_columns(net_lower="net_value", net_upper="net_value")


def infused(
    responses: str, *, products: str = "subject_id | specimen_id | total_viable_cells\n P | TIL | 5e10", **parts
):
    return infused_cells(table(products, INFUSION_PRODUCTS), reported(responses), NO_WELLS, study(**parts))


TWO = """
    specimen_id | antigen | call     | net_value
    TIL         | A       | positive | 3000
    TIL         | B       | negative | -20
    TIL         | CMV     | positive | 900
    """


def test_cells_are_viable_cells_times_the_sum_over_the_tumour_antigens():
    row = infused(TWO).row(0, named=True)
    assert row["reactive_net_value"] == 2980  # a negative net value is added as it is
    assert row["tumour_reactive_cells"] == pytest.approx(5e10 * 2980 / 1e6)
    assert row["tumour_reactive_cells_lower"] == row["tumour_reactive_cells"]
    assert row["tumour_reactive_cells_lod"] == pytest.approx(5e10 * 20 / 1e6)
    assert (row["is_below_lod"], row["reactive_reason"]) == (False, None)


def test_the_study_file_may_name_the_reactive_stimuli():
    settings = {"infusion_product": {"reactive_stimuli": ["CMV"]}}
    assert infused(TWO, **settings)["reactive_net_value"].to_list() == [900]


def test_a_sum_below_the_limits_is_censored_and_stored_as_it_is():
    drawing = "specimen_id | antigen | call | net_value\n TIL | A | negative | -3\n TIL | B | negative | 1"
    row = infused(drawing).row(0, named=True)
    assert row["tumour_reactive_cells"] == pytest.approx(-1e5)
    assert row["is_below_lod"] is True


@pytest.mark.parametrize(
    ("drawing", "what"),
    [
        ("specimen_id | antigen | call | net_value\n TIL | A | positive | 300", "a stimulus not tested"),
        (TWO.replace("negative", "not_evaluable"), "a stimulus not evaluable"),
        (TWO.replace("TIL", "other"), "another specimen than the one named"),
        ("specimen_id | antigen", "no responses at all"),
    ],
)
def test_a_part_of_the_sum_is_no_number(drawing, what):
    row = infused(drawing).row(0, named=True)
    numbers = ("reactive_net_value", "tumour_reactive_cells", "tumour_reactive_cells_lower", "is_below_lod")
    assert [row[name] for name in numbers] == [None] * 4, what
    assert row["reactive_reason"] == "no_product_result"


def test_an_indeterminate_value_is_a_value():
    assert infused(TWO.replace("negative", "indeterminate"))["reactive_net_value"].to_list() == [2980]


@pytest.mark.parametrize(
    ("column", "value"),
    [("is_reported", "false"), ("is_primary_rule", "false"), ("readout", "GrB")],
)
def test_only_reported_responses_of_the_primary_rule_and_analyte_count(column, value):
    drawing = TWO.rstrip().replace("call ", f"{column} | call", 1).replace("| positive", f"| {value} | positive")
    drawing = drawing.replace("| negative", f"| {value} | negative")
    assert infused(drawing)["reactive_reason"].to_list() == ["no_product_result"]


def test_without_a_named_specimen_the_only_product_counts_but_not_one_of_two():
    products = "subject_id | specimen_id | total_viable_cells\n P | | 1e6"
    assert infused(TWO, products=products)["tumour_reactive_cells"].to_list() == [2980]
    both = TWO + "    other       | A       | positive | 5\n"
    assert infused(both, products=products)["reactive_reason"].to_list() == ["no_product_result"]
    assert infused(both)["reactive_net_value"].to_list() == [2980]


def test_a_product_without_a_cell_count_has_a_response_but_no_number_of_cells():
    row = infused(TWO, products="subject_id | specimen_id\n P | TIL").row(0, named=True)
    assert (row["reactive_net_value"], row["tumour_reactive_cells"]) == (2980, None)
    assert row["reactive_reason"] == "no_cell_count"


@pytest.mark.parametrize(
    ("open_side", "net", "lower", "is_below_lod"),
    [
        ("net_upper", 3000.0, 3000.0, False),  # at least that many
        ("net_upper", 5.0, 5.0, None),  # below its LOD at the ceiling, but it may be more
        ("net_lower", 3000.0, None, None),
        ("net_lower", 5.0, None, True),
    ],
)
def test_wells_too_numerous_to_count_make_the_number_a_bound(open_side, net, lower, is_below_lod):
    responses = reported(
        f"specimen_id | antigen | call | net_value\n TIL | A | positive | {net}\n TIL | B | negative | 0"
    )
    responses = responses.with_columns(pl.when(pl.col("antigen") != "A").then(open_side).alias(open_side))
    products = table("subject_id | specimen_id | total_viable_cells\n P | TIL | 1e6", INFUSION_PRODUCTS)
    row = infused_cells(products, responses, NO_WELLS, study()).row(0, named=True)
    assert row["tumour_reactive_cells"] == net
    assert (row["tumour_reactive_cells_lower"], row["is_below_lod"]) == (lower, is_below_lod)


def test_every_infusion_product_keeps_its_row_and_columns():
    products = table(
        """
        subject_id | specimen_id | total_viable_cells | cd8_percent
        P          | TIL         | 5e10               | 60
        Q          |             | 4e10               | 70
        """,
        INFUSION_PRODUCTS,
    )
    rows = infused_cells(products, RESPONSES.empty(), NO_WELLS, study())
    assert_frame_equal(rows.select(products.columns), products)
    assert_frame_equal(infused_cells(products.clear(), RESPONSES.empty(), NO_WELLS, study()), INFUSED_CELLS.empty())


@given(st.lists(st.floats(-100, 1e4), min_size=3, max_size=3), st.permutations(range(3)))
def test_row_order_changes_nothing(values, order):
    filled = reported(TWO).with_columns(net_value=pl.Series(values))
    products = table("subject_id | specimen_id | total_viable_cells\n P | TIL | 5e10", INFUSION_PRODUCTS)
    settings = study(infusion_product={"reactive_stimuli": ["A", "B", "CMV"]})
    one, other = (infused_cells(products, frame, NO_WELLS, settings) for frame in (filled, filled[order]))
    assert_frame_equal(one, other, check_exact=True)
