"""One CDISC SDTM dataset: cells by variable, its subjects, and what its rows become."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple, TypeVar

import polars as pl

from expectations.contract import Table
from expectations.errors import SourceFileError
from expectations.rules import UNREADABLE
from expectations.study import StudySettings
from transforms.readers.dates import PartialDateError, read_partial_date
from transforms.readers.numbers import Mark, decimal_mark, read_number
from transforms.readers.sheets import Sheet
from transforms.readers.source import BadCell, SourceFile
from transforms.readers.tabular import incoming

_MISSING: Final = {"", "NA", "NAN", "."}
"""R writes NA, Python nan, SAS a point."""
_TIME: Final = re.compile(r"(?<=\d)T.*", re.DOTALL)
_YES: Final = {"Y", "YES"}
_INVESTIGATOR: Final = "investigator"
_NUMBERS: Final = re.compile(r"\w\w(?:STRESN|STNRLO|STNRHI|DOSE)|VISITNUM")
"""Numeric variables: their cells tell the decimal mark. Results as collected may be written in another way."""
_K = TypeVar("_K", bound=tuple[str, ...])
_V = TypeVar("_V")
TOLD_AS: Final = " (USUBJID {})"
"""Behind the place of a row whose subject is a part of USUBJID."""
_MOST_WORDS, _MOST_CHARACTERS, _LONGEST_WORD = 3, 24, 64


class Fault(NamedTuple):
    """Why a cell of the table cannot be filled from this variable."""

    rule: str
    variable: str
    value: str
    says: str


class Dataset:
    """The rows of one dataset. A variable it does not have is missing in every row; a missing cell is empty."""

    def __init__(self, source: SourceFile, sheet: Sheet, settings: StudySettings) -> None:
        self.source, self.sheet, self.settings = source, sheet, settings
        self.names = [cell.strip().upper() for cell in sheet.header]
        self._refuse_repeated()
        self._refuse_wide()
        self._at = {name: n for n, name in enumerate(self.names) if name}
        self._subjects: dict[str, str] = {}
        self._is_of_investigator: dict[str, bool] = {}
        self._mark = self._decimal_mark()

    @property
    def places(self) -> list[str]:
        """Where each row stands."""
        return self.sheet.places

    @property
    def n_rows(self) -> int:
        """Rows below the header."""
        return len(self.sheet.rows)

    def has(self, variable: str) -> bool:
        """True where the dataset has that variable, filled or not."""
        return variable in self._at

    def text(self, row: int, variable: str) -> str:
        """A cell as it stands; empty where it is missing."""
        at = self._at.get(variable)
        cells = self.sheet.rows[row]
        cell = cells[at].strip() if at is not None and at < len(cells) else ""
        return "" if cell.upper() in _MISSING else cell

    def word(self, row: int, *variables: str) -> str:
        """The first filled of these cells in capitals, blanks single."""
        return next((" ".join(cell.upper().split()) for name in variables if (cell := self.text(row, name))), "")

    def day(self, row: int, variable: str) -> str:
        """A date without its time of day."""
        return _TIME.sub("", self.text(row, variable))

    def is_yes(self, row: int, variable: str) -> bool:
        """True for a flag that is set."""
        return self.word(row, variable) in _YES

    def filled(self, variable: str) -> int:
        """Rows in which the variable is filled."""
        return sum(bool(self.text(row, variable)) for row in range(self.n_rows))

    def evaluator(self, row: int, prefix: str) -> str:
        """Who assessed, in small letters: --EVAL, and --EVALID after a comma where it is given.

        A dataset may leave --EVAL empty throughout where all of it is the investigator's (SDTMIG 3.2, TU, TR and RS).
        """
        if prefix not in self._is_of_investigator:
            self._is_of_investigator[prefix] = not self.filled(f"{prefix}EVAL")
        told = (self.text(row, f"{prefix}EVAL"), self.text(row, f"{prefix}EVALID"))
        if self._is_of_investigator[prefix]:
            told = (_INVESTIGATOR, told[1])
        return ", ".join(" ".join(cell.lower().split()) for cell in told if cell)

    def accepted(self, row: int, prefix: str) -> str:
        """Whether of several assessors this one's reading was accepted; empty where nothing says so."""
        if not self.text(row, f"{prefix}EVALID") or not self.has(f"{prefix}ACPTFL"):
            return ""
        return "true" if self.is_yes(row, f"{prefix}ACPTFL") else "false"

    def number(self, text: str) -> float | None:
        """A number; None for what is none, or could be read two ways as the dataset's numbers tell it."""
        try:
            return read_number(text, self._mark)
        except ValueError:
            return None

    def _decimal_mark(self) -> Mark:
        at = [n for n, name in enumerate(self.names) if _NUMBERS.fullmatch(name)]
        cells = {row[n] for row in self.sheet.rows for n in at if n < len(row)}
        return decimal_mark(cells, point_is_decimal=self.sheet.point_is_decimal)

    def need(self, *variables: str) -> None:
        """Raises SourceFileError (sdtm.variables) where the dataset lacks one of them."""
        if absent := [name for name in variables if not self.has(name)]:
            raise self.refuse(
                "sdtm.variables",
                problem=f"the dataset has no variable {' and no '.join(absent)}",
                remedy="export the whole domain, one a file",
            )

    def refuse(self, code: str, *, problem: str, remedy: str) -> SourceFileError:
        """The error that quarantines the file."""
        place = f"header of sheet {self.sheet.name}" if self.sheet.name else "header"
        return self.source.refuse(code, place=place, problem=problem, remedy=remedy)

    def subject(self, row: int) -> str:
        """The subject as specimens name it; empty where the pattern of the study file finds none."""
        usubjid = self.text(row, "USUBJID")
        pattern = self.settings.clinical.sdtm.subject_pattern
        if pattern is None or not usubjid:
            return usubjid
        if usubjid not in self._subjects:
            match = re.search(pattern, usubjid)
            self._subjects[usubjid] = (match[1] or "") if match else ""
        return self._subjects[usubjid]

    def refuse_wrong_pattern(self) -> None:
        """Raises SourceFileError (sdtm.subject) where the pattern finds nobody, or one subject in two USUBJID."""
        whose: dict[str, str] = {}
        for row in range(self.n_rows):
            usubjid, subject = self.text(row, "USUBJID"), self.subject(row)
            other = whose.setdefault(subject, usubjid) if subject else usubjid
            if other != usubjid:
                raise self._wrong_pattern(f"finds {subject!r} in both {other!r} and {usubjid!r}")
        filled = [cell for row in range(self.n_rows) if (cell := self.text(row, "USUBJID"))]
        if filled and not whose:
            raise self._wrong_pattern(f"finds nothing in any USUBJID, such as {filled[0]!r}")

    def _wrong_pattern(self, what: str) -> SourceFileError:
        pattern = self.settings.clinical.sdtm.subject_pattern
        return self.refuse(
            "sdtm.subject",
            problem=f"clinical.sdtm.subject_pattern {pattern!r} {what}",
            remedy="correct the pattern in study.toml; the file is tried again by the next run",
        )

    def _refuse_repeated(self) -> None:
        if twice := sorted({name for name in self.names if name and self.names.count(name) > 1}):
            raise self.refuse(
                "table.repeated_column",
                problem=f"the variable {twice[0]} stands {self.names.count(twice[0])} times",
                remedy="remove or rename all but one of them",
            )

    def _refuse_wide(self) -> None:
        for place, row in zip(self.sheet.places, self.sheet.rows, strict=True):
            if len(row) > len(self.names):
                raise self.source.refuse(
                    "sdtm.variables",
                    place=place,
                    problem=f"the row has {len(row)} cells and the header {len(self.names)}: which is which is open",
                    remedy="export the dataset again; text that holds the separator needs quotation marks",
                )


