"""How the events of a data set lie in its DATA segment: where they begin, and how wide each value is.

Header and keywords give the segment, keywords the widths and the number of events; all three are wrong in real files.
What is taken is the only reading under which the segment holds exactly the declared events; where there is none, or
two, the file is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from transforms.fcs.channels import Channel, quoted, whole
from transforms.fcs.segments import Header, RawDataSet, Span, span_of

_REAL_BITS: Final = {"float": 32, "double": 64}
_STORED: Final = (8, 16, 32, 64)
"""Widths that processors store."""
_LEAST_BITS: Final = 4
"""Events of narrower values would take many times the room of the file; no instrument writes them."""
_PADDING: Final = (0x00, 0x20, 0xFF)
_ORDER: Final = re.compile(r"[0-9,]{1,20}")
_BYTE_ORDERS: Final = {"1,2,3,4": "<", "4,3,2,1": ">", "1,2": "<", "2,1": ">", "1": "<",
                       "1,2,3,4,5,6,7,8": "<", "8,7,6,5,4,3,2,1": ">"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Field:
    """One value of an event: its type, its first bit in the event, its width, and the low bits of it that count."""

    data_type: str
    first_bit: int
    width: int
    used: int


@dataclass(frozen=True, slots=True)
class Layout:
    """Events of `event_bits` bits each from byte `begin` of the file on; `byte_order` is < or >."""

    begin: int
    n_events: int
    event_bits: int
    fields: tuple[Field, ...]
    byte_order: str

    @property
    def is_of_bytes(self) -> bool:
        """True where every value begins and ends with a byte."""
        return self.event_bits % 8 == 0 and all(field.width % 8 == field.first_bit % 8 == 0 for field in self.fields)

    @property
    def is_of_words(self) -> bool:
        """True where every value is as wide as what processors store."""
        return self.is_of_bytes and all(field.width in _STORED for field in self.fields)


class _Reading(NamedTuple):
    """One way to read events: the width of each value, the bits of an event, and what that contradicts."""

    widths: tuple[int, ...]
    event_bits: int
    remark: str | None

    def n_bytes(self, n_events: int) -> int:
        return -(-self.event_bits * n_events // 8)


class _Fit(NamedTuple):
    """How well a reading fits a segment: 0 exactly, 1 but for one byte, 2 with padding behind the events."""

    badness: int
    which: int
    begin: int
    remark: str | None


def layout_of(
    raw: RawDataSet, header: Header, keywords: Mapping[str, str], channels: Sequence[Channel], remarks: list[str]
) -> Layout:
    """Where and how the events are stored.

    Raises SourceFileError: fcs.data where the segment does not hold the declared events under any reading, or under
    two; fcs.keyword where neither header nor keywords say where it begins; fcs.data_type for mixed byte orders and
    values narrower than 4 bits.
    """
    byte_order = _byte_order(raw, keywords)
    readings = list(dict.fromkeys(_readings(channels)))
    n_events = whole(keywords.get("$TOT"))
    spans = _spans(raw, header, keywords, remarks)
    if not spans:
        if n_events == 0:
            return Layout(0, 0, readings[0].event_bits, _fields(raw, channels, readings[0]), byte_order)
        raise raw.refuse("fcs.keyword", "neither the header nor $BEGINDATA says where the events begin", "TEXT")
    if n_events is None:
        remarks.append("$TOT is missing; events were counted by the size of DATA")
        n_events = _counted(raw, spans[0], readings[0])
    fit = _best_fit(raw, spans, readings, n_events)
    reading = readings[fit.which]
    remarks += [remark for remark in (reading.remark, fit.remark) if remark]
    fields = _fields(raw, channels, reading)
    return Layout(raw.begin + fit.begin, n_events, reading.event_bits, fields, byte_order)


def _byte_order(raw: RawDataSet, keywords: Mapping[str, str]) -> str:
    word = "".join(keywords.get("$BYTEORD", "").split())
    if not word:
        raise raw.refuse("fcs.keyword", "$BYTEORD is missing", "TEXT")
    if word not in _BYTE_ORDERS:
        raise raw.refuse("fcs.data_type", f"$BYTEORD is {quoted(word, _ORDER, 'order of bytes')}", "TEXT")
    return _BYTE_ORDERS[word]


def _readings(channels: Sequence[Channel]) -> Iterator[_Reading]:
    """As declared; then with padding to bytes and words; then all values of another width, where ranges allow it."""
    declared = tuple(_REAL_BITS.get(channel.data_type, channel.bits) for channel in channels)
    lies = [channel.number for channel, width in zip(channels, declared, strict=True) if channel.bits != width]
    remark = f"$P{lies[0]}B is not the width of $DATATYPE, which was taken" if lies else None
    yield _Reading(declared, sum(declared), remark)
    if sum(declared) % 8:
        yield _Reading(declared, -(-sum(declared) // 8) * 8, "every event begins with a byte")
    for name, allowed in (("bytes", range(8, 65, 8)), ("words", _STORED)):
        widths = tuple(min(n for n in allowed if n >= width) for width in declared)
        if widths != declared:
            yield _Reading(widths, sum(widths), f"values are padded to {name}, wider than $PnB says")
    types = {channel.data_type for channel in channels}
    for width in _STORED if types == {"integer"} else _REAL_BITS.values() if len(types) == 1 else ():
        if all(width >= (channel.bits_of_range or 1) for channel in channels):
            widths = (width,) * len(channels)
            yield _Reading(widths, sum(widths), f"$PnB is wrong: by the size of DATA all values have {width} bits")


def _spans(raw: RawDataSet, header: Header, keywords: Mapping[str, str], remarks: list[str]) -> list[Span]:
    """The DATA segment as header and keywords give it, the more trusted one first; both where they differ."""
    told = span_of(*(_offset(keywords.get(name, ""), name, remarks) for name in ("$BEGINDATA", "$ENDDATA")))
    pair = (header.data, told) if header.version == "FCS2.0" else (told, header.data)
    if None not in pair and pair[0] != pair[1]:
        remarks.append("header and keywords give DATA different places; taken is the one that holds the events")
    spans = [span for span in pair if span and not header.text_begin <= span.begin < header.text_end]
    return list(dict.fromkeys(spans))


def _offset(word: str, name: str, remarks: list[str]) -> int | None:
    """An offset; digits before anything else count, as a damaged or padded value may have more behind them."""
    digits = word[: len(word) - len(word.lstrip("0123456789"))]
    if digits and digits != word:
        remarks.append(f"{name} has more than digits; those before were taken")
    return whole(digits)


def _counted(raw: RawDataSet, span: Span, reading: _Reading) -> int:
    end = len(raw.view) - 1 if span.end is None else min(span.end, len(raw.view) - 1)
    n_bits = max(end - span.begin + 1, 0) * 8
    n_events, rest = divmod(n_bits, reading.event_bits)
    if span.end is None or span.end > len(raw.view) or rest > 8:
        problem = f"without $TOT, {n_bits // 8} bytes are no whole number of events of {reading.event_bits} bits"
        raise raw.refuse("fcs.data", problem, "DATA")
    return n_events


def _best_fit(raw: RawDataSet, spans: Sequence[Span], readings: Sequence[_Reading], n_events: int) -> _Fit:
    fits = [
        fit
        for span in spans
        for which, reading in enumerate(readings)
        if (fit := _fit(raw.view, span, which, reading.n_bytes(n_events)))
    ]
    if not fits:
        raise raw.refuse("fcs.data", _misfit(raw, spans[0], readings[0], n_events), "DATA")
    best = min(fits, key=lambda fit: fit[:2])
    rivals = {fit.begin for fit in fits if fit[:2] == best[:2]}
    if len(rivals) > 1:
        problem = f"header and keywords differ, and {n_events} events can begin at bytes {sorted(rivals)} alike"
        raise raw.refuse("fcs.data", problem, "DATA")
    return best


def _fit(view: memoryview, span: Span, which: int, needed: int) -> _Fit | None:
    begin, n_bytes = span.begin, len(view)
    if begin + needed > n_bytes:
        return None
    if span.end is None:
        return _Fit(2, which, begin, "nothing says where DATA ends")
    size = span.end - begin + 1
    if size == needed:
        return _Fit(0, which, begin, None)
    if abs(size - needed) == 1:
        how = "after" if size > needed else "before"
        return _Fit(1, which, begin, f"DATA ends one byte {how} its last event, by its offset")
    if size > needed and span.end <= n_bytes and _is_padding(view[begin + needed : span.end + 1]):
        return _Fit(2, which, begin, f"{size - needed} bytes of padding follow the events")
    return None


def _is_padding(rest: memoryview) -> bool:
    found = np.frombuffer(rest, np.uint8)
    return found.size == 0 or (int(found[0]) in _PADDING and bool((found == found[0]).all()))


def _misfit(raw: RawDataSet, span: Span, reading: _Reading, n_events: int) -> str:
    needed, there = reading.n_bytes(n_events), max(len(raw.view) - span.begin, 0)
    told = f"{n_events} events of {reading.event_bits} bits need {needed} bytes from byte {span.begin} on"
    if there < needed:
        return f"{told}, and the file has {there}: it is truncated"
    size = "to the end of the file" if span.end is None else f"{max(span.end - span.begin + 1, 0)} bytes"
    return f"{told}, and the segment is {size}, which is that of no other width either"


def _fields(raw: RawDataSet, channels: Sequence[Channel], reading: _Reading) -> tuple[Field, ...]:
    if min(reading.widths) < _LEAST_BITS:
        raise raw.refuse("fcs.data_type", f"values of {min(reading.widths)} bits", "TEXT")
    fields, first = [], 0
    for channel, width in zip(channels, reading.widths, strict=True):
        fields.append(Field(channel.data_type, first, width, _used(channel, width)))
        first += width
    return tuple(fields)


def _used(channel: Channel, width: int) -> int:
    """Bits that are the value; those above hold flags or junk."""
    if channel.data_type != "integer":
        return width
    declared = channel.bits if channel.bits < width else width
    return min(width, declared, channel.bits_of_range or width)
