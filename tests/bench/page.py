"""docs/benchmarks.md: the sections of this run with their targets, then one line for every run there was."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final, NamedTuple

PAGE: Final = Path(__file__).parents[2] / "docs" / "benchmarks.md"
_HISTORY: Final = "## History"
_DAY = re.compile(r"^\| \d{4}-\d\d-\d\d .*$", re.MULTILINE)


class Section(NamedTuple):
    """One part of the page: what was asked, and what was found."""

    title: str
    target: str
    found: str


def write(sections: Sequence[Section], figures: dict[str, str], page: Path = PAGE) -> None:
    """Writes the page; `figures` are this run's line of the history, by the head of their column."""
    now = datetime.now(UTC)
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    line = [f"{now:%Y-%m-%d}", version("perdure"), machine, *figures.values()]
    before = page.read_text(encoding="utf-8") if page.is_file() else ""
    told = [
        "<!-- Written by `make bench`. -->",
        "# Benchmarks",
        "",
        f"Measured on {now:%Y-%m-%d}, perdure {version('perdure')}; {machine}, in one run. Timings are no tests.",
        "",
        *(part for section in sections for part in (f"## {section.title}", "", section.target, "", section.found)),
        _HISTORY,
        "",
        f"| date | version | machine | {' | '.join(figures)} |",
        f"|---|---|---|{'---:|' * len(figures)}",
        *(_widened(row, len(line)) for row in _DAY.findall(before.partition(_HISTORY)[2])),
        f"| {' | '.join(line)} |",
        "",
    ]
    page.write_text("\n".join(told), encoding="utf-8")


def _widened(row: str, n_columns: int) -> str:
    """An earlier line, with empty cells for what was not measured then: new columns are added at the end."""
    return row + "  |" * (n_columns - row.count("|") + 1)
