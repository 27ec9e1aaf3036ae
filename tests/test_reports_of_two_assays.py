"""The pages of a study whose specimens were read by ELISpot and by cytometry: sections are of the primary assay."""

from __future__ import annotations

import polars as pl
import pytest

from tests.drawn_series import in_cytometry
from tests.published_sample import publish
from tests.published_sample_cohort import responses, with_settings
from tests.published_sample_outcomes import outcome_tables
from tests.test_reports import drawn_rows, words
from warehouse.explain import explanation
from warehouse.reports import quality_page, study_page
from warehouse.reports.published import open_published
from warehouse.reports.response_sections import responses_over_time
from warehouse.reports.settings_sections import methods

CYTOMETRY = {
    "analysis__primary__assay": "cytometry",
    "cytometry__populations": [{"name": "CD8", "paths": ["8+"], "counted_as": "CD8"}],
    "cytometry__markers": {"IFNg": []},
}


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """The sample's responses by ELISpot, and the same ones as percent of CD8 and of CD4."""
    elispot = responses()
    by_cytometry = in_cytometry(elispot.filter(rule="dfr_eq"), unit=pl.lit("% of CD8"))
    measured = pl.concat(
        [elispot, by_cytometry, by_cytometry.with_columns(population=pl.lit("CD4"), unit=pl.lit("% of CD4"))]
    )
    frames = {"responses": measured, **outcome_tables(elispot), "settings": with_settings(**CYTOMETRY)}
    return publish(tmp_path_factory.mktemp("both") / "warehouse.duckdb", frames)


def test_net_values_over_time_are_percent_of_the_primary_population_alone(both):
    with open_published(both) as published:
        (chart,), methods_in_words = responses_over_time(published).blocks, str(methods(published).blocks[0])
    rows = [row for row in drawn_rows(chart.spec) if "net_value" in row]
    assert {row["unit"] for row in rows} == {"% of CD8"}
    assert len(rows) == responses().filter(pl.col("rule") == "dfr_eq", pl.col("material") == "blood").height
    assert "cytometry CD8 IFNg" in chart.caption
    assert "Net % of CD8" in str(chart.spec) and "spots" not in str(chart.spec)
    assert "Calls under the primary rule fisher for cytometry CD8 IFNg" in methods_in_words


def test_calls_are_listed_by_assay_and_population(both):
    shown = words(quality_page(both))
    section = shown[shown.index("Reported responses by call and reason") :]
    for named in ("ELISpot all cells dfr_eq", "cytometry CD4 fisher", "cytometry CD8 fisher"):
        assert named in section


@pytest.mark.parametrize("changed", [{}, CYTOMETRY])
def test_a_study_without_any_response_has_both_pages(changed, tmp_path):
    path = publish(tmp_path / "warehouse.duckdb", {"settings": with_settings(**changed)})
    assert "No blood sample of an infused subject has a reported response yet." in words(study_page(path))
    assert "No response has been measured yet." in words(quality_page(path))


def test_an_association_is_explained_by_the_subjects_of_its_own_series(tmp_path):
    elispot = responses()
    tables = outcome_tables(elispot)
    series = {"assay": pl.lit("cytometry"), "population": pl.lit("CD8")}
    by_subject = tables["persistence_by_subject"]
    turned = by_subject.with_columns(persistent=~pl.col("persistent"), **series)
    frames = {**tables, "persistence_by_subject": pl.concat([by_subject, turned])}
    publish(tmp_path / "warehouse.duckdb", frames)
    told = explanation(tmp_path, "persistent_at_landmark/responder/dfr_eq/90")
    assert "  elispot, all cells, IFNg" in told
    states = dict(line.strip().split(";")[0].split(": ") for line in told if line.startswith("  P"))
    said = {True: "persistent", False: "not persistent"}
    at_90 = by_subject.filter(rule="dfr_eq", landmark_day=90).drop_nulls("persistent")
    assert at_90.height
    assert {subject: said[is_so] for subject, is_so in at_90.select("subject_id", "persistent").rows()}.items() <= (
        states.items()
    )
    assert len([line for line in told if line.startswith("  P")]) == by_subject["subject_id"].n_unique()
