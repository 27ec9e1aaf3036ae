"""The two pages: self-contained, escaped, complete in words without data, written whole or not at all."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from functools import cache
from html import unescape
from pathlib import Path

import polars as pl
import pytest

from expectations.reasons import reason
from tests.published_sample import drawn, empty_study, publish, sample_study
from tests.published_sample_cohort import settings
from tests.published_sample_records import HELD, LAST_RUN
from warehouse.reports import pages, pages_of_run, quality_page, study_page, write_pages

PAGES = pytest.mark.parametrize("page", [quality_page, study_page], ids=["quality", "study"])


@pytest.fixture(scope="module")
def sample(tmp_path_factory) -> Path:
    return sample_study(tmp_path_factory.mktemp("published") / "warehouse.duckdb")


@cache
def built(page, database: Path) -> str:
    """A page of a published file, made once for all tests that only read it."""
    return page(database)


@pytest.fixture(scope="module")
def study(sample) -> str:
    return built(study_page, sample)


@pytest.fixture(scope="module")
def quality(sample) -> str:
    return built(quality_page, sample)


@pytest.fixture(scope="module")
def empty(tmp_path_factory) -> Path:
    return empty_study(tmp_path_factory.mktemp("published") / "warehouse.duckdb")


def words(document: str) -> str:
    """What a reader sees: without scripts, styles and tags, spaces made one."""
    bare = re.sub(r"<(script|style)\b.*?</\1>", " ", document, flags=re.S)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", bare))).strip()


def captions(document: str) -> list[str]:
    return [words(caption) for caption in re.findall(r"<figcaption>(.*?)</figcaption>", document, flags=re.S)]


def specs(document: str) -> list[dict]:
    """Chart specifications, read as strictly as a browser reads them."""

    def refuse(constant):
        raise AssertionError(f"{constant} is no JSON")

    texts = re.findall(r'<script type="application/json" class="spec">(.*?)</script>', document, flags=re.S)
    return [json.loads(text, parse_constant=refuse) for text in texts]


def drawn_rows(part: object) -> list[dict]:
    """Every row of a subject anywhere in chart specifications."""
    if isinstance(part, dict) and "subject_id" in part:
        return [part]
    inside = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
    return [row for item in inside for row in drawn_rows(item)]


@PAGES
def test_simulated_data_are_announced_in_the_title_and_in_a_banner(page, sample):
    document = built(page, sample)
    assert re.search(r"<title>Simulated data: ", document)
    assert "Simulated data. No number on this page comes from a patient." in words(document)


@PAGES
def test_real_data_are_not_called_simulated(page, tmp_path):
    assert "imulated data" not in page(sample_study(tmp_path / "real.duckdb", simulated=False))


@PAGES
def test_a_page_names_nothing_outside_itself_but_the_other_page(page, sample):
    markup = re.sub(r"<script\b.*?</script>", "", built(page, sample), flags=re.S)
    targets = set(re.findall(r'(?:src|href|action|data)="([^"]*)"', markup))
    assert {target for target in targets if not target.startswith("#")} <= {"data:,", "quality.html", "study.html"}
    assert "@import" not in markup and "url(" not in markup


@PAGES
def test_the_browser_is_told_to_load_nothing(page, sample):
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', built(page, sample))
    assert policy is not None
    assert "default-src 'none'" in policy[1] and "http" not in policy[1]


@PAGES
def test_the_chart_bundle_is_in_a_page_once(page, sample):
    assert built(page, sample).count("window.vegaEmbed=") == 1


@PAGES
def test_an_empty_study_says_in_words_what_is_not_there_yet(page, empty):
    document = page(empty)
    assert "<figure" not in document and "window.vegaEmbed" not in document
    assert document.count('class="empty"') >= 8
    assert "no run yet" in words(document)


def test_a_study_before_its_first_assessment_shows_no_rate_of_nobody(tmp_path):
    rates = drawn("denominators", "measure | population | n_with | n\nobjective_response_rate | evaluable | 0 | 0")
    place = {"endpoint": "OS", "landmark_day": 0, "group": "all", "population": "infused"}
    medians = drawn("survival_summaries", "n | n_events\n0 | 0", **place)
    association = drawn(
        "associations",
        """
        exposure               | outcome   | method       | rule   | landmark_day | family  | n | n_exposed
        persistent_at_landmark | responder | fisher_exact | dfr_eq | 90           | primary | 0 | 0
        """,
        **{name: 0 for name in ("n_exposed_with_outcome", "n_unexposed_with_outcome", "n_excluded_outcome")},
        **{f"n_excluded_{name}": 0 for name in ("not_infused", "death")},
        n_unexposed=0,
        n_excluded_exposure=2,
        assay="elispot",
        readout="IFNg",
        reason="not_estimable",
        reads="Not estimable.",
    )
    frames = {"denominators": rates, "survival_summaries": medians, "associations": association, "settings": settings()}
    shown = words(study_page(publish(tmp_path / "early.duckdb", frames)))
    assert "Objective response rate no data yet" in shown and "Median overall survival no data yet" in shown
    assert "persistent at day 90 and response (CR or PR) no data yet left out: 2 exposure not evaluable" in shown
    assert "0.0 %" not in shown


@PAGES
def test_the_same_published_file_gives_the_same_page(page, sample):
    assert page(sample) == built(page, sample)


@PAGES
def test_every_section_is_linked_from_the_contents(page, sample):
    document = built(page, sample)
    sections = re.findall(r'<section id="([^"]+)">', document)
    links = re.findall(r'<li><a href="#([^"]+)">', document)
    assert sections == links and len(set(sections)) == len(sections) >= 9


@PAGES
def test_every_chart_states_its_n(page, sample):
    found = captions(built(page, sample))
    assert found
    for caption in found:
        assert re.search(r"\bn = \d|\d of \d", caption), caption


@PAGES
def test_charts_are_valid_json_even_where_an_odds_ratio_is_infinite(page, sample):
    assert specs(built(page, sample))


def test_the_study_page_gives_every_response_rate_with_its_denominator(study):
    shown = words(study)
    for n, rate, ends in ((14, "42.9", "17.7 to 71.1"), (15, "40.0", "16.3 to 67.7"), (16, "37.5", "15.2 to 64.6")):
        assert f"6/{n} {rate} % {ends} %" in shown
    assert "6/14 evaluable 95 % interval 17.7 to 71.1 %" in shown
    assert "6/15 (40.0 %) of the infused 6/16 (37.5 %) of the enrolled" in shown


def test_the_study_page_says_who_was_left_out_of_the_primary_association(study):
    assert "left out: 1 never infused, 1 response not evaluable, 1 exposure not evaluable" in words(study)


def test_landmarks_stand_with_the_primary_one_first_each_with_log_rank_and_exclusions(study):
    curves = [caption for caption in captions(study) if "by persistence at day" in caption]
    assert [re.search(r"day (\d+ ± \d+)", caption)[1] for caption in curves] == ["90 ± 14", "30 ± 10", "180 ± 30"]
    assert "the primary landmark" in curves[0] and all(
        "log-rank by permutation p = 0.048" in caption for caption in curves
    )
    assert "2 dead or lost at time zero" in words(study)


def test_numbers_at_risk_are_drawn_under_every_curve(study):
    curves = [spec for spec in specs(study) if "vconcat" in spec]
    assert len(curves) == 7  # overall survival of all and at three landmarks, PFS, duration of response, follow-up
    assert all(spec["vconcat"][1]["title"]["text"] == "Number at risk" for spec in curves)


def test_every_association_stands_in_the_table_with_family_and_reading(study):
    shown = words(study)
    assert "3 declared secondary analyses, p-values adjusted together by Holm, over all that are declared" in shown
    assert "13 exploratory analyses, p-values adjusted together by Benjamini-Hochberg" in shown
    assert "(a) Association, not prediction: best response is often reached before the landmark." in shown


def test_values_are_told_apart_by_detection_and_not_by_colour_alone(study):
    rows = [row for row in drawn_rows(specs(study)) if "net_value" in row]
    kinds = {row["kind"] for row in rows}
    assert kinds == {
        "at or above the LOD",
        "below the LOD",
        "lower bound (wells too numerous to count)",
        "call not evaluable",
    }
    assert all(
        (row["net_value"] < row["lod"]) == (row["kind"] == "below the LOD")
        for row in rows
        if row["call"] != "not_evaluable"
    )
    assert min(row["net_value"] for row in rows) < 0


def test_the_quality_page_says_of_each_held_file_what_is_wrong_where_and_what_to_do(quality):
    shown = words(quality)
    for path, _, code, place, problem in HELD:
        assert re.sub(r"\s+", " ", f"{path} {code} {place or '–'} {problem} {reason(code).remedy}") in shown  # noqa: RUF001


def test_failed_checks_stand_before_those_that_held(quality):
    shown = words(quality)[words(quality).index("3 checks failed") :]
    order = ("plate_id is known to plate_layouts", "5 checks held", "subject_id, contact_date is unique")
    assert [shown.index(what) for what in order] == sorted(shown.index(what) for what in order)


def test_rejected_rows_show_rule_column_value_and_place(quality):
    row = "reference/specimens.csv line 71 specimens viability_percent 870 row.range"
    assert row in words(quality) and "vital_status <lost> row.allowed_values" in words(quality)


def test_settings_are_compared_with_the_contract_s_defaults(quality):
    shown = words(quality)
    section = shown[shown.rindex("Settings changed from the defaults") :]
    assert "elispot.quality.max_negative_control 40.0 50.0" in section
    assert "rules.primary" not in section


def test_text_from_files_cannot_become_markup_or_script(tmp_path):
    hostile = "</script><img src=x onerror=alert(1)>"
    files = drawn("files", "state | reason\nquarantined | format.empty", path=hostile, file_sha256="a")
    expected = drawn(
        "expected_specimens", "visit | material | specimen_status\nweek 2 | blood | received", subject_id=hostile
    )
    frames = {"settings": settings(), "files": files, "expected_specimens": expected}
    document = quality_page(publish(tmp_path / "hostile.duckdb", frames))
    assert "<img src=x" not in document
    assert {row["subject_id"] for row in drawn_rows(specs(document))} == {hostile}
    assert words(document).count(hostile) == 2


def test_a_long_table_is_cut_and_says_where_the_rest_is(tmp_path):
    rejects = pl.concat(
        drawn("rejects", "path | table_name | rule | column_name\na | specimens | row.range | x", place=f"line {n}")
        for n in range(350)
    )
    shown = words(quality_page(publish(tmp_path / "long.duckdb", {"settings": settings(), "rejects": rejects})))
    assert "The first 300 of 350; all are in `report_rejects` of the published file." in shown
    assert "line 299" in shown and "line 300" not in shown


def test_pages_carry_the_run_they_were_written_for(sample, tmp_path):
    written = write_pages(sample, tmp_path / "reports", "run <7>")
    assert sorted(path.name for path in (tmp_path / "reports").iterdir()) == ["quality.html", "study.html"]
    assert [path.name for path in written] == ["quality.html", "study.html"]
    assert pages_of_run(tmp_path / "reports") == "run <7>"


def test_pages_of_two_runs_or_a_missing_page_are_pages_of_no_run(empty, tmp_path):
    assert pages_of_run(tmp_path) is None
    write_pages(empty, tmp_path, "one")
    (tmp_path / "study.html").write_text(study_page(empty, "two"))
    assert pages_of_run(tmp_path) is None
    (tmp_path / "study.html").write_text("cut short")
    assert pages_of_run(tmp_path) is None


def test_a_page_without_a_given_run_is_stamped_with_the_last_one(study):
    assert f'<meta name="perdure-run" content="{LAST_RUN}">' in study[:1024]


def test_a_failure_leaves_the_pages_that_were_there(empty, tmp_path, monkeypatch):
    write_pages(empty, tmp_path, "one")

    def fail(*_):
        raise OSError("no space left on device")

    monkeypatch.setattr(pages, "study_page", fail)
    with pytest.raises(OSError, match="no space"):
        write_pages(empty, tmp_path, "two")
    assert pages_of_run(tmp_path) == "one"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["quality.html", "study.html"]


def test_reading_leaves_a_write_protected_file_as_it_was(empty, tmp_path):
    published = tmp_path / "warehouse.duckdb"
    published.write_bytes(empty.read_bytes())
    published.chmod(0o444)
    study_page(published)
    assert published.read_bytes() == empty.read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["warehouse.duckdb"]


def test_looking_up_the_run_of_pages_imports_nothing_heavy():
    heavy = {"altair", "duckdb", "jinja2", "polars", "pydantic", "vl_convert"}
    code = f"import sys, warehouse.reports; print(sorted({heavy!r} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
