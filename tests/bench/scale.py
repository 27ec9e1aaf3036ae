"""Many plates at once: 1 000 to 20 000 text exports come in, are validated and committed, in a process of their own.

All plates follow one layout template, as plates of a study with one design do; two specimens a plate. A layout table of
its own for every plate would double the rows without asking anything else.
"""

from __future__ import annotations

import json
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any, Final, NamedTuple

from flows.demo.aid import MONTHS, WEEKDAYS
from tests.drawn_exports import LETTERS, aid_export

SIZES: Final = (1_000, 10_000, 20_000)
WELLS: Final = 96
SPECIMENS_OF_A_SUBJECT: Final = 10
FIRST_READ: Final = date(2012, 3, 1)
ANTIGENS: Final = tuple(f"AG-{n:02}" for n in range(1, 14))
STIMULI: Final = ("medium", "medium", *ANTIGENS, "PHA")
"""Of one specimen, each three wells: half a plate."""
_TNTC_FROM: Final = 650

STUDY: Final = """
[study]
id = "SCALE"

[[visits]]
name = "baseline"
day = -7
window = [-30, 0]

{antigens}
[controls]
negative = ["medium"]
positive = ["PHA"]

[persistence]
landmarks = [{{ day = 90, half_width = 14 }}]
"""


class Measured(NamedTuple):
    """One size: wall seconds a step, and the most memory the process and its workers held, in GB."""

    n_plates: int
    seconds: dict[str, float]
    peak_gb: float

    @property
    def whole(self) -> float:
        """Seconds of the whole process."""
        return self.seconds["whole"]


def measure(sizes: tuple[int, ...] = SIZES) -> list[Measured]:
    """Generates, ingests and measures each size in turn."""
    return [_measured(n) for n in sizes]


def table(found: list[Measured]) -> str:
    """Steps as rows, sizes as columns."""
    sizes = [f"{one.n_plates:,} plates".replace(",", " ") for one in found]
    rows = [[name, *(f"{one.seconds[name]:.1f}" for one in found)] for name in found[0].seconds]
    rows.append(["peak memory, GB", *(f"{one.peak_gb:.2f}" for one in found)])
    head = [f"| seconds | {' | '.join(sizes)} |", f"|---|{'---:|' * len(found)}"]
    return "\n".join([*head, *(f"| {' | '.join(row)} |" for row in rows), ""])


def figures(found: list[Measured]) -> dict[str, str]:
    """What the history keeps: seconds and memory of the size before the largest, and what doubling costs."""
    middle, largest = found[-2], found[-1]
    name = f"{middle.n_plates:,} plates".replace(",", " ")
    return {
        f"{name}, s": f"{middle.whole:.0f}",
        f"{name}, GB": f"{middle.peak_gb:.2f}",
        "twice the plates, times": f"{largest.whole / middle.whole:.2f}",
    }


