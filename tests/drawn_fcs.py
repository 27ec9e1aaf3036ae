"""FCS files drawn byte by byte, and bit by bit where values are packed; nothing here is shared with the reader."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.drawn_exports import source
from transforms.fcs.data_sets import DataSet, open_fcs

LITTLE, BIG = "1,2,3,4", "4,3,2,1"
HEADER = 58
Rows = Sequence[Sequence[float]]


def floats(rows: Rows, order: str = LITTLE, kind: str = "f") -> bytes:
    """Floating-point numbers, f single or d double."""
    mark = "<" if order == LITTLE else ">"
    return b"".join(struct.pack(f"{mark}{len(row)}{kind}", *row) for row in rows)


def words(rows: Sequence[Sequence[int]], widths: Sequence[int], order: str = LITTLE) -> bytes:
    """Whole numbers, each in its own number of whole bytes."""
    end = "little" if order == LITTLE else "big"
    return b"".join(
        value.to_bytes(width // 8, end)  # type: ignore[arg-type]
        for row in rows
        for value, width in zip(row, widths, strict=True)
    )


def bits(rows: Sequence[Sequence[int]], widths: Sequence[int]) -> bytes:
    """Whole numbers bit by bit, the lowest first, without a gap; filled up to a byte at the end."""
    stream = [
        value >> bit & 1 for row in rows for value, width in zip(row, widths, strict=True) for bit in range(width)
    ]
    stream += [0] * (-len(stream) % 8)
    return bytes(sum(bit << at for at, bit in enumerate(stream[n : n + 8])) for n in range(0, len(stream), 8))


def channel(name: str, bits: int = 32, value_range: float | str = 262144, **more: str) -> dict[str, str]:
    """Keywords of a channel by their letter: N, B, R, E, and others as S="CD4"."""
    return {"N": name, "B": str(bits), "R": str(value_range), "E": "0,0", **more}


@dataclass(frozen=True)
class Drawn:
    """A file of one data set; what is left as it is makes a file as the standard wants it.

    `header_data` and `text_data` are the offsets of DATA that header and keywords give, None for the true ones;
    an empty text stands for a blank, and leaves a keyword out.
    """

    data: bytes
    channels: Sequence[Mapping[str, str]]
    n_events: int | str | None
    data_type: str = "F"
    order: str = LITTLE
    version: str = "FCS3.1"
    delimiter: str = "/"
    mode: str = "L"
    more: Sequence[tuple[str, str]] = ()
    header_data: tuple[int | str, int | str] | None = None
    text_data: tuple[int | str, int | str] | None = None
    text_shift: int = 0
    behind_text: bytes = b""
    begin: int = 2048
    behind: bytes = b""
    without: Sequence[str] = field(default=())

    @property
    def end(self) -> int:
        return self.begin + len(self.data) - 1

    def pairs(self) -> list[tuple[str, str]]:
        begin, end = self.text_data or (self.begin, self.end)
        told = [
            ("$BEGINDATA", str(begin)),
            ("$ENDDATA", str(end)),
            ("$MODE", self.mode),
            ("$DATATYPE", self.data_type),
            ("$BYTEORD", self.order),
            ("$PAR", str(len(self.channels))),
            ("$TOT", "" if self.n_events is None else str(self.n_events)),
        ]
        told += [(f"$P{n}{k}", value) for n, one in enumerate(self.channels, 1) for k, value in one.items()]
        return [(key, value) for key, value in told if value and key not in self.without] + list(self.more)

    def text(self) -> bytes:
        d = self.delimiter
        doubled = [(key, value.replace(d, d + d)) for key, value in self.pairs()]
        return (d + "".join(f"{key}{d}{value}{d}" for key, value in doubled)).encode()

    def bytes(self, text: bytes | None = None) -> bytes:
        text = self.text() if text is None else text
        end = HEADER + len(text) - 1 + self.text_shift
        offsets = [HEADER, end, *(self.header_data or (self.begin, self.end)), 0, 0]
        head = f"{self.version}    " + "".join(str(offset).rjust(8) for offset in offsets)
        content = head.encode() + text + self.behind_text
        assert len(content) <= self.begin, "begin DATA further behind"
        return content.ljust(self.begin) + self.data + self.behind


ROWS = [(1.5, -2.0), (3.25, 4.0), (5.0, 6.5)]
AB = (channel("A"), channel("B"))


def simple(**changes: object) -> Drawn:
    """Three events of two channels in single floating point."""
    return Drawn(**{"data": floats(ROWS), "channels": AB, "n_events": 3, **changes})  # type: ignore[arg-type]


def opened(content: bytes) -> DataSet:
    """The first data set of a file."""
    return open_fcs(source(content, "drawn.fcs"))[0]


def rows_of(content: bytes) -> list[tuple[float, ...]]:
    """The events of the first data set."""
    return opened(content).events().rows()


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path
