"""Notes into coded facts."""
