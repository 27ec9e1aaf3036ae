"""Lesions of SDTM: their identification (TU) to lesions, their measurements (TR) to lesion_measurements."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from expectations.clinical_in import LESION_MEASUREMENTS, LESIONS
from transforms.readers.sdtm_dataset import Dataset, Fault, Rows, quoted, together, whole_day

_IDENTIFIED: Final = {"TUMIDENT", "LESIDENT"}
_SPLIT: Final = "TUSPLIT"
_NODE: Final = "LYMPH NODE"
_LONG, _SHORT, _STATE = "long", "short", "state"
_TESTS: Final = {
    "LDIAM": _LONG,
    "DIAMETER": _LONG,
    "LPERP": _SHORT,
    "SAXIS": _SHORT,
    "TUMSTATE": _STATE,
    "LNSTATE": _STATE,
}
_DERIVED: Final = re.compile(r"(?:SUM|PC|AC|MN|MAX|MIN|NUM)[A-Z0-9]*|PPD|AREA|VOLUME|PRODUCT")
"""Sums, changes, products and volumes: what perdure derives itself, or RECIST does not use."""
_MM_PER_UNIT: Final = {"MM": 1.0, "CM": 10.0}
_WORDS: Final = {
    "ABSENT": "absent",
    "NOT PRESENT": "absent",
    "DISAPPEARED": "absent",
    "RESOLVED": "absent",
    "NON-PATHOLOGICAL": "absent",
    "NON-PATHOLOGIC": "absent",
    "PRESENT": "present",
    "PATHOLOGICAL": "present",
    "PATHOLOGIC": "present",
    "EQUIVOCAL PROGRESSION": "equivocal",
    "UNEQUIVOCAL PROGRESSION": "progressed",
    "PROGRESSION": "progressed",
    "PROGRESSED": "progressed",
    "EQUIVOCAL": "equivocal",
    "TOO SMALL TO MEASURE": "too_small",
    "MERGED": "merged",
    "COALESCED": "merged",
    "NOT DONE": "not_assessed",
    "NOT EVALUABLE": "not_assessed",
    "NOT ASSESSED": "not_assessed",
    "NOT ASSESSABLE": "not_assessed",
    "NE": "not_assessed",
}
_LESION: Final = {"subject_id": "USUBJID", "lesion_id": "TULNKID", "evaluator": "TUEVAL", "category": "TUSTRESC"}
_MEASURED: Final = {
    "subject_id": "USUBJID",
    "lesion_id": "TRLNKID",
    "evaluator": "TREVAL",
    "assessment_date": "TRDTC",
    "status": "TRSTRESC",
    "diameter_mm": "TRSTRESN",
    "short_axis_mm": "TRSTRESN",
}

_Key = tuple[str, str, str]


def lesions(tu: Dataset) -> list[Rows]:
    """Rows of lesions from TU: one a lesion and evaluator, as it was first identified.

    A fragment (TUSPLIT) names in its own identifier the lesion it broke off from: T04.1 or T04a of T04.
    """
    tu.need("TUTESTCD", "TULNKID")
    tu.need(*([] if tu.has("TUSTRESC") or tu.has("TUORRES") else ["TUSTRESC"]))
    found = Rows(LESIONS, tu, _LESION)
    told: list[tuple[_Key, int]] = []
    for row in range(tu.n_rows):
        test = tu.word(row, "TUTESTCD")
        if test in _IDENTIFIED or test == _SPLIT:
            told.append((_lesion(tu, row, "TU"), row))
        else:
            found.reject(row, "row.not_used", "TUTESTCD", test, "the row identifies a tumour, or one that split")
    identified = together(told)
    for key, rows in identified:
        categories = dict.fromkeys(_category(tu, row) for row in rows)
        faults = {}
        if len(categories) > 1:
            says = "an evaluator puts a lesion into one category"
            faults["category"] = Fault("row.conflicting_key", "TUSTRESC", _shown(categories), says)
        row = min(rows, key=lambda one: (whole_day(tu.day(one, "TUDTC")) or "9999", one))
        split = (
            _split_from(key, [one for one, _ in identified])
            if all(tu.word(one, "TUTESTCD") == _SPLIT for one in rows)
            else ""
        )
        if split is None:
            says = "the identifier of a fragment begins with that of the lesion it broke off from (T04.1 of T04)"
            faults["lesion_id"] = Fault("row.unknown_reference", "TULNKID", key[1], says)
        organ = tu.text(row, "TULOC")
        cells = {
            "lesion_id": key[1],
            "evaluator": key[2],
            "category": next(iter(categories)),
            "organ": " ".join(organ.lower().split()),
            "is_lymph_node": str(_NODE in organ.upper()).lower() if organ else "",
            "identified_date": whole_day(tu.day(row, "TUDTC")) or "",
            "visit": tu.text(row, "VISIT"),
            "split_from": split or "",
            "method": " ".join(tu.text(row, "TUMETHOD").lower().split()),
            "is_accepted": tu.accepted(row, "TU"),
        }
        found.add(row, cells, faults)
    return [found]


def _lesion(dataset: Dataset, row: int, prefix: str) -> _Key:
    return dataset.text(row, "USUBJID"), dataset.text(row, f"{prefix}LNKID"), dataset.evaluator(row, prefix)


def _category(tu: Dataset, row: int) -> str:
    word = tu.word(row, "TUSTRESC", "TUORRES").removesuffix("S").removesuffix(" LESION")
    return word.lower().replace("nontarget", "non-target")


def _shown(values: Iterable[str]) -> str:
    return ", ".join(map(quoted, values))


def _split_from(key: _Key, identified: list[_Key]) -> str | None:
    """The lesion a fragment broke off from: the longest other identifier its own begins with."""
    whose, own, evaluator = key
    others = [
        lesion
        for subject, lesion, by in identified
        if (subject, by) == (whose, evaluator) and lesion and re.fullmatch(re.escape(lesion) + r"[-._/ ]?\w+", own)
    ]
    return max((one for one in others if one != own), key=len, default=None)


class _Told(NamedTuple):
    """What one row says of a lesion: a diameter, or a word; or why it says nothing."""

    row: int
    kind: str
    mm: float | None
    word: str
    fault: Fault | None = None


def measurements(tr: Dataset) -> list[Rows]:
    """Rows of lesion_measurements from TR: one a lesion, evaluator and day.

    Where longest diameter and short axis are given both are kept. A diameter goes before a word; two different
    diameters of one kind, or words, are a reject.
    """
    tr.need("TRTESTCD", "TRLNKID", "TRDTC")
    found = Rows(LESION_MEASUREMENTS, tr, _MEASURED)
    told: list[tuple[tuple[str, str, str, str], _Told]] = []
    for row in range(tr.n_rows):
        test = tr.word(row, "TRTESTCD")
        if test in _TESTS:
            told.append(((*_lesion(tr, row, "TR"), tr.day(row, "TRDTC")), _told(tr, row, _TESTS[test])))
        elif not _DERIVED.fullmatch(test):
            found.reject(row, "row.not_used", "TRTESTCD", test, "the test is a diameter or the state of a lesion")
    for (_, lesion, evaluator, day), parts in together(told):
        rows = [part.row for part in parts]
        cells, faults = _one_measurement(parts)
        cells |= {
            "lesion_id": lesion,
            "evaluator": evaluator,
            "assessment_date": day,
            "visit": tr.text(rows[0], "VISIT"),
            "is_accepted": max(tr.accepted(row, "TR") for row in rows),
        }
        found.add(rows, cells, faults)
    return [found]


def _told(tr: Dataset, row: int, kind: str) -> _Told:
    if tr.word(row, "TRSTAT") == "NOT DONE":
        return _Told(row, kind, None, "not_assessed")
    standard, original = (tr.text(row, "TRSTRESN") or tr.text(row, "TRSTRESC")), tr.text(row, "TRORRES")
    value, unit = (standard, "TRSTRESU") if standard else (original, "TRORRESU")
    number = tr.number(value)
    if kind != _STATE and number is None and value[:1].isdigit():
        variable = "TRORRES" if not standard else "TRSTRESN" if tr.text(row, "TRSTRESN") else "TRSTRESC"
        says = "a diameter is a number that can be read in one way only"
        return _Told(row, kind, None, "", Fault("row.unreadable", variable, quoted(value), says))
    if kind == _STATE or number is None:
        word = " ".join(value.upper().split())
        is_new = tr.word(row, "TRGRPID").startswith("NEW")
        return _Told(row, kind, None, "present" if word == "UNEQUIVOCAL" and is_new else _WORDS.get(word, word))
    given = tr.word(row, unit)
    if given not in _MM_PER_UNIT:
        rule = "row.allowed_values" if given else "row.required"
        return _Told(row, kind, None, "", Fault(rule, unit, quoted(tr.text(row, unit)), "a diameter is in mm or cm"))
    return _Told(row, kind, number * _MM_PER_UNIT[given], "")


def _one_measurement(parts: list[_Told]) -> tuple[dict[str, str], dict[str, Fault]]:
    """Cells of status and diameters from all rows about a lesion on one day."""
    if fault := next((part.fault for part in parts if part.fault), None):
        return {}, {"diameter_mm": fault}
    says = "rows about one lesion and day agree"
    diameters = {
        kind: dict.fromkeys(p.mm for p in parts if p.kind == kind and p.mm is not None) for kind in (_LONG, _SHORT)
    }
    for several in diameters.values():
        if len(several) > 1:
            shown = ", ".join(f"{mm:g}" for mm in several if mm is not None)
            return {}, {"diameter_mm": Fault("row.conflicting_key", "TRSTRESN", shown, says)}
    longest, short = (next(iter(diameters[kind]), None) for kind in (_LONG, _SHORT))
    words = list(dict.fromkeys(part.word for part in parts if part.word))
    mm = short if longest is None else longest
    if mm is not None:
        if mm > 0 and "absent" in words:
            return {}, {"status": Fault("row.conflicting_key", "TRSTRESC", f"{mm:g}, absent", says)}
        cells = {"status": "measured", "diameter_mm": repr(mm)}
        return cells | ({} if longest is None or short is None else {"short_axis_mm": repr(short)}), {}
    assessed = [word for word in words if word != "not_assessed"] or words
    if len(assessed) > 1:
        return {}, {"status": Fault("row.conflicting_key", "TRSTRESC", _shown(assessed), says)}
    return {"status": next(iter(assessed), "")}, {}
