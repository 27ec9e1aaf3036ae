"""The derived response against the reported one."""

from __future__ import annotations

from typing import Final

import polars as pl

from expectations.reasons import reason

_PARTS: Final = ("target_response", "non_target_response")


def with_agreement(frame: pl.DataFrame) -> pl.DataFrame:
    """Adds agrees and difference_reason; the first of the reasons that holds, in the order of `_differences`.

    Args:
        frame: derived_* and reported_* of one assessment each, with derived_reason, is_baseline, has_lesions,
            reported_has_new_lesion and is_accepted_twice.
    """
    derived, reported = pl.col("derived_response"), pl.col("reported_response")
    agrees = pl.when(derived.is_not_null() & reported.is_not_null()).then(derived == reported)
    told = [
        pl.when(holds.fill_null(value=False)).then(pl.lit(reason(f"differs.{code}").code))
        for code, holds in _differences().items()
    ]
    return frame.with_columns(agrees.alias("agrees")).with_columns(
        pl.when(pl.col("agrees").fill_null(value=False) & ~pl.col("is_accepted_twice"))
        .then(None)
        .otherwise(pl.coalesce(told))
        .alias("difference_reason")
    )


def _differences() -> dict[str, pl.Expr]:
    derived, reported, why = pl.col("derived_response"), pl.col("reported_response"), pl.col("derived_reason")
    is_both, is_progression = ~pl.col("agrees"), pl.col("derived_response") == "PD"
    is_before = pl.col("is_baseline") | (why == reason("recist.before_day_0").code)
    of_new = [
        reason(f"recist.{code}").code for code in ("new_lesion", "new_lesion_told_later", "non_target_progression")
    ]
    new_differs = pl.col("reported_has_new_lesion") != pl.col("derived_has_new_lesion")
    differs = {part: pl.col(f"reported_{part}") != pl.col(f"derived_{part}") for part in _PARTS}
    same_parts = pl.all_horizontal((~part).fill_null(value=False) for part in differs.values())
    return {
        "accepted_twice": pl.col("is_accepted_twice"),
        "baseline": derived.is_null() & reported.is_not_null() & is_before,
        "not_derivable": derived.is_null() & reported.is_not_null(),
        "not_reported": derived.is_not_null() & reported.is_null(),
        "not_evaluable": is_both & ((derived == "NE") | (reported == "NE")),
        "reappeared": is_both & (why == reason("recist.reappeared").code),
        "less_than_5_mm": is_both & (reported == "PD") & (why == reason("recist.less_than_5_mm").code),
        "node_not_gone": is_both & (reported == "CR") & (why == reason("recist.node_not_gone").code),
        "absent_is_back": is_both & (why == reason("recist.absent_is_back").code),
        "new_lesion": is_both & (new_differs | (is_progression & why.is_in(of_new) & ~_explained(differs))),
        "target": is_both & differs["target_response"],
        "non_target": is_both & differs["non_target_response"],
        "table": is_both & same_parts,
        "overall": is_both,
    }


def _explained(differs: dict[str, pl.Expr]) -> pl.Expr:
    """The reported parts say themselves where the difference lies."""
    return pl.any_horizontal(part.fill_null(value=False) for part in differs.values())
