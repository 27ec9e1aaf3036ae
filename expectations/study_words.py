"""What is wrong with a setting, and how to mend it, in the words of the people who write study files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from expectations.study_lines import Location

_KINDS: Final = {
    "int": ("is no whole number", "write a whole number, without quotation marks"),
    "float": ("is no number", "write a number, without quotation marks and with a decimal point"),
    "finite": ("is no number to compare with", "write a finite number"),
    "bool": ("is neither true nor false", "write true or false, without quotation marks"),
    "string": ("is no text", "put text in quotation marks"),
    "model": ("is no table of settings", "write the settings below their name in brackets, one a line"),
    "literal": ("is none of the values allowed here", "write {expected}"),
    "tuple": ("is no list", "put the entries in brackets, with commas between them"),
}
"""First word of pydantic's name of an error to problem and remedy."""

_BOUNDS: Final = {"gt": "above", "ge": "of at least", "lt": "below", "le": "of at most"}
_SYNTAX: Final = {
    "Invalid value": (
        "the value is neither a number, nor true or false, nor a list, nor text in quotation marks",
        "put text in quotation marks",
    ),
    "Cannot overwrite a value": ("the key stands twice", "keep one of the two lines"),
    "Cannot declare": ("the heading stands twice", "put all its settings under one heading"),
    "Unclosed array": ("a list is not closed", "add the missing ]"),
    "Unclosed inline table": ("a table in braces is not closed", "add the missing }"),
    "Expected '=' after a key": ("there is no = after the key", "write key = value"),
    "Expected newline or end of document": (
        "something follows the value on its line",
        "put each setting on a line of its own, and text in quotation marks",
    ),
    "Illegal character '\\n'": ("a text is not closed", "add the missing quotation mark"),
    "Unterminated string": ("a text is not closed", "add the missing quotation mark"),
    "Unescaped '\\' in a string": ("a text holds a backslash", "write two backslashes, or use single quotation marks"),
}
"""How a message of Python's TOML reader begins, to problem and remedy."""


def in_words(error: Any) -> tuple[Location, str, str]:
    """Key (counted from where the error was found), problem and remedy of one of pydantic's errors."""
    kind = str(error["type"])
    if kind == "value_error":
        return _of_rule(str(error["msg"]).removeprefix("Value error, "))
    problem, remedy = _of_value(kind, error.get("input"), error.get("ctx", {}))
    return (), problem, remedy


def syntax_in_words(message: str) -> tuple[str, str]:
    """Problem and remedy of what the TOML reader says."""
    for begins, told in _SYNTAX.items():
        if message.startswith(begins):
            return told
    remedy = "mend the line; text needs quotation marks, lists need brackets, and a key stands once"
    return f"this is no valid TOML: {message[:1].lower()}{message[1:]}", remedy


def _of_rule(message: str) -> tuple[Location, str, str]:
    """A rule of `expectations.study` gives its key, the problem and the remedy itself."""
    key, _, told = message.partition(": ")
    problem, _, remedy = told.partition("; ")
    return tuple(int(step) if step.isdigit() else step for step in key.split(".")), problem, remedy


def _of_value(kind: str, given: Any, context: Mapping[str, Any]) -> tuple[str, str]:
    if kind in ("too_short", "too_long"):
        n, least, most = context["actual_length"], context.get("min_length"), context.get("max_length")
        told = f"at most {most}" if least is None else f"at least {least}"
        return f"the list has {n} {'entry' if n == 1 else 'entries'}", f"give {told}"
    if kind == "string_too_short":
        return "the text is empty", "write a name"
    if kind == "string_pattern_mismatch":
        return f"{given!r} begins or ends with a blank", "take the blank away"
    for bound, words in _BOUNDS.items():
        if bound in context:
            return f"{given!r} is out of range", f"give a number {words} {context[bound]:g}"
    if kind == "tuple_type" and isinstance(given, dict):
        return "one table stands where a list of tables is needed", "put its name in two pairs of brackets: [[name]]"
    problem, remedy = _KINDS.get(kind.partition("_")[0], (f"cannot be used ({kind})", "see docs/study-file.md"))
    return f"{_shown(given)} {problem}", remedy.format(expected=context.get("expected"))


def _shown(given: Any) -> str:
    """The value as the study file writes it."""
    if isinstance(given, bool):
        return str(given).lower()
    if isinstance(given, tuple):
        return f"[{', '.join(map(_shown, given))}]"
    return repr(given) if isinstance(given, str) else str(given)
