"""Where in a study file a setting stands: TOML readers give values without their lines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

Location = tuple[str | int, ...]
"""Path of a setting; numbers count the entries of a list from 0."""

_TABLE: Final = re.compile(r"^\s*\[(?P<name>[^\[\]]+)\]\s*(#.*)?$")
_ARRAY: Final = re.compile(r"^\s*\[\[(?P<name>[^\[\]]+)\]\]\s*(#.*)?$")
_KEY: Final = re.compile(r"^\s*(?P<name>[A-Za-z0-9_.\-\"']+)\s*=")
_QUOTED: Final = re.compile(r"\"(?:\\.|[^\"\\])*\"|'[^']*'")


def line_of(text: str, location: Location) -> int | None:
    """The line of a setting, else of the nearest enclosing one that the file does write."""
    lines = dict(reversed(list(keys_of(text))))
    for end in range(len(location), 0, -1):
        line = lines.get(location[:end])
        if line is not None:
            step = location[end] if end < len(location) else None
            return _line_of_entry(text, line, step) if isinstance(step, int) else line
    return None


def keys_of(text: str) -> Iterator[tuple[Location, int]]:
    """Every key and heading with its line, from the top; a list of tables under its number and its name."""
    here: Location = ()
    counts: dict[Location, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if match := _ARRAY.match(line):
            table = _split(match["name"])
            index = counts[table] = counts.get(table, -1) + 1
            here = (*table, index)
            yield table, number
            yield here, number
        elif match := _TABLE.match(line):
            here = _split(match["name"])
            yield here, number
        elif match := _KEY.match(line):
            yield (*here, *_split(match["name"])), number


def _line_of_entry(text: str, line: int, index: int) -> int:
    """The line on which an entry of the list begins whose key stands on `line`; that line where there is no list."""
    depth, entry, is_next = 0, -1, False
    for number, written in enumerate(text.splitlines()[line - 1 :], start=line):
        value = written.partition("=")[2] if number == line else written
        for character in _QUOTED.sub("_", value).partition("#")[0].replace(" ", "").replace("\t", ""):
            if is_next and depth == 1 and character not in ",]":
                entry, is_next = entry + 1, False
                if entry == index:
                    return number
            depth += (character in "[{") - (character in "]}")
            is_next = is_next or (depth == 1 and character in "[,")
            if depth <= 0:
                return line
    return line


def _split(name: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in name.split("."))
