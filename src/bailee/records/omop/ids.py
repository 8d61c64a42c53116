"""The CDM's integer keys: keyed hashes of what FHIR calls a record, the same in every table that points to it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bailee.core.columns import buffer_of, keyed_hashes

PURPOSE = "omop"  # of the key that ids are hashed under
_REFERENCE = r"(?:^|/)(?P<at>[A-Z][A-Za-z]+/[A-Za-z0-9.\-]{1,64})(?:/_history/[^/]*)?$"


class Ids:
    """Makes keys under a secret of the agreement: two agreements have none in common."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def of(self, names: pa.Array) -> pa.Array:
        """Hash names such as "Encounter/abc". Shape: string[n] → int64[n], 0 to 2^63 - 1; nulls stay null.

        Source: SipHash-2-4-128 keyed, its first 63 bits. That two names share a key is refused, not repaired
        (see `bailee.flows.release.omop_check`): with a hundred million rows the odds are 1 in 1,800.
        """
        hashed = keyed_hashes(*buffer_of(names), self._secret)[:, 0] >> np.uint64(1)
        missing = names.is_null().to_numpy(zero_copy_only=False)
        return pa.array(hashed.astype(np.int64), mask=missing)


def names_of(kind: str, ids: pa.Array) -> pa.Array:
    """Name records as references do. Shape: string[n] → string[n]."""
    return pc.binary_join_element_wise(kind, ids, "/")


def referred(references: pa.Array) -> pa.Array:
    """Reduce literal references to "Type/id": server and version go. Shape: string[n] → string[n]; null for others."""
    if references.null_count == len(references):
        return references
    found = references.dictionary_encode()
    return pc.struct_field(pc.extract_regex(found.dictionary, _REFERENCE), "at").take(found.indices)
