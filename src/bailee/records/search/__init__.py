"""FHIR search over records in memory: what a cohort may be defined by; it opens no store."""

from bailee.records.search.query import Search, parse_search

__all__ = ["Search", "parse_search"]
