"""How identifiable what remains is: k-anonymity, uniqueness, leaks."""
