"""FCS files into a Polars frame, against a plain read of the bytes, FlowIO and FlowKit: the same files, in turn."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.drawn_fcs import Drawn, channel
from transforms.fcs.data_sets import file_on_disk, open_fcs

RUNS = 7
N_EVENTS, N_CHANNELS = 1_000_000, 20
MOST_READS, LEAST_FLOWKIT = 2.5, 3.0
"""Targets: plain reads it may take at most, and how many times faster than FlowKit it is at least."""
PLAIN, OURS, LINEAR, FLOWIO, FLOWKIT = "plain read", "perdure", "perdure, linear scale", "FlowIO", "FlowKit"


@dataclass(frozen=True, slots=True)
class FcsTimes:
    """Median seconds of each way to read one file, warm, all of them in turn."""

    name: str
    seconds: dict[str, float]

    @property
    def plain_reads(self) -> float:
        """How many plain reads a Polars frame takes."""
        return self.seconds[OURS] / self.seconds[PLAIN]

    @property
    def flowkit_ratio(self) -> float:
        """How many times as long FlowKit takes."""
        return self.seconds[FLOWKIT] / self.seconds[OURS]


def measure(runs: int = RUNS, n_events: int = N_EVENTS) -> list[FcsTimes]:
    """Reads drawn files of a million events and 20 channels, in single floating point and in 16-bit integers."""
    with tempfile.TemporaryDirectory() as folder:
        return [
            _in_turn(name, _written(Path(folder), name, content), runs) for name, content in _drawn(n_events).items()
        ]


def table(times: list[FcsTimes]) -> str:
    """Markdown: a row a file and way to read it."""
    head = ["| file | read by | ms | plain reads | perdure is faster, times |", "|---|---|---:|---:|---:|"]
    rows = [
        f"| {file.name} | {way} | {1000 * seconds:.0f} | {seconds / file.seconds[PLAIN]:.1f} "
        f"| {seconds / file.seconds[OURS]:.1f} |"
        for file in times
        for way, seconds in file.seconds.items()
    ]
    return "\n".join([*head, *rows, ""])


def figures(times: list[FcsTimes]) -> dict[str, str]:
    """This run's line of the history: the worse of the files."""
    return {
        "FCS, plain reads": f"{max(file.plain_reads for file in times):.2f}",
        "FlowKit, times": f"{min(file.flowkit_ratio for file in times):.1f}",
    }


def _drawn(n_events: int) -> dict[str, bytes]:
    random = np.random.default_rng(1)
    values = random.lognormal(6, 1, (n_events, N_CHANNELS))
    stored = {"F": values.astype("<f4").tobytes(), "I": np.minimum(values, 65535).astype("<u2").tobytes()}
    return {
        "20 x 32-bit floating point": _file(stored["F"], "F", 32, 262144, n_events),
        "20 x 16-bit integers": _file(stored["I"], "I", 16, 65536, n_events),
    }


def _file(data: bytes, data_type: str, bits: int, value_range: int, n_events: int) -> bytes:
    channels = [channel(f"FL{n}-A", bits, value_range) for n in range(1, N_CHANNELS + 1)]
    return Drawn(data, channels, n_events, data_type).bytes()


def _written(folder: Path, name: str, content: bytes) -> Path:
    path = folder / f"{name}.fcs"
    path.write_bytes(content)
    return path


def _in_turn(name: str, path: Path, runs: int) -> FcsTimes:
    import flowio
    import flowkit

    def ours(*, linear: bool) -> object:
        return open_fcs(file_on_disk(path))[0].events(linear=linear)

    ways: dict[str, Callable[[], object]] = {
        PLAIN: path.read_bytes,
        OURS: lambda: ours(linear=False),
        LINEAR: lambda: ours(linear=True),
        FLOWIO: lambda: flowio.FlowData(str(path)),
        FLOWKIT: lambda: flowkit.Sample(str(path)),
    }
    rounds = [{way: _seconds(read) for way, read in ways.items()} for _ in range(runs + 1)][1:]
    return FcsTimes(name, {way: statistics.median(one[way] for one in rounds) for way in ways})


def _seconds(what: Callable[[], object]) -> float:
    started = time.perf_counter()
    what()
    return time.perf_counter() - started


if __name__ == "__main__":
    print(table(measure()))
