"""MIMOSA's mixtures as versioned estimates, and what the latest of them says of every pair of tubes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from hashlib import sha256
from typing import Any, Final

import numpy as np
import polars as pl

from expectations.records import MIMOSA_FITS
from expectations.study import StudySettings
from transforms.beta_binomial import BetaBinomial, Floats
from transforms.estimates import Estimate
from transforms.mimosa import Counts, Fits, Mixtures, false_discovery_rate, fitted_mixtures, response_probability
from transforms.visits import PRODUCT_VISIT, UNSCHEDULED

ALL_VISITS: Final = "all visits"
FIT: Final = ("antigen", "population", "subset", "visit")
"""What has a mixture of its own."""

_COUNTS: Final = ("stimulated_count", "stimulated_parent_count", "unstimulated_count", "unstimulated_parent_count")
_RANGE: Final = ("largest_stimulated_percent", "has_converged")
_PARAMETERS: Final = ("w_response", "alpha_s", "beta_s", "alpha_u", "beta_u")
_FRESH: Final = {name: dtype for name, dtype in MIMOSA_FITS.schema.items() if name not in ("version", "run_id")}


def mimosa_fits(
    pairs: pl.DataFrame, settings: StudySettings, today: date, known: pl.DataFrame | None = None
) -> pl.DataFrame:
    """One mixture for every antigen, population, subset and visit, over the specimens whose batch is reported.

    Specimens with counts in both tubes enter, however few their cells and whatever their quality, of each subject the
    first. Infusion products have a fit of their own; blood has one a visit (unscheduled samples among themselves, with
    those of subjects never infused), or one for all visits, repeats of a subject and all, where the study file asks for
    it. Other materials are not fitted. With fewer specimens than the study file asks for there are no parameters.

    Args:
        pairs: as `cytometry_pairs.stimulated_pairs` returns them.
        settings: for cytometry.rules.mimosa.
        today: day of the estimate.
        known: MIMOSA_FITS; what has a version there is not fitted again. None fits all, for re-estimation.

    Returns:
        The columns of MIMOSA_FITS without version and run. `input_sha256` identifies specimens and counts, whatever
        their order. `fdr_curve` holds [z, false discovery rate] of the specimens, z descending.
    """
    candidates = may_enter(pairs, settings)
    first = pl.col("specimen_id").sort_by("collection_date", "specimen_id").first().over(*FIT, "subject_id")
    entering = candidates.filter((pl.col("visit") == ALL_VISITS) | (pl.col("specimen_id") == first))
    if known is not None:
        entering = entering.join(known.select(FIT).unique(), on=FIT, how="anti")
    sizes = entering.group_by(FIT).agg(n_specimens=pl.len()).sort("n_specimens", *FIT)
    is_enough = pl.col("n_specimens") >= settings.cytometry.rules.mimosa.min_specimens
    enough, few = sizes.filter(is_enough), sizes.filter(~is_enough)
    rows = [*_fitted(enough, entering, settings), *_unfitted(few, entering)]
    return pl.DataFrame(rows, schema=_FRESH).with_columns(estimated_on=pl.lit(today)).sort(FIT)


def versioned_fits(existing: pl.DataFrame, fresh: pl.DataFrame, *, re_estimate: bool, run_id: str) -> pl.DataFrame:
    """The rows of MIMOSA_FITS to add: a first version of what was never fitted, else the next one where asked for.

    The first version is 1, or 0 where there were too few specimens. See `estimates.Estimate.versioned`.
    """
    return Estimate(MIMOSA_FITS, FIT, "w_response").versioned(existing, fresh, re_estimate=re_estimate, run_id=run_id)


def may_enter(pairs: pl.DataFrame, settings: StudySettings) -> pl.DataFrame:
    """Reported pairs with counts in both tubes that belong to a fit, with `visit` as FIT names it."""
    is_known = pl.col("is_reported") & _has_counts() & pl.col("visit").is_not_null()
    return with_visit_of_fit(pairs, settings).filter(is_known)


def with_visit_of_fit(pairs: pl.DataFrame, settings: StudySettings) -> pl.DataFrame:
    """The pairs with `visit` replaced by that of the fit they belong to; null where there is none."""
    of_blood = pl.lit(ALL_VISITS) if settings.cytometry.rules.mimosa.pool_visits else pl.col("visit")
    visit = (
        pl.when(pl.col("material") == "infusion_product")
        .then(pl.lit(PRODUCT_VISIT))
        .when(pl.col("material") == "blood")
        .then(of_blood.fill_null(UNSCHEDULED))
    )
    return pairs.with_columns(visit=visit)


def with_responses(pairs: pl.DataFrame, fits: pl.DataFrame, settings: StudySettings) -> pl.DataFrame:
    """Adds `z` and `fdr`, null without a fit or counts, `is_outside`, and `fit_version` and `is_weak` of the latest.

    z follows from the parameters, the false discovery rate from the curve of the fit: so a specimen that came after the
    fit changes neither that of another, nor the fit.

    `is_outside`: the stimulated percentage is beyond the largest the fit rests on, and would be negative; of a fit that
    did not converge, positive too. Where nobody responded, the distribution of responders holds nothing but background,
    and the strongest response has a z of 0 under it. Not where the stimulated percentage is below the unstimulated one:
    that is no response under any mixture.
    """
    latest = fits.sort("version").group_by(FIT).last().rename({"version": "fit_version", "visit": "visit_of_fit"})
    key = ("antigen", "population", "subset", "visit_of_fit")
    of_fit = with_visit_of_fit(pairs, settings)["visit"].alias("visit_of_fit")
    joined = pairs.with_columns(of_fit).join(
        latest.select(*key, *_PARAMETERS, "fit_version", "is_weak", "fdr_curve", *_RANGE),
        on=key, how="left", validate="m:1", maintain_order="left",
    )  # fmt: skip
    can_judge = _has_counts() & pl.col("w_response").is_not_null()
    judged = joined.with_row_index("row").filter(can_judge)
    told = [_judged(group) for _, group in judged.group_by(key, maintain_order=True)]
    rates = pl.concat([pl.DataFrame(schema={"row": pl.UInt32, "z": pl.Float64, "fdr": pl.Float64}), *told])
    return (
        joined.with_row_index("row")
        .join(rates, on="row", how="left", validate="1:1", maintain_order="left")
        .with_columns(is_outside=_is_outside(settings))
        .drop("row", "visit_of_fit", "fdr_curve", *_PARAMETERS, *_RANGE)
    )


def _is_outside(settings: StudySettings) -> pl.Expr:
    is_beyond = pl.col("stimulated_percent") > pl.col("largest_stimulated_percent")
    may_respond = pl.col("stimulated_percent") >= pl.col("unstimulated_percent")
    is_negative = pl.col("fdr") > settings.cytometry.rules.mimosa.max_fdr
    return (is_beyond & may_respond & (is_negative | ~pl.col("has_converged"))).fill_null(value=False)


def _has_counts() -> pl.Expr:
    return (pl.col("stimulated_parent_count") > 0) & (pl.col("unstimulated_parent_count") > 0)


def _judged(group: pl.DataFrame) -> pl.DataFrame:
    """row, z, fdr of pairs with one fit."""
    w_response, *parameters = (group[name].head(1).to_numpy() for name in _PARAMETERS)
    mixtures = Mixtures(w_response, BetaBinomial(*parameters[:2]), BetaBinomial(*parameters[2:]))
    counts = Counts(*(group[name].cast(pl.Float64).to_numpy()[None, :] for name in _COUNTS))
    z = response_probability(counts, mixtures)[0]
    curve = np.array(json.loads(group["fdr_curve"][0]), dtype=np.float64)
    return group.select("row").with_columns(pl.Series("z", z), pl.Series("fdr", false_discovery_rate(z, curve[:, 0])))


def _fitted(enough: pl.DataFrame, entering: pl.DataFrame, settings: StudySettings) -> Iterator[dict[str, Any]]:
    """Rows of fits; those of similar size are fitted together, so that little of an array is empty."""
    max_alpha = settings.cytometry.rules.mimosa.max_alpha
    for sizes in enough.iter_slices(256):
        placed = entering.join(sizes.with_row_index("fit"), on=FIT, how="inner", validate="m:1").sort(
            "fit", "specimen_id"
        )
        fits = fitted_mixtures(_arrays(placed, sizes))
        is_weak = ~fits.has_converged | fits.mixtures.runs_away(max_alpha)
        for number, (_, own) in enumerate(placed.group_by("fit", maintain_order=True)):
            told = _told(fits, number, own.height)
            strength = {"has_converged": bool(fits.has_converged[number]), "is_weak": bool(is_weak[number])}
            yield _quantity(own) | told | strength | {"largest_stimulated_percent": own["stimulated_percent"].max()}


def _unfitted(few: pl.DataFrame, entering: pl.DataFrame) -> Iterator[dict[str, Any]]:
    own = entering.join(few, on=FIT, how="semi").sort(*FIT, "specimen_id")
    return (_quantity(group) for _, group in own.group_by(FIT, maintain_order=True))


def _arrays(placed: pl.DataFrame, sizes: pl.DataFrame) -> Counts:
    place = placed.select(pl.int_range(pl.len()).over("fit")).to_series().to_numpy()
    shape = (sizes.height, int(place.max()) + 1)
    arrays: list[Floats] = []
    for name in _COUNTS:
        array = np.zeros(shape)
        array[placed["fit"].to_numpy(), place] = placed[name].to_numpy()
        arrays.append(array)
    return Counts(*arrays)


def _quantity(own: pl.DataFrame) -> dict[str, Any]:
    lines = own.select(pl.concat_str(pl.col("specimen_id", *_COUNTS).cast(pl.String), separator="\t")).to_series()
    named = own.select(FIT).row(0, named=True)
    return named | {"n_specimens": own.height, "input_sha256": sha256("\n".join(lines.to_list()).encode()).hexdigest()}


def _told(fits: Fits, number: int, n_specimens: int) -> dict[str, Any]:
    mixtures, z = fits.mixtures, np.sort(fits.z[number, :n_specimens])[::-1]
    curve = np.stack([z, false_discovery_rate(z, z)], axis=1)
    return {
        "w_response": mixtures.w_response[number],
        "alpha_s": mixtures.stimulated.alpha[number],
        "beta_s": mixtures.stimulated.beta[number],
        "alpha_u": mixtures.unstimulated.alpha[number],
        "beta_u": mixtures.unstimulated.beta[number],
        "log_likelihood": fits.log_likelihood[number],
        "fdr_curve": json.dumps(curve.tolist()),
    }
