"""`make bench`: measures in one run, prints where the time goes, and adds to the history of docs/benchmarks.md."""

from __future__ import annotations

import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.md"
PROGRAM = Path(sys.executable).with_name("perdure")
RUNS = 7
HISTORY = "## History"


def main() -> None:
    """Measures, prints and writes."""
    with tempfile.TemporaryDirectory() as folder:
        study = Path(folder) / "study"
        steps = demo_steps(study)
        light = light_commands(study)
    print(steps_table(steps))
    print(light_table(light))
    write(steps, light)


def demo_steps(study: Path) -> dict[str, float]:
    """Seconds of each part of `perdure demo` in a process of its own, as a person starts it."""
    command = [sys.executable, "-m", "tests.bench.demo_steps", str(study)]
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    whole = time.perf_counter() - started
    steps = dict(json.loads(done.stdout.splitlines()[-1]))
    steps["Prefect's own start and bookkeeping, and the rest"] = whole - sum(steps.values())
    steps["whole"] = whole
    return steps


def light_commands(study: Path) -> dict[str, tuple[float, float]]:
    """Per command its median seconds and the median ratio to `python -c "import polars, duckdb"`, taken in turn."""
    baseline = [sys.executable, "-c", "import polars, duckdb"]
    commands = {
        "perdure --help": [PROGRAM, "--help"],
        "perdure status STUDY": [PROGRAM, "status", study],
        'perdure query STUDY "select ..."': [PROGRAM, "query", study, "select * from denominators"],
        "perdure run STUDY (nothing new)": [PROGRAM, "run", study],
    }
    told = {}
    for name, command in commands.items():
        pairs = [(seconds(command), seconds(baseline)) for _ in range(RUNS + 1)][1:]
        told[name] = (statistics.median(a for a, _ in pairs), statistics.median(a / b for a, b in pairs))
    return told


def seconds(command: list[object]) -> float:
    """Wall time of a whole process; its output is thrown away."""
    started = time.perf_counter()
    subprocess.run([str(part) for part in command], capture_output=True, check=False)
    return time.perf_counter() - started


def steps_table(steps: dict[str, float]) -> str:
    """Where the time of the demo goes."""
    rows = [f"| {name} | {value:.2f} |" for name, value in steps.items()]
    return "\n".join(["| part of `perdure demo` | seconds |", "|---|---:|", *rows, ""])


def light_table(light: dict[str, tuple[float, float]]) -> str:
    """Commands that must start at once."""
    rows = [f"| `{name}` | {median:.2f} | {ratio:.2f} |" for name, (median, ratio) in light.items()]
    head = ['| command | seconds (median) | times `python -c "import polars, duckdb"` |', "|---|---:|---:|"]
    return "\n".join([*head, *rows, ""])


def write(steps: dict[str, float], light: dict[str, tuple[float, float]]) -> None:
    """The page: this run, then one line for each earlier one."""
    now = datetime.now(UTC)
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    told = f"| {now:%Y-%m-%d} | {version('perdure')} | {machine} | {steps['whole']:.1f} | " + " | ".join(
        f"{ratio:.2f}" for _, ratio in light.values()
    )
    before = PAGE.read_text(encoding="utf-8") if PAGE.is_file() else ""
    history = re.findall(r"^\| \d{4}-\d\d-\d\d .*$", before.partition(HISTORY)[2], flags=re.MULTILINE)
    PAGE.write_text(
        "\n".join(
            [
                "<!-- Written by `make bench`. -->",
                "# Benchmarks",
                "",
                f"Measured on {now:%Y-%m-%d}, perdure {version('perdure')}; {machine}. Times are wall seconds of whole",
                f"processes; the light commands are medians of {RUNS} runs after one warm-up, each paired with the",
                "baseline, so that the ratio holds when the machine's speed drifts. Timings are no tests.",
                "",
                "Targets: the demo at most 30 s after set-up on two cores; `--help`, `status`, `query` below 1.5 times",
                "the import of Polars and DuckDB; a run with nothing new below 2 s.",
                "",
                "## The demo study",
                "",
                steps_table(steps),
                "## Light commands",
                "",
                light_table(light),
                HISTORY,
                "",
                "| date | version | machine | demo, s | --help | status | query | nothing new |",
                "|---|---|---|---:|---:|---:|---:|---:|",
                *history,
                told + " |",
                "",
            ]
        ),
        encoding="utf-8",
    )


if __name__ == "__main__":
    main()
