"""MIMOSA: z, false discovery rates and fits against the reference package, by hand and on simulated counts."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.drawing import SHARED, needs_shared
from transforms.beta_binomial import BetaBinomial, Weighted, log_likelihood, maximised
from transforms.mimosa import Counts, Mixtures, false_discovery_rate, fitted_mixtures, response_probability

REFERENCE = SHARED / "reference" / "mimosa"
MAX_ALPHA = 1e6


def reference(name: str) -> tuple[Counts, Mixtures, pl.DataFrame]:
    """Counts, the package's parameters and its results of one set; its `alpha_*` belong to the negative count."""
    of_set = (pl.col("set") == name) & (pl.col("method") == "EM")
    rows = pl.read_csv(REFERENCE / "mimosa_fits_R.csv").filter(of_set)
    told = pl.read_csv(REFERENCE / "mimosa_params_R.csv", null_values="NA").filter(of_set)
    n_s, others_s, n_u, others_u = (
        rows[column].cast(pl.Float64).to_numpy()[None, :] for column in ("CYTNUM", "NSUB", "CYTNUM_REF", "NSUB_REF")
    )
    w, beta_s, alpha_s, beta_u, alpha_u = (
        told[column].to_numpy() for column in ("w_resp", "alpha_s", "beta_s", "alpha_u", "beta_u")
    )
    mixtures = Mixtures(w, BetaBinomial(alpha_s, beta_s), BetaBinomial(alpha_u, beta_u))
    return Counts(n_s, n_s + others_s, n_u, n_u + others_u), mixtures, rows


def simulated(rng, n, w, stimulated, unstimulated, n_fits=1) -> tuple[Counts, np.ndarray]:
    """Counts of 20 000 to 100 000 cells with these beta distributions, and who responds."""
    parents = rng.integers(20_000, 100_000, size=(2, n_fits, n))
    background = rng.beta(*unstimulated, size=(n_fits, n))
    responds = rng.random((n_fits, n)) < w
    proportion = np.where(responds, rng.beta(*stimulated, size=(n_fits, n)), background)
    positive = rng.binomial(parents[0], proportion), rng.binomial(parents[1], background)
    return Counts(*(part.astype(float) for part in (positive[0], parents[0], positive[1], parents[1]))), responds


@needs_shared
@pytest.mark.parametrize("name", ["all", "IL2", "IFNg", "TNF"])
def test_z_given_the_packages_parameters_is_the_packages(name):
    counts, mixtures, rows = reference(name)
    np.testing.assert_allclose(response_probability(counts, mixtures)[0], rows["p_resp"].to_numpy(), atol=1e-3)


@needs_shared
@pytest.mark.parametrize("name", ["all", "IL2", "IFNg", "TNF"])
def test_false_discovery_rates_are_the_packages_which_breaks_ties_by_row(name):
    rows = reference(name)[2]
    z, theirs = rows["p_resp"].to_numpy(), rows["fdr"].to_numpy()
    last_of_tie = [theirs[np.abs(z - own) <= 1e-9].max() for own in z]
    np.testing.assert_allclose(false_discovery_rate(z, z), last_of_tie, atol=1e-3)


@needs_shared
@pytest.mark.parametrize("name", ["all", "IL2"])
def test_own_fits_find_the_share_of_responders_of_the_package(name):
    counts, mixtures, _ = reference(name)
    fits = fitted_mixtures(counts)
    assert fits.has_converged.all()
    assert not fits.mixtures.runs_away(MAX_ALPHA).any()
    np.testing.assert_allclose(fits.mixtures.w_response, mixtures.w_response, atol=0.02)


@needs_shared
@pytest.mark.parametrize("name", ["IFNg", "TNF"])
def test_the_packages_degenerate_fits_run_away_and_are_less_likely_than_ours(name):
    counts, theirs, _ = reference(name)
    assert theirs.runs_away(MAX_ALPHA).all()
    fits = fitted_mixtures(counts)
    assert fits.has_converged.all()
    assert fits.log_likelihood[0] > observed_log_likelihood(counts, theirs) + 0.1


