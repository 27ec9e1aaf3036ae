"""Counting again in a run: what is new, in processes, and past what goes wrong."""

from __future__ import annotations

import json
import os
from hashlib import sha256
from pathlib import Path

import polars as pl
import pytest

from expectations.computed_cytometry import MATCHED_SAMPLES
from expectations.cytometry_in import CYTOMETRY_FILES, CYTOMETRY_SAMPLES, CYTOMETRY_TUBES
from expectations.records import REGATED_COUNTS
from expectations.study_file import parse_study
from flows import gating
from tests.drawn_exports import SETTINGS, STUDY, source
from tests.drawn_workspaces import Population, Sample, fcs, gating_ml, named, rectangle, workspace
from transforms.gating import document, engine
from transforms.readers import flowjo_workspace
from warehouse import archive

N = gating.FEW + 1
"""Tubes of the study: more than are gated in this process."""


def tubes(n: int = N) -> dict[str, bytes]:
    """FCS files a00.fcs and on; the first holds 10 events, of which 1 has A below 1, the next 11 and 2, and so on."""
    return {f"a{i:02}.fcs": fcs({"A": [0.0] * (i + 1) + [5.0] * 9, "B": [1.0] * (i + 10)}) for i in range(n)}


def samples_of(n: int = N) -> list[Sample]:
    low = Population("low", 0, rectangle({"A": (None, 1)}))
    return [Sample(f"a{i:02}.fcs", i + 10, [low]) for i in range(n)]


def study(folder: Path, gates: bytes, files: dict[str, bytes]) -> dict[str, pl.DataFrame]:
    """The files in the archive and the tables their readers give."""
    shas = {name: archive.keep(folder, data) for name, data in files.items()}
    archive.keep(folder, gates)
    told = flowjo_workspace.read(source(gates, "w.wsp"), document(gates), SETTINGS).tables["cytometry_samples"]
    rows = [
        {"file_sha256": sha, "sample_number": 1, "sample_name": name, "source": "fcs", "place": "data set 1"}
        for name, sha in shas.items()
    ]
    raw = pl.DataFrame(rows, schema=CYTOMETRY_SAMPLES.schema, infer_schema_length=None)
    held = pl.DataFrame(
        [{"file_sha256": sha, "data_set": 1, "n_events": int(name[1:3]) + 10} for name, sha in shas.items()],
        schema=CYTOMETRY_FILES.schema,
    )
    return {
        "cytometry_samples": pl.concat([CYTOMETRY_SAMPLES.conform(told), raw]),
        "cytometry_files": held,
        "cytometry_tubes": CYTOMETRY_TUBES.empty(),
        "matched_samples": MATCHED_SAMPLES.empty(),
        "regated_counts": REGATED_COUNTS.empty(),
    }


def low_counts(found: pl.DataFrame) -> list[int | None]:
    return found.filter(pl.col("population_path") == "low").sort("sample_number")["count_regated"].to_list()


def settings(**gating_settings: object):
    told = "\n".join(f"{name} = {json.dumps(value)}" for name, value in gating_settings.items())
    return parse_study(f"{STUDY}\n[cytometry.gating]\n{told}\n".encode())


def test_every_pair_is_counted_in_processes_and_one_after_the_other_alike(tmp_path: Path):
    tables = study(tmp_path, workspace(*samples_of()), tubes())
    one, two = (gating.regate(tmp_path, tables, settings(processes=n), "run-000001") for n in (1, 2))
    assert one.equals(two)
    assert low_counts(one) == [i + 1 for i in range(N)]
    assert one["engine"].unique().to_list() == [engine()]
    assert one.schema == pl.Schema(REGATED_COUNTS.schema)


def test_what_this_version_has_counted_is_not_counted_again_and_what_another_has_is(tmp_path: Path):
    tables = study(tmp_path, workspace(*samples_of(2)), tubes(2))
    first = gating.regate(tmp_path, tables, SETTINGS, "run-000001")
    assert gating.regate(tmp_path, tables | {"regated_counts": first}, SETTINGS, "run-000002").height == 0
    older = first.with_columns(engine=pl.lit("FlowKit 1.0.0"))
    again = gating.regate(tmp_path, tables | {"regated_counts": older}, SETTINGS, "run-000002")
    assert again.drop("run_id").equals(first.drop("run_id"))
    half = first.filter(pl.col("sample_number") == 1)
    rest = gating.regate(tmp_path, tables | {"regated_counts": half}, SETTINGS, "run-000002")
    assert rest["sample_number"].unique().to_list() == [2]


