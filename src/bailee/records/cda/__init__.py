"""What a C-CDA document is: hardened reading and writing, and which elements CDA R2 has. It decides nothing.

reading.py    bytes to a tree: no document types, no entities, no network; fragments get the namespaces they lack
model.py      the classes of CDA R2 with the sdtc extensions, and the parts of their data types (model.txt)
narrative.py  the markup of a section's text
"""
