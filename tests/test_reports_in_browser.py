"""Both pages in a real browser: no request leaves them, nothing is complained of, every chart is drawn."""

from __future__ import annotations

import importlib.util
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.published_sample import sample_study
from warehouse.reports import write_pages

CHROMIUM = shutil.which("chromium")
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on the PATH (Debian: apt-get install chromium)"),
    pytest.mark.skipif(importlib.util.find_spec("playwright") is None, reason="no playwright; uv sync brings it"),
]


@pytest.fixture(scope="module")
def opened(tmp_path_factory) -> Iterator[dict[str, dict[str, Any]]]:
    """What each page asked for, complained of and drew, opened in a browser that is cut off from the network."""
    from playwright.sync_api import sync_playwright

    folder = tmp_path_factory.mktemp("reports")
    paths = write_pages(sample_study(folder / "warehouse.duckdb"), folder, "run-1")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        context = browser.new_context(offline=True)
        yield {path.stem: _open(context, path) for path in paths}
        browser.close()


def _open(context: Any, path: Path) -> dict[str, Any]:
    page, requests, complaints = context.new_page(), [], []
    page.on("request", lambda request: requests.append(request.url))
    page.on(
        "console", lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(path.as_uri())
    page.wait_for_function("document.body.dataset.chartsDrawn !== undefined", timeout=60_000)
    figures = page.query_selector_all("figure")
    return {
        "own": path.as_uri(),
        "requests": requests,
        "complaints": complaints,
        "figures": len(figures),
        "drawn": sum(
            figure.query_selector(".chart svg .mark-symbol, .chart svg .mark-rect") is not None for figure in figures
        ),
        "labels": page.eval_on_selector_all("figure svg text", "texts => texts.map(text => text.textContent)"),
        "widths": _width(page, 1200),
        "narrow_widths": _width(page, 390),
        "links": page.eval_on_selector_all(".vega-actions a", "links => links.map(link => link.textContent)"),
    }


def _width(page: Any, window: int) -> list[int]:
    """Width of the page with everything unfolded, and of its window: a desk's, a telephone's."""
    page.set_viewport_size({"width": window, "height": 900})
    page.evaluate(
        "document.querySelectorAll('details').forEach(d => { if (!d.closest('.vega-embed')) d.open = true; })"
    )
    return page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")


@pytest.mark.parametrize("page", ["quality", "study"])
def test_a_page_asks_for_nothing_but_itself(opened, page):
    assert opened[page]["requests"] == [opened[page]["own"]]


@pytest.mark.parametrize("page", ["quality", "study"])
def test_the_console_stays_silent(opened, page):
    assert opened[page]["complaints"] == []


@pytest.mark.parametrize(("page", "charts"), [("quality", 2), ("study", 15)])
def test_every_chart_is_drawn(opened, page, charts):
    assert (opened[page]["figures"], opened[page]["drawn"]) == (charts, charts)


@pytest.mark.parametrize("page", ["quality", "study"])
def test_no_column_name_undefined_or_nan_stands_in_a_chart(opened, page):
    names = [label for label in opened[page]["labels"] if re.fullmatch(r"[a-z]+(_[a-z]+)+|undefined|null|NaN", label)]
    assert [name for name in names if name != "dfr_eq"] == []


@pytest.mark.parametrize("page", ["quality", "study"])
def test_a_page_is_no_wider_than_its_window(opened, page):
    for kind in ("widths", "narrow_widths"):
        width, window = opened[page][kind]
        assert width <= window, kind


def test_charts_can_be_saved_but_not_sent_to_an_editor_elsewhere(opened):
    assert set(opened["study"]["links"]) == {"Save as SVG", "Save as PNG"}
