"""Files of cytometry stand side by side, and one that was saved over gives way."""

from __future__ import annotations

import pytest

from tests import drawn_exports
from tests.drawn_exports import candidate
from tests.drawn_judging import after, by_rows, stored
from transforms.judging import LiveFile, judge

EXPORT = "sample,population,count\nT1,CD3+/CD8+,9000\nT1,CD3+/CD8+/IFNg+,{}\nT1,CD3+/CD8+/TNF+,3\n"
WITHOUT_TNF = "sample,population,count\nT1,CD3+/CD8+,9000\nT1,CD3+/CD8+/IFNg+,40\n"


@pytest.mark.parametrize(
    ("path", "is_in_inbox", "stays"),
    [("ics.csv", False, False), ("ics.csv", True, True), ("other.csv", False, True)],
    ids=["saved over", "its bytes lie elsewhere in the inbox", "another file beside it"],
)
def test_a_file_gives_way_only_to_the_one_it_was_saved_over_by(path: str, is_in_inbox: bool, stays: bool):
    store = stored(EXPORT.format(40))
    old = store["cytometry_counts"].item(0, "file_sha256")
    newer = candidate(WITHOUT_TNF, path, 2)
    live = [LiveFile(old, "ics.csv", 1, None, is_in_inbox)]
    judgement = judge([newer], store, live, drawn_exports.SETTINGS, by_rows)
    now = after(store, judgement)
    for name in ("cytometry_samples", "cytometry_counts"):
        assert set(now[name]["file_sha256"]) == {newer.file_sha256, *([old] if stays else [])}
    assert judgement.emptied == (set() if stays else {old})


def test_a_file_saved_over_by_what_is_held_back_stands():
    store = stored(EXPORT.format(40))
    old = store["cytometry_counts"].item(0, "file_sha256")
    broken = candidate("subject_id,enrolment_date\nS1,never\nS2,never\n", "ics.csv", 2)
    live = [LiveFile(old, "ics.csv", 1, None, is_in_inbox=False)]
    judgement = judge([broken], store, live, drawn_exports.SETTINGS, by_rows)
    assert set(judgement.holds) == {broken.file_sha256}
    assert set(after(store, judgement)["cytometry_counts"]["file_sha256"]) == {old}
