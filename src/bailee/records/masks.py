"""Arrow's answers as NumPy masks."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Mask = npt.NDArray[np.bool_]


def truth(column: pa.Array) -> Mask:
    """Shape [n] of bool: where the answer is yes; no answer counts as no."""
    return np.asarray(pc.fill_null(column, fill_value=False).to_numpy(zero_copy_only=False), np.bool_)
