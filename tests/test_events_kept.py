"""Events of FCS files kept as Parquet, and the view over them."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import polars as pl
import pytest

from expectations.cytometry_in import CYTOMETRY_FILES
from expectations.study_file import parse_study
from flows import gating
from tests.drawn_exports import SETTINGS, STUDY
from tests.drawn_workspaces import fcs
from warehouse import archive, events, lake, publish
from warehouse.ledger import State

KEPT = parse_study(f"{STUDY}\n[cytometry.gating]\nkeep_events = true\n".encode())


def kept_files(folder: Path, *contents: bytes) -> pl.DataFrame:
    rows = [{"file_sha256": archive.keep(folder, data), "data_set": 1} for data in contents]
    return pl.DataFrame(rows, schema=CYTOMETRY_FILES.schema)


def shown(folder: Path, digests: list[str], query: str) -> list[tuple]:
    with duckdb.connect() as connection:
        for statement in events.view(folder, digests):
            connection.execute(statement)
        return connection.execute(query).fetchall()


def test_every_event_of_every_file_stands_in_the_view_under_its_channels(tmp_path: Path):
    files = kept_files(tmp_path, fcs({"A": [1.5, 2.5], "B": [3, 4]}), fcs({"A": [7], "C": [9]}))
    assert gating.keep_events(tmp_path, files, KEPT) == 2
    one, other = files["file_sha256"]
    rows = shown(tmp_path, [one, other], "select file_sha256, event_number, A, B, C from events order by A")
    assert rows == [(one, 1, 1.5, 3.0, None), (one, 2, 2.5, 4.0, None), (other, 1, 7.0, None, 9.0)]


def test_the_view_shows_only_files_that_are_asked_for_and_there_is_none_without_events(tmp_path: Path):
    files = kept_files(tmp_path, fcs({"A": [1]}), fcs({"A": [2]}))
    assert events.view(tmp_path, files["file_sha256"]) == []
    gating.keep_events(tmp_path, files, KEPT)
    assert shown(tmp_path, [files["file_sha256"][1], "f" * 64], "select A from events") == [(2.0,)]


def test_events_are_kept_only_where_the_study_asks_and_once(tmp_path: Path):
    files = kept_files(tmp_path, fcs({"A": [1]}))
    assert gating.keep_events(tmp_path, files, SETTINGS) == 0
    assert not (tmp_path / "events").exists()
    assert gating.keep_events(tmp_path, files, KEPT) == 1
    before = events.place(tmp_path, files["file_sha256"][0]).stat().st_mtime_ns
    assert gating.keep_events(tmp_path, files, KEPT) == 0
    assert events.place(tmp_path, files["file_sha256"][0]).stat().st_mtime_ns == before


def test_a_file_that_cannot_be_read_is_passed_over(tmp_path: Path):
    files = kept_files(tmp_path, b"no FCS file", fcs({"A": [1]}))
    gating.keep_events(tmp_path, files, KEPT)
    assert [path.stem for path in events.kept(tmp_path, files["file_sha256"])] == [files["file_sha256"][1]]


@pytest.mark.parametrize("is_asked_for", [True, False])
def test_the_published_file_has_the_view_where_events_are_kept(tmp_path: Path, is_asked_for: bool):
    files = kept_files(tmp_path, fcs({"A": [5]}))
    gating.keep_events(tmp_path, files, KEPT if is_asked_for else SETTINGS)
    version = lake.replace(tmp_path, CYTOMETRY_FILES, files, 30)
    state = State(1, {"run_id": "run-000001", "table_versions": json.dumps({CYTOMETRY_FILES.name: version})})
    with duckdb.connect() as connection:
        publish.fill(connection, tmp_path, state)
        found = connection.execute("select comment from duckdb_views() where view_name = 'events'").fetchall()
        assert len(found) == is_asked_for
        if is_asked_for:
            assert found[0][0].startswith("Grain: one event of one FCS file")
            assert connection.execute("select A from events").fetchall() == [(5.0,)]


def test_a_folder_of_any_name_can_be_published_from(tmp_path: Path):
    folder = tmp_path / "Lærke's [study] 100%"
    files = kept_files(folder, fcs({"A": [5]}))
    gating.keep_events(folder, files, KEPT)
    assert shown(folder, list(files["file_sha256"]), "select A from events") == [(5.0,)]
