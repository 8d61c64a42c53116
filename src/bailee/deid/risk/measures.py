"""Measures of risk over equivalence classes: pure arithmetic on counts, no table and no identifier.

Source: El Emam, Guide to the De-Identification of Personal Health Information (prosecutor, journalist, marketer);
Sweeney 2002 (k); Machanavajjhala 2007 (l); Li 2007 (t).
"""

from __future__ import annotations

import msgspec
import numpy as np
import numpy.typing as npt

from bailee.core.errors import Invalid
from bailee.deid.risk.classes import Counts

Floats = npt.NDArray[np.float64]


class Risk(msgspec.Struct, frozen=True, kw_only=True):
    """What the sizes of classes tell. Units: risks are probabilities, 0 to 1."""

    records: int
    classes: int
    smallest: int  # k
    unique: int  # records that are alone in their class
    prosecutor_highest: float  # the attacker knows that the target is in the data
    prosecutor_average: float  # = classes / records; also the marketer's expected share without a population
    journalist_highest: float  # the attacker knows the target's population only
    marketer: float  # expected share of records that are matched rightly against the population
    below: dict[int, int]  # threshold → records in classes smaller than it


def risk_of(
    sizes: Counts, *, population: Counts | None = None, thresholds: tuple[int, ...] = (2, 3, 5, 11, 20)
) -> Risk:
    """Measure the risk of classes; `population` counts the same classes in the population that they were drawn from.

    Without a population the data are taken for it, which never understates the risk.
    Shape: int64[n], int64[n] or None → Risk. Raises: Invalid if a population class is smaller than its sample.
    """
    if population is not None and (len(population) != len(sizes) or bool((population < sizes).any())):
        raise Invalid("a population with fewer people than the extract", remedy="Count the same classes, in all of it.")
    records, classes = int(sizes.sum()), len(sizes)
    whole = sizes if population is None else population
    empty = not records
    return Risk(
        records=records,
        classes=classes,
        smallest=0 if empty else int(sizes.min()),
        unique=int((sizes == 1).sum()),
        prosecutor_highest=0.0 if empty else 1.0 / int(sizes.min()),
        prosecutor_average=0.0 if empty else classes / records,
        journalist_highest=0.0 if empty else 1.0 / int(whole.min()),
        marketer=0.0 if empty else float((sizes / whole).sum()) / records,
        below={threshold: int(sizes[sizes < threshold].sum()) for threshold in thresholds},
    )


class Diversity(msgspec.Struct, frozen=True, kw_only=True):
    """How much a class gives away of a sensitive value once somebody is known to be in it; the worst class counts."""

    distinct: int  # fewest different values in a class
    entropy: float  # 2 to the least entropy: the effective number of values
    closeness: float  # largest distance of a class's distribution from the whole's, 0 to 1


class Sensitive(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What must hold of one sensitive column in every class; 0 and 1 ask nothing."""

    distinct: int = 0
    entropy: float = 0.0  # effective number of values
    closeness: float = 1.0  # distance from the whole
    ordered: bool = False


def diversity_of(classes: Counts, values: Counts, counts: Counts, *, ordered: bool = False) -> Diversity:
    """Measure diversity and closeness from counts of (class, value).

    The distance is the earth mover's: between any two values 1, or by their ranks when `ordered`.
    Shape: int64[cells] each, class and value numbers from 0 → Diversity.
    """
    if not len(classes):
        return Diversity(distinct=0, entropy=0.0, closeness=0.0)
    cells = np.zeros((int(classes.max()) + 1, int(values.max()) + 1))
    np.add.at(cells, (classes, values), counts)
    distinct, entropy, closeness = by_class(cells, cells.sum(axis=0), ordered=ordered)
    return Diversity(distinct=int(distinct.min()), entropy=float(entropy.min()), closeness=float(closeness.max()))


def by_class(cells: Floats, whole: Floats, *, ordered: bool = False) -> tuple[Floats, Floats, Floats]:
    """Measure each class: different values, effective values, distance from the whole.

    Shape: counts float64[classes, values], float64[values] → float64[classes] each.
    """
    shares = cells / cells.sum(axis=1, keepdims=True)
    logs = np.log2(shares, out=np.zeros_like(shares), where=shares > 0)
    gaps = shares - whole / whole.sum()
    if ordered and cells.shape[1] > 1:
        distance = np.abs(np.cumsum(gaps, axis=1)).sum(axis=1) / (cells.shape[1] - 1)
    else:
        distance = np.abs(gaps).sum(axis=1) / 2
    return (cells > 0).sum(axis=1).astype(np.float64), 2 ** (-(shares * logs).sum(axis=1)), distance


def small_cells(counts: Counts, *, least: int) -> int:
    """Count the cells of a table of counts that are too small to publish: from 1 up to below `least`."""
    return int(((counts > 0) & (counts < least)).sum())
