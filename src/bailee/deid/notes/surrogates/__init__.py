"""Values that take the place of identifiers in notes: of the same look, the same each time for a patient, never real ones."""
