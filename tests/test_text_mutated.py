"""AID and Zeiss text exports, mutated: damage shows in the wells it was done to, or the file is refused."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings

from tests import drawn_exports
from tests.drawn_exports import COUNTS, aid_export, counted, grid, read, wells_of, with_count, zeiss_export
from tests.mutating import NUMBERS, TEXT_MUTATIONS, TextCase, check, found_or_none

TNTC = with_count("C4", "TNTC")
TNTC[7][11] = "--"
WITH_TNTC = counted(COUNTS) | {"C4": (None, "tntc"), "H12": (None, "not_counted")}
LARGE = [[str((24 * row + 7 * n) % 201) for n in range(24)] for row in range(16)]
SENTINELS = drawn_exports.settings(sentinels={"-1": "off_scale", "-2": "masked"})
WITH_SENTINEL = counted(COUNTS) | {"C4": (None, "off_scale")}
EMPTY = with_count("C4", "")
NUMBERS_OF_COUNTS = "\n".join(grid(TNTC, 5))


def aid(text: str, wells: object = WITH_TNTC, **more: object) -> TextCase:
    """A case of an AID export, whose counts stand two lines below their title."""
    first = text.split("\n").index("Spot counts:") + 2
    return TextCase(text, wells, first, **more)  # type: ignore[arg-type]


def zeiss(text: str, wells: object, **more: object) -> TextCase:
    """A case of a Zeiss export, whose counts stand two lines below the heading."""
    return TextCase(text, wells, text.split("\n").index(" Quantity") + 2, **more)  # type: ignore[arg-type]


def parted_by(separator: str) -> str:
    """An AID export whose grid of counts has no fixed width."""
    return aid_export(TNTC).replace(NUMBERS_OF_COUNTS, re.sub(" +", separator, NUMBERS_OF_COUNTS))


PLAIN = aid_export(TNTC)
CASES = {
    "AID": aid(PLAIN),
    "AID of counts only": aid(PLAIN[: PLAIN.index("Overall")].rstrip("\n") + "\n"),
    "AID parted by tabs": aid(parted_by("\t"), is_proved=False),
    "AID parted by single blanks": aid(parted_by(" "), is_proved=False),
    "AID with decimal commas": aid(PLAIN.replace("0.125", "0,125")),
    "AID of 384 wells": aid(aid_export(LARGE), counted(LARGE), n_rows=16),
    "AID in UTF-16": aid(PLAIN, encoding="utf-16", newline="\r\n"),
    "AID in unmarked UTF-16": aid(PLAIN, encoding="utf-16-be"),
    "AID in Windows-1252": aid(PLAIN.replace("Patient: 7", "Læge Sørensen"), encoding="cp1252", newline="\r"),
    "AID with a mark": aid(PLAIN, encoding="utf-8-sig"),
    "AID with a sentinel": aid(aid_export(with_count("C4", "-1")), WITH_SENTINEL),
    "Zeiss": zeiss(zeiss_export(), counted(COUNTS)),
    "Zeiss with an empty cell": zeiss(zeiss_export(EMPTY), counted(COUNTS) | {"C4": (None, "not_counted")}),
    "Zeiss of 384 wells": zeiss(zeiss_export(LARGE), counted(LARGE), n_rows=16),
    "Zeiss in UTF-16": zeiss(zeiss_export(), counted(COUNTS), encoding="utf-16", newline="\r\n"),
    "Zeiss with a sentinel": zeiss(zeiss_export(with_count("C4", "-1")), WITH_SENTINEL),
}


@pytest.mark.parametrize("name", CASES)
def test_what_is_mutated_is_read_as_it_stands(name):
    case = CASES[name]
    assert wells_of(read(case.data, SENTINELS)) == case.wells
    assert case.data[case.grid[0] :].lstrip(b"\x00").startswith(b"A")


@pytest.mark.parametrize("how", TEXT_MUTATIONS)
@pytest.mark.parametrize("name", CASES)
@settings(max_examples=100, deadline=None)
@given(one=NUMBERS, other=NUMBERS, value=NUMBERS)
def test_damage_shows_in_its_own_wells_or_the_file_is_refused(name, how, one, other, value):
    case = CASES[name]
    mutant = TEXT_MUTATIONS[how](case, one, other, value)
    check(mutant, found_or_none(lambda: wells_of(read(mutant.data, SENTINELS))), case.wells)
