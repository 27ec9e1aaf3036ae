"""Whole runs of the small study through Prefect: what comes in, what waits, what changes and what does not."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from expectations.errors import UsageError
from tests import mini_study, running
from tests.running import ask, one

pytestmark = [
    pytest.mark.filterwarnings("default"),
    pytest.mark.usefixtures("pages_without_sections"),
]  # Prefect and Great Expectations warn of their own dependencies


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


@pytest.mark.parametrize("name", ["my æøstudy #1", "a*b", "it's"])
def test_a_study_may_lie_in_a_folder_of_any_name(
    mini_run: Path, prefect_server: str, tmp_path: Path, name: str
) -> None:
    from warehouse.query import answer, opened

    running.copy(mini_run, tmp_path / "a1b")  # what `a*b` matches where characters stand for others
    study = running.copy(mini_run, tmp_path / name)
    assert running.run(study)["triggers"] == []
    mini_study.drop(study, {"notes.txt": "x"})
    running.run(study)
    with opened(study, date.today() + timedelta(days=1)) as connection:
        assert answer(connection, "select count(*) from files")[1] == [(10,)]


@pytest.mark.parametrize("name", ["100% study", "study [2]", "which?"])
def test_a_study_whose_path_its_tables_cannot_have_is_refused(mini_run: Path, tmp_path: Path, name: str) -> None:
    study = running.copy(mini_run, tmp_path / name)
    with pytest.raises(UsageError, match=r"study\.folder_name"):
        running.run(study)


CONTACTS = "subject_id,contact_date,vital_status\nP1,2013-02-01,{status}\n"


def test_a_release_keeps_its_weight_in_later_runs_and_ages_like_an_arrival(study: Path) -> None:
    (study / "study.toml").write_text(mini_study.STUDY + '\n[corrections]\nreference_tables = "newest"\n')
    extra = "".join(f"P2,2012-03-{day},alive\n" for day in range(10, 24))
    mini_study.drop(study, {"fu1.csv": CONTACTS.format(status="dead") + extra})
    running.run(study)
    assert died(study)
    mini_study.drop(study, {"fu2.csv": CONTACTS.format(status="alive") + extra + "P9,2012-03-01,alive\n"})
    running.run(study)
    assert not died(study), "the later file wins"
    assert one(study, "select state from files where path = 'fu2.csv'") == "accepted_with_rejects"
    sha = one(study, "select file_sha256 from files where path = 'fu1.csv'")
    running.run(
        study,
        decisions=[{"file_sha256": sha, "action": "release", "decided_by": "t", "because": "sure"}],
        asked="release",
    )
    assert died(study), "the released file wins"
    mini_study.drop(study, {"notes.txt": "x"})
    running.run(study)
    assert died(study), "fu2 is judged again with every run, and still loses"
    mini_study.drop(study, {"fu3.csv": CONTACTS.format(status="alive")})
    running.run(study)
    assert not died(study), "what arrives after the release wins again"


def died(study: Path) -> bool:
    return one(study, "select death_date is not null from outcomes where subject_id = 'P1'")


def test_files_that_still_grow_and_temporary_ones_start_no_run(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from warehouse import inbox

    mini_study.drop(study, {".DS_Store": "x", "~$layouts.xlsx": "x", "export.txt.part": "x"})
    assert running.run(study)["triggers"] == []
    mini_study.drop(study, {"plates/P4.txt": "Plate name: half"})
    real = inbox.settled
    monkeypatch.setattr(inbox, "settled", lambda *given: ({}, [one.path for one in given[1]]))
    before = running.everything_in(study)
    assert running.run(study) == {
        "run_id": "run-000001",
        "triggers": [],
        "waiting": ["plates/P4.txt"],
        "published": False,
    }
    changed = {path for path, sight in running.everything_in(study).items() if before.get(path) != sight}
    assert changed <= {str(study / "lake" / ".lock")}
    monkeypatch.setattr(inbox, "settled", real)
    assert running.run(study)["triggers"] == ["1 new file"]


def test_a_study_without_an_inbox_or_ledger_is_refused_and_nothing_is_removed(study: Path) -> None:
    (study / "inbox").rename(study / "away")
    with pytest.raises(UsageError, match=r"study\.no_inbox"):
        running.run(study)
    (study / "away").rename(study / "inbox")
    (study / "lake/runs").rename(study / "runs")
    before = running.everything_in(study / "lake")
    with pytest.raises(UsageError, match=r"study\.ledger_missing"):
        running.run(study)
    assert set(running.everything_in(study / "lake")) == set(before)


def test_an_edit_of_the_study_file_during_a_run_is_taken_up_by_the_next(
    study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows import run

    mini_study.drop(study, {"notes.txt": "x"})
    real = run.store_analysis

    def edited(*given: object) -> object:
        (study / "study.toml").write_text(mini_study.STUDY + '\n[response]\ncriteria = "RECIST 1.0"\n')
        return real(*given)

    monkeypatch.setattr(run, "store_analysis", edited)
    running.run(study)
    criteria = "select value from settings where setting = 'response.criteria'"
    assert one(study, criteria) == '"RECIST 1.1"'
    monkeypatch.setattr(run, "store_analysis", real)
    assert running.run(study)["triggers"] == ["study.toml changed"]
    assert one(study, criteria) == '"RECIST 1.0"'


def test_the_horizon_of_the_past_follows_the_study_file_and_never_takes_the_present(study: Path) -> None:
    from deltalake import DeltaTable

    (study / "study.toml").write_text(mini_study.STUDY + "\n[store]\nas_of_days = 30\n")
    running.run(study)
    properties = DeltaTable(study / "lake/responses").metadata().configuration
    assert properties["delta.deletedFileRetentionDuration"] == "interval 30 days"
    assert properties["delta.enableExpiredLogCleanup"] == "false"
    assert running.run(study)["triggers"] == []
    assert one(study, "select count(*) from subjects") == 3


def test_a_table_mended_in_its_place_takes_its_rejects_with_it(study: Path) -> None:
    table = mini_study.tables()["specimens.csv"] + "".join(f"P1-X{n},P1,2012-06-{n},90\n" for n in range(10, 24))
    mini_study.drop(study, {"more.csv": table + "P1-Y,P1,2012-07-01,190\n"})
    running.run(study)
    assert ask(study, "select rule from rejects") == [("row.range",)]
    mini_study.drop(study, {"more.csv": table + "P1-Y,P1,2012-07-01,90\n"})
    running.run(study)
    assert ask(study, "select rule from rejects") == []
    assert ask(study, "select state, reason from files where path = 'more.csv' order by arrival") == [
        ("accepted", "accepted.partly_superseded"),
        ("accepted", "accepted.whole"),
    ]
    assert one(study, "select n_rows_rejected from runs order by run_id desc limit 1") == 0


def test_capitals_make_no_other_evaluator_and_no_other_vocabulary(study: Path) -> None:
    rows = "subject_id,assessment_date,overall_response,evaluator\n"
    rows += "P2,2012-06-20,pr,Investigator\nP2,2012-08-01,Pr,INVESTIGATOR\n"
    mini_study.drop(study, {"late.csv": rows})
    running.run(study)
    assert ask(
        study,
        "select overall_response, count(*) from tumour_assessments where subject_id = 'P2' group by all order by 1",
    ) == [
        ("PD", 1),
        ("PR", 2),
    ]
    assert one(study, "select state from files where path = 'late.csv'") == "accepted"


def test_of_two_exports_in_conflict_one_mended_in_its_place_settles_it(study: Path) -> None:
    plan = "\n".join(["plate_id,well,specimen_id,stimulus,cells_per_well,replicate", *mini_study.layout("P4"), ""])
    people = "subject_id,enrolment_date\nP4,2012-01-04\n"
    tubes = "specimen_id,subject_id,collection_date\nP4-B,P4,2012-01-25\nP4-D90,P4,2012-05-01\n"
    right, wrong = mini_study.plate("PL-P4", True), mini_study.plate("PL-P4", True, first=50)
    mini_study.drop(study, {"s.csv": people, "t.csv": tubes, "l.csv": plan, "a.txt": right, "b.txt": wrong})
    running.run(study)
    assert ask(study, "select path from files where state = 'quarantined' order by path") == [("a.txt",), ("b.txt",)]
    mini_study.drop(study, {"b.txt": right + "\n"})
    running.run(study)
    assert ask(study, "select path from files where state = 'quarantined'") == []
    assert one(study, "select spots from elispot_wells where plate_id = 'PL-P4' and well = 'A1'") == 2
