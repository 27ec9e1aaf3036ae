"""What the two pages say of flow cytometry: drawn samples, sentences where there is none, charts in a browser."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from expectations.reasons import reason
from tests.published_sample import drawn, publish, sample_study, with_tables
from tests.published_sample_cohort import filled, settings
from tests.published_sample_cytometry import cytometry_responses, cytometry_study, cytometry_tables
from tests.test_reports import captions, specs, words
from warehouse.reports.blocks import Section
from warehouse.reports.cytometry_quality_sections import acquisition, fits, tubes
from warehouse.reports.cytometry_sections import cytometry_responses as cytometry_section
from warehouse.reports.cytometry_sections import infused_by_assay, polyfunctionality, rules_compared
from warehouse.reports.pages import page
from warehouse.reports.published import Published
from warehouse.reports.quality_report import QUALITY_SECTIONS
from warehouse.reports.regating_chart import stored_against_regated
from warehouse.reports.regating_sections import regated
from warehouse.reports.study_report import STUDY_SECTIONS

OF_STUDY = (cytometry_section, polyfunctionality, rules_compared, infused_by_assay)
OF_QUALITY = (tubes, regated, acquisition, fits)
CHROMIUM = shutil.which("chromium")


@pytest.fixture(scope="module")
def published(tmp_path_factory) -> Path:
    return cytometry_study(tmp_path_factory.mktemp("published") / "warehouse.duckdb")


@pytest.fixture(scope="module")
def study(published) -> str:
    return page(published, "Study report", OF_STUDY)


@pytest.fixture(scope="module")
def quality(published) -> str:
    return page(published, "Quality report", OF_QUALITY)


@pytest.fixture
def changed(published, tmp_path) -> Callable[..., Path]:
    """The sample with some tables replaced."""
    return lambda **frames: with_tables(published, tmp_path / "changed.duckdb", frames)


def only(database: Path, *sections: Callable[[Published], Section | None]) -> str:
    """A page of these sections alone."""
    return page(database, "Report", sections)


def section(document: str, anchor: str) -> str:
    """What a reader sees of one section."""
    return words(re.search(rf'<section id="{anchor}">(.*?)</section>', document, flags=re.DOTALL)[1])


def charts(document: str, anchor: str) -> list[dict[str, Any]]:
    """Specifications of the charts of one section."""
    return specs(re.search(rf'<section id="{anchor}">(.*?)</section>', document, flags=re.DOTALL)[1])


def rows_of(spec: dict[str, Any]) -> list[dict[str, Any]]:
    return [row for dataset in spec["datasets"].values() for row in dataset]


def test_every_section_of_cytometry_stands_on_its_page():
    assert set(OF_STUDY) < set(STUDY_SECTIONS) and set(OF_QUALITY) < set(QUALITY_SECTIONS)


# --- without cytometry --------------------------------------------------------------------------------------------


def test_a_study_without_cytometry_says_so_in_a_sentence_and_shows_no_section_more(tmp_path):
    database = sample_study(tmp_path / "elispot.duckdb")
    study, quality = only(database, *OF_STUDY), only(database, *OF_QUALITY)
    assert "This study has no response by flow cytometry" in section(study, "cytometry")
    assert "This study has no file of flow cytometry." in section(quality, "tubes")
    for anchor in ("polyfunctionality", "cytometry-rules", "infused-by-assay", "regated", "acquisition", "fits"):
        assert f'<section id="{anchor}">' not in study + quality


def test_responses_without_a_study_day_leave_an_empty_section_and_no_chart(tmp_path):
    responses = cytometry_responses().with_columns(study_day=pl.lit(None, pl.Int32))
    frames = {"settings": settings(), "responses": responses}
    shown = section(only(publish(tmp_path / "p.duckdb", frames), cytometry_section), "cytometry")
    assert "No blood sample of an infused subject has a reported response yet." in shown


# --- the study report ---------------------------------------------------------------------------------------------


def test_each_population_and_readout_has_a_chart_with_its_n_and_all_but_the_first_are_folded(study):
    part = re.search(r'<section id="cytometry">(.*?)</section>', study, flags=re.DOTALL)[1]
    first, *folded = captions(part)
    assert first.startswith("Net response in blood over time, cytometry CD8 IFNg, calls by fisher: n = 15 subjects (6 ")
    assert [re.search(r"cytometry (.+?), calls by (\w+)", told).groups() for told in folded] == [
        ("CD8 TNF", "fisher"), ("CD4 IFNg", "fisher"), ("CD8 multimer", "multimer_events"),
    ]  # fmt: skip
    assert part.count("<summary>") == 3


def panels(spec: dict[str, Any]) -> list[dict[str, Any]]:
    return [panel for pair in spec["vconcat"] for panel in pair["hconcat"]]


def test_percentages_stand_beside_cells_per_microlitre_and_every_panel_has_its_n(study):
    first, *_, multimer = charts(study, "cytometry")
    titles = [panel["title"]["text"] for panel in panels(first)]
    assert titles == [name for name in ("MART-1", "gp100", "NY-ESO-1", "CMV (viral)") for _ in range(2)]
    ns = [panel["title"]["subtitle"] for panel in panels(first)]
    assert all(re.match(r"n = \d+ subjects, \d+ samples", n) for n in ns)
    assert [n.endswith("with a blood count") for n in ns] == [False, True] * 4
    assert ns[0].endswith(", LOD 0.016")
    # No multimer has cells per microlitre in the sample: nothing stands beside its percentages.
    assert [len(pair["hconcat"]) for pair in multimer["vconcat"]] == [1, 1]


def test_panels_of_one_quantity_share_their_scale(study):
    domains = [
        next(layer["encoding"]["y"]["scale"]["domain"] for layer in panel["layer"] if "scale" in layer["encoding"]["y"])
        for panel in panels(charts(study, "cytometry")[0])
    ]
    assert domains[0::2] == domains[:1] * 4 and domains[1::2] == domains[1:2] * 4
    assert domains[0] != domains[1]


def test_what_was_counted_as_drawn_is_what_has_a_net_value(changed):
    lost = pl.col("subject_id") == "P02"
    responses = cytometry_responses().with_columns(
        net_value=pl.when(~lost).then("net_value"),
        reason=pl.when(lost).then(pl.lit("count_missing")).otherwise("reason"),
    )
    document = only(changed(responses=responses), cytometry_section)
    assert "n = 14 subjects (5 responder" in section(document, "cytometry")
    assert re.search(r"Not drawn: \d+ count missing\.", section(document, "cytometry"))
    assert "P02" not in {row.get("subject_id") for row in rows_of(charts(document, "cytometry")[0])}


def test_calls_differ_in_shape_and_response_groups_in_dash_as_well_as_colour(study):
    lines, points = panels(charts(study, "cytometry")[0])[0]["layer"][-2:]
    shapes = points["encoding"]["shape"]["scale"]
    assert shapes["domain"] == ["positive", "negative"] and len(set(shapes["range"])) == 2
    dashes = lines["encoding"]["strokeDash"]["scale"]["range"]
    assert len({tuple(dash) for dash in dashes}) == len(dashes) == 3


def test_multimers_are_told_with_the_subjects_they_can_be_read_in(study):
    shown = section(study, "cytometry")
    # P03 is typed without the allele, P05 is not typed: 13 of 15.
    assert re.search(r"MART-1 CD8 A\*02:01 15 13/15 \(86\.7 %\) 1 1 \d+ \d+ \d+", shown)
    assert "hla_typing has 14 subjects" in shown


def test_the_rules_are_compared_with_how_many_both_called(study):
    shown = section(study, "cytometry-rules")
    # By construction mimosa calls every response positive that fisher does, and more.
    assert "Calls of the same responses by fisher and by mimosa: n = " in shown
    assert re.search(r"CD8 IFNg (\d+) \1 \d+ 0 \d+ \d+ ", shown)


def test_scores_over_time_state_their_n_and_what_is_not_drawn(study):
    shown = section(study, "polyfunctionality")
    assert re.search(r"Polyfunctionality in blood over time \(IFNg, TNF\): n = 15 subjects \(6 responder", shown)
    assert "Not drawn: 4 subsets missing." in shown
    assert "Scores by visit, or of the infusion product, and best response: n = 15 subjects (6 responder" in shown
    titles = {row["panel"] for row in rows_of(charts(study, "polyfunctionality")[0])}
    assert all(re.search(r", CD8: n = \d+ subjects, \d+ samples$", title) for title in titles)


def test_scores_of_products_stand_in_a_table_where_blood_has_none(changed):
    responses = cytometry_responses().filter(
        material="infusion_product", population="CD8", readout="IFNg", rule="fisher"
    )
    same = responses.rename({"plate_id": "batch"}).with_columns(markers=pl.lit("IFNg"), polyfunctionality_score=0.25)
    scores = drawn("polyfunctionality", "specimen_id").head(0)
    scores = pl.concat([scores, filled("polyfunctionality", same)])
    frames = {"responses": cytometry_responses(), "polyfunctionality": scores}
    document = only(changed(**frames), polyfunctionality)
    shown = section(document, "polyfunctionality")
    assert "No blood sample has counts and a fit of every boolean subset of the markers." in shown
    assert charts(document, "polyfunctionality") == []
    assert re.search(r"MART-1 CD8 infusion product responder \d 0\.250", shown)


def test_infused_cells_of_every_assay_have_subjects_in_one_order_and_responders_first(study):
    (spec,) = charts(study, "infused-by-assay")
    titles = [panel["title"]["text"] for panel in spec["concat"]]
    assert titles == [
        ["ELISpot IFNg", "n = 14 of 15"],
        ["cytometry CD8 IFNg", "n = 14 of 15"],
        ["cytometry CD8 multimer", "n = 13 of 15"],
    ]
    orders = [tuple(panel["layer"][1]["encoding"]["y"]["scale"]["domain"]) for panel in spec["concat"]]
    assert len(set(orders)) == 1
    assert set(orders[0][:6]) == {f"P0{n}" for n in range(1, 7)}
    below = [row for row in rows_of(spec) if row["kind"] == "below the LOD"]
    assert {row["subject_id"] for row in below} == {"P10", "P11", "P13"}
    assert {row["drawn_cells"] for row in below} == {6.5e7}
    assert all(
        row["from"] <= row["drawn_cells"] <= row["to"] for row in rows_of(spec) if row["kind"] != "below the LOD"
    )


def test_one_readout_an_assay_and_population_stands_open_and_others_behind_a_line(changed):
    cells = cytometry_tables()["reactive_cells"]
    tnf = cells.filter(readout="IFNg", assay="cytometry").with_columns(readout=pl.lit("TNF"))
    cd4 = tnf.with_columns(population=pl.lit("CD4"), readout=pl.lit("IFNg"))
    document = only(changed(reactive_cells=pl.concat([cells, tnf, cd4])), infused_by_assay)
    first, others = charts(document, "infused-by-assay")
    assert [panel["title"]["text"][0] for panel in first["concat"]] == [
        "ELISpot IFNg", "cytometry CD8 IFNg", "cytometry CD4 IFNg", "cytometry CD8 multimer",
    ]  # fmt: skip
    assert [panel["title"]["text"][0] for panel in others["concat"]] == ["cytometry CD8 TNF"]
    assert "by cytometry CD8 TNF: n = 15 products, 14 of 15 numbers can be drawn" in section(
        document, "infused-by-assay"
    )


# --- the quality report -------------------------------------------------------------------------------------------


def test_findings_of_tubes_stand_by_reason_with_meaning_remedy_and_files(quality):
    shown = section(quality, "tubes")
    told = reason("tube.unmatched")
    assert f"tube.unmatched {told.meaning} {told.remedy} 2 of 3 2" in shown
    assert "tube.unmatched: 2 files, 2 findings" in shown
    assert "cytometry/day 1 <table>.csv 1 sample 2 (P98_CMV.fcs) in no row of cytometry_tubes" in shown
    assert "3 files of cytometry; 5/7 (71.4 %) of their samples are one of 3 tubes" in shown


def test_paths_nobody_named_stand_with_samples_and_files(quality):
    shown = section(quality, "tubes")
    assert "1 path of gates that study.toml does not name: kept, not used" in shown
    assert "CD3+/NK 1 1 cytometry/day 1.wsp" in shown


def test_stored_and_re_gated_counts_are_drawn_and_those_beyond_the_tolerance_listed(quality):
    shown = section(quality, "regated")
    assert "n = 5 populations, 1 beyond the tolerance" in shown
    assert "Not drawn: 1 without an event in either count." in shown
    row = "P01_MART-1.fcs P01-T1 CD3+/CD8+ polygon 40 000 38 000 5.00 1.00 FlowJo 10.8"
    assert row in shown.replace("\N{NARROW NO-BREAK SPACE}", " ")
    assert "gating.unsupported" in shown


def gates(*counts: tuple[int, bool]) -> list[dict[str, Any]]:
    """Rows of `stored_and_regated`: the larger count and whether it agrees."""
    return [
        {"path": "w", "sample_name": "s", "population_path": "p", "gate_type": "rectangle", "count_stored": larger,
         "count_regated": larger, "larger_count": larger, "signed_percent": 0.0, "tolerance_percent": 0.1,
         "software_version": None, "agrees": agrees}
        for larger, agrees in counts
    ]  # fmt: skip


def test_the_tolerance_drawn_is_what_so_many_events_are_until_the_gates_own_is_more():
    told = {"gate_type": "rectangle", "n_compared": 2, "n_disagree": 0, "tolerance_percent": 0.1}
    spec = stored_against_regated(gates((1000, True), (10, True)), {"rectangle": told}, 2)
    lines = [row for row in rows_of(spec) if row.get("side") == 1]
    for row in lines:
        assert row["signed_percent"] == pytest.approx(min(100, max(0.1, 200 / row["larger_count"])))
    assert max(row["signed_percent"] for row in lines) == 100 and len(lines) > 20


def test_what_failed_in_acquisition_stands_in_sight_with_its_limit(quality):
    shown = section(quality, "acquisition")
    assert "Measures beyond their limit, in 1 of 1 FCS file" in shown
    assert "cytometry/P01_MART-1.fcs P01-T1 flow rate jump – 3.25 2.00" in shown  # noqa: RUF001
    assert shown.index("flow rate jump 2.00") < shown.index("margin events 5.00")
    assert "LSRII 3.1 1 1 131 072" in shown.replace("\N{NARROW NO-BREAK SPACE}", " ")
    assert "$P2N is empty; the channel is called 2" in shown


def test_mixtures_are_counted_by_antigen_and_weak_ones_named_behind_a_line_in_their_latest_version(quality):
    shown = section(quality, "fits")
    assert "MART-1 CD8 1 1 0/1 (0.0 %) 0 15" in shown and "gp100 CD8 1 0 1/1 (100.0 %) 0 14" in shown
    assert "1 of 3 mixtures weakly identified" in shown
    assert "weak gp100 CD8 IFNg+ week 2 14 1" in shown
    assert "1 mixture with too few specimens: no call by mimosa" in shown
    assert shown.count("MART-1") == 1, "its first version was weak, its second is not"


def test_names_in_files_cannot_become_markup(changed):
    hostile = "</script><img src=x onerror=alert(1)>"
    tables = cytometry_tables()
    paths = tables["population_paths"].with_columns(
        population_path=pl.when(pl.col("population_path") == "CD3+/NK")
        .then(pl.lit(hostile))
        .otherwise("population_path")
    )
    gates_named = tables["gate_agreement"].with_columns(sample_name=pl.lit(hostile))
    document = only(changed(population_paths=paths, gate_agreement=gates_named), tubes, regated)
    assert "<img src=x" not in document
    assert hostile in json.dumps(specs(document)) and hostile in section(document, "tubes")


def test_a_page_whose_study_has_files_and_no_counts_yet_names_no_number_of_nothing(tmp_path):
    samples = drawn("cytometry_samples", "sample_name\na.fcs", source="fcs", file_sha256="f", sample_number=1)
    matched = drawn(
        "matched_samples",
        "sample_name | reason\na.fcs | tube.unmatched",
        source="fcs",
        file_sha256="f",
        sample_number=1,
    )
    frames = {"settings": settings(), "cytometry_samples": samples, "matched_samples": matched}
    shown = section(only(publish(tmp_path / "early.duckdb", frames), tubes), "tubes")
    assert "1 file of cytometry; 0/1 (0.0 %) of their samples are one of 0 tubes" in shown


# --- in a browser -------------------------------------------------------------------------------------------------


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on the PATH (Debian: apt-get install chromium)")
@pytest.mark.skipif(importlib.util.find_spec("playwright") is None, reason="no playwright; uv sync brings it")
def test_every_chart_is_drawn_in_its_window_and_nothing_is_complained_of(published, tmp_path):
    from playwright.sync_api import sync_playwright

    from tests.test_reports_in_browser import QUIET, _open

    path = tmp_path / "cytometry.html"
    path.write_text(only(published, *OF_STUDY, *OF_QUALITY), encoding="utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        opened = _open(browser.new_context(offline=True), path)
        browser.close()
    assert opened["complaints"] == [] and opened["requests"] == [opened["own"]]
    # Four series, scores, infused cells, and stored against re-gated counts.
    assert (opened["figures"], opened["drawn"]) == (7, 7)
    assert opened["widths"][0] <= opened["widths"][1]
    assert [label for label in opened["labels"] if re.fullmatch(r"undefined|null|NaN|[a-z]+_count", label)] == []
    assert "10⁸" in opened["labels"]
    assert [
        label for label in opened["labels"] if "1.0\N{NO-BREAK SPACE}\N{MULTIPLICATION SIGN}" in label or "e+" in label
    ] == []
