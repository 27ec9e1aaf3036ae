"""The demo step by step, and the commands that must start at once, each as a process of its own."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

PROGRAM: Final = Path(sys.executable).with_name("perdure")
RUNS: Final = 7


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


def seconds(command: Sequence[object]) -> float:
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
