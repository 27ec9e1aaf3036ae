"""What a section of a page is made of; `page.html` says how each block looks."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

Tone = Literal["good", "warn", "bad", "quiet", ""]
Spec = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Mark:
    """A table cell with a tone: a sign beside the text, so that colour is never the only difference."""

    kind: ClassVar[str] = "mark"
    text: str
    tone: Tone = ""


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph."""

    kind: ClassVar[str] = "text"
    text: str
    tone: Tone = ""


@dataclass(frozen=True, slots=True)
class Tile:
    """One big number, what it is, and lines of detail: its denominator and interval first."""

    label: str
    value: str
    details: tuple[str, ...] = ()
    tone: Tone = ""


@dataclass(frozen=True, slots=True)
class Tiles:
    """Big numbers side by side."""

    kind: ClassVar[str] = "tiles"
    tiles: tuple[Tile, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table; `numeric` are the columns set flush right, `notes` stand below it."""

    kind: ClassVar[str] = "table"
    caption: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str | Mark, ...], ...]
    when_empty: str
    numeric: frozenset[int] = frozenset()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Chart:
    """An interactive chart; without data `when_empty` is said instead of an empty frame."""

    kind: ClassVar[str] = "chart"
    anchor: str
    caption: str
    spec: Spec | None
    when_empty: str
    notes: tuple[str, ...] = ()

    @property
    def json(self) -> str:
        """The specification as JSON that cannot end the script element it stands in."""
        text = json.dumps(self.spec, ensure_ascii=False, allow_nan=False, separators=(",", ":"), sort_keys=True)
        return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


@dataclass(frozen=True, slots=True)
class Folded:
    """Blocks behind a line that opens them; printed open."""

    kind: ClassVar[str] = "folded"
    summary: str
    blocks: tuple[Block, ...]


Block = Text | Tiles | Table | Chart | Folded


@dataclass(frozen=True, slots=True)
class Section:
    """One section of a page, linked from its table of contents."""

    anchor: str
    title: str
    blocks: tuple[Block, ...] = field(default=())
