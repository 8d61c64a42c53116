"""Bailee: a hospital's records, shared by agreement, de-identified, consented and provable."""

__version__ = "0.1.0"
