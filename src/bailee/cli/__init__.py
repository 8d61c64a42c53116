"""One file a command, thin and lazy."""
