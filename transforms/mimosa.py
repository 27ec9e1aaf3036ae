"""MIMOSA: a mixture of specimens that respond and specimens that do not, fitted by EM to counts of positive cells.

Finak G, McDavid A, Chattopadhyay P, et al. Mixture models for single-cell assays with applications to vaccine studies.
Biostatistics 2014;15:87. Many mixtures are fitted at once, as rows of one array.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from transforms.beta_binomial import BetaBinomial, Floats, Weighted, log_likelihood, maximised, pooled

MAX_ROUNDS: Final = 500
"""EM has not converged after this many rounds."""

_Z_TOLERANCE: Final = 1e-6
_GAIN: Final = 1e-7
"""EM stops where no probability of a response changes by more, or the log-likelihood gains less."""

_TIED: Final = 1e-9
"""Probabilities that differ by no more are tied: the last digits depend on the machine."""

_START_P: Final = 1e-3
_START_Z: Final = (0.9, 0.02)
"""Specimens start as likely responders, or not, by their one-sided Fisher p-value; where EM ends hardly hangs on it."""


class Counts(NamedTuple):
    """Positive cells and all cells of each specimen, stimulated and unstimulated, (mixtures, specimens) each.

    Where mixtures have different numbers of specimens, a place without one holds zeros.
    """

    stimulated: Floats
    stimulated_parent: Floats
    unstimulated: Floats
    unstimulated_parent: Floats

    @property
    def is_there(self) -> NDArray[np.bool_]:
        """Where there is a specimen."""
        return self.stimulated_parent + self.unstimulated_parent > 0

    @property
    def may_respond(self) -> NDArray[np.bool_]:
        """Where the stimulated proportion is not below the unstimulated one, compared in whole numbers."""
        is_below = self.stimulated * self.unstimulated_parent < self.unstimulated * self.stimulated_parent
        return self.is_there & ~is_below

    def rows(self, chosen: NDArray[np.int64]) -> Counts:
        """Those of some mixtures."""
        return Counts(*(part[chosen] for part in self))


@dataclass(frozen=True, slots=True)
class Mixtures:
    """Share of responders, distribution of their stimulated proportions, and that of all unstimulated ones."""

    w_response: Floats
    stimulated: BetaBinomial
    unstimulated: BetaBinomial

    def runs_away(self, limit: float) -> NDArray[np.bool_]:
        """Whether a parameter is larger than `limit` or smaller than its inverse: nothing in the data holds it."""
        parts = (self.stimulated.alpha, self.stimulated.beta, self.unstimulated.alpha, self.unstimulated.beta)
        return np.asarray((np.maximum.reduce(parts) > limit) | (np.minimum.reduce(parts) < 1 / limit))


@dataclass(frozen=True, slots=True)
class Fits:
    """Fitted mixtures; `z` (mixtures, specimens) is the probability of a response in each specimen."""

    mixtures: Mixtures
    z: Floats
    log_likelihood: Floats
    has_converged: NDArray[np.bool_]


def response_probability(counts: Counts, mixtures: Mixtures) -> Floats:
    """Posterior probability z of a response, (mixtures, specimens).

    0 where the stimulated proportion is below the unstimulated one. Responders have two proportions, each beta
    distributed; the others have one, with the distribution of unstimulated ones, in both tubes.
    """
    return _expected(counts, mixtures)[0]


def false_discovery_rate(z: Floats, fitted: Floats) -> Floats:
    """Expected share of false calls among the specimens of a fit that have at least this z, (n,).

    The mean of 1 - z over these: the running mean in descending z, where ties share the last of their tie. 1 - z where
    no specimen of the fit has as large a z.

    Args:
        z: probabilities to judge, (n,).
        fitted: z of the specimens the fit rests on, (m,), in any order.
    """
    descending = np.sort(fitted)[::-1]
    n_above = np.searchsorted(-descending, _TIED - z, side="right")
    sums = np.concatenate([[0.0], np.cumsum(1 - descending)])
    return np.where(n_above > 0, sums[n_above] / np.maximum(n_above, 1), 1 - z)


def fitted_mixtures(counts: Counts) -> Fits:
    """The mixtures of largest likelihood, by EM.

    z is set to 0 in every E-step where the stimulated proportion is below the unstimulated one, so that the share of
    responders is the mean of z. The M-step maximises the beta-binomial likelihoods weighted by z. Neither the order of
    mixtures nor that of specimens matters. Without a specimen that may respond, the share of responders is 0 and the
    distribution of their proportions is that of the unstimulated ones.
    """
    n_fits = counts.stimulated.shape[0]
    z, value = _start(counts), np.full(n_fits, -np.inf)
    parameters = _pooled(counts, z)
    has_converged = np.zeros(n_fits, dtype=bool)
    active = np.arange(n_fits)
    for _ in range(MAX_ROUNDS):
        own = counts.rows(active)
        mixtures = _maximised(own, z[active], _of(parameters, active))
        expected, reached = _expected(own, mixtures)
        moved = np.abs(expected - z[active]).max(axis=1, initial=0.0)
        is_done = (moved <= _Z_TOLERANCE) | (reached - value[active] <= _GAIN)
        parameters[:, active], z[active], value[active] = _rows(mixtures), expected, reached
        has_converged[active] = is_done
        active = active[~is_done]
        if not active.size:
            break
    return Fits(_of(parameters, np.arange(n_fits)), z, value, has_converged)


def _start(counts: Counts) -> Floats:
    from scipy.stats import hypergeom

    n_all = counts.stimulated_parent + counts.unstimulated_parent
    n_positive = counts.stimulated + counts.unstimulated
    p_value = hypergeom.sf(counts.stimulated - 1, n_all, n_positive, counts.stimulated_parent)
    return np.where(p_value <= _START_P, *_START_Z) * counts.may_respond


def _pooled(counts: Counts, z: Floats) -> Floats:
    unstimulated = pooled(_unstimulated(counts, z))
    stimulated = pooled(Weighted(counts.stimulated, counts.stimulated_parent, z))
    nobody = ~counts.may_respond.any(axis=1)
    alpha = np.where(nobody, unstimulated.alpha, stimulated.alpha)
    beta = np.where(nobody, unstimulated.beta, stimulated.beta)
    return _rows(Mixtures(np.zeros(len(z)), BetaBinomial(alpha, beta), unstimulated))


def _unstimulated(counts: Counts, z: Floats) -> Weighted:
    """What the distribution of unstimulated proportions explains: both tubes of the others, one of responders."""
    both = counts.stimulated + counts.unstimulated
    both_parents = counts.stimulated_parent + counts.unstimulated_parent
    return Weighted(
        np.concatenate([both, counts.unstimulated], axis=1),
        np.concatenate([both_parents, counts.unstimulated_parent], axis=1),
        np.concatenate([counts.is_there * (1 - z), z], axis=1),
    )


def _maximised(counts: Counts, z: Floats, start: Mixtures) -> Mixtures:
    unstimulated = maximised(start.unstimulated, _unstimulated(counts, z))
    stimulated = maximised(start.stimulated, Weighted(counts.stimulated, counts.stimulated_parent, z))
    return Mixtures(z.sum(axis=1) / counts.is_there.sum(axis=1), stimulated, unstimulated)


def _expected(counts: Counts, mixtures: Mixtures) -> tuple[Floats, Floats]:
    """z, and the log-likelihood of each mixture; where no response is possible only the other term counts."""
    n_both = counts.stimulated + counts.unstimulated
    n_parents = counts.stimulated_parent + counts.unstimulated_parent
    w = mixtures.w_response[:, None].clip(1e-300, 1 - 1e-16)
    without = np.log1p(-w) + log_likelihood(mixtures.unstimulated, n_both, n_parents)
    with_response = np.log(w) + (
        log_likelihood(mixtures.stimulated, counts.stimulated, counts.stimulated_parent)
        + log_likelihood(mixtures.unstimulated, counts.unstimulated, counts.unstimulated_parent)
    )
    z = counts.may_respond / (1 + np.exp((without - with_response).clip(-700, 700)))
    each = np.where(counts.may_respond, np.logaddexp(without, with_response), without)
    return z, np.asarray((counts.is_there * each).sum(axis=1))


def _rows(mixtures: Mixtures) -> Floats:
    """The parameters as (5, mixtures)."""
    stimulated, unstimulated = mixtures.stimulated, mixtures.unstimulated
    parts = (mixtures.w_response, stimulated.alpha, stimulated.beta, unstimulated.alpha, unstimulated.beta)
    return np.stack(parts)


def _of(rows: Floats, chosen: NDArray[np.int64]) -> Mixtures:
    w_response, alpha_s, beta_s, alpha_u, beta_u = rows[:, chosen]
    return Mixtures(w_response, BetaBinomial(alpha_s, beta_s), BetaBinomial(alpha_u, beta_u))
