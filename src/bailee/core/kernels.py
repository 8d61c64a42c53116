"""The compiled kernels: plain C functions over whole buffers, called without copying; no Python.h needed.

The sources lie in `kernels/`; `python kernels/build.py` compiles them with the system's compiler, or with the
one that PyPI's `ziglang` carries. ctypes releases the interpreter lock during each call.
"""

from __future__ import annotations

import ctypes
from functools import cache
from pathlib import Path
from typing import Any

import numpy.typing as npt

from bailee.core.errors import Unavailable

LIBRARY = Path(__file__).with_name("_kernels.so")
# There in a checkout only: a kernel called by an outdated library would read arguments that are not its own.
SOURCES = Path(__file__).parents[3] / "kernels"


@cache
def library() -> ctypes.CDLL:
    """Load the compiled kernels once. Raises: Unavailable if they were never built, or are older than their sources."""
    newer = [path.name for path in SOURCES.glob("*.[ch]") if path.stat().st_mtime > _built_at()]
    if newer:
        raise Unavailable(f"{newer[0]} changed after the kernels were built: run `python kernels/build.py`")
    try:
        return ctypes.CDLL(str(LIBRARY))
    except OSError:
        raise Unavailable("the compiled kernels are missing: run `python kernels/build.py`") from None


def _built_at() -> float:
    return LIBRARY.stat().st_mtime if LIBRARY.exists() else 0.0


def address(array: npt.NDArray[Any]) -> ctypes.c_void_p:
    """Give the address of a contiguous array's first item."""
    assert array.flags.c_contiguous
    return ctypes.c_void_p(array.ctypes.data)
