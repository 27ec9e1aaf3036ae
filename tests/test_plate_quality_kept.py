"""Limits of control charts through whole runs: kept as versions, published, and re-estimated when asked for alone."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from tests import mini_study, running

pytestmark = [
    pytest.mark.filterwarnings("default"),
    pytest.mark.usefixtures("pages_without_sections"),
]  # Prefect and Great Expectations warn of their own dependencies

TREND = """
[elispot.trend]
reference_first = 2012-03-01
reference_last = 2012-03-31
min_plates = 3
"""


@pytest.fixture
def study(mini_run: Path, prefect_server: str, tmp_path: Path) -> Path:
    folder = running.copy(mini_run, tmp_path / "study")
    (folder / "study.toml").write_text(mini_study.STUDY + TREND)
    running.run(folder)
    return folder


def ask(study: Path, query: str) -> list[tuple[object, ...]]:
    with duckdb.connect(study / "warehouse.duckdb", read_only=True) as connection:
        return connection.execute(query).fetchall()


LIMITS = "select measure, version, n_plates from control_baselines order by all"
FIRST = [("negative_control", 1, 3), ("positive_control", 1, 3)]


def test_a_plate_of_the_period_moves_no_limit_until_re_estimation_and_verdicts_name_the_version(study: Path) -> None:
    assert ask(study, LIMITS) == FIRST
    assert ask(study, "select distinct baseline_version from charted_plates") == [(1,)]
    verdicts = "select plate_id, measure, z, trend_status from charted_plates order by all"
    before = ask(study, verdicts)
    assert len(before) == 6

    mini_study.drop(study, {**reference_tables("P4"), "p4.txt": mini_study.plate("PL-P4", True, first=40)})
    running.run(study)
    assert ask(study, LIMITS) == FIRST
    assert set(before) < set(ask(study, verdicts))

    running.run(study, re_estimate=True, asked="re-estimation")
    assert ask(study, LIMITS) == sorted([*FIRST, ("negative_control", 2, 4), ("positive_control", 2, 4)])
    assert ask(study, "select distinct baseline_version from charted_plates") == [(2,)]


def test_the_period_stands_among_the_settings(study: Path) -> None:
    assert ask(study, "select reference_first::varchar, min_plates from chart_period") == [("2012-03-01", 3)]


def test_without_a_period_no_limit_is_kept(mini_run: Path) -> None:
    assert ask(mini_run, "select count(*) from control_baselines") == [(0,)]
    assert ask(mini_run, "select distinct trend_status from charted_plates") == [("no_reference",)]


def reference_tables(subject: str) -> dict[str, str]:
    specimens = [f"{subject}-B,{subject},2012-01-25", f"{subject}-D90,{subject},2012-05-01"]
    wells = "plate_id,well,specimen_id,stimulus,cells_per_well,replicate"
    tables = {
        "s.csv": ["subject_id,enrolment_date", f"{subject},2012-01-04"],
        "t.csv": ["specimen_id,subject_id,collection_date", *specimens],
        "l.csv": [wells, *mini_study.layout(subject)],
    }
    return {name: "\n".join([*lines, ""]) for name, lines in tables.items()}
