"""What HL7 v2 and C-CDA share in being de-identified: rules as data, codes, moments, keyed ids, texts in pieces.

rules.py      a profile's file: paths, methods, reasons
codes.py      code systems by their names in v2 and their OIDs, and what their codes look like
moments.py    dates and times as HL7 writes them: 20240131, 202401311530-0500
persons.py    what a patient becomes: pseudonym, offset of dates; keyed hashes of other ids
passages.py   texts that stand in pieces, between delimiters or tags, and are read as one
tally.py      counts of what was kept, changed, removed, and of what no rule knows
"""
