"""De-identifying files without a vault, an agreement or a ledger: to try the engines, or to replace another tool.

profile.py     by a profile: the run from left to right
kinds.py       the kinds of files, and how each is known; fhir.py and its like do the work of one kind
run.py         what the kinds share: keys, account, where output goes
persons.py     one person is one person in every format
scratch.py     where sealed records lie while a run lasts
outputs.py     where output goes: same layout, whole files only
microsoft.py   by a configuration file of Microsoft's anonymizer
"""
