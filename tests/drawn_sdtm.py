"""CDISC SDTM datasets drawn in tests, read and judged."""

from __future__ import annotations

import csv
import io
import tempfile
from pathlib import Path

import pytest

from expectations.errors import SourceFileError
from expectations.study import StudySettings
from expectations.study_file import parse_study
from tests.drawn_exports import STUDY, source
from tests.drawn_judging import judged
from transforms.judging import Candidate, Judgement, rejects_of
from transforms.readers import registry
from transforms.readers.source import Reading

SDTM = """
[clinical.sdtm]
infusion_treatments = ["TIL"]
lymphodepletion_treatments = ["CYCLOPHOSPHAMIDE", "FLUDARABINE"]
"""
PATTERN = "subject_pattern = '-(\\d+)$'\n"


def study(sdtm: str = SDTM, more: str = "") -> StudySettings:
    return parse_study((STUDY + sdtm + more).encode())


def dataset(domain: str, drawing: str) -> str:
    """A dataset as CSV: STUDYID and DOMAIN before the drawn variables."""
    lines = [[cell.strip() for cell in line.split("|")] for line in drawing.strip().splitlines()]
    header, *rows = lines
    told = [["STUDYID", "DOMAIN", *header], *(["S", domain, *row] for row in rows)]
    return "\n".join(",".join(f'"{cell}"' for cell in row) for row in told) + "\n"


def read(domain: str, drawing: str, told: StudySettings | None = None) -> Reading:
    return registry.read(source(dataset(domain, drawing)), told or study())


def refusal(domain: str, drawing: str, told: StudySettings | None = None) -> SourceFileError:
    with pytest.raises(SourceFileError) as caught:
        read(domain, drawing, told)
    return caught.value


def rows(reading: Reading, name: str, *columns: str) -> list[tuple[object, ...]]:
    return reading.tables[name].select(columns).rows()


def judge(told: StudySettings, **datasets: str) -> Judgement:
    """Datasets judged together; the keyword is the domain, a number behind it tells files apart."""
    return judged(candidates(told, **datasets), settings=told)


def candidates(told: StudySettings, **datasets: str) -> list[Candidate]:
    """Files as `judge` draws them, read."""
    files = [source(dataset(name[:2], drawing), f"{name}.csv") for name, drawing in datasets.items()]
    return [Candidate(one.sha256, one.path, 1, registry.read(one, told)) for one in files]


def held_rows(judgement: Judgement) -> list[tuple[str, str, str | None]]:
    return sorted(rejects_of(judgement).select("rule", "column_name", "value").rows())


def transport(text: str, version: int, numbers: tuple[str, ...] = (), encoding: str = "utf-8") -> bytes:
    """A CSV as a transport file, written by ReadStat; columns of numbers are numeric variables."""
    import pandas as pd
    import pyreadstat

    header, *rows = list(csv.reader(io.StringIO(text)))
    columns = {
        name: [(float(row[n]) if row[n] else None) if name in numbers else row[n] for row in rows]
        for n, name in enumerate(header)
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "drawn.xpt"
        pyreadstat.write_xport(pd.DataFrame(columns), path, table_name="DRAWN", file_format_version=version)
        return path.read_bytes().replace("æ".encode(), "æ".encode(encoding).ljust(2))
