"""MIMOSA's fits as versioned estimates: which specimens enter, and that new ones leave old calls alone."""

from __future__ import annotations

import json
from datetime import date

import numpy as np
import polars as pl
import pytest

from expectations.records import MIMOSA_FITS
from tests.bench import mimosa as bench
from tests.drawn_tubes import drawn_tubes, study, visited
from transforms.cytometry_pairs import stimulated_pairs
from transforms.cytometry_responses import cytometry_responses
from transforms.mimosa_fits import FIT, mimosa_fits, versioned_fits, with_responses
from transforms.polyfunctionality import boolean_subsets

TODAY = date(2021, 1, 1)
SETTINGS = study()


def cohort(n: int, *late: str, seed: int = 1) -> dict[str, pl.DataFrame]:
    """One specimen of each of n subjects, every third of whom responds to A, and later ones `specimen | A | medium`."""
    rng = np.random.default_rng(seed)
    lines = ["specimen | stimulus | count"]
    for number in range(n):
        background = rng.beta(3, 30_000)
        proportion = rng.beta(5, 2_000) if number % 3 == 0 else background
        lines.append(f"P{number:03}-W0 | A | {rng.binomial(100_000, proportion)}")
        lines.append(f"P{number:03}-W0 | medium | {rng.binomial(100_000, background)}")
    return drawn_tubes("\n".join([*lines, *lines_of(late)]))


def lines_of(late: tuple[str, ...]) -> list[str]:
    tubes = [line.split(" | ") for line in late]
    return [line for one, a, medium in tubes for line in (f"{one} | A | {a}", f"{one} | medium | {medium}")]


def fits_of(t: dict[str, pl.DataFrame], settings=SETTINGS) -> pl.DataFrame:
    return mimosa_fits(stimulated_pairs(t, settings), settings, TODAY)


def first_versions(t: dict[str, pl.DataFrame], settings=SETTINGS) -> pl.DataFrame:
    return versioned_fits(MIMOSA_FITS.empty(), fits_of(t, settings), re_estimate=False, run_id="r1")


def only(t: dict[str, pl.DataFrame], specimens: list[str]) -> dict[str, pl.DataFrame]:
    return {
        name: frame.filter(pl.col("specimen_id").is_in(specimens)) if "specimen_id" in frame.columns else frame
        for name, frame in t.items()
    }


def test_one_fit_an_antigen_population_subset_and_visit():
    fits = first_versions(cohort(30))
    assert fits.select(*FIT, "version", "n_specimens").rows() == [("A", "CD8", "IFNg+", "Baseline", 1, 30)]
    row = fits.row(0, named=True)
    assert row["w_response"] == pytest.approx(1 / 3, abs=0.1)
    assert row["is_weak"] is False


def test_with_too_few_specimens_there_are_no_parameters():
    row = first_versions(cohort(11)).row(0, named=True)
    assert (row["version"], row["n_specimens"]) == (0, 11)
    assert [row[name] for name in ("w_response", "alpha_s", "fdr_curve", "is_weak", "log_likelihood")] == [None] * 5
    assert first_versions(cohort(12))["version"].to_list() == [1]


def test_visits_are_fitted_apart_or_together_and_infusion_products_always_apart():
    t = cohort(40)
    names = sorted(t["visited_specimens"]["specimen_id"])
    specimens = visited([(name, "infusion_product" if number < 12 else "blood") for number, name in enumerate(names)])
    visits = pl.Series(["x"] * 12 + ["Baseline"] * 12 + ["unscheduled"] * 12 + [None] * 3 + ["Baseline"])
    t["visited_specimens"] = specimens.with_columns(
        visit=pl.when(pl.col("material") == "blood").then(visits).otherwise("visit")
    )
    assert dict(fits_of(t).select("visit", "n_specimens").iter_rows()) == {
        "Baseline": 13,
        "infusion product": 12,
        "unscheduled": 15,
    }
    pooled = study({"mimosa": {"pool_visits": True}})
    assert dict(fits_of(t, pooled).select("visit", "n_specimens").iter_rows()) == {
        "all visits": 28,
        "infusion product": 12,
    }


