"""What a path of gates means under the study file: which population, and which subset of it; or nothing at all."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import reduce
from typing import Final

import polars as pl

from expectations.computed_cytometry import POPULATION_PATHS
from expectations.study_cytometry import Cytometry
from transforms.gating_paths import gates_of, path_of

Term = frozenset[tuple[str, bool]]
"""Markers that are positive (true) or negative, all at once."""
Union = frozenset[Term]
"""Cells of any of these terms; no term holds another."""

UNMAPPED: Final = "population.unmapped"
_MINUS: Final = dict.fromkeys((0x2010, 0x2011, 0x2012, 0x2013, 0x2212), "-")
_QUADRANT: Final = re.compile(r"^Q[1-4] ?: ?")
_BLANK: Final = re.compile(r"(?<=[(!]) | (?=\))")
"""Inside a bracket or after a `!`."""
_AND: Final = re.compile(r" ?[&,]? ?(?=.)")
_OR: Final = re.compile(r" ?\| ?")
_MOST_TERMS: Final = 1024
"""No gate a person drew has more; a longer one is not understood rather than multiplied out."""
_DEEPEST: Final = 20
"""Likewise of brackets in brackets."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """A population and a subset of it in canonical spelling; `depth` counts the gates from the population to it."""

    population: str
    subset: str
    depth: int


def paths(counts: pl.DataFrame, regated: pl.DataFrame, settings: Cytometry) -> pl.DataFrame:
    """Every path that files name, with its meaning.

    Args:
        counts: CYTOMETRY_COUNTS.
        regated: REGATED_COUNTS; Gating-ML names populations nowhere else.
        settings: populations, markers and multimers.

    Returns:
        POPULATION_PATHS; a path without a meaning has reason population.unmapped.
    """
    key = ("file_sha256", "sample_number", "population_path")
    named = pl.concat([counts.select(key), regated.select(key)]).unique()
    told = named.group_by("population_path").agg(
        n_samples=pl.len(),
        n_files=pl.col("file_sha256").n_unique(),
        example_sha256=pl.col("file_sha256").min(),
    )
    joined = told.join(meanings(told["population_path"], settings), on="population_path", how="left", validate="1:1")
    is_mapped = pl.col("population").is_not_null()
    found = joined.with_columns(is_mapped=is_mapped, reason=pl.when(~is_mapped).then(pl.lit(UNMAPPED)))
    return POPULATION_PATHS.conform(found).sort(POPULATION_PATHS.key)


def meanings(named: Iterable[str], settings: Cytometry) -> pl.DataFrame:
    """population_path, population, subset, depth, trunk of every path that has a meaning, each path once.

    `trunk` is the part of the path that leads to the population, in plain spelling: equal where it is the same gates.
    """
    vocabulary = Vocabulary(settings)
    found = [(path, vocabulary.meaning(path)) for path in sorted(set(named))]
    rows = [(path, m.population, m.subset, m.depth, _trunk(path, m.depth)) for path, m in found if m is not None]
    text = dict.fromkeys(("population_path", "population", "subset"), pl.String)
    return pl.DataFrame(rows, schema={**text, "depth": pl.Int32, "trunk": pl.String}, orient="row")


def _trunk(path: str, depth: int) -> str:
    gates = _gates(path)
    return path_of(gates[: len(gates) - depth])


def resolve(path: str, settings: Cytometry) -> Meaning | None:
    """The meaning of one path, None where it is not wholly understood (population.unmapped); see Vocabulary."""
    return Vocabulary(settings).meaning(path)


class Vocabulary:
    """The spellings of a study's populations, markers and multimers.

    A population is spelled by whole gates; of several that fit, the deepest counts, and of those that end at one gate
    the longest. What stands below it is a multimer's gate or is made of declared markers with their signs:
    `(!IFNg+&IL2+)`, `(IFNg+|IL2+)`, `IFNg+ TNF-`, `Q2: IFNg+ , TNF+`, `IFNg+2+10-`; gates in gates hold all together.
    Widths of characters, kinds of minus and runs of blanks make no difference; capitals do. Anything else has no
    meaning, nor has a population below the gate of a marker or multimer: it would be part of the population only.
    """

    def __init__(self, settings: Cytometry) -> None:
        self._markers = {name: index for index, name in enumerate(settings.markers)}
        self._spelled = {
            _plain(spelling): name for name, others in settings.markers.items() for spelling in (name, *others)
        }
        longest_first = sorted(self._spelled, key=lambda spelling: (-len(spelling), spelling))
        self._literal = re.compile(f"({'|'.join(map(re.escape, longest_first))})([+-])") if longest_first else None
        self._populations = [(_gates(path), one.name) for one in settings.populations for path in one.paths]
        self._multimers = [
            (one.population, _gates(gate), one.subset) for one in settings.multimers for gate in one.gates
        ]
        self._understood: dict[str, Union | None] = {}

    def meaning(self, path: str) -> Meaning | None:
        """The meaning of a path, None where there is none or more than one."""
        gates = _gates(path)
        for end in range(len(gates), 0, -1):
            found = self._ending_at(gates, end)
            if found:
                return found.pop() if len(found) == 1 else None
        return None

    def _ending_at(self, gates: tuple[str, ...], end: int) -> set[Meaning]:
        fits = [(len(path), name) for path, name in self._populations if gates[max(end - len(path), 0) : end] == path]
        if not fits:
            return set()
        longest = max(length for length, _ in fits)
        if any(self._is_response(gate) for gate in gates[: end - longest]):
            return set()
        below, depth = gates[end:], len(gates) - end
        names = {name for length, name in fits if length == longest}
        return {Meaning(name, subset, depth) for name in names for subset in self._subsets(name, below)}

    def _is_response(self, gate: str) -> bool:
        return self._read(gate) is not None or any(gates == (gate,) for _, gates, _ in self._multimers)

    def _subsets(self, population: str, below: tuple[str, ...]) -> Iterator[str]:
        if not below:
            yield ""
            return
        yield from (text for name, gates, text in self._multimers if name == population and gates == below)
        nested = [union for gate in below if (union := self._read(gate)) is not None]
        with suppress(_NotUnderstoodError):
            if len(nested) == len(below) and (together := reduce(_and, nested)):
                yield self.text(together)

    def term(self, text: str) -> Term | None:
        """Markers and signs that a readout (`IFNg`, `IFNg+TNF-`) or a subset names; None for a union or a multimer."""
        union = self._read(f"{text}+" if text in self._markers else text)
        return next(iter(union)) if union is not None and len(union) == 1 else None

    def text(self, union: Union) -> str:
        """The canonical spelling: markers in the declared order, terms of a union likewise."""
        ordered = [sorted((self._markers[name], not sign) for name, sign in term) for term in union]
        names = tuple(self._markers)
        return " or ".join("".join(f"{names[i]}{'-' if no else '+'}" for i, no in term) for term in sorted(ordered))

    def _read(self, gate: str) -> Union | None:
        if gate not in self._understood:
            self._understood[gate] = self._read_anew(gate)
        return self._understood[gate]

    def _read_anew(self, gate: str) -> Union | None:
        if self._literal is None:
            return None
        try:
            return _Gate(_BLANK.sub("", _QUADRANT.sub("", gate)), self._literal, self._spelled).whole() or None
        except _NotUnderstoodError:
            return None


class _NotUnderstoodError(Exception):
    """The name of a gate is no combination of markers; never leaves this file."""


class _Gate:
    """Reads the name of one gate from left to right.

    `all` is factors parted by `&`, comma, a blank or nothing; `any` is factors parted by `|`. The two are not mixed
    without brackets: programs do not agree on which binds first.
    """

    def __init__(self, text: str, literal: re.Pattern[str], spelled: dict[str, str]) -> None:
        self._text, self._literal, self._spelled, self._at, self._depth = text, literal, spelled, 0, 0

    def whole(self) -> Union:
        union = self._expression()
        if self._at != len(self._text):
            raise _NotUnderstoodError
        return union

    def _expression(self) -> Union:
        first = self._factor()
        if _OR.match(self._text, self._at):
            return _or([first, *self._others(_OR)])
        return reduce(_and, self._others(_AND), first)

    def _others(self, separator: re.Pattern[str]) -> Iterator[Union]:
        while self._text[self._at : self._at + 1] not in ("", ")") and (found := separator.match(self._text, self._at)):
            self._at = found.end()
            yield self._factor()

    def _factor(self) -> Union:
        mark = self._text[self._at : self._at + 1]
        if mark not in ("!", "("):
            return self._marker()
        self._depth += 1
        self._at += 1
        if self._depth > _DEEPEST:
            raise _NotUnderstoodError
        union = _not(self._factor()) if mark == "!" else self._bracket()
        self._depth -= 1
        return union

    def _bracket(self) -> Union:
        union = self._expression()
        if self._text[self._at : self._at + 1] != ")":
            raise _NotUnderstoodError
        self._at += 1
        return union

    def _marker(self) -> Union:
        found = self._literal.match(self._text, self._at)
        if found is None:
            raise _NotUnderstoodError
        self._at = found.end()
        return frozenset({frozenset({(self._spelled[found[1]], found[2] == "+")})})


def _gates(path: str) -> tuple[str, ...]:
    """The gates of a path from the root on, in plain spelling; a slash at either end is no gate."""
    plain = [_plain(gate) for gate in gates_of(path)]
    named = [index for index, gate in enumerate(plain) if gate]
    return tuple(plain[named[0] : named[-1] + 1]) if named else ()


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).translate(_MINUS).split())


def _or(unions: list[Union]) -> Union:
    """Terms of all; a term that another one holds already is left out."""
    terms = frozenset[Term]().union(*unions)
    if len(terms) > _MOST_TERMS:
        raise _NotUnderstoodError
    return frozenset(term for term in terms if not any(other < term for other in terms))


def _and(one: Union, other: Union) -> Union:
    """Every term of one with every term of the other; empty where they exclude each other."""
    if len(one) * len(other) > _MOST_TERMS:
        raise _NotUnderstoodError
    both = (a | b for a in one for b in other)
    return _or([frozenset(term for term in both if len({name for name, _ in term}) == len(term))])


def _not(union: Union) -> Union:
    opposites = [frozenset(frozenset({(name, not sign)}) for name, sign in term) for term in union]
    return reduce(_and, opposites, frozenset({frozenset()}))
