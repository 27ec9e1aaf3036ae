"""Where one data set of an FCS file lies, and where in it a segment does; and how a file is refused."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, NamedTuple

from expectations import vocabulary as v
from expectations.errors import SourceFileError
from expectations.reasons import reason
from transforms.readers.source import SourceFile

HEADER_BYTES: Final = 58
"""Version and three pairs of offsets; what stands behind them is the file's own."""
_TEXT_OFFSETS, _DATA_OFFSETS = 10, 26
_WIDTH: Final = 8


class Span(NamedTuple):
    """Bytes of a segment counted from the begin of its data set; `end` is the last byte, None where nothing says."""

    begin: int
    end: int | None


@dataclass(frozen=True, slots=True)
class RawDataSet:
    """One data set as bytes: `begin` is where its header stands in the file."""

    source: SourceFile
    number: int
    begin: int

    @property
    def view(self) -> memoryview:
        """The bytes from its header to the end of the file, none of them copied."""
        return memoryview(self.source.data)[self.begin :]

    def refuse(self, code: str, problem: str, segment: str) -> SourceFileError:
        """The error that says what of this data set is wrong; `segment` is header, TEXT or DATA."""
        place = f"{segment} of data set {self.number}"
        return self.source.refuse(code, problem=problem, remedy=reason(code).remedy, place=place)


@dataclass(frozen=True, slots=True)
class Header:
    """What the first 58 bytes say: `data` is None where the offsets are blank or 0, and keywords must tell."""

    version: str
    text_begin: int
    text_end: int
    data: Span | None


def header_of(raw: RawDataSet) -> Header:
    """The header of a data set.

    Raises SourceFileError: fcs.header where it is cut short or its TEXT segment is not in the file, fcs.version.
    """
    head = bytes(raw.view[:HEADER_BYTES])
    if len(head) < HEADER_BYTES:
        raise raw.refuse("fcs.header", f"{len(head)} bytes are no header, which has {HEADER_BYTES}", "header")
    version = head[:6].decode("latin-1")
    if version not in v.FCS_VERSIONS:
        raise raw.refuse("fcs.version", f"it calls itself {version!r}", "header")
    begin, end = (_offset(head, _TEXT_OFFSETS + n * _WIDTH) for n in range(2))
    n_bytes = len(raw.view)
    if begin is None or end is None or not HEADER_BYTES <= begin < end < n_bytes:
        problem = f"it says that TEXT reaches from byte {begin} to {end} of {n_bytes}"
        raise raw.refuse("fcs.header", problem, "header")
    return Header(version, begin, end, span_of(*(_offset(head, _DATA_OFFSETS + n * _WIDTH) for n in range(2))))


def span_of(begin: int | None, end: int | None) -> Span | None:
    """A segment by its offsets; None where it has none: blank and 0 mean that they stand elsewhere."""
    return Span(begin, end or None) if begin else None


def _offset(head: bytes, at: int) -> int | None:
    text = head[at : at + _WIDTH].decode("latin-1").strip(" \x00")
    return int(text) if re.fullmatch(r"[0-9]+", text) else None
