"""Writes the pages of docs/ that follow from the code: `python -m docs.generate`, or `--check` whether they do."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from docs import commands, data_dictionary, reason_codes, study_file

FOLDER: Final = Path(__file__).parent

PAGES: Final[dict[str, Callable[[], str]]] = {
    "commands.md": commands.page,
    "data-dictionary.md": data_dictionary.page,
    "reason-codes.md": reason_codes.page,
    "study-file.md": study_file.page,
}
"""File name to what must stand in it."""


def stale(folder: Path = FOLDER) -> list[str]:
    """Names of the pages that are missing or say something else than the code."""
    return [name for name, page in PAGES.items() if not _holds(folder / name, page())]


def write(folder: Path = FOLDER) -> list[str]:
    """Writes the pages that are stale; gives their names."""
    names = stale(folder)
    for name in names:
        (folder / name).write_text(PAGES[name](), encoding="utf-8")
    return names


def _holds(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == text


def main(arguments: list[str], folder: Path = FOLDER) -> int:
    """Exit code: 1 where `--check` finds a stale page."""
    if arguments == ["--check"]:
        names = stale(folder)
        if names:
            told = ", ".join(f"docs/{name}" for name in names)
            print(f"Stale: {told}. To mend it: make docs, and commit the result.", file=sys.stderr)
        return 1 if names else 0
    if arguments:
        print("Usage: python -m docs.generate [--check]", file=sys.stderr)
        return 2
    print(f"Written: {', '.join(f'docs/{name}' for name in write(folder)) or 'nothing, every page was fresh'}.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
