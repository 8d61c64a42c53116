"""What partners connect to."""
