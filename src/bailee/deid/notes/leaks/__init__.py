"""Is anything left? A plain second look at released texts, and estimates of what no finder saw. Replaces nothing."""

from bailee.deid.notes.leaks.estimate import Estimate, clopper_pearson, missed_by_all, missed_by_two
from bailee.deid.notes.leaks.survivors import SecondLook, survivors

__all__ = ["Estimate", "SecondLook", "clopper_pearson", "missed_by_all", "missed_by_two", "survivors"]
