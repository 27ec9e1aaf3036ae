"""Tumour-reactive cells of infusion products by either assay, with their interval."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from expectations.computed import ELISPOT_WELLS, RESPONSES
from expectations.computed_cytometry import REACTIVE_CELLS
from expectations.ingested import INFUSION_PRODUCTS
from expectations.study import StudySettings
from expectations.study_cytometry import MULTIMER
from tests.drawing import table
from transforms.infusion import infused_cells, reactive_cells

PRODUCTS = table(
    "subject_id | specimen_id | total_viable_cells | cd8_percent | cd4_percent\nP | TIL | 5e10 | 60 | 30",
    INFUSION_PRODUCTS,
)
NO_WELLS = ELISPOT_WELLS.empty()


def study(**parts) -> StudySettings:
    """Tumour antigens A and B, CMV; CD8, CD4 and T (counted as neither); a multimer of A and one of CMV."""
    return StudySettings.model_validate(
        {
            "study": {"id": "T"},
            "visits": [{"name": "Baseline", "day": 0, "window": [-60, 0]}],
            "antigens": [
                {"name": "A", "role": "tumour"}, {"name": "B", "role": "tumour"}, {"name": "CMV", "role": "viral"}
            ],
            "controls": {"matched": {"DMSO": []}},
            "persistence": {"landmarks": [{"day": 90}]},
            "cytometry": {
                "populations": [
                    {"name": "CD8", "paths": ["8+"], "counted_as": "CD8"},
                    {"name": "helpers", "paths": ["4+"], "counted_as": "CD4"},
                    {"name": "T", "paths": ["3+"]},
                ],
                "markers": {"IFNg": []},
                "multimers": [
                    {"antigen": name, "hla": "A*02:01", "population": "CD8", "gates": [f"{name} tetramer"]}
                    for name in ("A", "CMV")
                ],
            },
            **parts,
        }
    )  # fmt: skip


def ics(*rows: tuple[str, int, int, int, int], **columns) -> pl.DataFrame:
    """Product responses of cytometry from (antigen, stimulated of parent, unstimulated of parent); LOD 0.02 %."""
    drawn = [
        {
            "specimen_id": "TIL", "subject_id": "P", "material": "infusion_product", "plate_id": "batch 1",
            "antigen": antigen, "control": "medium", "assay": "cytometry", "population": "CD8", "readout": "IFNg",
            "rule": "fisher", "is_primary_rule": True, "is_reported": True, "call": "negative",
            "stimulated_count": n_s, "stimulated_parent_count": of_s, "unstimulated_count": n_u,
            "unstimulated_parent_count": of_u, "antigen_mean": 100 * n_s / of_s, "control_mean": 100 * n_u / of_u,
            "lod": 0.02,
        }
        for antigen, n_s, of_s, n_u, of_u in rows
    ]  # fmt: skip
    net = pl.col("antigen_mean") - pl.col("control_mean")
    frame = pl.DataFrame(drawn, schema=RESPONSES.schema)
    return frame.with_columns(net_value=net, net_lower=net, net_upper=net).with_columns(**columns)


def tetramers(antigen: str, count: int, parent: int) -> pl.DataFrame:
    """A multimer response: its percentage is its value, and there is no control."""
    columns = ("unstimulated_count", "unstimulated_parent_count", "control_mean", "control")
    return ics((antigen, count, parent, 0, 1)).with_columns(
        *(pl.lit(None, dtype=RESPONSES.schema[name]).alias(name) for name in columns),
        readout=pl.lit(MULTIMER),
        rule=pl.lit("multimer_events"),
    )


TWO = """
    antigen | spots | control | control_spots
    A       | 30 34 | medium  | 4 6
    B       | 50 54 | medium  | 4 6
