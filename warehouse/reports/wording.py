"""Numbers in words as the pages show them: denominators, intervals, p-values, reasons."""

from __future__ import annotations

from math import floor, isinf, isnan, log10
from typing import Final

from expectations.reasons import REASONS

NOTHING: Final = "\N{EN DASH}"
MINUS: Final = "\N{MINUS SIGN}"
SPACE: Final = "\N{NO-BREAK SPACE}"
_GROUPS: Final = "\N{NARROW NO-BREAK SPACE}"
_SUPERSCRIPTS: Final = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def number(value: float | None, digits: int = 3) -> str:
    """A number with so many significant digits; a dash for none, a sign for infinity."""
    if value is None or isnan(value):
        return NOTHING
    if isinf(value):
        return "∞" if value > 0 else f"{MINUS}∞"
    if value == 0:
        return "0"
    if isinstance(value, int):
        return f"{value:,}".replace(",", _GROUPS).replace("-", MINUS)
    decimals = max(0, digits - 1 - floor(log10(abs(value))))
    return f"{value:,.{min(decimals, 6)}f}".replace(",", _GROUPS).replace("-", MINUS)


def plain_number(value: float) -> str:
    """A number with three significant digits and no zeros after them: 53, 1.25."""
    told = number(value)
    return told.rstrip("0").removesuffix(".") if "." in told else told


def cells(value: float | None) -> str:
    """A number of cells as a power of ten."""
    if value is None or isinf(value) or value == 0:
        return number(value)
    mantissa, _, power = f"{value:.1e}".replace("-", MINUS, value < 0).partition("e")
    return f"{mantissa}{SPACE}\N{MULTIPLICATION SIGN}{SPACE}10{str(int(power)).translate(_SUPERSCRIPTS)}"


def power_of_ten(value: float) -> str:
    """A tick of a log axis of cells; one of a whole power of ten is that power alone: 10⁶."""
    return cells(value).replace(".0", "").removeprefix(f"1{SPACE}\N{MULTIPLICATION SIGN}{SPACE}")


def percent(value: float | None) -> str:
    """A percentage with one decimal."""
    return NOTHING if value is None else f"{value:.1f}{SPACE}%"


def signed_percent(value: float | None) -> str:
    """A change in percent with its sign and at most one decimal: +7.1 %, -30 %."""
    return NOTHING if value is None else f"{value:+.1f}".removesuffix(".0").replace("-", MINUS) + f"{SPACE}%"


def share(n_with: int | None, n: int | None) -> str:
    """A proportion with its denominator: 10/24 (41.7 %)."""
    if n_with is None or n is None:
        return NOTHING
    return f"{n_with}/{n} ({percent(100 * n_with / n)})" if n else f"{n_with}/{n}"


def unit_words(unit: str | None) -> str:
    """A unit of responses as the pages write it: spots per 10⁶ cells, % of CD8."""
    return "its unit" if unit is None else unit.replace("10^6", "10⁶")


def series(assay: str, population: str | None, readout: str | None) -> str:
    """What responses are of: ELISpot IFNg; cytometry CD8 IFNg. The population of ELISpot is every cell of a well."""
    named = [] if assay == "elispot" else [population]
    return " ".join(part or NOTHING for part in ("ELISpot" if assay == "elispot" else assay, *named, readout))


def interval(lower: str, upper: str) -> str:
    """A 95 % interval from its two ends, already in words."""
    return f"95{SPACE}% interval {lower} to {upper}"


def percent_ends(lower: float | None, upper: float | None) -> tuple[str, str]:
    """The ends of an interval in percent, the unit after the last."""
    return (NOTHING if lower is None else f"{lower:.1f}"), percent(upper)


def months(value: float | None) -> str:
    """A median in months; a curve that stays above one half has not reached it."""
    return "not reached" if value is None else f"{value:.1f}"


def median_interval(lower: float | None, upper: float | None) -> str:
    """The 95 % interval of a median in months, saying which end is not reached."""
    if upper is not None:
        return interval(months(lower), f"{upper:.1f}{SPACE}months")
    return f"95{SPACE}% interval not reached" if lower is None else interval(f"{lower:.1f}{SPACE}months", months(upper))


def p_value(value: float | None) -> str:
    """A two-sided p-value with two significant digits, `not estimable` where there is none."""
    if value is None:
        return "not estimable"
    if value < 0.0001:
        return f"p{SPACE}<{SPACE}0.0001"
    return f"p{SPACE}={SPACE}{number(value, 2)}"


def counted(n: int, thing: str, plural: str | None = None) -> str:
    """A count with its noun: 1 subject, 24 subjects."""
    return f"{number(n)} {thing if n == 1 else plural or thing + 's'}"


def spelled(code: str | None) -> str:
    """A code of the tables as words: accepted_with_rejects becomes accepted with rejects."""
    return NOTHING if code is None else code.replace("_", " ")


def sentence(words: str) -> str:
    """The words with a capital at the start."""
    return f"{words[:1].upper()}{words[1:]}"


def meaning(code: str | None) -> str:
    """What a reason code means, nothing for a code that is not declared."""
    return REASONS[code].meaning if code in REASONS else ""


def listed(counts: dict[str, int]) -> str:
    """The counts that are not 0, as `2 dead, 1 not sampled`; `none` where all are."""
    named = [f"{n} {what}" for what, n in counts.items() if n]
    return ", ".join(named) if named else "none"
