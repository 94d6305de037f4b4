"""The caller's loop of every pair of Python ends: it answers bench's questions on stdin."""

import signal
import sys
import time

import numpy as np

SHAPES = {32: (32,), 921_600: (480, 640, 3), 6_220_800: (1080, 1920, 3)}  # of uint8


def ask(echo):
    """Measures echo(frame), which sends an array and gives the one that comes back.

    A question is a line "BYTES SECONDS". The answer is how many frames came back in a second. Each frame differs from
    the one before, and the first and last byte of what comes back are compared, so that no old frame counts.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # else the answering process would stay
    for line in sys.stdin:
        size, seconds = line.split()
        frame = np.random.default_rng(1).integers(0, 255, SHAPES[int(size)], np.uint8)
        ends = frame.reshape(-1)[:: frame.size - 1]  # a view of the first and the last byte
        for _ in range(3):  # not counted
            assert np.array_equal(echo(frame), frame), "another frame came back"
        calls, began = 0, time.perf_counter()
        until = began + float(seconds)
        while time.perf_counter() < until:
            ends[:] = calls & 0xFF
            back = echo(frame).reshape(-1)
            assert back.size == frame.size and back[0] == ends[0] and back[-1] == ends[1], "another frame came back"
            calls += 1
        print(calls / (time.perf_counter() - began), flush=True)
