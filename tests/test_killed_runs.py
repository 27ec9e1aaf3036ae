"""A run killed at any step leaves nothing half-visible, and the next one gives what an undisturbed one gives."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import killing, mini_study, running

pytestmark = [
    pytest.mark.filterwarnings("default"),
    pytest.mark.usefixtures("pages_without_sections"),
]  # Prefect warns of its own dependencies

CORRECTION = {"plates/P1 again.txt": mini_study.plate("PL-P1", True, first=40, read="Wednesday, March 14, 2012")}


@pytest.fixture(scope="module")
def processes(prefect_server: str) -> Iterator[multiprocessing.context.BaseContext]:
    """Processes forked from one that has imported everything, all on the tests' Prefect server."""
    before = os.environ.get("PREFECT_API_URL")
    os.environ["PREFECT_API_URL"] = prefect_server
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["flows.run", "great_expectations", "altair", "vl_convert", "tests.killing"])
    yield context
    if before is None:
        del os.environ["PREFECT_API_URL"]
    else:
        os.environ["PREFECT_API_URL"] = before


def newest(study: Path) -> Path:
    """The study file that lets a later export replace an earlier one: rows are deleted as well as added."""
    (study / "study.toml").write_text(mini_study.STUDY + '\n[corrections]\nplates = "newest"\n')
    mini_study.drop(study, CORRECTION)
    return study


@pytest.fixture(scope="module")
def undisturbed(mini_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The study after its second run, which nobody disturbed."""
    study = newest(running.copy(mini_run, tmp_path_factory.mktemp("undisturbed") / "study"))
    running.run(study)
    return study


@pytest.fixture(scope="module")
def before(mini_run: Path) -> dict[str, list[tuple[object, ...]]]:
    """What is published before the second run."""
    return running.published(mini_run)


@pytest.fixture(scope="module")
def after(undisturbed: Path) -> dict[str, list[tuple[object, ...]]]:
    """What is published after it, undisturbed."""
    return running.published(undisturbed)


@pytest.mark.parametrize("step", killing.STEPS)
def test_a_run_killed_at_a_step_and_run_again_publishes_what_an_undisturbed_run_does(
    step: str,
    mini_run: Path,
    before: dict[str, list[tuple[object, ...]]],
    after: dict[str, list[tuple[object, ...]]],
    tmp_path: Path,
    processes: multiprocessing.context.BaseContext,
) -> None:
    study = newest(running.copy(mini_run, tmp_path / "study"))
    assert killing.run_and_die(study, step, processes) == -9
    assert running.published(study) in (before, after), "readers see the old state or the new one, nothing between"
    running.run(study)
    assert running.published(study) == after
    assert running.run(study)["triggers"] == [], "the repaired study has nothing left to do"
    assert not list(study.glob(".warehouse*")), "no half-built database is left"


def test_a_first_run_killed_before_its_ledger_row_leaves_no_state(
    prefect_server: str, tmp_path: Path, mini_run: Path, processes: multiprocessing.context.BaseContext
) -> None:
    from warehouse import ledger

    study = mini_study.write(tmp_path / "study")
    assert killing.run_and_die(study, "everything written, ledger not yet", processes) == -9
    assert ledger.head(study) is None
    assert not (study / "warehouse.duckdb").exists()
    running.run(study)
    assert running.published(study) == running.published(mini_run)
