"""Finding and replacing identifiers in the text of notes."""
