"""Patients' directives and their evaluation, for one patient and for millions."""