"""


def elispot(drawing: str, cells: int = 100_000, control_cells: int = 100_000) -> tuple[pl.DataFrame, pl.DataFrame]:
    """ELISPOT_WELLS and the product's RESPONSES of them, with so many cells per well; LOD 10."""
    place = {"specimen_id": "TIL", "subject_id": "P", "plate_id": "X"}
    wells, rows, controls = [], [], {}
    for row in table(drawing).to_dicts():
        spots, controls[row["control"]] = ([int(n) for n in row[name].split()] for name in ("spots", "control_spots"))
        named = {"antigen": row["antigen"], "control": row["control"]}
        mean, none = sum(spots) / len(spots), sum(controls[row["control"]]) / len(controls[row["control"]])
        rows.append({**place, **named, "antigen_mean": 1e6 * mean / cells, "control_mean": 1e6 * none / control_cells})
        wells += [{**named, "well_role": "antigen", "spots": n, "cells_per_well": cells} for n in spots]
    for name, spots in controls.items():
        held = {"well_role": "negative_control", "control": name, "cells_per_well": control_cells}
        wells += [{**held, "spots": n} for n in spots]
    counted = pl.DataFrame(
        [{**place, "analyte": "IFNg", "status": "counted", **w} for w in wells], ELISPOT_WELLS.schema
    )
    net = pl.col("antigen_mean") - pl.col("control_mean")
    return counted, pl.DataFrame(rows, RESPONSES.schema).with_columns(
        material=pl.lit("infusion_product"), assay=pl.lit("elispot"), population=pl.lit("all cells"),
        readout=pl.lit("IFNg"), rule=pl.lit("dfr_eq"), is_primary_rule=pl.lit(value=True),
        is_reported=pl.lit(value=True), call=pl.lit("positive"), lod=pl.lit(10.0),
        net_value=net, net_lower=net, net_upper=net,
    )  # fmt: skip


def one(responses: pl.DataFrame, wells: pl.DataFrame = NO_WELLS, products: pl.DataFrame = PRODUCTS, **parts) -> dict:
    (row,) = reactive_cells(products, responses, wells, study(**parts)).to_dicts()
    return row


A_ONLY = {"infusion_product": {"reactive_stimuli": ["A"]}}


def test_one_stimulus_has_newcombes_interval_scaled_to_cells():
    # Newcombe, Stat Med 1998;17:873, table II: 56/70 - 48/80, 0.0524 to 0.3339.
    row = one(ics(("A", 56, 70, 48, 80)), **A_ONLY)
    assert row["net_fraction"] == pytest.approx(0.2)
    assert (row["net_fraction_lower"], row["net_fraction_upper"]) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    cells = 5e10 * 0.6
    assert row["reactive_cells"] == pytest.approx(cells * 0.2)
    assert row["reactive_cells_lower"] == pytest.approx(cells * 0.0524, rel=1e-3)
    assert row["reactive_cells_upper"] == pytest.approx(cells * 0.3339, rel=1e-3)
    assert row["reactive_cells_lod"] == pytest.approx(cells * 0.0002)
    assert (row["antigens"], row["parent_fraction"], row["reason"]) == ("A", 0.6, None)


def test_spots_are_shares_of_the_cells_of_all_wells():
    # The same shares, of 70 cells in two wells and of 80 in two.
    wells, spots = elispot("antigen | spots | control | control_spots\nA | 27 29 | medium | 24 24", 35, 40)
    row = one(spots, wells, **A_ONLY)
    assert row["net_fraction"] == pytest.approx(0.2)
    assert (row["net_fraction_lower"], row["net_fraction_upper"]) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    assert (row["parent_fraction"], row["reactive_cells"]) == (1, pytest.approx(5e10 * 0.2))


def test_antigens_that_share_a_control_subtract_its_uncertainty_together():
    apart = TWO.replace("50 54 | medium", "50 54 | DMSO")
    together, each = (one(responses, wells) for wells, responses in (elispot(TWO), elispot(apart)))
    assert together["net_fraction"] == each["net_fraction"] == pytest.approx((320 - 50 + 520 - 50) / 1e6)
    for row in (together, each):
        assert row["net_fraction_lower"] < row["net_fraction"] < row["net_fraction_upper"]
    assert together["net_fraction_lower"] < each["net_fraction_lower"]
    assert together["net_fraction_upper"] > each["net_fraction_upper"]


