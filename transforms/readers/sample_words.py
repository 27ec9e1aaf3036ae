"""What every reader of cytometry says of a sample alike: its name, the batches it is told to be in, kept keywords."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Final
from urllib.parse import unquote

from expectations.study import StudySettings

TECHNICAL: Final = frozenset({
    "$BTIM", "$CYT", "$CYTSN", "$DATE", "$ETIM", "$FIL", "$PAR", "$PLATEID", "$PLATENAME", "$TIMESTEP", "$TOT", "$VOL",
    "$WELLID", "CREATOR", "CYTOMETER CONFIG NAME", "PLATE ID", "PLATE NAME", "TUBE NAME", "WELL ID", "WINDOW EXTENSION",
})  # fmt: skip
"""Keywords that are always kept; others may name patients and operators, and are kept only where the study asks."""

_BATCH: Final = ("$PLATENAME", "$PLATEID", "PLATE NAME", "PLATE ID", "EXPERIMENT NAME")
_FILE_NAMES: Final = frozenset({"$FIL", "FIL", "FILE", "FILENAME", "FILE NAME", "FCS FILENAME", "@FILENAME"})
"""Keywords that instruments write whole paths into, with names of people in them; their last part is kept."""
_SEPARATOR: Final = " | "


def file_name(path: str) -> str:
    """The last part of a path or URI, of Windows or any other system, with its escapes undone."""
    return re.split(r"[/\\]", unquote(path).rstrip("/\\"))[-1].strip()


def kept_keywords(keywords: Mapping[str, str], settings: StudySettings) -> str | None:
    """JSON of the keywords that may be kept, by upper-case name; None where there is none."""
    kept = _kept(keywords, settings)
    return json.dumps(kept, ensure_ascii=False, sort_keys=True) if kept else None


def batches_of(
    path: str, keywords: Mapping[str, str], settings: StudySettings, also: Iterable[str | None] = ()
) -> str | None:
    """Plate and experiment of the kept keywords, `also` (groups, folders of the sample), then the file's own folders.

    Args:
        path: of the file, relative to the inbox.
        keywords: of the sample, all of them; only what may be kept is used.
        settings: for the keywords the study keeps.
        also: other names the file gives the sample's batch.
    """
    kept = _kept(keywords, settings)
    told = [kept.get(name) for name in _BATCH]
    names = (*told, *also, *PurePosixPath(path.replace("\\", "/")).parts[:-1])
    return _SEPARATOR.join(dict.fromkeys(name.strip() for name in names if name and name.strip())) or None


def _kept(keywords: Mapping[str, str], settings: StudySettings) -> dict[str, str]:
    allowed = TECHNICAL | {name.upper() for name in settings.cytometry.kept_keywords}
    told = ((name.strip().upper(), value.strip()) for name, value in keywords.items())
    kept = ((name, file_name(value) if name in _FILE_NAMES else value) for name, value in told if name in allowed)
    return {name: value for name, value in kept if value}
