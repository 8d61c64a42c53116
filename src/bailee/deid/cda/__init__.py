"""C-CDA documents de-identified in their own format, by rules for classes, elements, data types and attributes.

plan.py        a profile checked against the classes of CDA R2
people.py      whom a document is about, and which identifiers it knows of them
engine.py      a document by a plan: a new tree of what leaves, with places for texts that are cleaned in bulk
attributes.py  the methods on an attribute
coded.py       codes with their systems and words
ids.py         ids and addresses
texts.py       narrative, words of entries, files in a document's body
places.py      where cleaned texts go
"""
