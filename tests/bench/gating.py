"""Gating against FlowKit alone on one large file, and how two processes share many files."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import polars as pl

from expectations.computed_cytometry import MATCHED_SAMPLES
from expectations.cytometry_in import CYTOMETRY_FILES, CYTOMETRY_SAMPLES, CYTOMETRY_TUBES
from expectations.records import REGATED_COUNTS
from tests.drawn_workspaces import (
    LINEAR,
    LOGICLE,
    Population,
    Sample,
    fcs,
    gating_ml,
    named,
    polygon,
    rectangle,
    spillover,
    workspace,
)

RUNS = 3
N_EVENTS, N_CHANNELS = 1_000_000, 20
N_FILES, N_EVENTS_A_FILE = 200, 200_000
"""As many events as tubes of intracellular staining have."""
TARGET = 1.7
"""Times as fast on two processes as on one."""
_Found = TypeVar("_Found")
COLOURS = [f"B{number}-A" for number in range(1, 9)]


@dataclass(frozen=True, slots=True)
class GatingTimes:
    """Median seconds from the files to the counts of one large file, ours and FlowKit's; and of many, by processes."""

    ours: float
    flowkit: float
    counts: dict[str, int]
    one_process: float
    two_processes: float
    n_populations: int

    @property
    def ratio(self) -> float:
        """How many times as long FlowKit alone takes."""
        return self.flowkit / self.ours

    @property
    def speed_up(self) -> float:
        """How many times as long one process takes as two."""
        return self.one_process / self.two_processes


def measure(runs: int = RUNS, n_events: int = N_EVENTS, n_files: int = N_FILES) -> GatingTimes:
    """Gates one large file with both, in turn; then many files, each number of processes in an interpreter of its own.

    Raises AssertionError where counts differ.
    """
    with tempfile.TemporaryDirectory() as folder:
        ours, alone, counts = _large(Path(folder), runs, n_events)
    with tempfile.TemporaryDirectory() as folder:
        _draw(Path(folder), n_files)
        one, two = (_in_an_interpreter(Path(folder), processes) for processes in (1, 2))
    assert one["counts"] == two["counts"]
    n = len(one["counts"]) // n_files - 1
    return GatingTimes(ours, alone, counts, one["seconds"], two["seconds"], n)


def table(times: GatingTimes) -> str:
    """Markdown: the large file, then the many."""
    told = ", ".join(f"{name} {n}" for name, n in times.counts.items())
    return "\n".join(
        [
            "| one file of a million events, 20 channels | seconds |",
            "|---|---:|",
            f"| perdure | {times.ours:.2f} |",
            f"| FlowKit alone | {times.flowkit:.2f} |",
            "",
            f"Both from the files on disk to the counts, which are the same: {told}.",
            "",
            f"| {N_FILES} files of {N_EVENTS_A_FILE} events, {times.n_populations} populations | seconds |",
            "|---|---:|",
            f"| one process | {times.one_process:.1f} |",
            f"| two processes | {times.two_processes:.1f} |",
            "",
            f"Two processes are {times.speed_up:.2f} times as fast, starting them and importing FlowKit included.",
            "",
        ]
    )


def figures(times: GatingTimes) -> dict[str, str]:
    """This run's part of the history."""
    return {"gating, FlowKit / ours": f"{times.ratio:.1f}", "gating, two processes": f"{times.speed_up:.2f}"}


def _large(folder: Path, runs: int, n_events: int) -> tuple[float, float, dict[str, int]]:
    events, gates = folder / "large.fcs", folder / "gates.xml"
    events.write_bytes(fcs(_events(0, n_events, [f"C{number}-A" for number in range(N_CHANNELS)])))
    gates.write_bytes(_gates())
    seconds = []
    for _ in range(runs + 1):
        ours, counted = _timed(lambda: _counted_here(events, gates))
        alone, expected = _timed(lambda: _counted_by_flowkit(events, gates))
        assert counted == expected, (counted, expected)
        seconds.append((ours, alone))
    warm = seconds[1:]
    return statistics.median(one for one, _ in warm), statistics.median(other for _, other in warm), counted


def _counted_here(events: Path, gates: Path) -> dict[str, int]:
    from flows.gating import tube_of
    from transforms.fcs.data_sets import file_on_disk, open_fcs
    from transforms.gating import counted_again, document, plan_of

    told = counted_again(plan_of(document(gates.read_bytes()), 1), tube_of(open_fcs(file_on_disk(events))[0]))
    by_path = dict(told.select("population_path", "count_regated").rows())
    return {path.rpartition("/")[2]: n for path, n in by_path.items() if path}


def _counted_by_flowkit(events: Path, gates: Path) -> dict[str, int]:
    import flowkit

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        report = flowkit.parse_gating_xml(str(gates)).gate_sample(flowkit.Sample(events)).report
    return dict(zip(report["gate_name"], report["count"].astype(int), strict=True))


def _gates() -> bytes:
    """Rectangle, polygon on logicle scales, rectangle on one: each in the one before."""
    scale = (
        '<transforms:transformation transforms:id="logicle"><transforms:logicle transforms:T="262144" '
        'transforms:W="0.5" transforms:M="4.5" transforms:A="0"/></transforms:transformation>'
    )
    corners = [(0.3, 0.3), (0.9, 0.35), (0.95, 0.9), (0.35, 0.85), (0.25, 0.5)]
    raw = 'gating:compensation-ref="uncompensated"'
    drawn = polygon("C2-A", "C3-A", corners, named("polygon", "scatter")) + rectangle(
        {"C4-A": (0.4, None)}, named("positive", "polygon")
    )
    scatter = rectangle({"C0-A": (500, 200_000), "C1-A": (100, 200_000)}, named("scatter"))
    on_scale = drawn.replace("<gating:dimension", f'<gating:dimension {raw} gating:transformation-ref="logicle"')
    return gating_ml(scale, scatter.replace("<gating:dimension", f"<gating:dimension {raw}"), on_scale)


