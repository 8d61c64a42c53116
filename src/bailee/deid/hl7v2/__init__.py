"""HL7 v2 messages de-identified in their own format, by rules for segments, fields, components and data types.

plan.py       a profile compiled against the tables of HL7 v2: what happens to each field of each segment
people.py     whom a message is about, and which identifiers it knows of them
engine.py     a message by a plan: what leaves, with places for texts that are cleaned in bulk
leaves.py     the methods on one value
coded.py      codes with their systems and words
observed.py   OBX-5, whose type another field tells
places.py     where cleaned texts go
"""
