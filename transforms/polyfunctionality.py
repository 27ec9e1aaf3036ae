"""Boolean subsets of the polyfunctional markers, and the scores that sum them up."""

from __future__ import annotations

from math import comb
from typing import Final

import polars as pl

from expectations.computed_cytometry import BOOLEAN_SUBSETS, POLYFUNCTIONALITY
from expectations.study import StudySettings
from transforms.cytometry_pairs import boolean_subsets_of
from transforms.mimosa_fits import with_responses

SAMPLE: Final = ("specimen_id", "batch", "antigen", "population")


def boolean_subsets(pairs: pl.DataFrame, fits: pl.DataFrame, settings: StudySettings) -> pl.DataFrame:
    """BOOLEAN_SUBSETS: every non-null combination of the functions with counts on both sides, and MIMOSA's z of it.

    Args:
        pairs: as `cytometry_pairs.stimulated_pairs` returns them; whichever of several batches is reported.
        fits: MIMOSA_FITS; the latest version counts. A weakly identified fit gives a z like any other; there is none
            of counts that the fit cannot judge (`mimosa_fits.with_responses`).
        settings: for cytometry.polyfunctional.
    """
    degrees = boolean_subsets_of(settings.cytometry)
    own = pairs.filter(pl.col("subset").is_in(list(degrees)) & pl.col("is_usable"))
    has_cells = pl.min_horizontal("stimulated_parent_count", "unstimulated_parent_count") > 0
    counted = with_responses(own.filter(has_cells), fits, settings).with_columns(
        n_functions=pl.col("subset").replace_strict(degrees, return_dtype=pl.Int32),
        net_percent=pl.col("stimulated_percent") - pl.col("unstimulated_percent"),
        z=pl.when(~pl.col("is_outside")).then("z"),
    )
    return BOOLEAN_SUBSETS.conform(counted).sort(BOOLEAN_SUBSETS.key)


def polyfunctionality(pairs: pl.DataFrame, subsets: pl.DataFrame, settings: StudySettings) -> pl.DataFrame:
    """POLYFUNCTIONALITY: functionality and polyfunctionality scores of every sample that has any boolean subset.

    FS is the mean of gamma over the 2^M - 1 non-null subsets of M functions, gamma being the probability of a response
    in that subset (MIMOSA's z); PFS = sum(gamma d / C(M, d)) / M x 2 / (M + 1), d positive functions of the subset.
    Both are 1 where every subset responds. Null (`subsets_missing`) unless every subset has a z. After Lin L, Finak G,
    Ushey K, et al. COMPASS identifies T-cell subsets correlated with clinical outcomes. Nat Biotechnol 2015;33:610,
    whose gamma comes from one model of all subsets.

    Args:
        pairs: as `cytometry_pairs.stimulated_pairs` returns them.
        subsets: BOOLEAN_SUBSETS.
        settings: for cytometry.polyfunctional.
    """
    functions, degrees = settings.cytometry.functions, boolean_subsets_of(settings.cytometry)
    n = len(functions)
    weights = {degree: degree / comb(n, degree) * 2 / (n * (n + 1)) for degree in range(1, n + 1)}
    gamma, weight = pl.col("z"), pl.col("n_functions").replace_strict(weights, return_dtype=pl.Float64)
    scored = subsets.group_by(SAMPLE).agg(
        # Sorted within the group: sums of floats depend on their order in the last digit, and rows come in any order.
        functionality_score=gamma.sort().mean(),
        polyfunctionality_score=(gamma * weight).sort().sum(),
        n_known=gamma.is_not_null().sum(),
    )
    is_whole = (pl.col("n_known") == len(degrees)).fill_null(value=False)
    samples = pairs.filter(pl.col("subset").is_in(list(degrees))).unique(SAMPLE, keep="any")
    scores = samples.join(scored, on=SAMPLE, how="left", validate="1:1").with_columns(
        pl.when(is_whole).then(name).alias(name) for name in ("functionality_score", "polyfunctionality_score")
    )
    told = scores.with_columns(
        markers=pl.lit(",".join(functions)), reason=pl.when(~is_whole).then(pl.lit("subsets_missing"))
    )
    return POLYFUNCTIONALITY.conform(told).sort(POLYFUNCTIONALITY.key)
