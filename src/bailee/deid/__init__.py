"""Finding, changing and removing what identifies a person; pure functions over batches."""