def _measured(n_plates: int) -> Measured:
    with tempfile.TemporaryDirectory() as folder:
        study = write(Path(folder) / "study", n_plates)
        started = time.perf_counter()
        command = [sys.executable, "-m", "tests.bench.scale", str(study)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        whole = time.perf_counter() - started
    told = json.loads(done.stdout.splitlines()[-1])
    if told["n_wells"] != n_plates * WELLS:
        raise RuntimeError(f"{told['n_wells']} wells came in of {n_plates * WELLS}")
    return Measured(n_plates, told["seconds"] | {"whole": whole}, told["peak_gb"])


def write(study: Path, n_plates: int) -> Path:
    """The study folder: its file, the tables and the exports."""
    antigens = "".join(f'[[antigens]]\nname = "{name}"\nrole = "tumour"\n\n' for name in ANTIGENS)
    (study / "inbox" / "plates").mkdir(parents=True)
    (study / "study.toml").write_text(STUDY.format(antigens=antigens))
    for name, lines in _tables(n_plates):
        (study / "inbox" / name).write_text("\n".join([*lines, ""]))
    for n in range(n_plates):
        (study / "inbox" / "plates" / f"{_plate(n)}.txt").write_text(export(n))
    return study


def export(n: int) -> str:
    """The nth plate: counts, wells too numerous to count, name, date and comment vary."""
    rng = Random(n)
    counts = [[_token(rng, row, column // 3) for column in range(12)] for row in range(8)]
    day = FIRST_READ + timedelta(days=n % 700)
    read = f"Date: {WEEKDAYS[day.weekday()]}, {MONTHS[day.month - 1]} {day.day:02d}, {day.year}"
    comment = ("Comment:", "2x10^5cells/well", "", f"Patient: {_subject(n)}")
    return aid_export(counts, name=f"{_plate(n)}.plt", read_on=read, comment=comment)


def _token(rng: Random, row: int, quarter: int) -> str:
    """Few spots without antigen, some to many with one, most with PHA."""
    stimulus = STIMULI[4 * (row % 4) + quarter]
    most = {"medium": 8, "PHA": 900}.get(stimulus, 8 + 40 * (row + quarter))
    spots = int(rng.random() * most)
    return "TNTC" if spots > _TNTC_FROM else str(spots)


def _tables(n_plates: int) -> Iterator[tuple[str, list[str]]]:
    n_subjects = -(-2 * n_plates // SPECIMENS_OF_A_SUBJECT)
    subjects = [f"S{n:05},2012-01-01" for n in range(n_subjects)]
    yield "subjects.csv", ["subject_id,enrolment_date", *subjects]
    specimens = [
        f"{_specimen(n, slot)},{_subject(n)},{FIRST_READ + timedelta(days=n % 700)},90"
        for n in range(n_plates)
        for slot in (1, 2)
    ]
    yield "specimens.csv", ["specimen_id,subject_id,collection_date,viability_percent", *specimens]
    wells = [
        f"half plates,{LETTERS[row]}{column + 1},{row // 4 + 1},{STIMULI[4 * (row % 4) + column // 3]},200000"
        for row in range(8)
        for column in range(12)
    ]
    yield "layout_templates.csv", ["template,well,slot,stimulus,cells_per_well", *wells]
    follow = [f"{_plate(n)},half plates,{slot},{_specimen(n, slot)}" for n in range(n_plates) for slot in (1, 2)]
    yield "plate_templates.csv", ["plate_id,template,slot,specimen_id", *follow]
    infusions = [f"S{n:05},2012-02-01" for n in range(n_subjects)]
    yield "infusions.csv", ["subject_id,infusion_date", *infusions]


def _plate(n: int) -> str:
    return f"GC_{n:06}"


def _subject(n: int) -> str:
    return f"S{2 * n // SPECIMENS_OF_A_SUBJECT:05}"


def _specimen(n: int, slot: int) -> str:
    return f"B{n:06}-{slot}"


def ingest(study: Path) -> dict[str, Any]:
    """Brings the inbox in and commits, with a clock around each step; what `run` does before it computes anything."""
    seconds: dict[str, float] = {}

    def timed(name: str, work: Callable[[], Any]) -> Any:
        started = time.perf_counter()
        told = work()
        seconds[name] = time.perf_counter() - started
        return told

    timed("import", _load)
    from datetime import UTC, datetime

    from flows.ingestion import Ingestion
    from flows.recording import Run, commit
    from flows.triggers import what_to_do

    started_at = datetime.now(UTC).replace(tzinfo=None)
    todo = timed("look at the inbox", lambda: what_to_do(study, date.today()))
    work = Ingestion(todo, "run-000001", 1, {}, [])
    n_files = timed("take in", work.take_in)
    timed("read", work.read)
    timed("judge", work.judge)
    versions = timed("store", work.store)
    run = Run("run-000001", started_at, date.today(), "bench")
    timed("commit", lambda: commit(todo.study, run, versions, n_files, None))
    return {"seconds": seconds, "peak_gb": peak_kilobytes() / 1e6, "n_wells": _n_wells(study)}


def peak_kilobytes() -> int:
    """Largest resident size of this process and its children."""
    status, children = Path("/proc/self/status"), resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    if not status.is_file():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss + children
    # Not ru_maxrss, which begins with the size of the process that started this one.
    told = re.search(r"VmHWM:\s+(\d+) kB", status.read_text())
    return (int(told[1]) if told else 0) + children


def _load() -> None:
    import flows.ingestion
    import flows.recording  # noqa: F401
    from expectations import suites

    suites.load()


def _n_wells(study: Path) -> int:
    from warehouse import ledger

    state = ledger.head(study)
    return 0 if state is None else int(ledger.read_light(study, "elispot_counts", "count(*) as n", state)[0]["n"])


if __name__ == "__main__":
    print(json.dumps(ingest(Path(sys.argv[1]))))
