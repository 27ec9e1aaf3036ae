"""Events from the bytes of a DATA segment, a block at a time, so that memory stays a small multiple of the file's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from transforms.fcs.layout import Field, Layout
from transforms.readers.source import SourceFile

MEMORY_MAP, OWN = "memory map", "perdure"
_BLOCK, _BLOCK_BITS = 1024, 2**22
"""Events at a time, and bits: what they take stays in the processor's cache."""
_EXACT: Final = 24
"""Bits of a whole number that 32-bit floating point holds exactly."""

Values = npt.NDArray[Any]
Block = tuple[slice, Sequence[Values]]


def decoder_of(layout: Layout) -> str:
    """What decodes it: the bytes as they are in memory where values are words, else perdure value by value."""
    return MEMORY_MAP if layout.is_of_words else OWN


def decoded(source: SourceFile, layout: Layout) -> list[Values]:
    """One array a channel, each value as it is stored: Float32 where that holds it exactly, else Float64.

    Whole numbers of more than 53 bits are rounded to the nearest that Float64 has. Of values whose width is no whole
    number of bytes the lowest bit comes first, whatever $BYTEORD says: so instruments write them.
    """
    fields = layout.fields
    if _is_uniform(fields) and layout.is_of_words:
        return _uniform(source, layout)
    columns: list[Values] = [np.empty(layout.n_events, _stored_as(field)) for field in fields]
    if layout.n_events == 0:
        return columns
    if layout.is_of_words:
        blocks = _records(source, layout)
    else:
        blocks = _from_bytes(source, layout) if layout.is_of_bytes else _from_bits(source, layout)
    for rows, values in blocks:
        for column, field, value in zip(columns, fields, values, strict=True):
            column[rows] = _masked(value, field)
    return columns


def _stored_as(field: Field) -> type[np.floating[Any]]:
    longest = _EXACT if field.data_type == "integer" else 32
    return np.float32 if field.used <= longest else np.float64


def _is_uniform(fields: Sequence[Field]) -> bool:
    return len({(field.data_type, field.width, _stored_as(field)) for field in fields}) == 1


def _word(field: Field, byte_order: str) -> np.dtype[Any]:
    kind = "u" if field.data_type == "integer" else "f"
    return np.dtype(f"{byte_order}{kind}{field.width // 8}")


def _uniform(source: SourceFile, layout: Layout) -> list[Values]:
    """Events that are one matrix, turned from a row an event to a row a channel."""
    n_channels = len(layout.fields)
    turned = np.empty((n_channels, layout.n_events), _stored_as(layout.fields[0]))
    if layout.n_events:
        word = _word(layout.fields[0], layout.byte_order)
        values = np.frombuffer(source.data, word, layout.n_events * n_channels, layout.begin)
        events = values.reshape(layout.n_events, n_channels)
        masks = _masks(layout.fields)
        for rows in _slices(layout):
            block = events[rows] if masks is None else events[rows] & masks
            turned[:, rows] = block.T
    return list(turned)


def _masks(fields: Sequence[Field]) -> Values | None:
    """A mask a channel; None where every bit counts."""
    if all(field.data_type != "integer" or field.used == field.width for field in fields):
        return None
    return np.array([(1 << field.used) - 1 for field in fields], f"u{fields[0].width // 8}")


def _masked(values: Values, field: Field) -> Values:
    if field.data_type != "integer" or field.used == field.width:
        return values
    masked: Values = values & values.dtype.type((1 << field.used) - 1)
    return masked


def _records(source: SourceFile, layout: Layout) -> Iterator[Block]:
    """Events of words of several widths."""
    names = [f"channel {number}" for number in range(len(layout.fields))]
    record = np.dtype({
        "names": names,
        "formats": [_word(field, layout.byte_order) for field in layout.fields],
        "offsets": [field.first_bit // 8 for field in layout.fields],
        "itemsize": layout.event_bits // 8,
    })  # fmt: skip
    events = np.frombuffer(source.data, record, layout.n_events, layout.begin)
    for rows in _slices(layout):
        yield rows, [events[rows][name] for name in names]


def _from_bytes(source: SourceFile, layout: Layout) -> Iterator[Block]:
    """Events of whole bytes, as 24-bit integers are."""
    n_bytes = layout.event_bits // 8
    values = np.frombuffer(source.data, np.uint8, layout.n_events * n_bytes, layout.begin)
    events = values.reshape(layout.n_events, n_bytes)
    for rows in _slices(layout):
        yield rows, [_of_bytes(events[rows], field, layout.byte_order) for field in layout.fields]


def _of_bytes(events: Values, field: Field, byte_order: str) -> Values:
    first, n_bytes = field.first_bit // 8, field.width // 8
    own = events[:, first : first + n_bytes]
    if field.data_type != "integer":
        real: Values = np.ascontiguousarray(own).view(_word(field, byte_order))[:, 0]
        return real
    value = np.zeros(len(events), np.uint64)
    for at in range(n_bytes):
        significance = at if byte_order == "<" else n_bytes - 1 - at
        value |= own[:, at].astype(np.uint64) << np.uint64(8 * significance)
    return value


def _from_bits(source: SourceFile, layout: Layout) -> Iterator[Block]:
    """Events of any number of bits, the lowest first, one event directly behind the other."""
    n_bytes = -(-layout.n_events * layout.event_bits // 8)
    values = np.frombuffer(source.data, np.uint8, n_bytes, layout.begin)
    for rows in _slices(layout):
        n_bits = (rows.stop - rows.start) * layout.event_bits
        first = rows.start * layout.event_bits // 8
        bits = np.unpackbits(values[first : first - (-n_bits // 8)], count=n_bits, bitorder="little")
        events = bits.reshape(-1, layout.event_bits)
        yield rows, [_of_bits(events, field, layout.byte_order) for field in layout.fields]


def _of_bits(events: Values, field: Field, byte_order: str) -> Values:
    own = events[:, field.first_bit : field.first_bit + field.width]
    if field.data_type != "integer":
        packed = np.packbits(own, axis=1, bitorder="little")
        real: Values = packed.view(_word(field, byte_order))[:, 0]
        return real
    value = np.zeros(len(events), np.uint64)
    for at in range(field.width):
        value |= own[:, at].astype(np.uint64) << np.uint64(at)
    return value


def _slices(layout: Layout) -> Iterator[slice]:
    """Rows of each block; 8 events, or a multiple, end with a byte whatever their bits."""
    n_rows = max(min(_BLOCK, _BLOCK_BITS // layout.event_bits) // 8, 1) * 8
    for first in range(0, layout.n_events, n_rows):
        yield slice(first, min(first + n_rows, layout.n_events))
