#!/usr/bin/env python3
"""detect.py [WORKER]: sends frames to the procedure `detect` of a worker (ml), all on one connection.

    rpc camera video0 read | detect.py
    RPC_DIR=./run detect.py <frames.npy

stdin has frames as np.save writes them, one after the other (uint8, height x width x 3, RGB). Each gives a line on
stdout: its faces as X,Y,WIDTH,HEIGHT with blanks between, or - for none. The last line, on stderr, counts them. It waits
30 s for the worker.

On one host a frame lies in memory that both sides share. So this program may run beside the worker's socket folder, in
a container or outside, and needs NumPy and the package rpcd, but no OpenCV.

Exit status: 0; 1 if a call or a frame failed, 2 for usage.
"""

from __future__ import annotations

import os
import sys
import time
from typing import Any, BinaryIO, Iterator

try:
    import numpy as np
except ImportError:
    sys.exit("detect.py: needs NumPy (apt-get install python3-numpy)")
# Where the package isn't installed, it lies beside this folder.
sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "client", "python"))
try:
    import rpcd
except ImportError:
    sys.exit("detect.py: needs the package rpcd (pip install ./client/python)")

npy: Any = np.lib.format
WAIT = 30.0  # seconds to go on trying a worker that isn't up yet


class Unseekable:
    """A file that np.lib.format reads piece by piece. It would seek in a real one, and a pipe can't."""

    def __init__(self, file: BinaryIO) -> None:
        self.read = file.read


def frames(file: Any) -> Iterator[Any]:
    while file.peek(1):
        yield npy.read_array(Unseekable(file), allow_pickle=False)


def main() -> int:
    if len(sys.argv) > 2 or sys.argv[1:2] in (["-h"], ["--help"]):
        print(__doc__.strip())
        return 0 if len(sys.argv) == 2 else 2
    worker = sys.argv[1] if len(sys.argv) > 1 else "ml"
    count, found, took = 0, 0, 0.0
    try:
        # A filter needs no folder. So it may be called from one that the worker doesn't have.
        with rpcd.connect(worker, "detect", cwd="/", wait=WAIT) as detect:
            for frame in frames(sys.stdin.buffer):
                begin = time.monotonic()
                boxes = detect(frame)
                took += time.monotonic() - begin
                count, found = count + 1, found + len(boxes)
                print(" ".join(",".join(map(str, box)) for box in boxes.tolist()) or "-", flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # the interpreter flushes stdout at its end
        return 1
    except (rpcd.Error, rpcd.CallFailed, ValueError, OSError) as e:
        print(f"detect.py: frame {count + 1}: {str(e).strip()}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    print(f"detect.py: {count} frames, {found} faces, one connection, {took / max(count, 1) * 1e3:.0f} ms a frame", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
