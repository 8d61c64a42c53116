"""The vault and the releases."""