def test_nothing_is_counted_where_the_study_says_so(tmp_path: Path):
    tables = study(tmp_path, workspace(*samples_of(2)), tubes(2))
    assert gating.regate(tmp_path, tables, settings(enabled=False), "run-000001").height == 0


def test_a_file_that_cannot_be_read_any_more_costs_only_its_own_counts(tmp_path: Path):
    tables = study(tmp_path, workspace(*samples_of(3)), tubes(3))
    lost = tables["cytometry_files"]["file_sha256"][1]
    archive.place(tmp_path, lost).write_bytes(b"no FCS file")
    found = gating.regate(tmp_path, tables, SETTINGS, "run-000001")
    assert low_counts(found) == [1, 3]
    (failed,) = found.filter(pl.col("reason").is_not_null()).to_dicts()
    assert (failed["population_path"], failed["reason"], failed["fcs_sha256"]) == ("", "gating.failed", lost)


def test_a_pair_that_ends_its_process_costs_only_its_own_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    files = tubes()
    deadly = sha256(files["a03.fcs"]).hexdigest()
    tables = study(tmp_path, workspace(*samples_of()), files)
    monkeypatch.setenv("DRAWN_DEADLY", deadly)
    monkeypatch.setattr(gating, "gate_portion", ending_with)
    found = gating.regate(tmp_path, tables, settings(processes=2), "run-000001")
    assert low_counts(found) == [1, 2, 3, 5, 6, 7]
    assert found.filter(pl.col("reason").is_not_null())["fcs_sha256"].to_list() == [deadly]


def ending_with(folder: str, portion: gating.Portion) -> pl.DataFrame:
    """Counts without gating, so that processes start fast; the file of that sha256 ends the process."""
    del folder
    if any(fcs == os.environ["DRAWN_DEADLY"] for _, fcs in portion.pairs):
        os._exit(9)
    rows = [
        {"file_sha256": portion.gating_sha256, "sample_number": number, "fcs_sha256": fcs, "count_regated": number}
        for number, fcs in portion.pairs
    ]
    return (
        pl.DataFrame(rows, schema=REGATED_COUNTS.schema)
        .drop("engine", "run_id")
        .with_columns(population_path=pl.lit("low"))
    )


def test_portions_are_of_one_workspace_and_every_process_gets_several():
    todo = pl.DataFrame(
        {
            "file_sha256": ["W"] * 40 + ["V"] * 3,
            "sample_number": [*range(1, 41), 1, 2, 3],
            "fcs_sha256": [f"F{i}" for i in range(43)],
        }
    )
    found = gating.portions(todo, processes=2)
    assert sum(len(one.pairs) for one in found) == 43
    assert max(len(one.pairs) for one in found) == 4
    assert {one.gating_sha256 for one in found} == {"V", "W"}
    assert len(gating.portions(todo.head(1), processes=2)) == 1


def test_a_gating_ml_file_is_counted_on_the_tubes_that_name_it(tmp_path: Path):
    gates = gating_ml(rectangle({"A": (None, 1)}, named("low")))
    sha = archive.keep(tmp_path, gates)
    tables = study(tmp_path, workspace(Sample("none", 1)), tubes(1))
    raw = tables["cytometry_files"]["file_sha256"][0]
    more = {"file_sha256": sha, "sample_number": 1, "sample_name": "g.xml", "source": "gating_ml", "place": "1 gate"}
    tables["cytometry_samples"] = pl.concat(
        [tables["cytometry_samples"], pl.DataFrame([more], schema=CYTOMETRY_SAMPLES.schema)]
    )
    tube = {"tube_id": "t1", "specimen_id": "s1", "gating_file": "g.xml"}
    tables["cytometry_tubes"] = pl.DataFrame([tube], schema=CYTOMETRY_TUBES.schema)
    is_tube = {"file_sha256": raw, "sample_number": 1, "source": "fcs", "tube_id": "t1"}
    tables["matched_samples"] = pl.DataFrame([is_tube], schema=MATCHED_SAMPLES.schema)
    found = gating.regate(tmp_path, tables, SETTINGS, "run-000001")
    assert found.select("file_sha256", "fcs_sha256", "population_path", "count_regated").rows() == [
        (sha, raw, "", 10),
        (sha, raw, "low", 1),
    ]