def test_other_materials_are_not_fitted_with_blood():
    t = cohort(13)
    t["visited_specimens"] = t["visited_specimens"].with_columns(
        material=pl.when(pl.col("specimen_id") == "P000-W0").then(pl.lit("tumour")).otherwise("material")
    )
    assert fits_of(t)["n_specimens"].to_list() == [12]


def test_only_the_reported_batch_with_counts_in_both_tubes_enters():
    drawing = """
        specimen | batch | stimulus | count | parent
        P1-W0    | b1    | A        | 500   | 100000
        P1-W0    | b1    | medium   | 5     | 100000
        P1-W0    | b2    | A        | 400   | 100000
        P1-W0    | b2    | medium   | 5     | 100000
        P2-W0    | b1    | A        | 0.5%  | 100000
        P2-W0    | b1    | medium   | 5     | 100000
        P3-W0    | b1    | A        | 0     | 0
        P3-W0    | b1    | medium   | 5     | 100000
        P4-W0    | b1    | A        | 500   | 100000
    """
    t = drawn_tubes(drawing)
    assert fits_of(t)["n_specimens"].to_list() == [1]
    assert fits_of(only(t, ["P1-W0"]))["input_sha256"].equals(fits_of(t)["input_sha256"])


def test_row_order_changes_neither_the_input_nor_the_fit():
    t = cohort(30)
    shuffled = {name: frame.sample(fraction=1.0, shuffle=True, seed=3) for name, frame in t.items()}
    assert fits_of(t).equals(fits_of(shuffled))


def test_the_curve_holds_z_and_the_rate_of_every_specimen_descending():
    t = cohort(30)
    fits = first_versions(t)
    curve = np.array(json.loads(fits["fdr_curve"][0]))
    assert curve.shape == (30, 2)
    assert (np.diff(curve[:, 0]) <= 0).all()
    # The rate from its definition: running mean of 1 - z; ties share the last.
    expected = [np.mean(1 - curve[curve[:, 0] >= z, 0]) for z in curve[:, 0]]
    np.testing.assert_allclose(curve[:, 1], expected, atol=1e-9)
    judged = with_responses(stimulated_pairs(t, SETTINGS), fits, SETTINGS).sort("z", descending=True)
    np.testing.assert_allclose(judged.select("z", "fdr").to_numpy(), curve, atol=1e-6)


def test_a_new_specimen_is_called_by_the_old_fit_and_changes_no_old_call():
    t = cohort(40)
    old = sorted(t["visited_specimens"]["specimen_id"])[:30]
    fits = first_versions(only(t, old))
    assert versioned_fits(fits, fits_of(t), re_estimate=False, run_id="r2").is_empty()
    before = cytometry_responses(only(t, old) | {"mimosa_fits": fits}, SETTINGS).filter(rule="mimosa")
    after = cytometry_responses(t | {"mimosa_fits": fits}, SETTINGS).filter(rule="mimosa")
    assert after.filter(pl.col("specimen_id").is_in(old)).equals(before)
    new = after.filter(~pl.col("specimen_id").is_in(old))
    assert new["fit_version"].to_list() == [1] * 10
    assert set(new["call"]) == {"positive", "negative"}


def test_re_estimation_makes_the_next_version_and_calls_follow_the_latest():
    t = cohort(40)
    first = first_versions(only(t, sorted(t["visited_specimens"]["specimen_id"])[:30]))
    second = versioned_fits(first, fits_of(t), re_estimate=True, run_id="r2")
    assert second.select("version", "n_specimens", "run_id").rows() == [(2, 40, "r2")]
    both = pl.concat([second, first])
    assert versioned_fits(both, fits_of(t), re_estimate=True, run_id="r3").is_empty()
    called = cytometry_responses(t | {"mimosa_fits": both}, SETTINGS).filter(rule="mimosa")
    assert set(called["fit_version"]) == {2}


