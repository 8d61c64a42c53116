"""De-identifying the elements of records by a compiled plan."""