def observed_log_likelihood(counts: Counts, mixtures: Mixtures) -> float:
    """From the definition: log(w0 L0 + w1 L1), without L1 where the stimulated proportion is below the other."""
    n_s, all_s, n_u, all_u = counts
    w = mixtures.w_response[0]
    without = log_likelihood(mixtures.unstimulated, n_s + n_u, all_s + all_u)
    with_response = log_likelihood(mixtures.stimulated, n_s, all_s) + log_likelihood(mixtures.unstimulated, n_u, all_u)
    both = np.logaddexp(np.log(1 - w) + without, np.log(w) + with_response)
    return float(np.where(n_s / all_s >= n_u / all_u, both, np.log(1 - w) + without).sum())


def test_z_follows_its_definition_by_hand():
    # alpha = beta = 1 is uniform: B(1 + n, 1 + N - n) / B(1, 1) = n! (N - n)! / (N + 1)!.
    uniform = BetaBinomial(np.array([1.0]), np.array([1.0]))
    counts = Counts(*(np.array([[number]]) for number in (2.0, 2.0, 0.0, 2.0)))
    # L0: 2 of 4: 2! 2! / 5! = 1/30. L1: 2 of 2 and 0 of 2: 1/3 each, 1/9.
    z = response_probability(counts, Mixtures(np.array([0.25]), uniform, uniform))
    assert z[0, 0] == pytest.approx((0.25 / 9) / (0.25 / 9 + 0.75 / 30))


def test_z_is_zero_below_the_unstimulated_proportion_and_not_where_they_are_equal():
    uniform = BetaBinomial(np.array([1.0]), np.array([1.0]))
    counts = Counts(np.array([[1.0, 2.0]]), np.array([[10.0, 10.0]]), np.array([[2.0, 4.0]]), np.array([[10.0, 20.0]]))
    z = response_probability(counts, Mixtures(np.array([0.5]), uniform, uniform))
    assert z[0, 0] == 0
    assert 0 < z[0, 1] < 1


def test_the_false_discovery_rate_is_a_running_mean_and_ties_share_the_last():
    z = np.array([0.5, 0.9, 0.9, 0.0, 1.0])
    # Descending 1, .9, .9, .5, 0: means 0, .05, .2/3, .7/4, 1.7/5.
    np.testing.assert_allclose(false_discovery_rate(z, z), [0.175, 0.2 / 3, 0.2 / 3, 0.34, 0.0], atol=1e-12)


def test_a_new_specimen_is_judged_by_the_fitted_ones_alone():
    fitted = np.array([0.9, 0.5, 0.0])
    np.testing.assert_allclose(false_discovery_rate(np.array([0.95, 0.6, 0.5]), fitted), [0.05, 0.1, 0.3], atol=1e-12)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_a_larger_z_never_has_a_larger_false_discovery_rate(values):
    z = np.sort(np.array(values))
    rates = false_discovery_rate(z, z)
    assert (np.diff(rates) <= 1e-9).all()
    assert ((rates >= -1e-12) & (rates <= 1 + 1e-12)).all()


def test_beta_binomial_maximum_has_no_slope():
    rng = np.random.default_rng(5)
    total = rng.integers(1_000, 5_000, size=(3, 80)).astype(float)
    positive = rng.binomial(total.astype(int), rng.beta(3, 300, size=(3, 80))).astype(float)
    weight = rng.random((3, 80))
    found = maximised(BetaBinomial(np.full(3, 1.0), np.full(3, 9.0)), Weighted(positive, total, weight))
    best = (weight * log_likelihood(found, positive, total)).sum(axis=1)
    for by_alpha, by_beta in ((1.001, 1), (0.999, 1), (1, 1.001), (1, 0.999), (1.001, 1.001), (0.999, 0.999)):
        other = BetaBinomial(found.alpha * by_alpha, found.beta * by_beta)
        assert ((weight * log_likelihood(other, positive, total)).sum(axis=1) < best).all()


def test_drawn_parameters_are_found_again():
    # 3000 specimens, 30 % responders: the share has a standard error of sqrt(.3 x .7 / 3000) = 0.0084, and the mean
    # log of a beta with alpha 4 one of 0.5 / sqrt(900) = 0.017; four of them are allowed.
    counts, _ = simulated(np.random.default_rng(11), 3_000, 0.3, (4, 400), (3, 6_000))
    mixtures = fitted_mixtures(counts).mixtures
    assert mixtures.w_response[0] == pytest.approx(0.3, abs=4 * 0.0084)
    assert np.log(mixtures.stimulated.mean[0]) == pytest.approx(np.log(4 / 404), abs=4 * 0.017)
    assert np.log(mixtures.unstimulated.mean[0]) == pytest.approx(np.log(3 / 6003), abs=4 * 0.58 / np.sqrt(3_000))
    # The relative standard error of alpha of a beta is near sqrt(2 / n).
    assert mixtures.stimulated.alpha[0] == pytest.approx(4, rel=4 * np.sqrt(2 / 900))
    assert mixtures.unstimulated.alpha[0] == pytest.approx(3, rel=4 * np.sqrt(2 / 3_000))


