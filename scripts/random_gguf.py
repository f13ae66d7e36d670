#!/usr/bin/env python3
"""The shape of a GGUF model with random weights in bf16, its tokenizer and all other metadata as they are: for measuring speed
where the weights cannot be taken to.

    usage: scripts/random_gguf.py FILE OUT       FILE may be the front of a GGUF alone: what stands before its first weight
           scripts/random_gguf.py --front FILE OUT    writes that front, some MB of a file of any size

Needs numpy but for `--front`. What GGUF is: github.com/ggml-org/ggml/blob/master/docs/gguf.md.
"""

import struct
import sys
from pathlib import Path

ALIGNED = 32
BF16, F32 = 30, 0
TEXT, LIST = 8, 9
# Bytes of a value by the number of its type.
SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}


class Front:
    """What stands before the weights."""

    def __init__(self, data: bytes):
        self.data, self.at = data, 4
        if data[:4] != b"GGUF" or self.number("<I") != 3:
            sys.exit("error: this is no GGUF of version 3")
        tensors, values = self.number("<Q"), self.number("<Q")
        for _ in range(values):
            self.text()
            self.value(self.number("<I"))
        self.metadata = data[: self.at]
        self.shapes = [self.tensor() for _ in range(tensors)]
        self.end = self.at

    def number(self, form: str) -> int:
        (value,) = struct.unpack_from(form, self.data, self.at)
        self.at += struct.calcsize(form)
        return value

    def text(self) -> bytes:
        length = self.number("<Q")
        self.at += length
        return self.data[self.at - length : self.at]

    def value(self, kind: int) -> None:
        if kind == TEXT:
            self.text()
        elif kind == LIST:
            of, count = self.number("<I"), self.number("<Q")
            if of == TEXT:
                for _ in range(count):
                    self.text()
            else:
                self.at += count * SIZES[of]
        else:
            self.at += SIZES[kind]

    def tensor(self) -> tuple:
        name = self.text()
        shape = [self.number("<Q") for _ in range(self.number("<I"))]
        self.number("<I")
        self.number("<Q")
        return name, shape


def write(front: Front, out: Path) -> None:
    """Norms are 1, matrices are drawn; the upper half of a float is a bf16."""
    import numpy

    draw = numpy.random.default_rng(7)
    head, sizes, offset = bytearray(front.metadata), [], 0
    for name, shape in front.shapes:
        count = int(numpy.prod(shape))
        kind, size = (BF16, 2 * count) if len(shape) > 1 else (F32, 4 * count)
        head += struct.pack("<Q", len(name)) + name + struct.pack("<I", len(shape))
        head += b"".join(struct.pack("<Q", length) for length in shape) + struct.pack("<IQ", kind, offset)
        sizes.append((count, kind))
        offset += -(-size // ALIGNED) * ALIGNED
    head += bytes(-len(head) % ALIGNED)
    with out.open("wb") as file:
        file.write(head)
        for count, kind in sizes:
            if kind == F32:
                data = numpy.ones(count, numpy.float32).tobytes()
            else:
                drawn = draw.standard_normal(count, numpy.float32) * numpy.float32(0.03)
                data = (drawn.view(numpy.uint32) >> 16).astype(numpy.uint16).tobytes()
            file.write(data + bytes(-len(data) % ALIGNED))


def main() -> None:
    arguments = sys.argv[1:]
    only_front = arguments[:1] == ["--front"]
    if len(arguments) != 2 + only_front:
        sys.exit(__doc__.strip())
    source, out = (Path(name) for name in arguments[-2:])
    front = Front(source.read_bytes())
    if only_front:
        out.write_bytes(front.data[: front.end])
    else:
        write(front, out)


main()
