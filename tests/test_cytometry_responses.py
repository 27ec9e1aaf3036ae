"""Responses of cytometry: counts summed, controls matched, quality criteria in order, one batch reported."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expectations.computed import RESPONSES
from expectations.computed_cytometry import ACQUISITION_QUALITY, GATE_AGREEMENT
from expectations.reasons import REASONS
from tests.drawing import table
from tests.drawn_tubes import MULTIMERS, drawn_tubes, one, study, told, visited
from transforms.cytometry_responses import cytometry_responses

STRONG = "stimulus | count\nA | 500\nmedium | 5"


def test_values_are_percent_of_the_population_and_net_is_stimulated_minus_unstimulated():
    row = one(drawn_tubes(STRONG))
    assert (row["antigen_mean"], row["control_mean"]) == pytest.approx((0.5, 0.005))
    assert row["net_value"] == pytest.approx(0.495)
    assert row["net_lower"] == row["net_upper"] == row["net_value"]
    assert row["unit"] == "% of CD8"
    assert row["response_key"] == "S/b1/A/CD8/IFNg/fisher"
    assert (row["assay"], row["plate_id"], row["control"], row["antigen_role"]) == (
        "cytometry",
        "b1",
        "medium",
        "tumour",
    )
    assert told(row) == ("positive", None, "")


def test_replicate_tubes_are_summed_and_those_without_a_count_left_out():
    drawing = """
        tube | stimulus | count        | parent
        t1   | A        | 30           | 20000
        t2   | A        | 50           | 60000
        t3   | A        | count_missing| 60000
        u1   | medium   | 1            | 50000
        u2   | medium   | 3            | 50000
    """
    row = one(drawn_tubes(drawing))
    assert (row["stimulated_count"], row["stimulated_parent_count"]) == (80, 80_000)
    assert (row["unstimulated_count"], row["unstimulated_parent_count"]) == (4, 100_000)
    assert (row["n_antigen_wells"], row["n_control_wells"]) == (2, 2)
    assert row["net_value"] == pytest.approx(0.1 - 0.004)


def test_an_antigen_is_compared_with_its_own_control_in_its_own_batch():
    drawing = """
        batch | stimulus | count
        b1    | A        | 500
        b1    | C        | 500
        b1    | medium   | 5
        b2    | A        | 500
        b2    | DMSO     | 7
    """
    rows = cytometry_responses(drawn_tubes(drawing), study()).filter(rule="fisher")
    assert rows.select("plate_id", "antigen", "control", "unstimulated_count", "reason").rows() == [
        ("b1", "A", "medium", 5, None),
        ("b1", "C", "DMSO", None, "no_negative_control"),
        ("b2", "A", "medium", None, "no_negative_control"),
    ]


def test_populations_and_readouts_stand_apart():
    drawing = """
        stimulus | population | subset | count
        A        | CD8        | IFNg+  | 500
        A        | CD4        | IFNg+  | 50
        A        | CD8        | TNF+   | 400
        medium   | CD8        | IFNg+  | 5
        medium   | CD4        | IFNg+  | 6
        medium   | CD8        | TNF+   | 7
    """
    rows = cytometry_responses(drawn_tubes(drawing), study(readouts=["IFNg", "TNF+"])).filter(rule="fisher")
    assert rows.select("population", "readout", "stimulated_count", "unstimulated_count").rows() == [
        ("CD4", "IFNg", 50, 6),
        ("CD8", "IFNg", 500, 5),
        ("CD8", "TNF+", 400, 7),
    ]


@pytest.mark.parametrize(
    ("stimulated", "unstimulated", "reason"),
    [
        ("0.5%", "0.01%", "percent_only"),
        ("0.5%", "5", "percent_only"),
        ("500", "count_missing", "count_missing"),
        ("counts_conflict", "0.01%", "counts_conflict"),
    ],
)
def test_without_counts_there_is_no_call(stimulated, unstimulated, reason):
    t = drawn_tubes(f"stimulus | count\nA | {stimulated}\nmedium | {unstimulated}")
    for rule in ("fisher", "mimosa"):
        row = one(t, rule=rule)
        assert (row["call"], row["reason"]) == ("not_evaluable", reason)
        assert row["p_value_adjusted"] is None
        assert row["is_below_lod"] is None


def test_percentages_without_counts_are_kept_as_values():
    row = one(drawn_tubes("stimulus | count\nA | 0.5%\nmedium | 0.01%"))
    assert (row["antigen_mean"], row["control_mean"], row["net_value"]) == pytest.approx((0.5, 0.01, 0.49))
    assert (row["n_antigen_wells"], row["stimulated_count"]) == (0, None)


def test_a_subset_nobody_exported_for_one_antigen_is_seen_to_be_missing():
    drawing = """
        stimulus | subset | count
        A        | IFNg+  | 500
        B        | TNF+   | 500
        medium   | IFNg+  | 5
    """
    row = one(drawn_tubes(drawing), antigen="B")
    assert told(row) == ("not_evaluable", "count_missing", "count_missing")
    assert (row["control_mean"], row["net_value"]) == (pytest.approx(0.005), None)


def test_too_few_events_of_the_population_are_no_negative():
    row = one(drawn_tubes("stimulus | count | parent\nA | 0 | 4999\nmedium | 0 | 100000"))
    assert told(row) == ("not_evaluable", "too_few_events", "")


def test_no_event_of_the_population_gives_no_percentage():
    for rule in ("fisher", "mimosa"):
        row = one(drawn_tubes("stimulus | count | parent\nA | 0 | 0\nmedium | 0 | 100000"), rule=rule)
        assert told(row) == ("not_evaluable", "too_few_events", "")
        assert (row["antigen_mean"], row["net_value"]) == (None, None)


def test_mimosa_without_a_fit_has_no_call():
    row = one(drawn_tubes(STRONG), rule="mimosa")
    assert (*told(row), row["fit_version"]) == ("not_evaluable", "no_fit", "", None)


def test_low_viability_makes_a_positive_indeterminate_and_leaves_a_negative():
    weak = "stimulus | count\nA | 5\nmedium | 5"
    for drawing, expected in ((STRONG, ("indeterminate", "low_viability")), (weak, ("negative", None))):
        t = drawn_tubes(drawing, visited_specimens=visited([("S", "blood")], viability=69.9))
        assert told(one(t)) == (*expected, "low_viability")


def test_the_limit_of_detection_is_the_one_sided_upper_limit_of_the_control_minus_its_estimate():
    # Without a positive event the upper limit is 1 - 0.05 ** (1 / N): 3 events, or so.
    row = one(drawn_tubes("stimulus | count\nA | 500\nmedium | 0"))
    assert row["lod"] == pytest.approx(100 * (1 - 0.05 ** (1 / 100_000)), rel=1e-9)
    # The upper limit p of 5 in 1000 is where P(X <= 5) = 0.05.
    row = one(drawn_tubes("stimulus | count | parent\nA | 500 | 1000\nmedium | 5 | 1000"))
    from scipy.stats import binom

    assert binom.cdf(5, 1000, (row["lod"] + row["control_mean"]) / 100) == pytest.approx(0.05, rel=1e-9)


def test_a_positive_below_its_limit_of_detection_is_indeterminate():
    # 8 of 100 000 against 0: net 0.008 %, limit 0.003 %; and 8 of 100 000 against 0 of 5 000: limit 0.06 %.
    rules = {"fisher": {"alpha": 0.9, "min_net_percent": 0.0, "min_positive": 1}}
    detected = one(drawn_tubes("stimulus | count\nA | 8\nmedium | 0"), study(rules))
    below = one(drawn_tubes("stimulus | count | parent\nA | 8 | 100000\nmedium | 0 | 5000"), study(rules))
    assert (told(detected), detected["is_below_lod"]) == (("positive", None, ""), False)
    assert (told(below), below["is_below_lod"]) == (("indeterminate", "below_lod", "below_lod"), True)


@pytest.mark.parametrize(
    ("setting", "expected"),
    [("flag", "positive"), ("indeterminate", "indeterminate"), ("not_evaluable", "not_evaluable")],
)
def test_a_failed_acquisition_of_either_tube_does_what_the_study_says(setting, expected):
    for tube in ("S/b1/A", "S/b1/medium"):
        head = "file_sha256 | data_set | measure | channel | value | largest_allowed | passes | tube_id"
        measures = table(f"{head}\nx | 1 | time_gap | | 9 | 5 | false | {tube}", ACQUISITION_QUALITY)
        row = one(drawn_tubes(STRONG, acquisition_quality=measures), study(quality={"on_acquisition": setting}))
        assert row["call"] == expected
        assert row["quality_flags"] == "acquisition_failed"


def disagreement(path: str, agrees: str = "false") -> pl.DataFrame:
    return table(
        f"file_sha256 | sample_number | population_path | fcs_sha256 | agrees\nf | 1 | {path} | x | {agrees}",
        GATE_AGREEMENT,
    )


@pytest.mark.parametrize(
    ("path", "agrees", "flags"),
    [
        ("8/IFNg", "false", "gate_disagreement"),
        ("8", "false", "gate_disagreement"),
        ("8/TNF", "false", ""),
        ("8/IFNg", "true", ""),
        ("8/IFNg", "", ""),
    ],
)
def test_a_gate_that_disagrees_counts_where_the_readout_or_its_population_rests_on_it(path, agrees, flags):
    drawing = """
        stimulus | subset | count  | path
        A        |        | 100000 | 8
        A        | IFNg+  | 500    | 8/IFNg
        A        | TNF+   | 500    | 8/TNF
        medium   | IFNg+  | 5      | 8/IFNg
    """
    t = drawn_tubes(drawing, gate_agreement=disagreement(path, agrees))
    t["tube_populations"] = t["tube_populations"].with_columns(
        subset=pl.when(pl.col("population_path") == "8").then(pl.lit("")).otherwise("subset")
    )
    assert one(t)["quality_flags"] == flags


def test_a_sum_rests_on_all_its_subsets():
    drawing = """
        stimulus | subset    | count | path  | is_sum
        A        | IFNg+TNF+ | 250   | 8/x   | false
        A        | IFNg+TNF- | 250   | 8/y   | false
        A        | IFNg+     | 500   | 8     | true
        medium   | IFNg+     | 5     | 8     | true
    """
    row = one(drawn_tubes(drawing, gate_agreement=disagreement("8/y")))
    assert (row["call"], row["quality_flags"]) == ("positive", "gate_disagreement")


def test_the_primary_rule_of_ics_is_the_studys_and_multimers_have_only_their_own():
    t = drawn_tubes(STRONG + "\nmultimer | 500")
    t["tube_populations"] = t["tube_populations"].with_columns(
        subset=pl.when(pl.col("tube_role") == "multimer").then(pl.lit("A A*02:01 multimer+")).otherwise("subset")
    )
    rows = cytometry_responses(t, study({"primary": "mimosa"}, multimers=MULTIMERS))
    assert dict(rows.select("rule", "is_primary_rule").iter_rows()) == {
        "fisher": False,
        "mimosa": True,
        "multimer_events": True,
    }


def test_row_order_changes_nothing():
    drawing = """
        tube | stimulus | count | parent
        t1   | A        | 30    | 20000
        t2   | A        | 50    | 60000
        t4   | B        | 0.3%  | 60000
        t5   | B        | 0.1%  | 60000
        t6   | B        | 0.7%  | 60000
        u1   | medium   | 1     | 50000
    """
    t = drawn_tubes(drawing)
    shuffled = {name: frame.sample(fraction=1.0, shuffle=True, seed=4) for name, frame in t.items()}
    assert cytometry_responses(t, study()).equals(cytometry_responses(shuffled, study()))


def test_the_positive_control_is_judged_only_where_the_study_says_how_large_it_must_be():
    without, low = STRONG, STRONG + "\nSEB | 1004"  # 1.004 - 0.005 = 0.999 %
    limit = {"min_positive_control_percent": 1.0}
    assert told(one(drawn_tubes(low), study())) == ("positive", None, "")
    for drawing, reason in ((without, "no_positive_control"), (low, "positive_control_low")):
        assert told(one(drawn_tubes(drawing), study(quality=limit))) == ("not_evaluable", reason, reason)
        flagged = one(drawn_tubes(drawing), study(quality=limit | {"on_positive_control": "flag"}))
        assert told(flagged) == ("positive", None, reason)
    assert told(one(drawn_tubes(STRONG + "\nSEB | 1005"), study(quality=limit))) == ("positive", None, "")


def test_a_positive_control_is_of_its_specimen_batch_population_and_readout():
    drawing = """
        specimen | batch | stimulus | population | subset | count
        S        | b1    | A        | CD8        | IFNg+  | 500
        S        | b1    | medium   | CD8        | IFNg+  | 5
        S        | b1    | SEB      | CD8        | TNF+   | 5000
        S        | b1    | SEB      | CD4        | IFNg+  | 5000
        S        | b2    | SEB      | CD8        | IFNg+  | 5000
        R        | b1    | SEB      | CD8        | IFNg+  | 5000
    """
    asked = study(quality={"min_positive_control_percent": 1.0})
    row = one(drawn_tubes(drawing), asked, specimen_id="S", plate_id="b1", population="CD8")
    assert told(row) == ("not_evaluable", "no_positive_control", "no_positive_control")


def test_the_positive_control_is_measured_against_the_usual_control():
    drawing = "stimulus | count\nC | 1500\nDMSO | 900\nSEB | 1500"  # 0.6 % above DMSO, 1.495 % above medium
    asked = study(quality={"min_positive_control_percent": 1.0})
    assert one(drawn_tubes(drawing), asked)["reason"] == "positive_control_low"
    assert one(drawn_tubes(drawing + "\nmedium | 5"), asked)["reason"] is None


COUNTS = st.sampled_from(["0", "7", "80", "4000", "0.3%", "count_missing", "counts_conflict"])
TUBES = st.tuples(
    st.sampled_from(["A", "B", "C", "medium", "DMSO", "multimer"]), st.sampled_from(["b1", "b2"]),
    st.sampled_from(["CD8", "CD4"]), COUNTS, st.sampled_from([0, 4_000, 100_000]),
)  # fmt: skip


@given(st.lists(TUBES, min_size=1, max_size=12, unique_by=lambda tube: tube[:3]))
@settings(max_examples=60, deadline=None)
def test_every_response_has_a_call_and_every_doubt_a_reason(tubes):
    subset = {"multimer": "A A*02:01 multimer+"}
    lines = [
        f"{stimulus} | {batch} | {population} | {subset.get(stimulus, 'IFNg+')} | {count} | "
        f"{max(parent, int(count) if count.isdigit() else 0)}"
        for stimulus, batch, population, count, parent in tubes
    ]
    t = drawn_tubes("\n".join(["stimulus | batch | population | subset | count | parent", *lines]))
    rows = cytometry_responses(t, study(multimers=MULTIMERS))
    assert rows.select(pl.col(RESPONSES.required).null_count()).sum_horizontal().sum() == 0
    assert not rows.select(RESPONSES.key).is_duplicated().any()
    is_settled = pl.col("call").is_in(["positive", "negative"])
    assert rows.select((is_settled == pl.col("reason").is_null()).all()).item()
    assert rows.filter(is_settled & pl.col("net_value").is_null()).is_empty()
    assert set(rows["reason"].drop_nulls()) <= set(REASONS)
    reported = rows.filter("is_reported").group_by("specimen_id", "antigen", "population", "readout", "rule").len()
    series = rows.select("specimen_id", "antigen", "population", "readout", "rule").unique()
    assert reported["len"].to_list() == [1] * series.height


def test_nothing_in_nothing_out():
    t = {name: frame.clear() for name, frame in drawn_tubes(STRONG).items()}
    assert cytometry_responses(t, study(multimers=MULTIMERS)).equals(RESPONSES.empty())
