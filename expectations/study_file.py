"""study.toml in, settings out; an error names the key, the line and the fix.

Pydantic and the settings' contract are imported when a file has to be understood, not when it has only not changed.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterator
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from expectations.errors import StudyFileError, UsageError

if TYPE_CHECKING:
    from pydantic import ValidationError

    from expectations.study import StudySettings

STUDY_FILE = "study.toml"

_TABLE = re.compile(r"^\s*\[(?P<name>[^\[\]]+)\]\s*(#.*)?$")
_ARRAY = re.compile(r"^\s*\[\[(?P<name>[^\[\]]+)\]\]\s*(#.*)?$")
_KEY = re.compile(r"^\s*(?P<name>[A-Za-z0-9_.\-\"']+)\s*=")

Location = tuple[str | int, ...]


class Study:
    """A study folder: where it is, which bytes its file has, and what they say."""

    def __init__(self, folder: Path, raw: bytes) -> None:
        """`raw` are the bytes of study.toml; they are understood when their settings are first asked for."""
        self.folder = folder
        self.raw = raw
        self.sha256 = sha256(raw).hexdigest()

    @cached_property
    def settings(self) -> StudySettings:
        """What the study file says. Raises StudyFileError where it is no TOML or breaks the contract."""
        return parse_study(self.raw, str(self.folder / STUDY_FILE))

    @property
    def inbox(self) -> Path:
        """Where exports are dropped."""
        return self.folder / "inbox"


def read_study(folder: Path) -> Study:
    """The study in a folder.

    Raises UsageError where there is no study.toml.
    """
    path = folder / STUDY_FILE
    if not path.is_file():
        raise UsageError(
            str(folder),
            code="study.not_found",
            problem=f"there is no {STUDY_FILE} in this folder",
            remedy="name a study folder, or make one with `perdure init DIR` or `perdure demo DIR`",
        )
    return Study(folder, path.read_bytes())


def parse_study(raw: bytes, name: str = STUDY_FILE) -> StudySettings:
    """Settings from the bytes of a study file; `name` is what errors call it.

    Raises StudyFileError where they are no TOML or break the contract.
    """
    from pydantic import ValidationError

    from expectations.study import StudySettings

    try:
        text = raw.decode("utf-8-sig")
        data = tomllib.loads(text)
    except UnicodeDecodeError as error:
        raise StudyFileError(
            name, code="study.syntax", problem="the file is not UTF-8 text", remedy="save it as UTF-8"
        ) from error
    except tomllib.TOMLDecodeError as error:
        message, _, at = str(error).partition(" (at ")
        place = at.removesuffix(")") or None
        raise StudyFileError(
            name,
            code="study.syntax",
            place=place,
            problem=f"this is no valid TOML: {message.lower()}",
            remedy="mend the line; text needs quotes, lists need brackets, and a key stands once",
        ) from error
    try:
        return StudySettings.model_validate(data)
    except ValidationError as error:
        raise _explain(name, text, error) from error


def _explain(name: str, text: str, error: ValidationError) -> StudyFileError:
    # A misspelt key shows twice, as unknown and as missing: the unknown one says what to write instead.
    first, *others = sorted(error.errors(), key=lambda item: item["type"] != "extra_forbidden")
    location = tuple(first["loc"])
    problem, remedy = _in_words(first, location)
    if not location:  # a rule over the whole file names its key first
        key, _, problem = problem.partition(": ")
        location = tuple(key.split("."))
    if others:
        remedy = f"{remedy} ({len(others)} more to mend after this one)"
    line = _line_of(text, location)
    key = _dotted(location)
    place = f"key {key}" if line is None else f"line {line}, key {key}"
    return StudyFileError(name, code="study.invalid", place=place, problem=problem, remedy=remedy)


def _in_words(item: Any, location: Location) -> tuple[str, str]:
    kind, given = item["type"], item.get("input")
    if kind == "extra_forbidden":
        known = _known_keys(location[:-1])
        close = difflib.get_close_matches(str(location[-1]), known, n=1)
        return (
            f"there is no setting `{location[-1]}` here",
            f"write `{close[0]}`, if that is what you mean" if close else f"use one of {', '.join(known)}",
        )
    if kind == "missing":
        return f"`{location[-1]}` is missing", f"add `{location[-1]} = ...` (docs/study-file.md says what it means)"
    if kind == "value_error":
        problem, _, remedy = str(item["msg"]).removeprefix("Value error, ").partition("; ")
        return problem, remedy
    return (
        f"{given!r} does not do: {item['msg'][0].lower()}{item['msg'][1:]}",
        "give a value of that kind (docs/study-file.md)",
    )


def _known_keys(location: Location) -> list[str]:
    from pydantic import BaseModel

    from expectations.study import StudySettings

    model: Any = StudySettings
    for step in location:
        if isinstance(step, int):
            continue
        annotation = model.model_fields[step].annotation
        model = next(
            (
                part
                for part in (annotation, *getattr(annotation, "__args__", ()))
                if isinstance(part, type) and issubclass(part, BaseModel)
            ),
            model,
        )
    return list(model.model_fields)


def _dotted(location: Location) -> str:
    text = ""
    for step in location:
        text += f"[{step + 1}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def _line_of(text: str, location: Location) -> int | None:
    """The line of the key, else of the nearest enclosing table that the file does write."""
    lines = dict(reversed(list(_keys(text))))
    for end in range(len(location), 0, -1):
        if location[:end] in lines:
            return lines[location[:end]]
    return None


def _keys(text: str) -> Iterator[tuple[Location, int]]:
    here: Location = ()
    counts: dict[Location, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if match := _ARRAY.match(line):
            table = _split(match["name"])
            index = counts[table] = counts.get(table, -1) + 1
            here = (*table, index)
            yield here, number
            yield table, number
        elif match := _TABLE.match(line):
            here = _split(match["name"])
            yield here, number
        elif match := _KEY.match(line):
            yield (*here, *_split(match["name"])), number


def _split(name: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in name.split("."))