@pytest.mark.parametrize(
    ("population", "fraction", "reason"),
    [("CD8", 0.6, None), ("helpers", 0.3, None), ("T", None, "no_parent_fraction")],
)
def test_the_share_of_the_product_is_that_of_the_cells_a_population_is_counted_as(population, fraction, reason):
    responses = ics(("A", 100, 10_000, 10, 10_000), ("B", 50, 10_000, 10, 10_000), population=pl.lit(population))
    row = one(responses)
    assert (row["parent_fraction"], row["reason"]) == (fraction, reason)
    assert row["net_fraction"] == pytest.approx(0.013)
    assert row["reactive_cells"] == (None if fraction is None else pytest.approx(5e10 * fraction * 0.013))
    unknown = PRODUCTS.with_columns(cd8_percent=None, cd4_percent=None)
    assert one(responses, products=INFUSION_PRODUCTS.conform(unknown))["reason"] == "no_parent_fraction"


def test_one_stimulus_missing_or_not_evaluable_leaves_no_number():
    whole = ics(("A", 100, 10_000, 10, 10_000), ("B", 50, 10_000, 10, 10_000))
    failed = whole.with_columns(call=pl.when(pl.col("antigen") == "B").then(pl.lit("not_evaluable")).otherwise("call"))
    for responses in (whole.filter(antigen="A"), failed):
        row = one(responses)
        numbers = ("net_fraction", "net_fraction_lower", "reactive_cells", "reactive_cells_upper", "is_below_lod")
        assert [row[name] for name in numbers] == [None] * 5
        assert (row["reason"], row["antigens"]) == ("no_product_result", "A, B")


@pytest.mark.parametrize(
    ("reason", "is_counted"),
    [
        ("no_fit", True), ("outside_fit", True), ("too_few_events", True),
        ("low_viability", False), ("hla_mismatch", False), ("acquisition_failed", False), ("counts_conflict", False),
    ],
)  # fmt: skip
def test_counts_that_only_the_rule_could_not_call_have_a_net_value_all_the_same(reason, is_counted):
    whole = ics(("A", 100, 10_000, 10, 10_000), ("B", 50, 10_000, 10, 10_000))
    uncalled = whole.with_columns(call=pl.lit("not_evaluable"), reason=pl.lit(reason), rule=pl.lit("mimosa"))
    row = one(uncalled)
    assert row["net_fraction"] == (pytest.approx(0.013) if is_counted else None)
    assert row["reason"] == (None if is_counted else "no_product_result")
    wells, spots = elispot(TWO)
    assert one(spots.with_columns(call=pl.lit("not_evaluable"), reason=pl.lit(reason)), wells)["net_fraction"] is None


def test_only_stimuli_with_a_multimer_are_asked_of_multimers_and_nothing_is_subtracted():
    row = one(pl.concat([tetramers("A", 500, 100_000), tetramers("CMV", 9000, 100_000)]))
    assert (row["antigens"], row["net_fraction"]) == ("A", pytest.approx(0.005))
    # Wilson's limits of 500 in 100 000.
    assert (row["net_fraction_lower"], row["net_fraction_upper"]) == pytest.approx((0.004582, 0.005457), abs=2e-6)


def test_every_series_a_product_was_tested_in_has_a_row_of_every_product():
    wells, spots = elispot(TWO)
    cd8 = ics(("A", 100, 10_000, 10, 10_000), ("B", 50, 10_000, 10, 10_000))
    blood = ics(("A", 9, 10_000, 1, 10_000), material=pl.lit("blood"), specimen_id=pl.lit("B1"), population=pl.lit("T"))
    products = pl.concat([PRODUCTS, PRODUCTS.with_columns(subject_id=pl.lit("Q"), specimen_id=pl.lit("TIL-Q"))])
    rows = reactive_cells(products, pl.concat([spots, cd8, tetramers("A", 500, 100_000), blood]), wells, study())
    series = [("cytometry", "CD8", "IFNg"), ("cytometry", "CD8", MULTIMER), ("elispot", "all cells", "IFNg")]
    assert rows.select(REACTIVE_CELLS.key).rows() == [(subject, *one_of) for subject in "PQ" for one_of in series]
    assert rows.filter(subject_id="Q")["reason"].to_list() == ["no_product_result"] * 3
    assert rows.filter(subject_id="P")["reason"].to_list() == [None] * 3


