"""The data sets of an FCS file 2.0 to 3.2: what their keywords say, and their events."""

from __future__ import annotations

import mmap
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Final, cast

import polars as pl

from expectations.errors import SourceFileError
from transforms.fcs.amplification import linear as on_linear_scale
from transforms.fcs.channels import Channel, channels_of, data_type_of, whole
from transforms.fcs.decoding import decoded, decoder_of
from transforms.fcs.layout import Layout, layout_of
from transforms.fcs.segments import HEADER_BYTES, Header, RawDataSet, header_of
from transforms.fcs.spillover import Spillover, spillover_of
from transforms.fcs.text import text_of
from transforms.readers.source import SourceFile

SIGNATURE: Final = re.compile(rb"FCS[0-9]")
_MOST: Final = 1000
"""Data sets of a file; carousels of old instruments wrote some dozens."""


@dataclass(frozen=True, slots=True)
class DataSet:
    """One data set: its keywords, its channels, and where its events are; `remarks` tell what is against the standard.

    `decoder` is what `events()` decodes with, `n_events_declared` is $TOT, None where it is missing.
    """

    number: int
    version: str
    keywords: Mapping[str, str]
    channels: tuple[Channel, ...]
    n_events: int
    n_events_declared: int | None
    data_type: str
    decoder: str
    spillover: Spillover | None
    remarks: tuple[str, ...]
    _source: SourceFile = field(repr=False)
    _layout: Layout = field(repr=False)

    def events(self, *, linear: bool = False) -> pl.DataFrame:
        """One row an event, one column a channel.

        Args:
            linear: False gives values as they are stored (Float32 where it holds them, else Float64); True gives the
                scale that FlowKit gates on, with amplification, gain and time steps undone.
        """
        arrays = decoded(self._source, self._layout)
        events = pl.DataFrame(
            [pl.Series(channel.name, array) for channel, array in zip(self.channels, arrays, strict=True)]
        )
        return on_linear_scale(events, self.channels, self.keywords) if linear else events


def open_fcs(source: SourceFile) -> tuple[DataSet, ...]:
    """Every data set of the file; reads headers and keywords, and checks that the events are there.

    A data set behind the first that cannot be read is told of in the remarks of the first.

    Raises SourceFileError (fcs.*): the first data set cannot be read as what it declares.
    """
    first, header = _data_set(RawDataSet(source, 1, 0))
    data_sets, remarks, begin = [first], list(first.remarks), 0
    while (following := _next(source, data_sets[-1], header, begin, remarks)) is not None:
        begin = following
        try:
            another, header = _data_set(RawDataSet(source, len(data_sets) + 1, begin))
        except SourceFileError as refused:
            remarks.append(f"data set {len(data_sets) + 1} cannot be read ({refused.code})")
            break
        data_sets.append(another)
    return replace(first, remarks=tuple(remarks)), *data_sets[1:]


def file_on_disk(path: Path) -> SourceFile:
    """The file mapped into memory rather than read; its sha256 is its name where it lies in the archive, else empty.

    Raises SourceFileError (fcs.header): an empty file. OSError: no file.
    """
    sha256 = path.name if re.fullmatch(r"[0-9a-f]{64}", path.name) else ""
    with path.open("rb") as file:
        if path.stat().st_size == 0:
            raise RawDataSet(SourceFile(str(path), sha256, b""), 1, 0).refuse("fcs.header", "it is empty", "header")
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    return SourceFile(str(path), sha256, cast("bytes", mapped))


def _data_set(raw: RawDataSet) -> tuple[DataSet, Header]:
    header = header_of(raw)
    text = text_of(raw, header)
    remarks = list(text.remarks)
    data_type = data_type_of(raw, text.keywords)
    channels = channels_of(raw, text.keywords, data_type, remarks)
    layout = layout_of(raw, header, text.keywords, channels, remarks)
    widths = [part.width for part in layout.fields]
    channels = tuple(replace(channel, bits=width) for channel, width in zip(channels, widths, strict=True))
    spillover = spillover_of(text.keywords, channels, remarks)
    found = DataSet(
        number=raw.number,
        version=header.version,
        keywords=MappingProxyType(text.keywords),
        channels=channels,
        n_events=layout.n_events,
        n_events_declared=whole(text.keywords.get("$TOT")),
        data_type=data_type,
        decoder=decoder_of(layout),
        spillover=spillover,
        remarks=tuple(remarks),
        _source=raw.source,
        _layout=layout,
    )
    return found, header


def _next(source: SourceFile, last: DataSet, header: Header, begin: int, remarks: list[str]) -> int | None:
    """Where the header of the next data set stands, None behind the last.

    $NEXTDATA counts from the begin of its data set; some count from the begin of the file. No data set begins before
    the TEXT of the last one ends, so that a file cannot be read again and again.
    """
    offset = whole(last.keywords.get("$NEXTDATA"))
    if not offset or last.number == _MOST:
        return None
    for candidate in dict.fromkeys((begin + offset, offset)):
        ahead = bytes(memoryview(source.data)[candidate : candidate + HEADER_BYTES])
        if candidate > begin + header.text_end and SIGNATURE.match(ahead):
            return candidate
    remarks.append(f"$NEXTDATA of data set {last.number} leads to no other data set")
    return None
