"""What every reader takes and gives: a file's bytes, tidy frames with their places, and cells it could not read."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import polars as pl

from expectations.contract import Table
from expectations.errors import SourceFileError
from expectations.rules import UNREADABLE

_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f]")
"""Characters no text has, but for one gone wrong."""
_HEAD: Final = 4096
"""Characters that tell a text from other data."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file as it lies in the inbox: path relative to it, sha256 of its bytes, and the bytes."""

    path: str
    sha256: str
    data: bytes

    def refuse(self, code: str, *, problem: str, remedy: str, place: str | None = None) -> SourceFileError:
        """The error that quarantines this file."""
        return SourceFileError(self.path, code=code, problem=problem, remedy=remedy, place=place)


@dataclass(frozen=True, slots=True)
class BadCell:
    """One cell that could not be read, or a line or sheet that could not be taken in: it becomes a reject."""

    file_sha256: str
    table: str
    place: str
    rule: str
    column: str
    value: str | None
    row: str
    says: str = ""
    """The rule it broke in words, where the words of the rule alone would not help."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reader found: per contract table an incoming frame (its columns plus `unreadable_columns`)."""

    format: str
    tables: dict[str, pl.DataFrame]
    bad_cells: list[BadCell] = field(default_factory=list)
    unused_columns: dict[str, list[str]] = field(default_factory=dict)


def incoming(table: Table, rows: Sequence[Mapping[str, object]]) -> pl.DataFrame:
    """Rows in the columns of a table, plus the empty `unreadable_columns`.

    A column the export has no word of is null; what the contract does not declare is passed over.
    """
    columns = [
        pl.Series(name, [row.get(name) for row in rows], dtype=dtype, strict=True)
        for name, dtype in table.schema.items()
    ]
    return pl.DataFrame([*columns, pl.Series(UNREADABLE, [None] * len(rows), dtype=pl.String)])


def incoming_columns(table: Table, n_rows: int, columns: Mapping[str, object]) -> pl.DataFrame:
    """Like `incoming`, from columns: a list has a value for each row, anything else is the value of all rows."""
    series = [_column(name, dtype, n_rows, columns.get(name)) for name, dtype in table.schema.items()]
    return pl.DataFrame([*series, _column(UNREADABLE, pl.String, n_rows, None)])


def _column(name: str, dtype: Any, n_rows: int, values: object) -> pl.Series:
    if values is None:
        return pl.Series(name, [None] * n_rows, dtype=dtype)
    if isinstance(values, list):
        return pl.Series(name, values, dtype=dtype, strict=True)
    return pl.Series(name, [values], dtype=dtype, strict=True).new_from_index(0, n_rows)


def text_of(source: SourceFile) -> str | None:
    """The file as text, line ends as LF; None for what is no text.

    UTF-8 and UTF-16 with or without byte-order mark, else Windows-1252, which instruments on Windows write.
    """
    data = source.data
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = _decoded(data, "utf-16")
    elif b"\x00" in data:
        text = _decoded(data, _unmarked_utf_16(data))
    else:
        text = _decoded(data, "utf-8-sig")
        text = _decoded(data, "cp1252") if text is None else text
    if text is None or _is_binary(text):
        return None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _unmarked_utf_16(data: bytes) -> str | None:
    """UTF-16 of a text that begins mostly in Latin letters: most second bytes are zero and few others are."""
    head = data[:64]
    zeros = [head[1::2].count(0), head[0::2].count(0)]
    if max(zeros) * 3 < len(head) or min(zeros) * 8 > len(head):
        return None
    return "utf-16-le" if zeros[0] > zeros[1] else "utf-16-be"


def _decoded(data: bytes, encoding: str | None) -> str | None:
    if encoding is None:
        return None
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None


def _is_binary(text: str) -> bool:
    head = text[:_HEAD]
    return len(_CONTROL.findall(head)) > len(head) // 100
