"""Which subjects have the allele of a multimer, and where typing cannot tell."""

from __future__ import annotations

import pytest

from transforms.hla import Allele, match


@pytest.mark.parametrize(
    ("needed", "typed", "expected"),
    [
        ("A*02:01", ["A*02:01", "A*24:02"], "matched"),
        ("A*02:01", ["A*02:01:01:01", "A*24:02"], "matched"),
        ("A*02:01", ["A*02:01"], "matched"),
        ("A*02:01", ["A*0201", "A*2402"], "matched"),
        ("A*02:01", ["A*02:01P", "A*24:02"], "matched"),
        ("A*02:01", ["A*02:01:01G", "A*24:02"], "matched"),
        ("A*02", ["A*02:06", "A*24:02"], "matched"),
        ("A*02:01", ["A*02:06", "A*24:02"], "hla_mismatch"),
        ("A*02:01", ["A*01:01", "A*03:01", "B*07:02"], "hla_mismatch"),
        ("A*02:01", ["A*01", "A*03"], "hla_mismatch"),
        ("A*02:01", ["A*02:01:01:02N", "A*24:02"], "hla_mismatch"),
        ("A*02:01", ["A*02", "A*24:02"], "hla_unknown"),
        ("A*02:01:01", ["A*02:01", "A*24:02"], "hla_unknown"),
        ("A*02:01", ["A*02:01:01:02L", "A*24:02"], "hla_unknown"),
        ("A*02:01", ["A*24:02"], "hla_unknown"),
        ("A*02:01", ["A*24:02", "A*24:02"], "hla_mismatch"),
        ("A*02:01", ["A*24", "A*24", "A*24:02"], "hla_mismatch"),
        ("A*02:01", ["A*2402", "A*24:02"], "hla_unknown"),
        ("A*02:01", ["A*02:01", "A*02:01"], "matched"),
        ("A*02:01", ["A*02", "A*02"], "hla_unknown"),
        ("A*02:01", ["B*07:02", "B*07:02"], "hla_unknown"),
        ("A*02:01", ["A*24", "A*24:02"], "hla_unknown"),
        ("A*02:01", ["A*02:01N"], "hla_unknown"),
        ("A*02:01", ["B*07:02", "B*08:01"], "hla_unknown"),
        ("A*02:01", [], "hla_unknown"),
        ("A*02:01", ["AB*02:01", "AB*03:01"], "hla_unknown"),
    ],
)
def test_an_allele_matches_field_by_field_and_doubt_stays_doubt(needed, typed, expected):
    assert match(needed, typed) == expected
    assert match(needed, reversed(typed)) == expected


@pytest.mark.parametrize("text", ["A2", "A*2", "HLA-A*02:01", "", "A*02:01NN"])
def test_what_is_no_allele_is_refused(text):
    with pytest.raises(ValueError, match="no HLA allele"):
        Allele.read(text)
