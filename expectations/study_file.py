"""study.toml in, settings out; an error names the key, the line and the fix.

Pydantic and the settings' contract are imported when a file has to be understood, not when it has only not changed.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from expectations.errors import StudyFileError, UsageError
from expectations.study_lines import Location, keys_of, line_of
from expectations.study_words import in_words, syntax_in_words

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError

    from expectations.study import StudySettings

STUDY_FILE = "study.toml"


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

    Raises UsageError where there is no study.toml, or where the folder has a name its tables cannot have.
    """
    path = folder / STUDY_FILE
    if unfit := sorted(set("%[]?") & set(str(folder.resolve()))):
        raise UsageError(
            str(folder),
            code="study.folder_name",
            problem=f"the path of the study holds {' '.join(unfit)}, which the addresses of Delta tables cannot",
            remedy="rename the folder; blanks, accents and other characters do no harm",
        )
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
        raise _explain_syntax(name, text, str(error)) from error
    try:
        return StudySettings.model_validate(_frozen(data), strict=True)
    except ValidationError as error:
        raise _explain(name, text, error) from error


def _frozen(value: Any) -> Any:
    """Lists as tuples, all the way down: settings never change."""
    if isinstance(value, dict):
        return {key: _frozen(item) for key, item in value.items()}
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value


def _explain_syntax(name: str, text: str, message: str) -> StudyFileError:
    what, _, at = message.partition(" (at ")
    problem, remedy = syntax_in_words(what)
    match = re.match(r"line (\d+)", at)
    line = int(match[1]) if match else len(text.splitlines()) + 1
    is_open = what.startswith("Unclosed")  # found where the next thing begins
    above = [(location, number) for location, number in keys_of(text) if number < line + (not is_open)]
    key, begins = above[-1] if above else ((), line)
    place = f"line {begins if is_open else line}" + (f", key {_dotted(key)}" if key else "")
    return StudyFileError(name, code="study.syntax", place=place, problem=problem, remedy=remedy)


def _explain(name: str, text: str, error: ValidationError) -> StudyFileError:
    # A misspelt key shows twice, as unknown and as missing: the unknown one says what to write instead.
    first, *others = sorted(error.errors(), key=lambda item: item["type"] != "extra_forbidden")
    location = tuple(first["loc"])
    if first["type"] == "extra_forbidden":
        problem, remedy = _unknown_key(location)
    elif first["type"] == "missing" and isinstance(location[-1], int):
        location = location[:-1]
        problem, remedy = "the list has too few values", f"give all values of `{location[-1]}` (docs/study-file.md)"
    elif first["type"] == "missing":
        problem, remedy = _missing_key(location)
    else:
        key, problem, remedy = in_words(first)
        location += key
    if others:
        remedy = f"{remedy} ({len(others)} more to mend after this one)"
    line = line_of(text, location)
    place = f"key {_dotted(location)}" if line is None else f"line {line}, key {_dotted(location)}"
    return StudyFileError(name, code="study.invalid", place=place, problem=problem, remedy=remedy)


def _unknown_key(location: Location) -> tuple[str, str]:
    known = list(_model_at(location[:-1]).model_fields)
    close = difflib.get_close_matches(str(location[-1]), known, n=1)
    remedy = f"write `{close[0]}`, if that is what you mean" if close else f"use one of {', '.join(known)}"
    return f"there is no setting `{location[-1]}` here", remedy


def _missing_key(location: Location) -> tuple[str, str]:
    annotation = _model_at(location[:-1]).model_fields[str(location[-1])].annotation
    heading = _dotted(location)
    if _part_in(annotation) is None or len(location) > 1:
        how = f"{location[-1]} = ..."
    else:
        how = f"[{heading}]" if annotation is _part_in(annotation) else f"[[{heading}]]"
    return f"`{location[-1]}` is missing", f"add `{how}` (docs/study-file.md says what it means)"


def _model_at(location: Location) -> type[BaseModel]:
    """The part of the contract at a location; a number in it counts the tables of a list."""
    from expectations.study import StudySettings

    model: type[BaseModel] = StudySettings
    for step in location:
        if not isinstance(step, int):
            model = _part_in(model.model_fields[step].annotation) or model
    return model


def _part_in(annotation: Any) -> type[BaseModel] | None:
    """The part of the contract an annotation speaks of: itself, or what its list holds."""
    from pydantic import BaseModel

    for part in (annotation, *getattr(annotation, "__args__", ())):
        if isinstance(part, type) and issubclass(part, BaseModel):
            return part
    return None


def _dotted(location: Location) -> str:
    text = ""
    for step in location:
        text += f"[{step + 1}]" if isinstance(step, int) else f".{step}" if text else step
    return text