@dataclass
class Rows:
    """Rows of one table as a dataset gives them, as text; and its rows that give none, with the reason.

    `variables` says which variable each column comes from: rejects name it. Nothing else of a row is ever quoted.
    """

    table: Table
    dataset: Dataset
    variables: Mapping[str, str]
    _rows: list[dict[str, str]] = field(default_factory=list)
    _places: list[str] = field(default_factory=list)
    _faults: dict[int, dict[str, Fault]] = field(default_factory=dict)
    _passed: list[BadCell] = field(default_factory=list)

    def add(
        self, rows: int | Sequence[int], cells: Mapping[str, str], faults: Mapping[str, Fault] | None = None
    ) -> None:
        """One row of the table from one or several of the dataset; a column with a fault makes it a reject."""
        told = [rows] if isinstance(rows, int) else rows
        subject = self.dataset.subject(told[0])
        if not subject and (usubjid := self.dataset.text(told[0], "USUBJID")):
            self.reject(
                told[0], "row.pattern", "USUBJID", usubjid, "clinical.sdtm.subject_pattern finds a subject in it"
            )
            return
        if found := {**self._free_text(cells), **(faults or {})}:
            self._faults[len(self._rows)] = found
        self._rows.append({"subject_id": subject, **cells})
        self._places.append(", ".join(self.dataset.places[row] for row in told) + self._whose(told[0], subject))

    def _whose(self, row: int, subject: str) -> str:
        """The USUBJID, where a pattern found the subject in it: another file may find the same one in another."""
        usubjid = self.dataset.text(row, "USUBJID")
        return "" if usubjid == subject else TOLD_AS.format(usubjid)

    def _free_text(self, cells: Mapping[str, str]) -> dict[str, Fault]:
        """A fault for each cell of a closed vocabulary that holds a sentence: it is not quoted, here or later."""
        closed = {column.name: column.values for column in self.table.columns if column.values}
        return {
            name: Fault(
                "row.allowed_values", self.variables.get(name, name), shown, f"it is one of {', '.join(values)}"
            )
            for name, values in closed.items()
            if (shown := quoted(cells.get(name, ""))) != cells.get(name, "")
        }

    def reject(self, row: int, rule: str, variable: str, value: str, says: str) -> None:
        """A row of the dataset that gives no row of the table."""
        shown = {name: self.dataset.text(row, name) for name in self._shown()}
        whole = _filled(shown)
        place, sha = self.dataset.places[row], self.dataset.source.sha256
        self._passed.append(BadCell(sha, self.table.name, place, rule, variable, quoted(value) or None, whole, says))

    def _shown(self) -> list[str]:
        return list(dict.fromkeys(["USUBJID", *self.variables.values()]))

    @property
    def is_empty(self) -> bool:
        """True where no row of the dataset gives one."""
        return not self._rows

    def finished(self) -> tuple[pl.DataFrame, list[BadCell]]:
        """The incoming frame and the rejects of the reader."""
        header = [name for name in self.table.schema if name not in ("file_sha256", "place", "is_date_imputed")]
        cells = [
            ["" if n in self._of(name) else row.get(name, "") for name in header] for n, row in enumerate(self._rows)
        ]
        sheet = replace(self.dataset.sheet, header=header, rows=cells, places=self._places, point_is_decimal=True)
        frame, bad = incoming(self.dataset.source, sheet, self.table, self.dataset.settings)
        bad = [
            replace(
                cell,
                column=self.variables.get(cell.column, cell.column),
                value=quoted(cell.value or "") or None,
                row=_filled(json.loads(cell.row)),
            )
            for cell in bad
        ]
        told: list[str | None] = frame[UNREADABLE].to_list()
        for n, faults in self._faults.items():
            whole = _filled(self._rows[n])
            told[n] = ",".join(filter(None, (told[n], *faults)))
            for fault in faults.values():
                bad.append(
                    BadCell(
                        self.dataset.source.sha256,
                        self.table.name,
                        self._places[n],
                        fault.rule,
                        fault.variable,
                        fault.value or None,
                        whole,
                        fault.says,
                    )
                )
        return frame.with_columns(pl.Series(UNREADABLE, told, dtype=pl.String)), self._passed + bad

    def _of(self, column: str) -> set[int]:
        return {n for n, faults in self._faults.items() if column in faults}


