"""The TEXT segments of an FCS data set: keywords with their values, read as the standard says or as files are.

The first character is the delimiter. Doubled within a value it stands for itself; doubled behind a key it cannot (no
value begins with it), so there it is an empty value, which the standard forbids and instruments write.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from transforms.fcs.segments import Header, RawDataSet

_LARGEST: Final = 16 * 2**20
"""Bytes of a TEXT segment; instruments write a few hundred thousand at most."""
_MOST: Final = 100_000
"""Keywords of a TEXT segment: each takes many times its bytes in memory, and instruments write a few thousand."""
_STRUCTURAL: Final = re.compile(
    r"\$(?:PAR|TOT|MODE|DATATYPE|BYTEORD|NEXTDATA|BEGINDATA|ENDDATA|TIMESTEP|COMP|SPILL(?:OVER)?|P[0-9]+(?:[BRNSEG]|DATATYPE))"
    r"|SPILL(?:OVER)?"
)
"""Keywords on which the meaning of the events hangs: they cannot have two values."""
_PADDING: Final = " \t\r\n\x00\x0c"
_BINARY: Final = re.compile(rb"[\x00-\x08\x0e-\x1f]")
_HEAD: Final = 1024


@dataclass(frozen=True, slots=True)
class Text:
    """Keywords of one data set by their upper-case key without padding, and what was against the standard."""

    keywords: dict[str, str]
    remarks: tuple[str, ...]


class Pairs(NamedTuple):
    """Keys and values in order, how many values were empty, and what stands behind the last pair."""

    pairs: list[tuple[str, str]]
    n_empty: int
    rest: str


def text_of(raw: RawDataSet, header: Header) -> Text:
    """Every keyword of the primary TEXT segment, and for the first data set those only the supplemental one has.

    A keyword that stands twice with two values is left out, since nothing says which is right.

    Raises SourceFileError (fcs.text): no delimiter, a key without value, or two values of a keyword without which the
    events have no meaning.
    """
    remarks: list[str] = []
    content = bytes(raw.view[header.text_begin : min(header.text_end + 1, header.text_begin + _LARGEST + 1)])
    if len(content) > _LARGEST:
        raise raw.refuse("fcs.text", f"it is longer than {_LARGEST} bytes", "TEXT")
    delimiter = chr(content[0])
    if not _can_delimit(content[0]):
        raise raw.refuse("fcs.text", f"it begins with {delimiter!r}, which can be no delimiter", "TEXT")
    if content.count(content[:1]) > 2 * _MOST:
        raise raw.refuse("fcs.text", f"it has more than {_MOST} keywords", "TEXT")
    found = pairs_of(_decoded(content[1:], remarks), delimiter)
    if len(found.rest) > 1:
        # One character is the first byte of the next segment: the offset of the end is one too high.
        raise raw.refuse("fcs.text", "the last key has no value", "TEXT")
    keywords = _collected(raw, found, remarks)
    more = _supplemental(raw, header, keywords, delimiter, remarks)
    return Text(_with_supplement(raw, keywords, more, remarks), tuple(remarks))


def pairs_of(text: str, delimiter: str) -> Pairs:
    """Keys and values of a text that begins behind its first delimiter. Doubled delimiters are read as told above."""
    parts = text.split(delimiter)
    pairs: list[tuple[str, str]] = []
    at, n_empty = 0, 0
    while at < len(parts) - 1:
        key = parts[at]
        value, at = _value(parts, at + 1, delimiter)
        n_empty += not value
        pairs.append((key, value))
    rest = parts[at].strip(_PADDING) if at < len(parts) else ""
    return Pairs(pairs, n_empty, rest)


def _value(parts: list[str], at: int, delimiter: str) -> tuple[str, int]:
    """The value that begins at this part, and the part behind it."""
    told: list[str] = []
    if parts[at]:
        told.append(parts[at])
        at += 1
    while True:
        n_empty = _n_empty(parts, at)
        n_delimiters = n_empty + bool(told)
        told.append(delimiter * (n_delimiters // 2))
        at += n_empty
        if n_delimiters % 2 or at >= len(parts):
            return "".join(told), at
        told.append(parts[at])
        at += 1


def _n_empty(parts: list[str], at: int) -> int:
    """Empty parts from here on: one fewer than delimiters in a row. The last part ends the text, it parts nothing."""
    n = at
    while n < len(parts) - 1 and not parts[n]:
        n += 1
    return n - at


def _can_delimit(character: int) -> bool:
    return 0 < character < 127 and not chr(character).isalnum() and character != ord("$")


def _decoded(content: bytes, remarks: list[str]) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        _remark(remarks, "TEXT is not UTF-8 and was read as Windows-1252")
    try:
        return content.decode("cp1252")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _collected(raw: RawDataSet, found: Pairs, remarks: list[str]) -> dict[str, str]:
    if found.n_empty:
        _remark(remarks, f"keywords with an empty value: {found.n_empty}")
    if found.rest:
        _remark(remarks, "one byte behind the last keyword of TEXT was passed over")
    keywords: dict[str, str] = {}
    contradicted: set[str] = set()
    for key, value in _stripped(found):
        if keywords.setdefault(key, value) != value:
            _refuse_structural(raw, key)
            contradicted.add(key)
    _remark_contradicted(contradicted, remarks)
    return {key: value for key, value in keywords.items() if key not in contradicted}


def _stripped(found: Pairs) -> Iterator[tuple[str, str]]:
    for key, value in found.pairs:
        if name := key.strip(_PADDING).upper():
            yield name, value.strip(_PADDING)


def _supplemental(
    raw: RawDataSet, header: Header, keywords: dict[str, str], delimiter: str, remarks: list[str]
) -> dict[str, str]:
    """Keywords of the supplemental TEXT; none where there is none, or where it is not text or inside the primary.

    It is read for the first data set only: a thousand of them may point at the same bytes.
    """
    told = [keywords.get(name, "") for name in ("$BEGINSTEXT", "$ENDSTEXT")]
    begin, end = (int(word) if re.fullmatch(r"[0-9]{1,18}", word) else 0 for word in told)
    if not begin or end <= begin:
        return {}
    if raw.number > 1:
        _remark(remarks, "supplemental TEXT of a data set behind the first was passed over")
        return {}
    if begin <= header.text_end:
        _remark(remarks, "supplemental TEXT overlaps the primary one; only what lies behind it was read")
        begin = header.text_end
    content = bytes(raw.view[begin : min(end + 1, begin + _LARGEST)])
    if begin == header.text_end and content[1:2] == delimiter.encode("latin-1"):
        content = content[1:]
    own = content[:1]
    if len(content) < 2 or not _can_delimit(own[0]) or content.count(own) > 2 * _MOST or _is_binary(content, own):
        if end > header.text_end:
            _remark(remarks, "supplemental TEXT is no text and was passed over")
        return {}
    return _collected(raw, pairs_of(_decoded(content[1:], remarks), chr(own[0])), remarks)


def _is_binary(content: bytes, delimiter: bytes) -> bool:
    return _BINARY.search(content[:_HEAD].replace(delimiter, b"")) is not None


def _with_supplement(
    raw: RawDataSet, keywords: dict[str, str], more: dict[str, str], remarks: list[str]
) -> dict[str, str]:
    contradicted = {key for key, value in more.items() if keywords.get(key, value) != value}
    for key in contradicted:
        _refuse_structural(raw, key)
    _remark_contradicted(contradicted, remarks)
    return {key: value for key, value in (more | keywords).items() if key not in contradicted}


def _refuse_structural(raw: RawDataSet, key: str) -> None:
    if _STRUCTURAL.fullmatch(key):
        raise raw.refuse("fcs.text", f"the keyword {key} has two values", "TEXT")


def _remark_contradicted(keys: set[str], remarks: list[str]) -> None:
    if keys:
        # Only standard names are told: where a file is damaged, what stands as a key can be a value, even a name.
        named = " ".join(sorted(key for key in keys if key.startswith("$")))
        _remark(remarks, f"keywords left out because they stand twice with two values: {len(keys)} {named}".rstrip())


def _remark(remarks: list[str], remark: str) -> None:
    if remark not in remarks:
        remarks.append(remark)
