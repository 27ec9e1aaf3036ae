"""One Prefect server and one run of each whole study for all tests that look at them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

# Timings are benchmarks: a busy machine must not fail a property.
settings.register_profile("perdure", deadline=None)
settings.load_profile("perdure")

LONG = ("test_whole_flow", "test_killed_runs", "test_command_line", "demo_run")
"""Groups that take longest begin first, so that no process waits for the other at the end."""

ONE_GROUP = {
    "test_demo_flow": "demo_run",
    "test_demo_assays": "demo_run",
    "test_plate_quality_kept": "test_killed_runs",
}
"""Files that share what is made once a process; every other file is a group of its own."""


def group_of(nodeid: str) -> str:
    """The group of a test by its file."""
    stem = Path(nodeid.partition("::")[0]).stem
    return ONE_GROUP.get(stem, stem)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest groups first."""
    groups = {item: group_of(item.nodeid) for item in items}
    items.sort(key=lambda item: LONG.index(groups[item]) if groups[item] in LONG else len(LONG))


class ByGroup(LoadScopeScheduling):
    """Gives a process whole groups. The marker `xdist_group` does not: pytest 9.2 passes over it without a word."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByGroup:
    """Called by pytest-xdist."""
    return ByGroup(config, log)


os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
os.environ.setdefault("DO_NOT_TRACK", "1")
os.environ.setdefault("PREFECT_LOGGING_LEVEL", "CRITICAL")
os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")


@pytest.fixture(scope="session", autouse=True)
def files_settle_at_once() -> Iterator[None]:
    """Files that tests drop are whole; waiting a second for each run would be half of the suite."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("warehouse.inbox.SETTLE_SECONDS", 0.02)
        yield


@pytest.fixture
def pages_without_sections(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs of the test write pages that are nothing but their header: for tests that look at no page."""
    monkeypatch.setattr("warehouse.reports.quality_report.QUALITY_SECTIONS", ())
    monkeypatch.setattr("warehouse.reports.study_report.STUDY_SECTIONS", ())


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[str]:
    """The address of a temporary Prefect server that all flow tests share."""
    from prefect.settings import get_current_settings
    from prefect.testing.utilities import prefect_test_harness

    from flows.prefect_settings import without_heartbeats

    with prefect_test_harness(server_startup_timeout=120), without_heartbeats():
        yield str(get_current_settings().api.url)


@pytest.fixture(scope="session")
def mini_run(prefect_server: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small study, run once; copy it before changing anything."""
    from tests import mini_study, running

    folder = mini_study.write(tmp_path_factory.mktemp("mini") / "study")
    running.run(folder)
    return folder


@pytest.fixture(scope="session")
def demo_run(prefect_server: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo study of the default seed, run once; look, do not touch."""
    from flows.demo import write_demo
    from tests import running

    folder = tmp_path_factory.mktemp("demo") / "study"
    write_demo(folder)
    running.run(folder)
    return folder
