"""Rule-based finders of notes: a table of rules, compiled to one automaton. Weighing finders is done elsewhere."""

from bailee.deid.notes.patterns.find import Scan, find, scan
from bailee.deid.notes.patterns.rules import Rule, table

__all__ = ["Rule", "Scan", "find", "scan", "table"]
