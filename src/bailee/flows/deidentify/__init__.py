"""De-identifying files without a vault, an agreement or a ledger: to try the engines, or to replace another tool.

outputs.py     where output goes: same layout, whole files only
microsoft.py   by a configuration file of Microsoft's anonymizer
"""
