"""Settings of a count as an export lists them, one label and value a line, kept in the words of the file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Final

_VERSION: Final = {"version", "software", "software version", "program version"}
"""Labels, in lower case, of the version of the reader's software."""

Labelled = Mapping[str, list[str]]
"""Label to its values: one, or several where the file has the label several times."""


def labelled(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Labels with their values, blanks around both taken away; a label without a value is left out."""
    found: dict[str, list[str]] = {}
    for label, value in pairs:
        if value.strip():
            found.setdefault(label.strip().rstrip(":").strip(), []).append(value.strip())
    return found


def software_version(told: Labelled) -> str | None:
    """The version of the reader's software, where a label names it."""
    return next((values[0] for label, values in told.items() if label.lower() in _VERSION), None)


def as_json(told: Labelled, *, without: Iterable[str] = ()) -> str | None:
    """The settings as a JSON object of texts; None where there is none. A label given twice has a list of texts.

    `without` are labels, in lower case, of what is no setting.
    """
    known = _VERSION.union(without)
    settings = {
        label: values[0] if len(values) == 1 else values for label, values in told.items() if label.lower() not in known
    }
    return json.dumps(settings, ensure_ascii=False) if settings else None


def text_as_json(text: str) -> str:
    """Settings a person wrote into one cell: as they stand where they are a JSON object, else as its only text."""
    try:
        is_object = isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        is_object = False
    return text if is_object else json.dumps({"counting parameters": text}, ensure_ascii=False)