def test_too_few_specimens_stay_too_few_until_re_estimation_is_asked_for():
    t = cohort(20)
    none = first_versions(only(t, sorted(t["visited_specimens"]["specimen_id"])[:5]))
    assert versioned_fits(none, fits_of(t), re_estimate=False, run_id="r2").is_empty()
    assert versioned_fits(none, fits_of(t), re_estimate=True, run_id="r2")["version"].to_list() == [1]
    called = cytometry_responses(t | {"mimosa_fits": none}, SETTINGS).filter(rule="mimosa")
    assert set(called["reason"]) == {"no_fit"}


def test_what_is_known_is_not_fitted_again():
    t = cohort(20)
    fits = first_versions(t)
    assert mimosa_fits(stimulated_pairs(t, SETTINGS), SETTINGS, TODAY, known=fits).is_empty()
    assert mimosa_fits(stimulated_pairs(t, SETTINGS), SETTINGS, TODAY, known=fits.clear()).height == 1


def test_a_weak_fit_is_flagged_and_its_calls_stand():
    t = cohort(30)
    strict = study({"mimosa": {"max_alpha": 10.0}})
    fits = first_versions(t, strict)
    assert fits["is_weak"].to_list() == [True]
    weak = cytometry_responses(t | {"mimosa_fits": fits}, strict).filter(rule="mimosa")
    firm = cytometry_responses(t | {"mimosa_fits": first_versions(t)}, SETTINGS).filter(rule="mimosa")
    assert set(weak["quality_flags"]) == {"weak_fit"}
    assert set(firm["quality_flags"]) == {""}
    assert weak["call"].equals(firm["call"])
    assert {"positive", "negative"} == set(firm["call"])


def test_statistic_and_p_value_are_z_and_rate():
    t = cohort(30)
    t["mimosa_fits"] = first_versions(t)
    rows = cytometry_responses(t, SETTINGS).filter(rule="mimosa")
    judged = with_responses(stimulated_pairs(t, SETTINGS), t["mimosa_fits"], SETTINGS).sort("specimen_id")
    assert rows["statistic"].equals(judged["z"], check_names=False)
    assert rows["p_value_adjusted"].equals(judged["fdr"], check_names=False)
    assert rows.filter(pl.col("p_value_adjusted") <= 0.01)["call"].unique().to_list() == ["positive"]
    assert rows.filter(pl.col("p_value_adjusted") > 0.01)["call"].unique().to_list() == ["negative"]


def non_responders(*late: str) -> dict[str, pl.DataFrame]:
    """Twenty subjects without a response to A, and later specimens `specimen | A | medium`, of 100 000 cells."""
    rng = np.random.default_rng(1)
    lines = ["specimen | stimulus | count"]
    for number in range(20):
        proportion = rng.beta(8, 40_000)
        lines += [f"Q{number}-W0 | {stimulus} | {rng.binomial(100_000, proportion)}" for stimulus in ("A", "medium")]
    return drawn_tubes("\n".join([*lines, *lines_of(late)]))


def called_later(t: dict[str, pl.DataFrame], fits: pl.DataFrame, specimen: str) -> tuple[str, str | None]:
    rows = cytometry_responses(t | {"mimosa_fits": fits}, SETTINGS).filter(rule="mimosa", specimen_id=specimen)
    return rows.select("call", "reason").row(0)


def test_a_fit_keeps_the_largest_stimulated_percentage_it_rests_on():
    t = non_responders()
    largest = t["tube_populations"].filter(tube_role="antigen")["count"].max() / 1000
    assert first_versions(t)["largest_stimulated_percent"].to_list() == [pytest.approx(largest)]
    few = only(t, [f"Q{number}-W0" for number in range(5)])
    assert first_versions(few)["largest_stimulated_percent"].to_list() == [None]


def test_a_fit_of_non_responders_does_not_call_a_strong_later_response_negative():
    fits = first_versions(non_responders())
    largest = round(fits["largest_stimulated_percent"][0] * 1000)
    late = ["R1-W0 | 5000 | 20", f"R2-W0 | {largest} | 20", "R3-W0 | 500 | 501", f"R4-W0 | {largest + 1} | 9"]
    t = non_responders(*late)
    assert called_later(t, fits, "R1-W0") == ("not_evaluable", "outside_fit")
    assert called_later(t, fits, "R4-W0") == ("not_evaluable", "outside_fit")
    assert called_later(t, fits, "R2-W0") == ("negative", None)  # within what the fit saw
    assert called_later(t, fits, "R3-W0") == ("negative", None)  # below its control: no response under any mixture
    again = pl.concat([fits, versioned_fits(fits, fits_of(t), re_estimate=True, run_id="r2")])
    assert called_later(t, again, "R1-W0") == ("positive", None)