def _draw(folder: Path, n_files: int) -> None:
    """A study's archive: files that differ, one workspace, and the tables their readers give."""
    from warehouse import archive

    names = ["FSC-A", "FSC-H", "SSC-A", "Time", *COLOURS]
    rows = []
    for number in range(n_files):
        sha = archive.keep(folder, fcs(_events(number % 5, N_EVENTS_A_FILE, names), {"TUBE NAME": str(number)}))
        rows.append({"sha": sha, "name": f"tube{number:03}.fcs"})
    (folder / "files.json").write_text(json.dumps(rows))
    archive.keep(folder, _workspace(n_files))


def _in_an_interpreter(folder: Path, processes: int) -> dict[str, object]:
    command = [sys.executable, "-m", "tests.bench.gating", str(folder), str(processes)]
    return dict(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))


def _many(folder: Path, processes: int) -> dict[str, object]:
    from hashlib import sha256

    from expectations.study_file import parse_study
    from flows.gating import regate
    from tests.drawn_exports import STUDY

    files = json.loads((folder / "files.json").read_text())
    gates = sha256(_workspace(len(files))).hexdigest()
    told = {"sample_number": 1, "n_events": N_EVENTS_A_FILE, "place": ""}
    asking = [
        told | {"file_sha256": gates, "sample_number": n, "sample_name": one["name"], "source": "flowjo_workspace"}
        for n, one in enumerate(files, 1)
    ]
    raw = [told | {"file_sha256": one["sha"], "sample_name": one["name"], "source": "fcs"} for one in files]
    held = [{"file_sha256": one["sha"], "data_set": 1, "n_events": N_EVENTS_A_FILE} for one in files]
    tables = {
        "cytometry_samples": pl.DataFrame(asking + raw, schema=CYTOMETRY_SAMPLES.schema),
        "cytometry_files": pl.DataFrame(held, schema=CYTOMETRY_FILES.schema),
        "cytometry_tubes": CYTOMETRY_TUBES.empty(),
        "matched_samples": MATCHED_SAMPLES.empty(),
        "regated_counts": REGATED_COUNTS.empty(),
    }
    settings = parse_study(f"{STUDY}\n[cytometry.gating]\nprocesses = {processes}\n".encode())
    seconds, found = _timed(lambda: regate(folder, tables, settings, "run-000001"))
    assert found["reason"].is_null().all()
    return {"seconds": seconds, "counts": found["count_regated"].to_list()}


def _workspace(n_files: int) -> bytes:
    """Twenty populations: down to CD4 and CD8, and what they make."""
    blob = [(200, 150), (9_000, 150), (9_000, 9_000), (150, 9_000), (100, 4_000)]

    def positive(number: int) -> str:
        return rectangle({f"Comp-{COLOURS[number]}": (900, None)})

    def functions(of: str) -> list[Population]:
        made = [
            Population(name, 0, positive(number))
            for number, name in ((4, "IFNg"), (5, "IL2"), (6, "TNF"), (7, "CD107a"))
        ]
        path = f"singlets/lymphocytes/live/CD3/{of}"
        both = Population("IFNg and TNF", 0, node="AndNode", of=[f"{path}/IFNg", f"{path}/TNF"])
        either = Population("IFNg or IL2", 0, node="OrNode", of=[f"{path}/IFNg", f"{path}/IL2"])
        return [*made, both, either]

    def lineage(name: str, x: int, y: int) -> Population:
        return Population(name, 0, polygon(f"Comp-{COLOURS[x]}", f"Comp-{COLOURS[y]}", blob), functions(name))

    rest = Population("neither", 0, node="NotNode", of=["singlets/lymphocytes/live/CD3/CD4"])
    cd3 = Population("CD3", 0, positive(1), [lineage("CD4", 2, 3), lineage("CD8", 3, 2), rest])
    live = Population("live", 0, polygon(f"Comp-{COLOURS[0]}", "SSC-A", blob), [cd3])
    lymphocytes = Population("lymphocytes", 0, polygon("FSC-A", "SSC-A", blob), [live])
    tree = Population("singlets", 0, polygon("FSC-A", "FSC-H", blob), [lymphocytes])
    scales = dict.fromkeys(("FSC-A", "FSC-H", "SSC-A", "Time"), LINEAR)
    scales |= {f"{prefix}{name}": LOGICLE for prefix in ("", "Comp-") for name in COLOURS}
    matrix = spillover(COLOURS, (np.eye(8) + 0.03 * (1 - np.eye(8))).tolist())
    return workspace(
        *(
            Sample(
                f"tube{n:03}.fcs",
                N_EVENTS_A_FILE,
                [tree, Population("debris", 0, rectangle({"FSC-A": (None, 500)}))],
                scales=scales,
                matrix=matrix,
            )
            for n in range(n_files)
        )
    )


def _events(seed: int, n: int, names: list[str]) -> dict[str, np.ndarray]:
    draw = np.random.default_rng(seed)
    return {name: draw.normal(3_000, 2_000, n).astype(np.float32) for name in names}


def _timed(what: Callable[[], _Found]) -> tuple[float, _Found]:
    started = time.perf_counter()
    found = what()
    return time.perf_counter() - started, found


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(_many(Path(sys.argv[1]), int(sys.argv[2]))))
    else:
        print(table(measure()))
