r"""The path of a population as one text: gates from the root, joined by `/`, and back without loss.

A gate may be named with a `/` of its own (`S/Lv`); it is written `\/` there, and a backslash `\\`, so that the path
leads to one population and no other. Names with neither, nearly all, stand as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_PART = re.compile(r"((?:[^\\/]|\\.)*)(?:/|$)", re.DOTALL)


def path_of(gates: Iterable[str]) -> str:
    """Names of gates from the root to a population as its path; empty for all events."""
    return "/".join(name.replace("\\", "\\\\").replace("/", "\\/") for name in gates)


def gates_of(path: str) -> tuple[str, ...]:
    """The names of the gates of a path that `path_of` made."""
    return (
        tuple(re.sub(r"\\(.)", r"\1", part, flags=re.DOTALL) for part in _PART.findall(path + "/")[:-1]) if path else ()
    )
