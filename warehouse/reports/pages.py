"""Whole pages: sections under one header, in one HTML file that opens offline and asks for nothing else."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Final

from warehouse.reports.blocks import Block, Chart, Folded, Section
from warehouse.reports.published import Published, open_published

PAGES: Final = ("quality.html", "study.html")
_HERE: Final = Path(__file__).parent
_STAMP: Final = re.compile(rb'<meta name="perdure-run" content="([^"]*)">')
_STAMP_LIES_WITHIN: Final = 1024
"""Bytes from the start of a page that hold its stamp."""


def quality_page(database: Path, run_id: str | None = None) -> str:
    """The quality report of a published file as one HTML document; `run_id` stamps it, else the last run does."""
    from warehouse.reports.quality_report import QUALITY_SECTIONS

    return page(database, "Quality report", QUALITY_SECTIONS, run_id)


def study_page(database: Path, run_id: str | None = None) -> str:
    """The study report of a published file as one HTML document; `run_id` stamps it, else the last run does."""
    from warehouse.reports.study_report import STUDY_SECTIONS

    return page(database, "Study report", STUDY_SECTIONS, run_id)


def write_pages(database: Path, folder: Path, run_id: str) -> list[Path]:
    """Both pages of a run into a folder, each whole or not at all; the paths written."""
    folder.mkdir(parents=True, exist_ok=True)
    documents = (quality_page(database, run_id), study_page(database, run_id))
    return [_replace(folder / name, document) for name, document in zip(PAGES, documents, strict=True)]


def pages_of_run(folder: Path) -> str | None:
    """The run both pages in a folder were written for; None where one is missing or they are of different runs."""
    stamps = {_stamp(folder / name) for name in PAGES}
    return stamps.pop() if len(stamps) == 1 else None


def _stamp(page: Path) -> str | None:
    from html import unescape

    try:
        with page.open("rb") as file:
            found = _STAMP.search(file.read(_STAMP_LIES_WITHIN))
    except FileNotFoundError:
        return None
    return unescape(found[1].decode()) if found else None


def _replace(path: Path, document: str) -> Path:
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    beside.write_text(document, encoding="utf-8")
    beside.replace(path)
    return path


def page(
    database: Path,
    title: str,
    sections: Iterable[Callable[[Published], Section | None]],
    run_id: str | None = None,
) -> str:
    """These sections of a published file as one HTML document under its header."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    with open_published(database) as published:
        header = published.only("report_header")
        built = [told for section in sections if (told := section(published)) is not None]
    templates = Environment(
        loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return templates.get_template("page.html").render(
        title=title,
        header=header,
        run_id=run_id or header["run_id"] or "",
        sections=built,
        style=(_HERE / "page.css").read_text(encoding="utf-8"),
        bundle=chart_bundle() if any(_has_chart(section.blocks) for section in built) else "",
    )


def _has_chart(blocks: Iterable[Block]) -> bool:
    return any(
        (isinstance(block, Chart) and block.spec is not None)
        or (isinstance(block, Folded) and _has_chart(block.blocks))
        for block in blocks
    )


@cache
def chart_bundle() -> str:
    """Vega, Vega-Lite and vega-embed as one script; a closing tag in it would end the script element."""
    from vl_convert import javascript_bundle

    # Without a snippet of ours the bundle comes ready-made; with one, bundling takes two seconds a page.
    ready_made: str = javascript_bundle()  # type: ignore[call-arg]
    return ready_made.replace("</script", "<\\/script")
