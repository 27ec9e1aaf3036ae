"""The command line as a person uses it: exit codes, messages on stderr, answers on stdout."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest

from tests import mini_study, running

pytestmark = pytest.mark.filterwarnings("default")  # Prefect and Great Expectations warn of their own dependencies

PROGRAM = Path(sys.executable).with_name("perdure")
ASSOCIATION = "persistent_at_landmark/responder/fisher_exact/elispot/all cells/IFNg/threshold/90"


def perdure(*arguments: object, server: str | None = None) -> subprocess.CompletedProcess[str]:
    settings = os.environ | ({"PREFECT_API_URL": server} if server else {})
    command = [str(PROGRAM), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env=settings, check=False)


@pytest.fixture
def study(mini_run: Path, tmp_path: Path) -> Path:
    return running.copy(mini_run, tmp_path / "study")


def test_a_run_with_all_accepted_ends_with_0_and_says_where_the_pages_are(study: Path) -> None:
    done = perdure("run", study)
    assert done.returncode == 0, done.stderr
    assert "Nothing new" in done.stdout
    assert str(study / "reports" / "study.html") in done.stdout


def test_a_run_that_holds_something_back_ends_with_3_and_says_what_to_do(study: Path, prefect_server: str) -> None:
    mini_study.drop(study, {"notes.txt": "call the clinic"})
    done = perdure("run", study, server=prefect_server)
    assert done.returncode == 3, done.stderr
    assert "held back [format.unrecognised] notes.txt" in done.stdout
    assert "docs/formats.md" in done.stdout
    assert perdure("run", study).returncode == 3, "it is still held back when nothing is new"
    shown = perdure("quarantine", study, "show", "notes.txt")
    assert "format.unrecognised" in shown.stdout
    assert perdure("quarantine", study, "dismiss", "notes.txt").returncode == 2, "a decision needs its reason"
    done = perdure("quarantine", study, "dismiss", "notes.txt", "--because", "a note", server=prefect_server)
    assert done.returncode == 0, done.stderr
    assert "Nothing is held back." in perdure("quarantine", study).stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("run", "nowhere"), "study.not_found"),
        (("query", "nowhere", "select 1"), "study.not_published"),
        (("query", "{study}", "select * from nothing"), "query.failed"),
        (("query", "{study}", "select 1", "--format", "xls"), "query.failed"),
        (("query", "{study}", "select 1", "--as-of", "yesterday"), "query.as_of"),
        (("explain", "{study}", "no such key"), "explain.no_such_key"),
        (("quarantine", "{study}", "show", "nothing.txt"), "quarantine.no_such_file"),
        (("quarantine", "{study}", "burn"), "quarantine.usage"),
        (("init", "{study}"), "study.exists"),
    ],
)
def test_a_users_error_is_one_paragraph_on_stderr_and_exit_code_2(
    mini_run: Path, arguments: tuple[str, ...], says: str
) -> None:
    done = perdure(*(argument.format(study=mini_run) for argument in arguments))
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert done.stderr.strip().endswith(f"[{says}]")
    assert "To mend it: " in done.stderr
    assert "\n" not in done.stderr.strip()


def test_a_prefect_server_that_does_not_answer_is_the_users_to_mend(study: Path) -> None:
    mini_study.drop(study, {"notes.txt": "x"})
    done = perdure("run", study, server="http://127.0.0.1:9/api")
    assert done.returncode == 2
    assert "[prefect.unreachable]" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_wrong_option_is_a_users_error(mini_run: Path) -> None:
    done = perdure("run", mini_run, "--fast")
    assert done.returncode == 2
    assert "No such option" in done.stderr


def test_an_interrupted_run_says_that_it_was_stopped_and_can_be_run_again(study: Path, prefect_server: str) -> None:
    mini_study.drop(study, {"notes.txt": "x"})
    settings = os.environ | {"PREFECT_API_URL": prefect_server}
    with subprocess.Popen([str(PROGRAM), "run", str(study)], env=settings, stderr=subprocess.PIPE, text=True) as writer:
        assert writer.stderr is not None
        while "to read" not in (line := writer.stderr.readline()):
            assert line, "the run ended before it could be interrupted"
        writer.send_signal(signal.SIGINT)
        _, told = writer.communicate(timeout=60)
    assert writer.returncode == 130
    assert "\nStopped. What was published before still stands" in f"\n{told}"
    assert "Traceback" not in told
    assert perdure("run", study, server=prefect_server).returncode == 3


def test_an_interruption_that_a_library_wraps_is_one_all_the_same_and_an_error_is_none(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from flows import cli

    def interrupted(**_: object) -> None:
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt as error:
            raise RuntimeError("the engine was torn down") from error

    def failed(**_: object) -> None:
        raise RuntimeError("a fault")

    monkeypatch.setattr(cli, "cli", interrupted)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 130
    assert capsys.readouterr().err.startswith("Stopped.")
    monkeypatch.setattr(cli, "cli", failed)
    with pytest.raises(RuntimeError, match="a fault"):
        cli.main()


def test_a_study_file_at_fault_names_key_line_and_remedy(study: Path) -> None:
    (study / "study.toml").write_text(mini_study.STUDY.replace('role = "viral"', 'rolle = "viral"'))
    done = perdure("run", study)
    assert done.returncode == 2
    assert "line 21, key antigens[2].rolle" in done.stderr
    assert "write `role`" in done.stderr


def test_query_answers_in_every_format(mini_run: Path, tmp_path: Path) -> None:
    question = "select subject_id, os_days, os_event from outcomes order by subject_id"
    assert perdure("query", mini_run, question, "--format", "csv").stdout.splitlines() == [
        "subject_id,os_days,os_event",
        "P1,367,false",
        "P2,183,true",
        "P3,244,true",
    ]
    told = json.loads(perdure("query", mini_run, question, "--format", "json").stdout)
    assert told[1] == {"subject_id": "P2", "os_days": 183, "os_event": True}
    table = perdure("query", mini_run, question).stdout
    assert table.splitlines()[-1] == "(3 rows)"
    path = tmp_path / "answer.parquet"
    perdure("query", mini_run, question, "--format", "parquet", "--out", path)
    assert duckdb.sql(f"select count(*) from '{path}'").fetchall() == [(3,)]


def test_explain_leads_from_an_association_to_the_wells(mini_run: Path) -> None:
    told = perdure("explain", mini_run, ASSOCIATION).stdout
    assert "P1/MART-1/IFNg/threshold" in told
    told = perdure("explain", mini_run, "P1/MART-1/IFNg/threshold").stdout
    assert "P1-D90/PL-P1/MART-1/IFNg/threshold" in told
    told = perdure("explain", mini_run, "P1-D90/PL-P1/MART-1/IFNg/threshold").stdout
    # wells C4-C6 hold 80, 95, 88 spots; medium A4-B6 holds 2, 2, 1, 3, 1, 2; 200 000 cells a well
    assert "net 429.17 = 438.33 - 9.1667 spots per 10^6 cells" in told
    assert "PL-P1 C4   antigen          MART-1       80 spots, 200000 cells; line" in told
    assert "plates/P1.txt (sha256" in told
    assert "layouts.csv (sha256" in told


def test_an_empty_study_is_made_and_says_what_comes_next(tmp_path: Path) -> None:
    done = perdure("init", tmp_path / "new")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "new" / "inbox").is_dir()
    status = perdure("status", tmp_path / "new")
    assert "never run" in status.stdout


def test_status_says_what_came_in_and_what_is_missing(mini_run: Path) -> None:
    told = perdure("status", mini_run).stdout
    assert "Nothing new." in told
    assert "Files: 9 accepted" in told
    assert "No expected specimen is absent." in told


@pytest.mark.parametrize(
    ("command", "heavy"),
    [
        (("--help",), ("polars", "duckdb", "prefect", "great_expectations", "pandas", "pyarrow", "altair")),
        (("status", "{study}"), ("polars", "prefect", "great_expectations", "pandas", "altair")),
        (("query", "{study}", "select 1"), ("polars", "prefect", "great_expectations", "pandas", "altair")),
        (("run", "{study}"), ("polars", "prefect", "great_expectations", "pandas", "altair")),
    ],
)
def test_light_commands_import_nothing_heavy(mini_run: Path, command: tuple[str, ...], heavy: tuple[str, ...]) -> None:
    arguments = [argument.format(study=mini_run) for argument in command]
    script = f"""
