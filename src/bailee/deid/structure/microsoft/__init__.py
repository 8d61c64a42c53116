"""Configuration files of Microsoft's FHIR anonymizer, carried out with its own semantics.

config.py      a configuration file, checked
tree.py        a resource as a tree of typed elements, read and written
fhirpath/      the part of FHIRPath that configurations use; anything else is an error when the file is read
reach.py       rules that can match nothing in R4
dates.py       partial dates, ages and date shifts
methods.py     redact, dateShift, cryptoHash, encrypt, generalize, perturb
substitute.py  substitute
labels.py      what is written to meta.security
anonymizer.py  rules over a resource, in order, the first that matches a node wins
"""

from __future__ import annotations

from bailee.deid.structure.microsoft.anonymizer import Anonymizer, Scope
from bailee.deid.structure.microsoft.config import Configuration, read_configuration

__all__ = ["Anonymizer", "Configuration", "Scope", "read_configuration"]
