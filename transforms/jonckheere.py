"""The exact trend test across ordered groups."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, combinations
from math import comb
from typing import Final

import numpy as np
from numpy.typing import NDArray

_MOST_COST: Final = 5e8
"""Additions of the exact recursion, of the order of a second."""
_MOST_CELLS: Final = 4_000_000
"""Subjects x permutations held at once."""

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Counts = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Jonckheere:
    """Jonckheere-Terpstra statistic with its mean under no trend, and its two-sided p-value.

    concordance is the share of the pairs of subjects from different groups in which the later group has the larger
    number, ties counting one half: 0.5 without a trend. n_permutations and seed are None where the p-value is exact.
    """

    statistic: float
    mean: float
    p_value: float
    concordance: float
    n_permutations: int | None
    seed: int | None


def jonckheere(groups: Sequence[Sequence[float]], *, n_permutations: int = 9999, seed: int = 1) -> Jonckheere | None:
    """Jonckheere-Terpstra test of a trend over groups given in their order; None where nothing can trend.

    J counts, over all pairs of groups, the pairs of subjects in which the later group has the larger number, a tie
    being one half. p = P(|J - mean| >= observed) over every assignment of the numbers seen, ties included, to groups of
    these sizes: neither a normal approximation nor twice a tail (Terpstra, Indag Math 1952;14:327; Jonckheere,
    Biometrika 1954;41:133). Only the order of the numbers matters, so censored ones may be given as -inf.

    The distribution is built one block of equal numbers at a time over the counts of each group so far. J - mean is
    half of Kendall's S, which is the same whether groups or numbers come first, so the cheaper of the two is walked.
    Exact are hundreds of subjects with a yes or no, or without ties, and forty subjects in four groups with any ties.
    Beyond, p = (1 + #{|J* - mean| >= observed}) / (1 + n_permutations) over random assignments with `seed` (Phipson and
    Smyth, Stat Appl Genet Mol Biol 2010;9:39).
    """
    filled = [np.asarray(group, dtype=np.float64) for group in groups if len(group)]
    if len(filled) < 2:
        return None
    label = np.repeat(np.arange(len(filled)), [group.size for group in filled])
    values, level = np.unique(np.concatenate(filled), return_inverse=True)
    if values.size == 1:
        return None
    table = np.zeros((len(filled), values.size), dtype=np.int64)
    np.add.at(table, (label, level), 1)
    by_group, by_value = tuple(map(int, table.sum(axis=1))), tuple(map(int, table.sum(axis=0)))
    n_pairs, surplus = _pairs(by_group), _surplus(table)
    p_value, is_exact = _p_value(by_group, by_value, abs(surplus), n_permutations, seed)
    return Jonckheere(
        statistic=(surplus + n_pairs) / 2,
        mean=n_pairs / 2,
        p_value=p_value,
        concordance=(surplus + n_pairs) / (2 * n_pairs),
        n_permutations=None if is_exact else n_permutations,
        seed=None if is_exact else seed,
    )


def _pairs(sizes: Counts) -> int:
    """Pairs of subjects from different groups."""
    return sum(a * b for a, b in combinations(sizes, 2))


def _surplus(table: Integers) -> int:
    """Kendall's S of a table of groups x values: concordant minus discordant pairs."""
    below = np.cumsum(np.cumsum(table, axis=0), axis=1)
    above = np.cumsum(np.cumsum(table[::-1], axis=0)[::-1], axis=1)
    return int((table[1:, 1:] * below[:-1, :-1]).sum() - (table[:-1, 1:] * above[1:, :-1]).sum())


def _p_value(by_group: Counts, by_value: Counts, surplus: int, n_permutations: int, seed: int) -> tuple[float, bool]:
    """P(|S| >= surplus), and whether it is exact."""
    if len(by_value) < len(by_group):
        by_group, by_value = by_value, by_group
    sizes, blocks = min(((by_group, by_value), (by_value, by_group)), key=lambda way: _cost(*way))
    if _cost(sizes, blocks) <= _MOST_COST:
        return min(1.0, float(_tail(sizes, blocks)[surplus])), True
    as_far = sum(int((np.abs(some) >= surplus).sum()) for some in _permuted(by_group, by_value, n_permutations, seed))
    return (1 + as_far) / (1 + n_permutations), False


@lru_cache(maxsize=256)
def _cost(sizes: Counts, blocks: Counts) -> float:
    """Additions of the recursion, an upper bound: each step also costs as much as some thousand of them."""
    states = np.ones(1)
    for size in sizes:
        states = np.convolve(states, np.ones(size + 1))
    tied = _but_last_singles(blocks)
    length, n_before = 2.0 * _pairs(sizes), np.cumsum((0, *tied))
    ahead = min(float(n_before[-1]) ** 2 + 1, length) * min(float(sum(blocks) - n_before[-1]) ** 2, length)
    shares = [comb(block + len(sizes) - 1, block) for block in tied]
    dealt = sum(float(states[n]) * ways for n, ways in zip(n_before[:-1], shares, strict=True))
    untied = sum(sizes) * max(sizes) * length if n_before[-1] < sum(blocks) else 0.0
    return dealt * (length + 1000) + float(states[n_before[-1]]) * (ahead + 1000) + untied


def _but_last_singles(blocks: Counts) -> Counts:
    """The blocks up to the last one that holds a tie."""
    return blocks[: max((at + 1 for at, block in enumerate(blocks) if block > 1), default=0)]


