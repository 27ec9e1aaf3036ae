"""FCS 3.1 files of floating-point events, as a cytometer writes them.

After the standard: Spidlen J, Moore W, Parks D, et al. Data File Standard for Flow Cytometry, version FCS 3.1.
Cytometry A 2010;77:97.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

RANGE: Final = 262_144
"""Range of every channel, that of the cytometer's converter."""
_DELIMITER: Final = "|"
_HEADER_BYTES: Final = 58


def write_fcs(
    events: npt.NDArray[np.float32], channels: Mapping[str, str | None], keywords: Mapping[str, str]
) -> bytes:
    """The file: header, keywords, and one row an event.

    Args:
        events: events x channels.
        channels: name and stain of every channel, in the order of the columns.
        keywords: further keywords; none may hold `|`.
    """
    data = events.astype("<f4").tobytes()
    told = _of_data(len(events), channels) | dict(keywords)
    n_text = len(_text(told | {"$BEGINDATA": f"{0:08d}", "$ENDDATA": f"{0:08d}"}))
    begin = _HEADER_BYTES + n_text
    end = begin + len(data) - 1
    text = _text(told | {"$BEGINDATA": f"{begin:08d}", "$ENDDATA": f"{end:08d}"})
    offsets = (_HEADER_BYTES, begin - 1, begin, end, 0, 0)
    return b"FCS3.1    " + "".join(f"{offset:>8d}" for offset in offsets).encode() + text + data


def _of_data(n_events: int, channels: Mapping[str, str | None]) -> dict[str, str]:
    told = {
        "$BEGINANALYSIS": "0",
        "$ENDANALYSIS": "0",
        "$BEGINSTEXT": "0",
        "$ENDSTEXT": "0",
        "$BYTEORD": "1,2,3,4",
        "$DATATYPE": "F",
        "$MODE": "L",
        "$NEXTDATA": "0",
        "$PAR": str(len(channels)),
        "$TOT": str(n_events),
    }
    for number, (name, stain) in enumerate(channels.items(), start=1):
        told |= {f"$P{number}N": name, f"$P{number}B": "32", f"$P{number}E": "0,0", f"$P{number}R": str(RANGE)}
        if stain:
            told[f"$P{number}S"] = stain
    return told


def _text(keywords: Mapping[str, str]) -> bytes:
    parts = [part for pair in keywords.items() for part in pair]
    return (_DELIMITER + _DELIMITER.join(parts) + _DELIMITER).encode("utf-8")
