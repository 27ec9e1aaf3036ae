"""What two exports of one plate say differently, as people are told."""

from __future__ import annotations

import polars as pl

from expectations.ingested import ELISPOT_COUNTS
from tests.drawing import table
from transforms.corrections import differences


def test_the_wells_that_two_exports_count_differently_are_named():
    counts = table(
        """
        file_sha256 | plate_id | well | analyte | spots | status
        a           | P        | A1   | IFNg    | 5     | counted
        a           | P        | C8   | IFNg    | 189   | counted
        a           | P        | C12  | IFNg    |       | tntc
        b           | P        | A1   | IFNg    | 5     | counted
        b           | P        | C8   | IFNg    | 191   | counted
        b           | P        | C12  | IFNg    | 700   | counted
        b           | Q        | C8   | IFNg    | 1     | counted
        """,
        ELISPOT_COUNTS,
    )
    paths = {"a": "a.txt", "b": "b.txt"}
    of_a = " (C8: 189 here, 191 in b.txt; C12: tntc here, 700 in b.txt; 2 wells in all)"
    of_b = " (C8: 191 here, 189 in a.txt; C12: 700 here, tntc in a.txt; 2 wells in all)"
    assert differences(counts, ["a"], paths) == {"a": of_a}
    assert differences(counts, ["a", "b"], paths) == {"a": of_a, "b": of_b}
    assert differences(counts.filter(pl.col("well") == "A1"), ["a"], paths) == {}
    assert differences(counts, [], paths) == {}
