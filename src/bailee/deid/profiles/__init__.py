"""How each element is de-identified: rules as data (`*.toml`), and their compilation into a plan.

safe-harbor.toml, limited-data-set.toml, expert-determination.toml, research-identified.toml   the profiles
lists.toml      lists and terminologies that rules name with "@"
paths.py        the part of FHIRPath that a rule's path may use
profile.py      a profile as structs, checked against the R4 tables; errors name file and line
compile.py      profile → Plan
explain.py      which rule applies to a path, and why
"""
