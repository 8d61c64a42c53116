"""One file a verb; the only place where the rooms meet."""
