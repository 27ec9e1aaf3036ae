"""Whole runs of the small study through Prefect: what comes in, what waits, what changes and what does not."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from expectations.errors import UsageError
from tests import mini_study, running
from tests.running import ask, one

pytestmark = pytest.mark.filterwarnings("default")  # Prefect and Great Expectations warn of their own dependencies


@pytest.fixture
def study(mini_run: Path, tmp_path: Path) -> Path:
    return running.copy(mini_run, tmp_path / "study")


def test_the_small_study_gives_the_answer_its_files_were_written_to_give(mini_run: Path) -> None:
    calls = ask(
        mini_run,
        "select subject_id, call from responses "
        "where antigen = 'MART-1' and rule = 'threshold' and study_day = 90 order by all",
    )
    assert calls == [("P1", "positive"), ("P2", "negative"), ("P3", "negative")]
    assert ask(
        mini_run, "select subject_id, persistent from persistence_by_subject where rule = 'threshold' order by all"
    ) == [
        ("P1", True),
        ("P2", False),
        ("P3", False),
    ]
    assert (
        one(
            mini_run,
            "select n_with from denominators where measure = 'objective_response_rate' and population = 'infused'",
        )
        == 1
    )
    assert {state for (state,) in ask(mini_run, "select state from files")} == {"accepted"}


def test_a_run_with_nothing_new_writes_nothing(study: Path) -> None:
    before = running.everything_in(study)
    assert running.run(study)["triggers"] == []
    after = running.everything_in(study)
    assert {path for path in after if before.get(path) != after[path]} <= {str(study / "lake" / ".lock")}


def test_the_same_bytes_under_another_name_change_no_table_but_the_list_of_files(study: Path) -> None:
    before = running.published(study, leave_out=("runs", "files", "quality_checks"))
    mini_study.drop(study, {"copy of P1.txt": mini_study.plates()["plates/P1.txt"]})
    running.run(study)
    assert running.published(study, leave_out=("runs", "files", "quality_checks")) == before
    assert ask(study, "select path, state, reason from files where state <> 'accepted'") == [
        ("copy of P1.txt", "duplicate", "duplicate.same_bytes")
    ]


def test_a_file_that_only_moved_is_nothing_new(study: Path) -> None:
    inbox = study / "inbox"
    (inbox / "2012").mkdir()
    (inbox / "plates/P1.txt").rename(inbox / "2012/P1.txt")
    assert running.run(study)["triggers"] == []


def test_the_order_in_which_files_arrive_does_not_change_what_is_published(
    mini_run: Path, prefect_server: str, tmp_path: Path
) -> None:
    study = mini_study.write(tmp_path / "study", mini_study.plates())
    running.run(study)
    assert {row for row in ask(study, "select state, reason from files")} == {("quarantined", "layout.missing")}
    mini_study.drop(study, {"layouts.csv": mini_study.tables()["layouts.csv"]})
    running.run(study)
    assert (
        one(study, "select count(*) from files where state = 'quarantined'") == 4
    )  # the layout's specimens are unknown
    mini_study.drop(study, mini_study.tables())
    running.run(study)
    records = ("runs", "files", "quality_checks", "estimates")
    assert running.published(study, leave_out=records) == running.published(mini_run, leave_out=records)
    assert {state for (state,) in ask(study, "select state from files")} == {"accepted"}


CORRECTED = {"plates/P1 again.txt": mini_study.plate("PL-P1", True, first=40, read="Wednesday, March 14, 2012")}


def well_a1(study: Path) -> object:
    return one(study, "select spots from elispot_wells where plate_id = 'PL-P1' and well = 'A1'")


def test_a_corrected_export_is_held_until_a_person_releases_it_and_the_past_stays_readable(study: Path) -> None:
    mini_study.drop(study, CORRECTED)
    running.run(study)
    assert ask(study, "select path, state, reason from files where state <> 'accepted'") == [
        ("plates/P1 again.txt", "quarantined", "conflict.same_plate")
    ]
    assert well_a1(study) == 2
    sha = one(study, "select file_sha256 from files where state = 'quarantined'")
    decision = {"file_sha256": sha, "action": "release", "decided_by": "tester", "because": "recounted by the lab"}
    running.run(study, decisions=[decision], asked="release")
    assert well_a1(study) == 40
    assert ask(study, "select path, state, reason from files where reason not in ('accepted.whole')") == [
        ("plates/P1.txt", "superseded", "superseded.newer_export")
    ]
    assert ask(study, "select decided_by, because from decisions") == [("tester", "recounted by the lab")]


def test_where_the_study_file_says_newest_the_later_read_date_wins(study: Path) -> None:
    (study / "study.toml").write_text(mini_study.STUDY + '\n[corrections]\nplates = "newest"\n')
    mini_study.drop(study, CORRECTED)
    running.run(study)
    assert well_a1(study) == 40
    older = mini_study.plate("PL-P1", True, first=7, read="Monday, March 12, 2012")
    mini_study.drop(study, {"plates/P1 late.txt": older})
    running.run(study)
    assert well_a1(study) == 40
    assert one(study, "select reason from files where path = 'plates/P1 late.txt'") == "superseded.older_export"


def test_a_dismissed_file_is_ignored_from_then_on(study: Path) -> None:
    mini_study.drop(study, {"notes.txt": "call the clinic"})
    running.run(study)
    sha = one(study, "select file_sha256 from files where reason = 'format.unrecognised'")
    running.run(
        study,
        decisions=[{"file_sha256": sha, "action": "dismiss", "decided_by": "t", "because": "a note"}],
        asked="dismiss",
    )
    assert one(study, "select state from files where path = 'notes.txt'") == "ignored"
    assert running.run(study)["triggers"] == []


def test_an_expected_visit_that_falls_due_is_something_to_do(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from flows import triggers

    mini_study.drop(study, {"new.csv": f"subject_id,enrolment_date\nP4,{date.today() - timedelta(days=40)}\n"})
    infused = date.today() - timedelta(days=10)
    mini_study.drop(study, {"new infusion.csv": f"subject_id,infusion_date\nP4,{infused}\n"})
    running.run(study)
    due = infused + timedelta(days=111)
    assert one(study, "select next_due_date from runs order by run_id desc limit 1") == due
    assert triggers.what_to_do(study, due - timedelta(days=1)).triggers == []
    assert triggers.what_to_do(study, due).triggers == [f"an expected visit fell due on {due}"]


def test_an_earlier_state_can_be_queried_and_one_before_the_first_is_refused(study: Path) -> None:
    from warehouse.query import answer, opened

    with opened(study, date.today() + timedelta(days=1)) as connection:
        assert answer(connection, "select count(*) from subjects")[1] == [(3,)]
    with pytest.raises(UsageError, match="no state as old as that"), opened(study, date(2000, 1, 1)):
        pass


def test_a_query_cannot_write_or_reach_the_rest_of_the_machine(study: Path) -> None:
    from warehouse.query import answer, opened

    for question in (
        "create table x (a int)",
        "delete from subjects",
        f"copy subjects to '{study}/stolen.csv'",
        "select * from read_csv('/etc/hostname')",
        f"attach '{study}/other.duckdb'",
        "set enable_external_access = true",
    ):
        with opened(study) as connection, pytest.raises(UsageError, match=r"query\.failed"):
            answer(connection, question)


def test_a_reader_with_the_old_file_open_is_undisturbed_by_a_publish(study: Path) -> None:
    with duckdb.connect(study / "warehouse.duckdb", read_only=True) as reader:
        before = reader.execute("select count(*) from files").fetchall()
        mini_study.drop(study, {"notes.txt": "x"})
        running.run(study)
        assert reader.execute("select count(*) from files").fetchall() == before
    assert one(study, "select count(*) from files") == before[0][0] + 1


def test_two_writers_at_once_are_refused(study: Path) -> None:
    from warehouse.lock import writing

    with writing(study), pytest.raises(UsageError, match=r"study\.locked"):
        running.run(study)
    assert running.run(study)["triggers"] == []


def test_re_estimation_is_a_step_somebody_asks_for(study: Path) -> None:
    def versions() -> list[tuple[object, ...]]:
        return ask(study, "select version, n_wells from estimates order by version")

    assert versions() == [(1, 36)]
    subject = "subject_id,enrolment_date\nP4,2012-01-04\n"
    specimens = "specimen_id,subject_id,collection_date\nP4-B,P4,2012-01-25\nP4-D90,P4,2012-05-01\n"
    plan = "\n".join(["plate_id,well,specimen_id,stimulus,cells_per_well,replicate", *mini_study.layout("P4"), ""])
    more = {"s.csv": subject, "t.csv": specimens, "l.csv": plan, "p4.txt": mini_study.plate("PL-P4", True)}
    mini_study.drop(study, more)
    old = ask(study, "select response_key, lod, lod_version, call from responses order by all")
    running.run(study)
    assert versions() == [(1, 36)]
    assert set(old) <= set(ask(study, "select response_key, lod, lod_version, call from responses"))
    running.run(study, re_estimate=True, asked="re-estimation")
    assert versions() == [(1, 36), (2, 48)]
    assert ask(study, "select distinct lod_version from responses") == [(2,)]
