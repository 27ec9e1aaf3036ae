"""Tables as FlowJo 10 exports them: a line a sample, keywords among statistics, mean and standard deviation below."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import fsum, sqrt
from typing import Final

from flows.demo.workbooks import write_sheets

COUNT, FREQUENCY = "Count", "Freq. of Parent"
"""Statistics of a population."""
_FOOTERS: Final = ("Mean", "SD")
Value = str | int | float | None


@dataclass(frozen=True, slots=True)
class Exported:
    """One sample of a table: its keywords, and the events of every population by its path."""

    sample_name: str
    keywords: Mapping[str, str]
    counts: Mapping[str, int]


def write_csv_table(
    samples: list[Exported], statistics: Mapping[str, str], *, continental: bool = False, percent_sign: bool = True
) -> bytes:
    """The table as text; with a trailing separator, as FlowJo writes it, which looks like one more column.

    Args:
        samples: all with the same keywords and paths.
        statistics: what is exported of each path: COUNT, FREQUENCY or both, joined by `+`.
        continental: semicolons between cells and commas in numbers.
        percent_sign: headers of frequencies end in ` (%)`, which some versions leave out.
    """
    separator, point = (";", ",") if continental else (",", ".")
    lines = [[_quoted(one, separator) for one in _header(samples, statistics, percent_sign=percent_sign)]]
    lines += [[_text(value, point) for value in line] for line in _lines(samples, statistics)]
    return "".join(separator.join([*line, ""]) + "\n" for line in lines).encode()


def write_workbook_table(samples: list[Exported], statistics: Mapping[str, str]) -> bytes:
    """The table as a workbook of one sheet, numbers as numbers."""
    return write_sheets(
        {"Sheet0": [list[object](line) for line in (_header(samples, statistics), *_lines(samples, statistics))]}
    )


def _header(samples: list[Exported], statistics: Mapping[str, str], *, percent_sign: bool = True) -> list[Value]:
    told = {COUNT: COUNT, FREQUENCY: f"{FREQUENCY} (%)" if percent_sign else FREQUENCY}
    columns = [f"{path} | {told[name]}" for path, names in statistics.items() for name in names.split("+")]
    return ["", *samples[0].keywords, *columns]


def _lines(samples: list[Exported], statistics: Mapping[str, str]) -> Iterator[list[Value]]:
    """A line a sample, then mean and standard deviation of every statistic."""
    numbers = [list(_numbers(sample, statistics)) for sample in samples]
    for sample, values in zip(samples, numbers, strict=True):
        yield [sample.sample_name, *sample.keywords.values(), *values]
    blank = [None] * len(samples[0].keywords)
    for name, footer in zip(_FOOTERS, zip(*map(_mean_and_sd, zip(*numbers, strict=True)), strict=True), strict=True):
        yield [name, *blank, *footer]


def _numbers(sample: Exported, statistics: Mapping[str, str]) -> Iterator[int | float]:
    for path, names in statistics.items():
        for name in names.split("+"):
            count = sample.counts[path]
            above = sample.counts[path.rpartition("/")[0]] if name == FREQUENCY else 0
            yield count if name == COUNT else _three_figures(100 * count / above if above else 0.0)


def _three_figures(value: float) -> float:
    return float(f"{value:.3g}")


def _mean_and_sd(values: Iterable[int | float]) -> tuple[float, float]:
    column = list(values)
    mean = fsum(column) / len(column)
    spread = fsum((value - mean) ** 2 for value in column) / max(len(column) - 1, 1)
    return round(mean, 3), round(sqrt(spread), 3)


def _text(value: Value, point: str) -> str:
    if isinstance(value, float):
        return f"{value:.6f}".rstrip("0").rstrip(".").replace(".", point)
    return "" if value is None else str(value)


def _quoted(value: Value, separator: str) -> str:
    text = _text(value, ".")
    return f'"{text}"' if separator in text else text
