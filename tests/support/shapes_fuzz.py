"""Run by a test against the checked library: pictures of every size, exact buffers, too little room for boxes."""

import ctypes
import sys

import numpy as np

kernel = ctypes.CDLL(sys.argv[1]).shapes_find
kernel.restype = ctypes.c_int64
rng = np.random.default_rng(5)


def at(array):
    return ctypes.c_void_p(array.ctypes.data)


for turn in range(400):
    height, width = (int(size) for size in rng.integers(1, 40, 2))
    mask = np.ascontiguousarray(rng.random((height, width)) < rng.random(), np.uint8)
    parents = np.empty(height * width, np.int32)
    capacity = int(rng.integers(0, 200))
    boxes = np.zeros((capacity, 5), np.int32)
    count = kernel(
        at(mask), ctypes.c_int64(height), ctypes.c_int64(width), at(parents), at(boxes), ctypes.c_int64(capacity)
    )
    assert 0 <= count <= height * width, turn
    whole = boxes[: min(count, capacity)]
    assert (whole[:, 4] > 0).all()
    assert count > capacity or whole[:, 4].sum() == mask.sum()
assert kernel(None, ctypes.c_int64(0), ctypes.c_int64(5), None, None, ctypes.c_int64(0)) == -1
assert kernel(None, ctypes.c_int64(1 << 20), ctypes.c_int64(1 << 20), None, None, ctypes.c_int64(0)) == -1
