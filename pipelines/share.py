#!/usr/bin/env python3
"""share.py: the parts of share.sh. Each is a program of its own, and knows nothing of the others.

    share.py write COUNT    shares the latest of COUNT frames, one every 5 ms
    share.py read           looks now and then at the latest one, until the writer has ended
    share.py look           looks once

A record is one npy array without axes, whose dtype says what it has: when the writer began and which frame it is (the
counter), a checksum, and the frame with its shape, which changes meanwhile. So no reader needs to know it before.

Exit status: 0; 1 if a frame was torn or is older than the one before, 2 for usage, 128+N for signal N.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
import zlib
from typing import Any, NoReturn, Tuple

try:
    import numpy as np
except ImportError:
    print("share.py: needs NumPy (apt-get install python3-numpy)", file=sys.stderr)
    sys.exit(2)
import rpcd

WORKER = os.environ.get("RPC_WORKER", "cam")
TOPIC = "latest"
WAIT = 30.0  # seconds until the worker has to be there
PACE = 0.005  # seconds between two frames
LOOKS = 0.03  # seconds between two looks of a reader, at most
SHAPES = ((480, 640, 3), (240, 320, 3), (480, 640))
TURN = 50  # frames of one shape


def kind(shape: Tuple[int, ...]) -> Any:
    return np.dtype([("began", "<u8"), ("counter", "<u8"), ("checksum", "<u4"), ("frame", "u1", shape)])


def checksum(record: Any) -> int:
    return zlib.crc32(record["frame"], int(record["counter"]))


def write(count: int) -> int:
    began = time.time_ns()
    with rpcd.publish(WORKER, TOPIC, wait=WAIT) as latest:
        due = time.monotonic()
        for counter in range(1, count + 1):
            with latest.next((), kind(SHAPES[counter // TURN % len(SHAPES)])) as place:
                place["frame"][...] = counter & 0xFF
                place["frame"][counter % 100] = 255  # a line that moves
                place["began"], place["counter"] = began, counter
                place["checksum"] = checksum(place)
            due += PACE
            time.sleep(max(0.0, due - time.monotonic()))
    return say(f"shared {count} frames")


def check(record: Any, before: Tuple[int, int]) -> Tuple[int, int]:
    """Gives which frame it is, if it is whole and newer than the one before."""
    which = int(record["began"]), int(record["counter"])
    if record["checksum"] != checksum(record):
        sys.exit(f"share.py: frame {which[1]} is torn")
    if which <= before:
        sys.exit(f"share.py: frame {which[1]} came after frame {before[1]}")
    return which


def read() -> int:
    which, looks, shapes = (0, 0), 0, set()
    for record in rpcd.subscribe(WORKER, TOPIC, until_end=True, wait=WAIT):
        which = check(record, which)
        looks += 1
        shapes.add(record["frame"].shape)
        time.sleep(random.uniform(0, LOOKS))
        check(record, (0, 0))  # it is still whole
    return say(f"looked {looks} times, the last time at frame {which[1]}: {len(shapes)} shapes, none torn")


def look() -> int:
    record = next(rpcd.subscribe(WORKER, TOPIC, wait=WAIT))
    return say(f"frame {check(record, (0, 0))[1]}, {'x'.join(map(str, record['frame'].shape))}: whole")


def say(what: str) -> int:
    print(what, flush=True)
    return 0


def stopped(number: int, _: Any) -> NoReturn:
    sys.exit(128 + number)


def main() -> int:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stopped)
    words = sys.argv[1:]
    try:
        if len(words) == 2 and words[0] == "write" and words[1].isdecimal():
            return write(int(words[1]))
        if words == ["read"]:
            return read()
        if words == ["look"]:
            return look()
    except rpcd.Error as e:
        print(f"share.py: {words[0]}: {e}", file=sys.stderr)
        return 1
    print((__doc__ or "").strip(), file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
