"""Disease response of SDTM (RS): overall responses with their parts to tumour_assessments."""

from __future__ import annotations

import re
from typing import Final

from expectations.clinical_in import TUMOUR_ASSESSMENTS
from transforms.readers.sdtm_dataset import Dataset, Fault, Rows, quoted, together

_OVERALL: Final = "OVRLRESP"
_PARTS: Final = {
    "TRGRESP": "target_response",
    "NTRGRESP": "non_target_response",
    "NEWLPROG": "has_new_lesion",
    "NEWLIND": "has_new_lesion",
}
_DERIVED: Final = {"BESTRESP", "BOR", "CBRESP"}
"""What follows from the assessments: perdure derives it itself."""
_NO_SUCH_LESION: Final = {"NOT APPLICABLE": "NONE", "N/A": "NONE", "NO TARGET LESION": "NONE"}
_NEW_LESION: Final = {"UNEQUIVOCAL": "yes", "EQUIVOCAL": ""}
"""An equivocal new lesion is neither there nor not."""
_UNVERSIONED: Final = "RECIST"
"""Which version it is says the study file."""
_VERSION: Final = re.compile(r"(?:VERSION|VER\.?|V\.?)(?=\d)")
_COLUMNS: Final = {
    "subject_id": "USUBJID",
    "assessment_date": "RSDTC",
    "overall_response": "RSSTRESC",
    "evaluator": "RSEVAL",
    "target_response": "RSSTRESC",
    "non_target_response": "RSSTRESC",
    "has_new_lesion": "RSSTRESC",
    "visit": "VISIT",
}

_Key = tuple[str, str, str, str]


def assessments(rs: Dataset) -> list[Rows]:
    """Rows of tumour_assessments from RS: one an overall response, with the parts of the same visit and day.

    Of several criteria (RSCAT) those of the study file count. Raises SourceFileError (sdtm.variables).
    """
    rs.need("RSTESTCD", "RSDTC")
    rs.need(*([] if rs.has("RSSTRESC") or rs.has("RSORRES") else ["RSSTRESC"]))
    found = Rows(TUMOUR_ASSESSMENTS, rs, _COLUMNS)
    overall: list[int] = []
    parts: dict[_Key, dict[str, list[int]]] = {}
    for row in _of_criteria(rs, found):
        test = rs.word(row, "RSTESTCD")
        if rs.word(row, "RSSTAT") == "NOT DONE":
            found.reject(row, "row.not_used", "RSSTAT", "NOT DONE", "an assessment that was not done is none")
        elif test == _OVERALL:
            overall.append(row)
        elif test in _PARTS:
            parts.setdefault(_key(rs, row), {}).setdefault(_PARTS[test], []).append(row)
        elif test not in _DERIVED:
            found.reject(row, "row.not_used", "RSTESTCD", test, "the test is a response or a part of one")
    for _, same in together((_told(rs, row), row) for row in overall):
        row = same[0]
        of_row = parts.get(_key(rs, row), {})
        told, faults = _parts(rs, of_row)
        cells = {
            "assessment_date": rs.day(row, "RSDTC"),
            "overall_response": rs.word(row, "RSSTRESC", "RSORRES"),
            "evaluator": rs.evaluator(row, "RS"),
            "visit": rs.text(row, "VISIT"),
            "is_accepted": rs.accepted(row, "RS"),
        }
        found.add([*same, *sorted(n for rows in of_row.values() for n in rows)], cells | told, faults)
    with_overall = {_key(rs, row) for row in overall}
    for alone in (of_key for key, of_key in parts.items() if key not in with_overall):
        for row in (row for rows in alone.values() for row in rows):
            says = "a part belongs to an overall response of the same evaluator, visit and day"
            found.reject(row, "row.not_used", "RSTESTCD", rs.word(row, "RSTESTCD"), says)
    return [found]


def _key(rs: Dataset, row: int) -> _Key:
    return rs.text(row, "USUBJID"), rs.evaluator(row, "RS"), rs.word(row, "VISIT"), rs.day(row, "RSDTC")


def _told(rs: Dataset, row: int) -> tuple[str, ...]:
    """All that an overall response says. Visit and acceptance may be empty, which makes no two rows different ones."""
    whose, evaluator, visit, day = _key(rs, row)
    response = rs.word(row, "RSSTRESC", "RSORRES")
    return whose, evaluator, day, response, f"visit {visit}", f"accepted {rs.accepted(row, 'RS')}"


def _of_criteria(rs: Dataset, found: Rows) -> list[int]:
    """Rows of the study's criteria; those of others are rejects.

    All rows where no row names criteria. Raises SourceFileError (sdtm.variables) where none names those of the study.
    """
    told = [rs.word(row, "RSCAT") for row in range(rs.n_rows)]
    wanted = rs.settings.response.criteria
    if not any(told):
        return list(range(rs.n_rows))
    plain = [_plain(criteria) for criteria in told]
    taken = next((name for name in (_plain(wanted), _UNVERSIONED) if name in plain), None)
    if taken is None:
        raise rs.refuse(
            "sdtm.variables",
            problem=f"its criteria (RSCAT) are {', '.join(map(quoted, dict.fromkeys(filter(None, told))))}, "
            f"and those of the study are {wanted}",
            remedy=f"export the responses by {wanted}, or correct response.criteria in study.toml",
        )
    for row, criteria in enumerate(plain):
        if criteria != taken:
            says = f"the criteria are those of the study file, {wanted}"
            found.reject(row, "row.not_used", "RSCAT", told[row], says)
    return [row for row, criteria in enumerate(plain) if criteria == taken]


def _plain(criteria: str) -> str:
    """Criteria without blanks, hyphens and the word for a version: RECIST V1.1 is RECIST 1.1."""
    return _VERSION.sub("", re.sub(r"[\s_-]", "", criteria.upper()))


def _parts(rs: Dataset, parts: dict[str, list[int]]) -> tuple[dict[str, str], dict[str, Fault]]:
    told: dict[str, str] = {}
    faults: dict[str, Fault] = {}
    for column, rows in parts.items():
        words = _NEW_LESION if column == "has_new_lesion" else _NO_SUCH_LESION
        given = [rs.word(row, "RSSTRESC", "RSORRES") for row in rows]
        values = dict.fromkeys(words.get(word, word) for word in given if word)
        if len(values) > 1:
            test = rs.word(rows[0], "RSTESTCD")
            faults[column] = Fault(
                "row.conflicting_key", test, ", ".join(map(quoted, values)), "a part of a response is told once"
            )
        told[column] = next(iter(values), "")
    return told, faults
