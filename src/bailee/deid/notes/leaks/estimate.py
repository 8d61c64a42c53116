"""How much was missed: capture and recapture between finders, and an exact bound from a reviewed sample. Reads no text."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

from bailee.core.errors import Invalid

STEPS: Final = 60


@dataclass(frozen=True)
class Estimate:
    """An estimate with its interval. Units: identifiers that no finder saw."""

    missed: float
    low: float
    high: float
    found: int
    method: str

    @property
    def recall(self) -> float:
        """The share of identifiers that was found by at least one finder."""
        return self.found / (self.found + self.missed) if self.found + self.missed else 1.0

    @property
    def least_recall(self) -> float:
        """The same at the upper end of the interval."""
        return self.found / (self.found + self.high) if self.found + self.high else 1.0


def missed_by_two(both: int, only_first: int, only_second: int, *, confidence: float = 0.95) -> Estimate:
    """Estimate what two finders both missed, if they miss independently.

    Finders that miss the same things make this too small: it is a lower estimate, which the report says.
    Source: Chapman 1951; interval on the logarithm of the number missed, Chao 1987.
    """
    if min(both, only_first, only_second) < 0:
        raise Invalid("counts of finds must not be negative")
    first, second, found = both + only_first, both + only_second, both + only_first + only_second
    total = (first + 1) * (second + 1) / (both + 1) - 1
    variance = (first + 1) * (second + 1) * only_first * only_second / ((both + 1) ** 2 * (both + 2))
    missed = max(total - found, 0.0)
    low, high = _log_interval(missed, variance, confidence)
    return Estimate(missed, low, high, found, "two finders, Chapman")


def missed_by_all(counts: Mapping[int, int], finders: int, *, confidence: float = 0.95) -> Estimate:
    """Estimate what all of three or more finders missed, from counts of finds by the mask of finders that saw them.

    Identifiers may differ in how hard they are to see: what one finder alone saw, set against what two saw, tells how many
    nobody saw. That is a lower bound, and a close one where finders differ little; log-linear models with pairs of finders
    were tried and gave up to twelve times the truth on such mixtures.
    Source: Chao 1987, bias-corrected.
    """
    if finders < 2 or any(mask <= 0 or mask >= 1 << finders or count < 0 for mask, count in counts.items()):
        raise Invalid("counts must be by masks of the finders that saw something")
    if finders == 2:
        return missed_by_two(counts.get(3, 0), counts.get(1, 0), counts.get(2, 0), confidence=confidence)
    once = sum(count for mask, count in counts.items() if mask.bit_count() == 1)
    twice = sum(count for mask, count in counts.items() if mask.bit_count() == 2)
    scale = (finders - 1) / finders
    missed = scale * once * max(once - 1, 0) / (2 * (twice + 1))
    variance = scale**2 * (once**3 / (twice + 1) ** 2 + once**4 / (4 * (twice + 1) ** 3))
    low, high = _log_interval(missed, variance, confidence)
    return Estimate(missed, low, high, sum(counts.values()), f"{finders} finders, Chao")


def _log_interval(missed: float, variance: float, confidence: float) -> tuple[float, float]:
    if missed <= 0:
        return 0.0, 0.0 if variance <= 0 else _normal(confidence) * math.sqrt(variance)
    factor = math.exp(_normal(confidence) * math.sqrt(math.log1p(variance / missed**2)))
    return missed / factor, missed * factor


def _normal(confidence: float) -> float:
    return NormalDist().inv_cdf(0.5 + confidence / 2)


def clopper_pearson(leaking: int, reviewed: int, *, confidence: float = 0.95) -> tuple[float, float]:
    """Bound the share of leaking notes from a reviewed sample, exactly.

    Units: shares; the interval is two-sided, and one-sided where none or all leaked.
    Source: Clopper and Pearson 1934.
    Example:
        >>> round(clopper_pearson(0, 300)[1], 5)
        0.00994

    """
    if not 0 <= leaking <= reviewed or reviewed == 0:
        raise Invalid("a review needs notes, and not more leaking ones than notes")
    tail = (1 - confidence) / (1 if leaking in {0, reviewed} else 2)
    low = 0.0 if leaking == 0 else _solve(lambda share: 1 - _at_most(leaking - 1, reviewed, share) - tail)
    high = 1.0 if leaking == reviewed else _solve(lambda share: tail - _at_most(leaking, reviewed, share))
    return low, high


def _at_most(most: int, trials: int, share: float) -> float:
    """Give the binomial probability of at most so many."""
    if share <= 0 or share >= 1:
        return 1.0 if share <= 0 else float(most >= trials)
    logs = [
        math.lgamma(trials + 1)
        - math.lgamma(k + 1)
        - math.lgamma(trials - k + 1)
        + k * math.log(share)
        + (trials - k) * math.log1p(-share)
        for k in range(most + 1)
    ]
    return math.fsum(map(math.exp, logs))


def _solve(rising: Callable[[float], float]) -> float:
    """Find the zero of a rising function between 0 and 1 by halving."""
    low, high = 0.0, 1.0
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if rising(middle) > 0 else (middle, high)
    return (low + high) / 2
