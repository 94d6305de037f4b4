#!/usr/bin/env python3
"""fft.py: the two ends of fft.sh.

    fft.py send COUNT SIZE    the ventilator: COUNT arrays of SIZE x SIZE to stdout, as npy one after the other
    fft.py check COUNT SIZE   the sink: takes their transforms from stdin in order, and checks each

Both make the arrays from their numbers. So the sink knows what the ventilator sent, and a transform that is missing,
doubled or in the wrong place differs. What is right numpy.fft says in the sink's own process.

Exit status: 0; 1 if a transform is wrong or missing, 2 for usage.
"""

from __future__ import annotations

import os
import sys
from typing import Any, BinaryIO

try:
    import numpy as np
except ImportError:
    print("fft.py: needs NumPy (apt-get install python3-numpy)", file=sys.stderr)
    sys.exit(2)

npy: Any = np.lib.format
NEAR = 1e-9  # of the largest value. Other builds of NumPy may round differently, by 1e-15 or so


class Unseekable:
    """A file that np.lib.format reads and writes piece by piece. It would seek in a real one, and a pipe can't."""

    def __init__(self, file: BinaryIO) -> None:
        self.read, self.write = file.read, file.write


def array(number: int, size: int) -> Any:
    return np.random.default_rng(number).standard_normal((size, size))


def send(count: int, size: int) -> int:
    for number in range(1, count + 1):
        npy.write_array(Unseekable(sys.stdout.buffer), array(number, size), allow_pickle=False)
    sys.stdout.flush()
    return 0


def check(count: int, size: int) -> int:
    stdin: Any = sys.stdin.buffer
    for number in range(1, count + 1):
        if not stdin.peek(1):
            return wrong(f"only {number - 1} of {count} transforms came")
        try:
            got = npy.read_array(Unseekable(stdin), allow_pickle=False)
        except ValueError as e:
            return wrong(f"transform {number} can't be read: {e}")
        want = np.fft.fft2(array(number, size))
        if got.shape != want.shape or not np.allclose(got, want, rtol=0, atol=NEAR * np.abs(want).max()):
            return wrong(f"transform {number} isn't that of array {number}")
    if stdin.peek(1):
        return wrong(f"more than {count} transforms came")
    print(f"{count} arrays of {size}x{size}: each transform is right, and in its place")
    return 0


def wrong(what: str) -> int:
    print(f"fft.py: {what}", file=sys.stderr)
    return 1


def main() -> int:
    ends = {"send": send, "check": check}
    words = sys.argv[1:]
    if len(words) != 3 or words[0] not in ends or not all(w.isdecimal() and int(w) > 0 for w in words[1:]):
        print(__doc__.strip(), file=sys.stderr)
        return 2
    try:
        return ends[words[0]](int(words[1]), int(words[2]))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # the interpreter flushes stdout at its end
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