import sys
sys.argv = ["perdure", *{arguments!r}]
from flows.cli import main
try:
    main()
except SystemExit:
    pass
print("HEAVY", sorted(set({heavy!r}) & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.splitlines()[-1] == "HEAVY []"


def test_a_client_killed_with_the_published_file_open_for_writing_does_not_spoil_the_next_publish(study: Path) -> None:
    database = study / "warehouse.duckdb"
    database.chmod(0o644)
    script = f"""
import duckdb, os, signal
connection = duckdb.connect({str(database)!r})
connection.execute("set checkpoint_threshold = '1GB'")
connection.execute("create table mine as select range as n from range(1000)")
print("open", flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL
    assert database.with_name("warehouse.duckdb.wal").exists(), "the client left its log"
    mini_study.drop(study, {"notes.txt": "x"})
    running.run(study)
    assert running.one(study, "select count(*) from files") == 10
    assert not database.with_name("warehouse.duckdb.wal").exists()


def test_query_answers_while_a_run_is_writing(study: Path, prefect_server: str) -> None:
    mini_study.drop(study, {"notes.txt": "x"})
    settings = os.environ | {"PREFECT_API_URL": prefect_server}
    with subprocess.Popen(
        [str(PROGRAM), "run", str(study)], env=settings, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as writer:
        answers = []
        while writer.poll() is None:
            answers.append(perdure("query", study, "select count(*) as n from files", "--format", "csv").stdout)
            time.sleep(0.05)
        writer.communicate()
    assert writer.returncode == 3
    assert len(answers) > 3
    assert set(answers) <= {"n\n9\n", "n\n10\n"}
