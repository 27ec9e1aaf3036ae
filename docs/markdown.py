"""The few shapes the generated pages are made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def head(title: str, source: str) -> str:
    """First line and title of a generated page; `source` is where a change has to be made."""
    return f"<!-- Generated from {source} by `make docs`. Change it there, not here. -->\n\n# {title}\n"


def grid(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; a bar or a line break within a cell does not end it."""
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(_cell(text) for text in line)} |\n" for line in lines)


def code(text: str) -> str:
    """Text as code."""
    return f"`{text}`"


def codes(names: Iterable[str]) -> str:
    """Names as code, joined by commas."""
    return ", ".join(code(name) for name in names)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