def test_a_positive_beyond_what_the_fit_saw_stands_unless_the_fit_did_not_converge():
    t, later = cohort(40), cohort(40, "R-W0 | 20000 | 5")
    fits = first_versions(t)
    assert called_later(later, fits, "R-W0") == ("positive", None)
    unconverged = fits.with_columns(has_converged=pl.lit(value=False), is_weak=pl.lit(value=True))
    assert called_later(later, unconverged, "R-W0") == ("not_evaluable", "outside_fit")
    before = cytometry_responses(t | {"mimosa_fits": fits}, SETTINGS).filter(rule="mimosa")
    after = cytometry_responses(t | {"mimosa_fits": unconverged}, SETTINGS).filter(rule="mimosa")
    assert after["call"].equals(before["call"])  # of the specimens it rests on none is beyond


def test_no_probability_of_a_response_is_given_of_a_subset_the_fit_cannot_judge():
    fits = first_versions(non_responders()).with_columns(subset=pl.lit("IFNg+TNF+"))
    t = non_responders("R1-W0 | 5000 | 20")
    t["tube_populations"] = t["tube_populations"].with_columns(subset=pl.lit("IFNg+TNF+"))
    subsets = boolean_subsets(stimulated_pairs(t, SETTINGS), fits, SETTINGS)
    z = dict(subsets.select("specimen_id", "z").iter_rows())
    assert z.pop("R1-W0") is None
    assert len(z) == 20 and None not in z.values()


def repeats(n_subjects: int, per_subject: int) -> dict[str, pl.DataFrame]:
    """Unscheduled specimens: so many of each subject, S0 the earliest though it comes last by name."""
    names = [f"P{number:02}-S{9 - place}" for number in range(n_subjects) for place in range(per_subject)]
    lines = [f"{name} | {stimulus} | {count}" for name in names for stimulus, count in (("A", 30), ("medium", 5))]
    t = drawn_tubes("\n".join(["specimen | stimulus | count", *lines]))
    place = 9 - pl.col("specimen_id").str.tail(1).cast(pl.Int64)
    t["visited_specimens"] = t["visited_specimens"].with_columns(
        visit=pl.lit("unscheduled"), collection_date=pl.date(2020, 3, 1) + pl.duration(days=place)
    )
    return t


def test_a_subject_enters_a_fit_once_with_its_first_specimen():
    t = repeats(13, 3)
    first = only(t, [f"P{number:02}-S9" for number in range(13)])
    assert fits_of(t)["n_specimens"].to_list() == [13]
    assert fits_of(t)["input_sha256"].equals(fits_of(first)["input_sha256"])
    assert fits_of(t, study({"mimosa": {"pool_visits": True}}))["n_specimens"].to_list() == [39]
    t["visited_specimens"] = t["visited_specimens"].with_columns(material=pl.lit("infusion_product"))
    assert fits_of(t, study({"mimosa": {"pool_visits": True}}))["n_specimens"].to_list() == [13]


def test_specimens_that_did_not_enter_are_called_by_the_fit_all_the_same():
    t = repeats(13, 3)
    rows = cytometry_responses(t | {"mimosa_fits": first_versions(t)}, SETTINGS).filter(rule="mimosa")
    assert rows["fit_version"].to_list() == [1] * 39
    assert rows["statistic"].null_count() == 0


def test_the_pairs_that_are_timed_can_be_fitted_and_judged():
    pairs = bench.simulated_pairs(subjects=20, antigens=1, visits=1, populations=1, subsets=2)
    fits = versioned_fits(
        MIMOSA_FITS.empty(), mimosa_fits(pairs, bench.study(), date(2021, 1, 1)), re_estimate=False, run_id="r"
    )
    assert with_responses(pairs, fits, bench.study()).height == pairs.height == 40
