"""The readers against allotropy, file by file in one process, and how long a folder of plates takes to read."""

from __future__ import annotations

import statistics
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench import drawn_plates
from tests.drawing import SHARED
from tests.drawn_ctl import COUNTED, ctl_fixed
from tests.drawn_exports import SETTINGS, source
from transforms.readers import registry

RUNS = 9
TARGET = 20
"""Times faster than allotropy, a file."""
N_TEXTS, N_WORKBOOKS = 1000, 200
_DISTINCT = 5

CTL, MABTECH = "CTL_IMMUNOSPOT", "MABTECH_APEX"
REAL = {
    "ctl/ctl_immunospot_example1.txt": CTL,
    "ctl/ctl_immunospot_v7_0_38_8_QC.txt": CTL,
    "ctl/CTL_datafile.xls": None,
    "mabtech/mabtech_apex_example_single_plate.xlsx": MABTECH,
    "mabtech/mabtech_apex_example_multiplex_plate.xlsx": MABTECH,
}
"""Real files with allotropy's name for their kind; it reads no .xls."""


@dataclass(frozen=True, slots=True)
class FileTime:
    """Median seconds of one file, warm, the two readers in turn; allotropy's is None for what it does not read."""

    name: str
    ours: float
    allotropy: float | None

    @property
    def ratio(self) -> float | None:
        """How many times as long allotropy takes."""
        return None if self.allotropy is None else self.allotropy / self.ours


@dataclass(frozen=True, slots=True)
class ReaderTimes:
    """What one run measured: files, and seconds of folders by what is in them."""

    files: list[FileTime]
    folders: dict[str, float]

    @property
    def smallest_ratio(self) -> float:
        """Of the files that allotropy reads."""
        return min(file.ratio for file in self.files if file.ratio is not None)


def measure(runs: int = RUNS, n_texts: int = N_TEXTS, n_workbooks: int = N_WORKBOOKS) -> ReaderTimes:
    """Reads drawn files, and the real ones where they are, with both; then a folder of texts and one of workbooks."""
    with tempfile.TemporaryDirectory() as folder:
        files = [_in_turn(name, path, kind, runs) for name, path, kind in (*_drawn(Path(folder)), *_real())]
    texts = [text.encode() for text in drawn_plates.texts(n_texts)]
    one_colour, three_colours = (_workbooks(of, n_workbooks) for of in (drawn_plates.SINGLE, drawn_plates.MULTIPLEX))
    folders = {
        f"{n_texts} AID and CTL text plates": _all(texts),
        f"{n_workbooks} Mabtech workbooks of one colour": _all(one_colour),
        f"{n_workbooks} Mabtech workbooks of three colours": _all(three_colours),
    }
    return ReaderTimes(files, folders)


def table(times: ReaderTimes) -> str:
    """Markdown: the files, then the folders."""
    rows = [
        f"| {file.name} | {1000 * file.ours:.1f} | "
        + ("does not read it | |" if file.allotropy is None else f"{1000 * file.allotropy:.0f} | {file.ratio:.0f} |")
        for file in times.files
    ]
    head = ["| file | perdure, ms | allotropy, ms | times faster |", "|---|---:|---:|---:|"]
    folders = [f"| {name} | {seconds:.2f} |" for name, seconds in times.folders.items()]
    return "\n".join([*head, *rows, "", "| folder | seconds |", "|---|---:|", *folders, ""])


def _drawn(folder: Path) -> list[tuple[str, Path, str | None]]:
    contents: dict[str, tuple[str, bytes]] = {
        "drawn CTL text, fixed width.txt": (CTL, ctl_fixed(counted=COUNTED).encode()),
        "drawn CTL text, cells.txt": (CTL, drawn_plates.ctl_cells_text().encode()),
        "drawn Mabtech, one colour.xlsx": (MABTECH, drawn_plates.mabtech(drawn_plates.SINGLE)),
        "drawn Mabtech, three colours.xlsx": (MABTECH, drawn_plates.mabtech(drawn_plates.MULTIPLEX)),
    }
    told: list[tuple[str, Path, str | None]] = []
    for name, (kind, content) in contents.items():
        (folder / name).write_bytes(content)
        told.append((Path(name).stem, folder / name, kind))
    return told


def _real() -> list[tuple[str, Path, str | None]]:
    paths = [(name, SHARED / "real/elispot" / name, kind) for name, kind in REAL.items()]
    return [(Path(name).name, path, kind) for name, path, kind in paths if path.is_file()]


def _in_turn(name: str, path: Path, kind: str | None, runs: int) -> FileTime:
    def ours() -> None:
        registry.read(source(path.read_bytes(), path.name), SETTINGS)

    other = _allotropy(path, kind) if kind else None
    seconds = [(_seconds(ours), _seconds(other) if other else None) for _ in range(runs + 1)][1:]
    theirs = [of for _, of in seconds if of is not None]
    return FileTime(name, statistics.median(of for of, _ in seconds), statistics.median(theirs) if theirs else None)


def _allotropy(path: Path, kind: str) -> Callable[[], object]:
    from allotropy.parser_factory import Vendor
    from allotropy.to_allotrope import allotrope_from_file

    def read() -> object:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return allotrope_from_file(str(path), Vendor[kind])

    return read


def _workbooks(populations: Sequence[str], n: int) -> list[bytes]:
    """A few drawn ones again and again: drawing takes longer than reading, which remembers nothing."""
    drawn = [drawn_plates.mabtech(populations, number, f"PL-{number}") for number in range(min(n, _DISTINCT))]
    return [drawn[number % _DISTINCT] for number in range(n)]


def _all(contents: Sequence[bytes]) -> float:
    return _seconds(lambda: [registry.read(source(content), SETTINGS) for content in contents])


def _seconds(what: Callable[[], object]) -> float:
    started = time.perf_counter()
    what()
    return time.perf_counter() - started


if __name__ == "__main__":
    print(table(measure()))
