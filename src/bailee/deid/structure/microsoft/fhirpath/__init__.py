"""FHIRPath, as far as anonymizer configurations use it: parsed once, evaluated over element trees.

What is not supported is an error when an expression is parsed, never a silent empty result.
Source: https://hl7.org/fhirpath/N1
"""

from __future__ import annotations

from bailee.deid.structure.microsoft.fhirpath.evaluate import Misfit, evaluate, predicate, scalar
from bailee.deid.structure.microsoft.fhirpath.parse import Expression, parse

__all__ = ["Expression", "Misfit", "evaluate", "parse", "predicate", "scalar"]
