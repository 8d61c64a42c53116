"""What lets a process of ours start sooner: for commands and workers, never for a program that imports us."""

from __future__ import annotations

import ctypes
import gc
import sys
from importlib.machinery import ModuleSpec

import pyarrow as pa

# Start-up makes some hundred thousand objects that stay; to look through them for garbage takes a fifth of its time.
OBJECTS_BEFORE_A_LOOK = 100_000


# glibc raises the size from which blocks go back to the system with every such block it frees, until nearly none do: the heap
# of a worker then grows for its first ten tasks. Held here, and trimmed between tasks, it stays as it is, a sixth smaller.
LARGE_BYTES = 8 << 20
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of mallopt, in glibc's malloc.h


class _NoPandas:
    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """Say that there is no pandas."""
        del path, target
        if name == "pandas":
            raise ModuleNotFoundError(name=name)
        return None


def start_lean() -> None:
    """Look for garbage less often, free memory at once, and keep Arrow from importing pandas to see whether a list is a Series after all.

    Arrow asks twice, the first time it is given a list, and remembers the answer; tables can be made into pandas' own
    frames all the same, if that is installed. Arrow takes its memory from the system, which has large blocks back at once:
    a release then needs a twentieth less of both memory and time.
    """
    pa.set_memory_pool(pa.system_memory_pool())
    for threshold in (_MMAP_THRESHOLD, _TRIM_THRESHOLD):
        _tell("mallopt", threshold, LARGE_BYTES)
    gc.set_threshold(OBJECTS_BEFORE_A_LOOK, 20, 50)
    if "pandas" in sys.modules:
        return
    sys.meta_path.insert(0, _NoPandas)
    try:
        pa.array([], pa.int8())
        pa.array([0])
    finally:
        sys.meta_path.remove(_NoPandas)


def give_back() -> None:
    """Give what the heap no longer needs back to the system, where the C library can: between tasks. Cost: a millisecond."""
    _tell("malloc_trim", 0)


def _tell(function: str, *numbers: int) -> None:
    """Call a function of the C library, if it has it: glibc's are not musl's."""
    known = getattr(ctypes.CDLL(None), function, None)
    if known is not None:
        known(*numbers)