@pytest.mark.parametrize(
    ("part", "assay", "cells"),
    [
        ({}, "elispot", 5e10 * 740e-6),
        ({"assay": "cytometry"}, "cytometry", 5e10 * 0.6 * 0.013),
        ({"assay": "cytometry", "readout": MULTIMER}, "cytometry", 5e10 * 0.6 * 0.005),
        ({"assay": "cytometry", "population": "helpers"}, "cytometry", None),
    ],
)
def test_the_study_file_says_which_number_is_that_of_the_product(part, assay, cells):
    wells, spots = elispot(TWO)
    cd8 = ics(("A", 100, 10_000, 10, 10_000), ("B", 50, 10_000, 10, 10_000))
    responses, settings = pl.concat([spots, cd8, tetramers("A", 500, 100_000)]), study(infusion_product=part)
    (row,) = infused_cells(PRODUCTS, responses, wells, settings).to_dicts()
    assert (row["reactive_assay"], row["tumour_reactive_cells"]) == (assay, cells and pytest.approx(cells))
    assert row["reactive_reason"] == (None if cells else "no_product_result")
    if cells:
        assert row["reactive_net_value"] == pytest.approx(cells / 5e10 / (1 if assay == "elispot" else 0.6) * 1e6)
        assert row["tumour_reactive_cells_ci_lower"] < cells < row["tumour_reactive_cells_ci_upper"]


def test_rows_of_cytometry_do_not_move_the_numbers_of_elispot():
    wells, spots = elispot(TWO)
    cd8 = ics(("A", 100, 10_000, 10, 10_000), ("B", 50, 10_000, 10, 10_000))
    alone, beside = (infused_cells(PRODUCTS, r, wells, study()) for r in (spots, pl.concat([spots, cd8])))
    assert_frame_equal(alone, beside, check_exact=True)


def test_a_number_of_cells_is_not_below_0_though_its_net_value_is():
    row = one(ics(("A", 1, 100_000, 90, 100_000)), **A_ONLY)
    assert row["net_fraction_lower"] < row["net_fraction"] < row["net_fraction_upper"] < 0
    assert row["reactive_cells"] == pytest.approx(-5e10 * 0.6 * 89e-5)
    assert (row["reactive_cells_lower"], row["reactive_cells_upper"], row["is_below_lod"]) == (0, 0, True)


@pytest.mark.parametrize(
    ("open_side", "ends", "bounds"),
    [("net_upper", ("net_fraction_lower",), (True, False)), ("net_lower", ("net_fraction_upper",), (False, True))],
)
def test_wells_too_numerous_to_count_leave_one_end_open(open_side, ends, bounds):
    wells, spots = elispot(TWO)
    spots = spots.with_columns(pl.when(pl.col("antigen") == "B").then(open_side).alias(open_side))
    row = one(spots, wells)
    filled = [name for name in ("net_fraction_lower", "net_fraction_upper") if row[name] is not None]
    assert (tuple(filled), (row["is_lower_bound"], row["is_upper_bound"])) == (ends, bounds)
    (cells,) = infused_cells(PRODUCTS, spots, wells, study()).to_dicts()
    assert (cells["is_bounded"], cells["tumour_reactive_cells_ci_upper"] is None) == (True, open_side == "net_upper")


def test_nothing_measured_gives_no_row():
    assert_frame_equal(reactive_cells(PRODUCTS, RESPONSES.empty(), NO_WELLS, study()), REACTIVE_CELLS.empty())
    assert_frame_equal(reactive_cells(PRODUCTS.clear(), RESPONSES.empty(), NO_WELLS, study()), REACTIVE_CELLS.empty())


COUNT = st.integers(100, 10**6).flatmap(lambda n: st.tuples(st.integers(0, n // 50), st.just(n)))


@settings(deadline=None, max_examples=40)
@given(COUNT, COUNT, COUNT, st.randoms())
def test_the_interval_holds_the_number_and_row_order_changes_nothing(a, b, control, random):
    responses = ics(("A", *a, *control), ("B", *b, *control))
    order = random.sample(range(2), 2)
    frame, turned = (reactive_cells(PRODUCTS, r, NO_WELLS, study()) for r in (responses, responses[order]))
    assert_frame_equal(frame, turned, check_exact=True)
    (row,) = frame.to_dicts()
    assert row["net_fraction_lower"] <= row["net_fraction"] <= row["net_fraction_upper"]
    assert 0 <= row["reactive_cells_lower"] <= row["reactive_cells_upper"]
    assert row["net_fraction"] == pytest.approx(a[0] / a[1] + b[0] / b[1] - 2 * control[0] / control[1], abs=1e-9)