@lru_cache(maxsize=256)
def _tail(sizes: Counts, blocks: Counts) -> Floats:
    """P(|S| >= s) for s = 0, 1, ..., when blocks of equal numbers are dealt to groups of these sizes at random.

    A state is how many each group holds so far; its array, how likely each value of concordant pairs x 2 + ties is.
    Behind the last tie what is still to come has a known distribution, that of J without ties.
    """
    n_pairs = _pairs(sizes)
    states: dict[Counts, Floats] = {(0,) * len(sizes): np.eye(1, 2 * n_pairs + 1)[0]}
    for block in _but_last_singles(blocks):
        states = _dealt(states, np.array(sizes), block)
    likely = np.zeros(2 * n_pairs + 1)
    for held, so_far in states.items():
        room = tuple(size - count for size, count in zip(sizes, held, strict=True))
        step = 2 * sum(a * b for a, b in zip(room, accumulate(held[:-1], initial=0), strict=True))
        possible = np.flatnonzero(so_far)
        step, spread = step + int(possible[0]), so_far[possible[0] : possible[-1] + 1]
        ahead = np.zeros(2 * _pairs(room) + 1)
        ahead[::2] = _untied(room)
        likely[step : step + spread.size + ahead.size - 1] += np.convolve(spread, ahead)
    folded = likely[n_pairs:].copy()
    folded[1:] += likely[:n_pairs][::-1]
    tail = np.cumsum(folded[::-1])[::-1]
    return np.asarray(tail / tail[0], dtype=np.float64)


def _dealt(states: dict[Counts, Floats], sizes: Integers, block: int) -> dict[Counts, Floats]:
    """The states after one more block of equal numbers."""
    after: dict[Counts, Floats] = {}
    shares = _shares(block, len(sizes))
    tied = (block**2 - (shares**2).sum(axis=1)) // 2
    ways_to_choose = _binomials(int(sizes.max()), block)
    for held, likely in states.items():
        room = sizes - held
        fits = (shares <= room).all(axis=1)
        dealt = shares[fits]
        steps = (2 * dealt @ (np.cumsum(held) - held) + tied[fits]).tolist()
        ways = ways_to_choose[room, dealt].prod(axis=1).tolist()
        for now, step, weight in zip(map(tuple, (dealt + held).tolist()), steps, ways, strict=True):
            if now not in after:
                after[now] = np.zeros_like(likely)
            after[now][step:] += weight * likely[: likely.size - step]
    scale = sum(float(likely.sum()) for likely in after.values())
    return {held: likely / scale for held, likely in after.items()}


def _binomials(most: int, drawn: int) -> Floats:
    """Ways to choose up to `drawn` (columns) of up to `most` (rows), by Pascal's triangle."""
    ways = np.zeros((most + 1, drawn + 1))
    ways[:, 0] = 1.0
    for n in range(1, most + 1):
        ways[n, 1:] = ways[n - 1, 1:] + ways[n - 1, :-1]
    return ways


@lru_cache(maxsize=256)
def _shares(block: int, n_groups: int) -> Integers:
    """Every way to share a block of equal numbers out to groups, one a row."""
    bars = np.array(list(combinations(range(block + n_groups - 1), n_groups - 1)), dtype=np.int64)
    edges = np.column_stack([np.full(len(bars), -1), bars, np.full(len(bars), block + n_groups - 1)])
    return np.asarray(np.diff(edges, axis=1) - 1, dtype=np.int64)


@lru_cache(maxsize=4096)
def _untied(sizes: Counts) -> Floats:
    """Distribution of J over groups of these sizes without ties: Mann-Whitney's of each group with all before it."""
    likely, before = np.ones(1), 0
    for size in sizes:
        likely, before = np.convolve(likely, _mann_whitney(min(before, size), max(before, size))), before + size
    return likely


@lru_cache(maxsize=1024)
def _mann_whitney(m: int, n: int) -> Floats:
    """Distribution of U of m and n numbers without ties (Mann and Whitney, Ann Math Stat 1947;18:50).

    The numbers come in their order, each with probability m / (m + n) from the first group; the k-th of that group, as
    number i, lies above i - k of the other. Every term is positive, so nothing cancels.
    """
    held = np.zeros((m + 1, m * n + 1))  # held[k, u]: k of the first group so far
    held[0, 0] = 1.0
    share = m / (m + n) if m else 0.0
    for i in range(1, m + n + 1):
        for k in range(min(m, i), -1, -1):
            held[k] *= 1 - share
            above = i - k
            if k and above <= n:
                held[k, above:] += share * held[k - 1, : held.shape[1] - above]
    return np.asarray(held[m] / held[m].sum(), dtype=np.float64)


def _permuted(sizes: Counts, blocks: Counts, n_permutations: int, seed: int) -> Iterator[Integers]:
    """S of random permutations, some at a time. Sizes and blocks alone decide them: the order of subjects does not."""
    generator, n = np.random.default_rng(seed), sum(sizes)
    labels = np.repeat(np.arange(len(sizes), dtype=np.int8), sizes)
    end = np.repeat(np.cumsum(blocks), blocks)
    start = end - np.repeat(blocks, blocks)
    at_once = max(1, _MOST_CELLS // n)
    for done in range(0, n_permutations, at_once):
        rows = min(at_once, n_permutations - done)
        dealt = generator.permuted(np.tile(labels, (rows, 1)), axis=1)
        doubled = np.zeros(rows, dtype=np.int64)
        for group in range(1, len(sizes)):
            lower = np.zeros((rows, n + 1), dtype=np.int32)
            np.cumsum(dealt < group, axis=1, out=lower[:, 1:])
            doubled += ((lower[:, start] + lower[:, end]) * (dealt == group)).sum(axis=1)
        yield doubled - _pairs(sizes)
