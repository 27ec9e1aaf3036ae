"""The export: every table comes back as it was published, columns are explained, and nothing is overwritten."""

from __future__ import annotations

import csv
import re
from datetime import date
from html import unescape
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner
from polars.testing import assert_frame_equal

from expectations.errors import UsageError
from flows.cli import cli
from tests.published_sample import drawn, empty_study, publish, sample_study
from tests.published_sample_cohort import settings
from warehouse.export import DICTIONARY, EXPORTED, README, export_analysis, file_of, published_name
from warehouse.query import opened

TYPES = {"text": pl.String, "integer": pl.Int64, "number": pl.Float64, "boolean": pl.Boolean, "date": pl.Date}


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("study")
    sample_study(folder / "warehouse.duckdb")
    return folder


@pytest.fixture(scope="module")
def exported(study, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("export") / "out"
    list(export_analysis(study, folder))
    return folder


def words(path: Path) -> str:
    bare = re.sub(r"<style>.*?</style>", " ", path.read_text(), flags=re.S)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", bare)))


@pytest.mark.parametrize("table", EXPORTED, ids=published_name)
def test_a_table_read_back_with_the_types_of_the_dictionary_is_the_published_one(table, study, exported):
    described = pl.read_csv(exported / DICTIONARY).filter(table=published_name(table))
    types = {name: TYPES[kind] for name, kind in described.select("column", "type").iter_rows()}
    back = pl.read_csv(exported / file_of(table), schema=types)
    with opened(study) as connection:
        published = pl.from_arrow(connection.sql(f"select * from {published_name(table)}").to_arrow_table())
    assert_frame_equal(back, published.select(*types).cast(types), check_row_order=False)
    assert back.height == published.height
    assert back.select(table.key).rows() == sorted(back.select(table.key).rows(), key=_null_first)


def _null_first(row):
    return [(value is not None, value) for value in row]


def test_values_are_written_as_the_readme_says(tmp_path):
    rows = drawn(
        "associations",
        """
        association_key | estimate | lower | upper | p_value | is_robustness | time_zero_day
        a               | inf      | 1.5   | inf   | 0.001   | true          |
        """,
        exposure="persistent_at_landmark",
        reads='says "so", and more',
    )
    dated = drawn("outcomes", "subject_id | infusion_date | is_infused\nP1 | 2009-03-02 | true")
    publish(tmp_path / "warehouse.duckdb", {"settings": settings(), "associations": rows, "outcomes": dated})
    list(export_analysis(tmp_path, tmp_path / "out"))
    text = (tmp_path / "out" / "associations.csv").read_bytes().decode("utf-8")
    assert "\r" not in text
    (row,) = csv.DictReader(text.splitlines())
    assert (row["estimate"], row["upper"], row["is_robustness"], row["time_zero_day"]) == ("inf", "inf", "true", "")
    assert row["reads"] == 'says "so", and more'
    (subject,) = csv.DictReader((tmp_path / "out" / "outcomes.csv").read_text().splitlines())
    assert (subject["infusion_date"], subject["is_infused"], subject["os_days"]) == ("2009-03-02", "true", "")


def test_every_exported_column_is_in_the_dictionary_with_unit_meaning_and_allowed_values(exported):
    described = pl.read_csv(exported / DICTIONARY)
    for table in EXPORTED:
        with (exported / file_of(table)).open() as file:
            header = next(csv.reader(file))
        assert described.filter(table=published_name(table))["column"].to_list() == header
    assert described["description"].null_count() == 0
    (half_life,) = described.filter(table="persistence", column="half_life_days").to_dicts()
    assert (half_life["unit"], half_life["type"]) == ("days", "number")
    (family,) = described.filter(table="associations", column="family").to_dicts()
    assert family["allowed_values"] == "primary; secondary; exploratory"


def test_the_readme_names_study_run_and_every_file_with_its_rows(exported):
    text = (exported / README).read_text()
    assert text.startswith("SIMULATED DATA.")
    assert "TIL-S: Sample of a TIL study" in text and "2012-03-01T0615-0002" in text
    for path in exported.iterdir():
        assert path.name == README or path.name in text
    assert re.search(r"outcomes\.csv +16 rows; one row is one subject\n", text)


def test_the_same_state_gives_the_same_files(study, exported, tmp_path):
    list(export_analysis(study, tmp_path / "again"))
    for path in exported.iterdir():
        assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes(), path.name


def test_table_1_states_n_of_every_group_and_who_is_not_described(exported):
    shown = words(exported / "table1.html")
    for group in ("All (n = 15)", "Responder (n = 6)", "Non-responder (n = 8)", "Not evaluable (n = 1)"):
        assert group in shown
    assert "1 of 16 enrolled subjects were never infused" in shown
    # The first six subjects are the responders: ages 69, 67, 65, 63, 61 and 59, of whom P04 has no LDH.
    assert "64 (61.5 to 66.5)" in shown and "59 to 69" in shown and "1 unknown" in shown
    assert "Simulated data: no number here comes from a patient." in shown


def test_table_1_can_be_divided_by_the_primary_exposure(study, tmp_path):
    list(export_analysis(study, tmp_path / "out", division="primary_exposure"))
    shown = words(tmp_path / "out" / "table1.html")
    assert "Persistent (n = 7)" in shown and "Responder" not in shown


def test_results_hold_rates_medians_and_declared_analyses_with_exclusions_and_adjustment(exported):
    shown = words(exported / "results.html")
    assert "Objective response rate evaluable, 6 with it 14 42.9 % (17.7 to 71.1 %)" in shown
    assert "Duration of response" in shown and "Follow-up (reverse)" in shown
    assert "Left out: 1 never infused, 1 response not evaluable, 1 exposure not evaluable" in shown
    assert "adjusted together by Holm, a family of 3. 13 exploratory analyses not shown" in shown
    assert "Exploratory analyses" not in shown


@pytest.mark.parametrize("name", ["table1.html", "results.html"])
def test_a_table_for_a_paper_names_nothing_outside_itself(name, exported):
    markup = (exported / name).read_text()
    assert not re.findall(r"""(?:src|href)=|https?://|@import|url\(""", markup)


def test_an_empty_study_is_exported_with_headers_and_words(tmp_path):
    empty_study(tmp_path / "warehouse.duckdb")
    list(export_analysis(tmp_path, tmp_path / "out"))
    assert all(len((tmp_path / "out" / file_of(table)).read_text().splitlines()) == 1 for table in EXPORTED)
    assert "Nothing has been computed yet." in words(tmp_path / "out" / "table1.html")


def test_a_table_that_an_earlier_version_published_with_fewer_columns_has_them_empty(tmp_path):
    import duckdb

    path = sample_study(tmp_path / "warehouse.duckdb")
    with duckdb.connect(path) as connection:
        connection.execute("alter table persistence drop column half_life_n_censored")
        connection.execute("drop table breadth cascade")
    list(export_analysis(tmp_path, tmp_path / "out"))
    assert pl.read_csv(tmp_path / "out" / "persistence.csv")["half_life_n_censored"].null_count() == 120
    assert pl.read_csv(tmp_path / "out" / "breadth.csv").height == 0


def test_a_folder_in_use_is_refused_and_left_as_it_is(study, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    for folder, problem in ((tmp_path, "the folder is not empty"), (tmp_path / "mine.txt", "this is a file")):
        with pytest.raises(UsageError, match=problem) as refused:
            list(export_analysis(study, folder))
        assert refused.value.code == "export.folder"
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_failure_on_the_way_leaves_the_folder_empty(study, tmp_path, monkeypatch):
    from warehouse.reports import paper_tables

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(paper_tables, "results_page", fail)
    with pytest.raises(UsageError, match="No space left on device"):
        list(export_analysis(study, tmp_path / "out"))
    assert list((tmp_path / "out").iterdir()) == []


def test_a_study_that_was_never_published_is_refused_without_making_the_folder(tmp_path):
    with pytest.raises(UsageError, match="nothing has been published") as refused:
        list(export_analysis(tmp_path, tmp_path / "out"))
    assert refused.value.code == "study.not_published"
    assert not (tmp_path / "out").exists()


def test_the_command_says_what_it_wrote(study, tmp_path):
    done = CliRunner().invoke(cli, ["export", str(study), str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    assert f"Wrote {len(EXPORTED)} tables" in done.output and (tmp_path / "out" / README).is_file()


def test_a_day_without_a_state_is_refused(study, tmp_path):
    with pytest.raises(UsageError) as refused:
        list(export_analysis(study, tmp_path / "out", date(2001, 1, 1)))
    assert refused.value.code == "query.as_of"
