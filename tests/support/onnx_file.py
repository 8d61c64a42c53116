"""Writes the smallest ONNX model that classifies tokens: a table of scores by token. Protocol Buffers by hand."""

import numpy as np


def varint(number):
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def whole(field, number):
    return varint(field << 3) + varint(number)


def part(field, content):
    content = content.encode() if isinstance(content, str) else content
    return varint(field << 3 | 2) + varint(len(content)) + content


def value(name, kind, shape):
    dims = b"".join(part(1, whole(1, size) if isinstance(size, int) else part(2, size)) for size in shape)
    return part(1, name) + part(2, part(1, whole(1, kind) + part(2, dims)))


def table_model(scores):
    """Give an ONNX file that answers for each input id with its row of `scores` (float32[vocabulary, labels])."""
    scores = np.ascontiguousarray(scores, np.float32)
    weights = (
        b"".join(whole(1, size) for size in scores.shape) + whole(2, 1) + part(8, "table") + part(9, scores.tobytes())
    )
    node = part(1, "table") + part(1, "input_ids") + part(2, "logits") + part(4, "Gather")
    taken = value("input_ids", 7, ["rows", "pieces"])
    given = value("logits", 1, ["rows", "pieces", scores.shape[1]])
    graph = part(1, node) + part(2, "tiny") + part(5, weights) + part(11, taken) + part(12, given)
    return whole(1, 8) + part(8, part(1, "") + whole(2, 13)) + part(7, graph)
