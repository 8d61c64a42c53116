"""Taking exports into the vault: sources, parsing, quarantine, commit."""