def _filled(cells: Mapping[str, str]) -> str:
    return json.dumps({name: quoted(cell) for name, cell in cells.items() if cell}, ensure_ascii=False)


def quoted(text: str) -> str:
    """A cell as rejects and refusals quote it: what is no code, date or number may hold a name, so its length is told.

    A code is at most three words and 24 characters, or one word of 64.
    """
    n_words, n_characters = len(text.split()), len(text)
    if n_words <= _MOST_WORDS and n_characters <= (_MOST_CHARACTERS if n_words > 1 else _LONGEST_WORD):
        return text
    return f"text of {n_characters} characters"


def together(told: Iterable[tuple[_K, _V]]) -> list[tuple[_K, list[_V]]]:
    """What is told of one key, in the order of the keys; where a part of the key is missing, each stands alone.

    Rows that lack a part of their key may be of different things: each of them becomes a reject of its own.
    """
    found: list[tuple[_K, list[_V]]] = []
    of_key: dict[_K, list[_V]] = {}
    for key, value in told:
        values = of_key.get(key, [])
        if not values:
            found.append((key, values))
            if all(key):
                of_key[key] = values
        values.append(value)
    return found


def is_partial(text: str) -> bool:
    """True for a date of SDTM without a day, or without a month."""
    try:
        read_partial_date(text, "reject")
    except PartialDateError:
        return True
    except ValueError:
        return False
    return False


def whole_day(text: str) -> str | None:
    """An ISO day; None for a date that is not whole, or none at all."""
    try:
        return read_partial_date(text, "reject")[0].isoformat()
    except ValueError:
        return None
