"""The append-only, tamper-evident log of decisions and disclosures."""
