"""Random numbers by inverse transforms of `Random.random()`, the one stream Python promises never to change."""

from __future__ import annotations

from collections.abc import Mapping
from math import exp, log
from random import Random
from statistics import NormalDist

_EDGE = 1e-12


def whole(rng: Random, low: int, high: int) -> int:
    """A whole number from low to high, both included, all equally likely."""
    return low + int(rng.random() * (high - low + 1))


def uniform(rng: Random, low: float, high: float) -> float:
    """A number between low and high."""
    return low + rng.random() * (high - low)


def happens(rng: Random, probability: float) -> bool:
    """True with the given probability."""
    return rng.random() < probability


def pick(rng: Random, weights: Mapping[str, float]) -> str:
    """One of the keys, with probability proportional to its weight."""
    rest = rng.random() * sum(weights.values())
    for name, weight in weights.items():
        rest -= weight
        if rest < 0:
            return name
    return name


def normal(rng: Random, mean: float, sd: float) -> float:
    """A normal variate."""
    return mean + sd * NormalDist().inv_cdf(_EDGE + rng.random() * (1 - 2 * _EDGE))


def lognormal(rng: Random, median: float, sigma: float) -> float:
    """A log-normal variate with that median; sigma is the SD of its natural logarithm."""
    return median * exp(normal(rng, 0.0, sigma))


def exponential(rng: Random, median: float) -> float:
    """An exponential variate with that median."""
    return -median * log(1 - rng.random()) / log(2)


def negative_binomial(rng: Random, mean: float, size: float) -> int:
    """A count with that mean and variance mean + mean^2 / size."""
    rest, count = rng.random(), 0
    probability = (size / (size + mean)) ** size
    while rest >= probability and (probability > 0 or count < mean):
        rest -= probability
        probability *= (size + count) / (count + 1) * mean / (size + mean)
        count += 1
    return count