def test_the_rate_among_the_called_is_the_one_promised():
    counts, responds = simulated(np.random.default_rng(12), 2_000, 0.3, (4, 1_000), (3, 6_000))
    z = fitted_mixtures(counts).z[0]
    called = false_discovery_rate(z, z) <= 0.05
    expected = (1 - z[called]).sum()
    assert called.sum() > 300
    assert (~responds[0][called]).sum() == pytest.approx(expected, abs=4 * np.sqrt(expected))


def test_without_a_response_few_respond():
    counts, _ = simulated(np.random.default_rng(13), 200, 0.0, (4, 400), (3, 6_000), n_fits=20)
    fits = fitted_mixtures(counts)
    assert fits.mixtures.w_response.max() < 0.1
    assert sum((false_discovery_rate(z, z) <= 0.01).sum() for z in fits.z) <= 0.01 * fits.z.size


@given(st.permutations(range(40)))
@settings(max_examples=20, deadline=None)
def test_the_order_of_specimens_does_not_matter(order):
    counts, _ = simulated(np.random.default_rng(14), 40, 0.4, (4, 400), (3, 6_000))
    one, other = fitted_mixtures(counts), fitted_mixtures(Counts(*(part[:, list(order)] for part in counts)))
    np.testing.assert_allclose(one.mixtures.w_response, other.mixtures.w_response, atol=1e-5)
    np.testing.assert_allclose(one.z[:, list(order)], other.z, atol=1e-4)


def test_mixtures_fitted_together_are_those_fitted_alone_and_empty_places_do_not_count():
    rng = np.random.default_rng(15)
    large, small = simulated(rng, 60, 0.3, (4, 400), (3, 6_000))[0], simulated(rng, 25, 0.5, (4, 900), (3, 6_000))[0]
    padded = Counts(*(np.pad(part, ((0, 0), (0, 35))) for part in small))
    together = fitted_mixtures(Counts(*(np.concatenate(both) for both in zip(large, padded, strict=True))))
    for number, alone in ((0, fitted_mixtures(large)), (1, fitted_mixtures(small))):
        np.testing.assert_allclose(together.mixtures.w_response[number], alone.mixtures.w_response[0], atol=1e-6)
        np.testing.assert_allclose(together.z[number, : alone.z.shape[1]], alone.z[0], atol=1e-5)
    assert (together.z[1, 25:] == 0).all()


@pytest.mark.parametrize(
    ("stimulated", "unstimulated"), [(0, 0), (5, 5), (0, 5), (5, 0), (100_000, 0), (100_000, 100_000)]
)
def test_counts_that_are_all_alike_run_away_and_do_not_crash(stimulated, unstimulated):
    parents = np.full((1, 20), 100_000.0)
    fits = fitted_mixtures(Counts(parents * 0 + stimulated, parents, parents * 0 + unstimulated, parents))
    assert fits.mixtures.runs_away(MAX_ALPHA).all()
    assert np.isfinite(fits.z).all()
    assert np.isfinite(fits.log_likelihood).all()
    assert 0 <= fits.mixtures.w_response[0] <= 1


def test_where_nobody_can_respond_the_share_is_zero():
    parents = np.full((1, 20), 100_000.0)
    fits = fitted_mixtures(Counts(parents * 0 + 2, parents, np.arange(10.0, 30.0)[None, :], parents))
    assert (fits.mixtures.w_response[0], fits.z.max()) == (0, 0)


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(1, 200_000), st.integers(0, 3), st.integers(1, 200_000)),
        min_size=4, max_size=15,
    )
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_any_counts_give_probabilities(rows):
    n_s, all_s, n_u, all_u = np.array(rows, dtype=float).T[:, None, :]
    fits = fitted_mixtures(Counts(np.minimum(n_s, all_s), all_s, np.minimum(n_u, all_u), all_u))
    assert ((fits.z >= 0) & (fits.z <= 1)).all()
    assert np.isfinite(fits.log_likelihood).all()
    np.testing.assert_allclose(fits.mixtures.w_response, fits.z.mean(axis=1), atol=1e-2)
