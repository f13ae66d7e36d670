#!/usr/bin/env python3
"""Prints the SHA-256 of what gguf-py makes of blocks that `src/model/gguf/tables.rs` makes too: its test has the numbers.

    usage: scripts/gguf_blocks.py        # needs gguf and numpy

Byte i of the blocks is i * i * 7 + i * 13 + i // 256 * 29 + 5, cut to eight bits; the upper byte of a scale in half
precision is cut to six, so that no scale is an infinity, and an exponent to seven.
"""

import hashlib

import gguf
import numpy as np

BLOCKS = 96
KINDS = {"IQ4_NL": (18, 1), "IQ4_XS": (136, 1), "MXFP4": (17, 0)}

for name, (size, scale) in KINDS.items():
    i = np.arange(BLOCKS * size, dtype=np.int64)
    data = ((i * i * 7 + i * 13 + i // 256 * 29 + 5) & 255).astype(np.uint8).reshape(BLOCKS, size)
    data[:, scale] &= 0x3B if scale else 0x7F
    values = gguf.quants.dequantize(data, gguf.GGMLQuantizationType[name]).astype(np.float32)
    print(name, values.size, hashlib.sha256(values.tobytes()).hexdigest())
