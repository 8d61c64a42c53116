"""Profiles: how each element and each note is de-identified, as data."""
