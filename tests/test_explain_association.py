"""An association is explained by its numbers and by exposure and outcome of every subject, whatever the exposure."""

from __future__ import annotations

import pytest

from tests.published_sample import drawn, publish, sample_study
from tests.published_sample_cohort import settings
from warehouse.explain import explanation


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    sample_study(folder / "warehouse.duckdb")
    return folder


def test_persistence_is_explained_by_state_response_survival_and_the_series_that_persist(study):
    told = explanation(study, "persistent_at_landmark/responder/dfr_eq/90")
    assert "  not adjusted (primary analysis)" in told
    assert "  n = 13: 7 and 6; left out: 1 not infused, 1 outcome, 1 exposure" in told
    subject = next(line for line in told if line.startswith("  P01: "))
    assert subject.startswith("  P01: persistent; CR; OS 2011 days+  <- P01/MART-1/elispot/all cells/IFNg/dfr_eq")
    assert len([line for line in told if line.startswith("  P")]) == 15


def test_the_primary_association_is_explained_without_its_key(study):
    assert explanation(study, "primary") == explanation(study, "persistent_at_landmark/responder/dfr_eq/90")


def test_induction_is_explained_by_induction_and_a_number_by_its_parts(study):
    told = explanation(study, "induced_by_landmark/responder/dfr_eq/90")
    assert any(line.startswith("  P01: induced; CR") for line in told)
    assert "  adjusted p = 0.1398 (Holm over 3 analyses)" in told
    told = explanation(study, "n_persistent_at_landmark/best_response/dfr_eq/90")
    assert any(line.startswith("  P01: 2 antigens persistent, 3 of 3 antigens evaluable; CR") for line in told)
    assert "  n = 13: no groups; left out: 1 not infused, 1 outcome, 1 exposure" in told


def test_a_permutation_test_names_its_permutations_and_seed(study):
    told = explanation(study, "persistent_at_landmark/OS/dfr_eq/90")
    assert any("9999 permutations, seed 1" in line for line in told)


def test_an_exposure_over_time_is_explained_by_the_samples_of_each_subject(tmp_path):
    row = drawn(
        "associations",
        "association_key | exposure | outcome | n | n_events\nk | positive_over_time | PFS | 2 | 1",
        method="cox_over_time", assay="elispot", readout="IFNg", rule="dfr_eq", family="exploratory", adjustment="none",
    )  # fmt: skip
    samples = drawn(
        "breadth",
        "study_day | n_antigens_positive | n_antigens_evaluable\n90 | 0 | 3\n30 | 2 | 3",
        subject_id="P1", assay="elispot", readout="IFNg", rule="dfr_eq",
    )  # fmt: skip
    outcomes = drawn("outcomes", "subject_id | best_overall_response | pfs_days | pfs_event\nP1 | PR | 200 | false")
    frames = {"settings": settings(), "associations": row, "breadth": samples, "outcomes": outcomes}
    publish(tmp_path / "warehouse.duckdb", frames)
    assert "  P1: day 30: 2/3, 90: 0/3; PR; PFS 200 days+" in explanation(tmp_path, "k")


def test_a_series_is_explained_with_its_area_and_half_life_or_why_there_is_none(study):
    told = explanation(study, "P05/MART-1/elispot/all cells/IFNg/dfr_eq")
    assert any(line.startswith("  half-life: 5.86") and "5 samples, 2 of them censored" in line for line in told)
    told = explanation(study, "P05/gp100/elispot/all cells/IFNg/dfr_eq")
    assert "  half-life: none (too_few_detected)" in told


def test_a_subject_is_explained_with_its_responses_reported_and_derived(study):
    told = explanation(study, "P07")
    assert "  2009-05-31, day 90: reported SD, derived PR (sum 66 mm, baseline 95, nadir 90) [differs.target]" in told
