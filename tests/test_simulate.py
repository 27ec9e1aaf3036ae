"""The simulation still runs, and what it asks of drawn studies is what the pipeline answers."""

from __future__ import annotations

from math import isnan
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from expectations.ingested import INFUSION_PRODUCTS
from expectations.outcome_tables import INFUSED_CELLS, OUTCOMES
from expectations.study import StudySettings
from tests.drawn_associations import under
from tests.drawn_series import DAY_0, drawn_responses, visits_of
from tests.simulate import figure, page
from tests.simulate.cohort import LOD_OF_CELLS, N_ANTIGENS, NOT_EVALUABLE, NULL, NULL_STOPPED, Cohort, World, draw
from tests.simulate.questions import Answer, Asked, answers
from tests.simulate.replicates import Share, simulate
from transforms.association import associations
from transforms.landmarks import persistence_at_landmark
from transforms.persistence import persistence
from transforms.persistence_by_subject import persistence_by_subject

PERMUTATIONS = 999
ANTIGENS = [f"A{number}" for number in range(N_ANTIGENS)]
RESPONSES = ("PD", "SD", "PR", "CR")


def settings(asked: list[Asked]) -> StudySettings:
    """A study file that declares every analysis offered, and looks at nothing else."""
    declared = [{"exposure": one.exposure, "outcome": one.outcome, "method": one.method} for one in asked]
    return StudySettings.model_validate(
        {
            "study": {"id": "DRAWN"},
            "visits": [{"name": "Baseline", "day": -5, "window": [-30, 0]}],
            "antigens": [{"name": antigen, "role": "tumour"} for antigen in ANTIGENS],
            "persistence": {"landmarks": [{"day": 90, "half_width": 14}]},
            "analysis": {
                "primary": declared[0],
                "secondary": declared[1:],
                "exploratory": {"exposures": [], "outcomes": []},
                "permutations": PERMUTATIONS,
                "seed": 1,
            },
        }
    )


def subject(number: int) -> str:
    return f"S{number:03d}"


def responses_of(cohort: Cohort) -> pl.DataFrame:
    """Calls of blood and product as RESPONSES."""
    signs = {1: "+", 0: "-", NOT_EVALUABLE: "0"}
    blood = {
        (subject(i), antigen): " ".join(
            f"{int(day)}:{signs[int(call)]}"
            for day, call in zip(cohort.sample_days[i], cohort.calls[i, :, number], strict=True)
            if not np.isnan(day)
        )
        for i in range(cohort.n)
        for number, antigen in enumerate(ANTIGENS)
    }
    products = {
        (subject(i), antigen): f"0:{'+' if cohort.in_product[i, number] else '-'}"
        for i in range(cohort.n)
        for number, antigen in enumerate(ANTIGENS)
    }
    of_product = drawn_responses(
        products, material=pl.lit("infusion_product"), specimen_id=pl.col("subject_id") + "/product"
    )
    return pl.concat([drawn_responses(blood), of_product])


def outcomes_of(cohort: Cohort) -> pl.DataFrame:
    """OUTCOMES; durations have the clinical +1."""
    known = cohort.response != NOT_EVALUABLE
    frame = pl.DataFrame(
        {
            "subject_id": [subject(i) for i in range(cohort.n)],
            "end": cohort.os_days.astype(int),
            "os_days": cohort.os_days.astype(int) + 1,
            "os_event": cohort.has_died,
            "pfs_days": cohort.pfs_days.astype(int) + 1,
            "pfs_event": cohort.has_event,
            "is_progression": cohort.is_progression,
            "best_overall_response": [RESPONSES[place] if place >= 0 else "NE" for place in cohort.response],
            "is_evaluable": known,
            "responds": cohort.is_responder,
            "best_change_percent": [None if np.isnan(change) else float(change) for change in cohort.change],
        }
    )
    last_day = pl.lit(DAY_0) + pl.duration(days="end")
    return under(
        OUTCOMES,
        frame.select(
            "subject_id", "os_days", "os_event", "pfs_days", "pfs_event", "best_overall_response", "is_evaluable",
            "best_change_percent",
            is_infused=True,
            infusion_date=DAY_0,
            death_date=pl.when("os_event").then(last_day),
            last_contact_date=last_day,
            pfs_reason=pl.when("is_progression").then(pl.lit("progression")),
            is_responder=pl.when("is_evaluable").then("responds"),
        ),
    )  # fmt: skip


def by_the_pipeline(cohort: Cohort, asked: list[Asked]) -> dict[Asked, tuple[int, float | None]]:
    """n and p of each analysis, from responses to associations."""
    study, responses, outcomes = settings(asked), responses_of(cohort), outcomes_of(cohort)
    visited = visits_of(responses)
    products = outcomes.select("subject_id", "infusion_date", specimen_id=pl.col("subject_id") + "/product")
    whole = persistence(responses, visited, outcomes, under(INFUSION_PRODUCTS, products), study)
    at_landmark = persistence_at_landmark(responses, visited, outcomes, study)
    cells = pl.DataFrame(
        {
            "subject_id": outcomes["subject_id"],
            "tumour_reactive_cells": cohort.cells,
            "is_below_lod": cohort.is_below_lod,
        }
    )
    tables = {
        "persistence_by_subject": persistence_by_subject(at_landmark, whole, outcomes, study),
        "outcomes": outcomes,
        "infused_cells": under(INFUSED_CELLS, cells, tumour_reactive_cells_lod=LOD_OF_CELLS),
        "responses": responses,
        "visited_specimens": visited,
    }
    rows = associations(tables, study).filter(rule="dfr_eq").drop_nulls("method")
    return {
        Asked("offered", row["method"], row["exposure"], row["outcome"]): (row["n"], row["p_value"])
        for row in rows.iter_rows(named=True)
    }


@pytest.mark.parametrize(("world", "n", "seed"), [(NULL, 25, 3), (NULL_STOPPED, 40, 4)], ids=["25", "40"])
def test_every_analysis_of_a_drawn_study_has_the_n_and_p_of_the_pipeline(world: World, n: int, seed: int):
    cohort = draw(world, n, np.random.default_rng(seed))
    ours = {
        one: answer
        for one, answer in answers(cohort, {"n_permutations": PERMUTATIONS, "seed": 1}).items()
        if one.status == "offered"
    }
    theirs = by_the_pipeline(cohort, list(ours))
    assert len(ours) > 20
    for one, answer in ours.items():
        assert agrees(answer, *theirs[one]), (one, answer, theirs[one])


def agrees(answer: Answer, n: int, p_value: float | None) -> bool:
    if p_value is None:
        return isnan(answer.p_value)
    return answer.n == n and answer.p_value == pytest.approx(p_value, abs=1e-9)


def test_a_few_replicates_make_the_page_and_the_figure(tmp_path: Path):
    simulated = simulate(2, 99, sizes=(12, 20), workers=1, subjects=500)
    text = page.write(simulated, 1.0, tmp_path / "simulation.md")
    figure.write(simulated, tmp_path / "simulation.svg")
    assert "logrank_permutation (default)" in text
    assert (tmp_path / "simulation.svg").read_text(encoding="utf-8").startswith("<svg")


def test_a_share_has_the_binomial_error_of_the_replicates_in_which_it_could_be_told():
    share = Share(happened=5, told=100, replicates=125)
    assert (share.percent, share.error, share.not_estimable_percent) == pytest.approx((5, 2.179449, 20))


def test_the_same_replicate_is_the_same_study():
    first, second = (draw(NULL, 10, np.random.default_rng([1, 2, 3])) for _ in range(2))
    assert np.array_equal(first.os_days, second.os_days)
