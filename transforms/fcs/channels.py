"""The channels of a data set as its keywords declare them, and the numbers in those keywords."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from transforms.fcs.segments import RawDataSet

_TYPES: Final = {"I": "integer", "F": "float", "D": "double"}
_WHOLE: Final = re.compile(r"\+?([0-9]{1,18})(?:\.0*)?")
_REAL: Final = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_NUMBERS: Final = re.compile(r"[0-9+.,*-]{1,20}")
_LETTER: Final = re.compile(r"[A-Za-z]")
_MOST_BITS, _MOST_CHANNELS = 64, 10_000
"""Of a value, and of a data set; cytometers have some hundred channels."""
TIME: Final = "time"
"""Name of the channel that is a clock, in lower case."""


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel: `bits` as they are stored, `value_range` None where unknown, `log_decades` 0 where it is linear."""

    number: int
    name: str
    stain: str | None
    bits: int
    value_range: float | None
    log_decades: float
    log_offset: float
    gain: float | None
    voltage: float | None
    data_type: str

    @property
    def is_time(self) -> bool:
        """True for the clock."""
        return self.name.lower() == TIME

    @property
    def bits_of_range(self) -> int | None:
        """Bits that values below `value_range` need: those above them are flags or junk. None where nothing says."""
        if self.data_type != "integer" or self.value_range is None or self.value_range < 2:
            return None
        return (math.ceil(self.value_range) - 1).bit_length()


def whole(word: str | None) -> int | None:
    """A keyword's value as a whole number from 0 on, None where it is none."""
    found = _WHOLE.fullmatch(word.strip()) if word else None
    return int(found[1]) if found else None


def real(word: str | None) -> float | None:
    """A keyword's value as a finite number, None where it is none."""
    found = float(word) if word and _REAL.fullmatch(word.strip()) else math.nan
    return found if math.isfinite(found) else None


def quoted(word: str, shape: re.Pattern[str], what: str) -> str:
    """A keyword's value as errors tell of it: one of another shape may be the name of a patient, and is not told."""
    return repr(word) if shape.fullmatch(word) else f"a value that is no {what}"


def data_type_of(raw: RawDataSet, keywords: Mapping[str, str]) -> str:
    """float, double or integer ($DATATYPE). Raises SourceFileError: fcs.mode, fcs.data_type, fcs.keyword."""
    mode = keywords.get("$MODE", "").upper()
    if mode and mode[:1] != "L":
        raise raw.refuse("fcs.mode", f"$MODE is {quoted(mode, _LETTER, 'mode')}", "TEXT")
    return _type(raw, "$DATATYPE", keywords.get("$DATATYPE", ""))


def channels_of(
    raw: RawDataSet, keywords: Mapping[str, str], data_type: str, remarks: list[str]
) -> tuple[Channel, ...]:
    """The channels 1 to $PAR, every name once.

    Raises SourceFileError: fcs.keyword where $PAR, $PnB, $PnE or a range that is needed is missing or impossible,
    fcs.data_type for widths nothing decodes.
    """
    n_channels = whole(keywords.get("$PAR"))
    if not n_channels or n_channels > _MOST_CHANNELS:
        problem = f"$PAR gives no number of channels from 1 to {_MOST_CHANNELS}"
        raise raw.refuse("fcs.keyword", problem, "TEXT")
    channels: list[Channel] = []
    for number in range(1, n_channels + 1):
        if f"$P{number}B" not in keywords:
            raise raw.refuse("fcs.keyword", f"$P{number}B is missing, though $PAR is {n_channels}", "TEXT")
        channels.append(_channel(raw, keywords, number, data_type, remarks))
    return _named_once(channels, remarks)


def _channel(raw: RawDataSet, keywords: Mapping[str, str], number: int, data_type: str, remarks: list[str]) -> Channel:
    def told(letter: str) -> str:
        return keywords.get(f"$P{number}{letter}", "")

    name = told("N")
    if not name:
        remarks.append(f"$P{number}N is empty; the channel is called {number}")
    own_type = _type(raw, f"$P{number}DATATYPE", told("DATATYPE")) if told("DATATYPE") else data_type
    value_range = real(told("R"))
    if value_range is None or value_range <= 0:
        value_range = None
        remarks.append(f"$P{number}R gives no range")
    decades, offset = _amplification(raw, number, told("E"), remarks)
    if decades and value_range is None:
        raise raw.refuse("fcs.keyword", f"$P{number}R gives no range, which logarithmic amplification needs", "TEXT")
    return Channel(
        number=number,
        name=name or str(number),
        stain=told("S") or None,
        bits=_bits(raw, number, told("B")),
        value_range=value_range,
        log_decades=decades,
        log_offset=offset,
        gain=real(told("G")),
        voltage=real(told("V")),
        data_type=own_type,
    )


def _type(raw: RawDataSet, key: str, word: str) -> str:
    if word.upper() in _TYPES:
        return _TYPES[word.upper()]
    code = "fcs.data_type" if word.upper() == "A" else "fcs.keyword"
    raise raw.refuse(code, f"{key} is {quoted(word, _LETTER, 'type')}", "TEXT")


def _bits(raw: RawDataSet, number: int, word: str) -> int:
    bits = whole(word)
    if not bits:
        raise raw.refuse("fcs.keyword", f"$P{number}B is {quoted(word, _NUMBERS, 'number of bits')}", "TEXT")
    if bits > _MOST_BITS:
        raise raw.refuse("fcs.data_type", f"$P{number}B is {bits}; {_MOST_BITS} bits is the most", "TEXT")
    return bits


def _amplification(raw: RawDataSet, number: int, word: str, remarks: list[str]) -> tuple[float, float]:
    """Decades and the value of channel 0 ($PnE); both 0 where it is linear."""
    if not word:
        remarks.append(f"$P{number}E is missing; the channel was read as linear")
        return 0.0, 0.0
    parts = [real(part.strip()) for part in word.split(",")]
    decades, offset = parts if len(parts) == 2 else (None, None)
    if decades is None or offset is None or decades < 0 or offset < 0:
        raise raw.refuse("fcs.keyword", f"$P{number}E is {quoted(word, _NUMBERS, 'pair of numbers')}", "TEXT")
    if decades and not offset:
        remarks.append(f"$P{number}E gives 0 as value of channel 0, which stands for 1")
        offset = 1.0
    return decades, offset


def _named_once(channels: list[Channel], remarks: list[str]) -> tuple[Channel, ...]:
    """The same channels; a name that was there before has its number behind it."""
    taken = {channel.name for channel in channels}
    seen: set[str] = set()
    named: list[Channel] = []
    for channel in channels:
        name = channel.name
        if name in seen:
            while name in taken:
                name = f"{name} ({channel.number})"
            remarks.append(f"the name of channel {channel.number} stands twice; it is called {name!r}")
        seen.add(name)
        taken.add(name)
        named.append(replace(channel, name=name))
    return tuple(named)
