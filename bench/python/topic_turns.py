"""The loops of publishers and subscribers in Python: they answer bench's questions on stdin.

Questions, answers and the frames' marks are those of topics/main.go.
"""

import signal
import struct
import sys
import time
from multiprocessing import Pipe, Process

import numpy as np

SHAPES = {32: (32,), 921_600: (480, 640, 3), 6_220_800: (1080, 1920, 3)}  # of uint8
SMALL = 4096  # bytes; below it queues are long
WARM, COUNTED, LAST = range(3)
WARM_FRAMES = 4
HEAD = struct.Struct("=QQQ")
TAIL = struct.Struct("=Q")
TOUCH = 4096  # bytes from one that a subscriber reads to the next


def fill(frame, source, number, stamped, kind):
    """Writes a frame: a copy of source with the marks."""
    frame[...] = source
    flat = frame.reshape(-1).data
    TAIL.pack_into(flat, len(flat) - 8, number)
    HEAD.pack_into(flat, 0, number, time.monotonic_ns() if stamped else 0, kind)


def subscribe(frames, report):
    """Reads frames, and reports every turn: how many came, when the last one had come, and their delays."""
    counted, place, delays = 0, 0, []
    for frame in frames:
        came = time.monotonic_ns()
        flat = frame.reshape(-1)
        data = flat.data
        number, sent, kind = HEAD.unpack_from(data)
        assert number == place == TAIL.unpack_from(data, len(data) - 8)[0], "another frame came"
        flat[::TOUCH].sum()
        place += 1
        if kind == WARM:
            continue
        counted += 1
        if sent:
            delays.append(came - sent)
        if kind == LAST:
            report.send((counted, time.monotonic_ns(), delays))
            counted, place, delays = 0, 0, []


def start(n, frames, *args):
    """Starts n processes that subscribe to frames(i, *args), and gives their reports."""
    reports = []
    for i in range(n):
        ours, theirs = Pipe(False)
        Process(target=_subscribe, args=(theirs, frames, i, *args), daemon=True).start()
        reports.append(ours)
    return reports


def _subscribe(report, frames, *args):
    subscribe(frames(*args), report)


def publish(crowds):
    """Answers questions. crowds gives for a number of subscribers, and whether frames are small, their reports and send(shape, fill).

    send sends a frame that fill(array) has written.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # else the subscribers would stay
    for line in sys.stdin:
        n, size, seconds, pace = line.split()
        reports, send = crowds[int(n), int(size) < SMALL]
        shape, pace = SHAPES[int(size)], float(pace)
        source = np.random.default_rng(1).integers(0, 255, shape, np.uint8)
        number, kind = 0, WARM

        def write(frame):
            fill(frame, source, number, pace, kind)

        while number < WARM_FRAMES:
            send(shape, write)
            number += 1
        kind = COUNTED
        began = time.monotonic_ns()
        until = began + int(float(seconds) * 1e9)
        sent = 0
        while kind != LAST:
            if pace:
                time.sleep(max(0, began + int((sent + 1) / pace * 1e9) - time.monotonic_ns()) / 1e9)
            if time.monotonic_ns() >= until:
                kind = LAST
            send(shape, write)
            sent += 1
            number += 1
        ended, delays = 0, []
        for report in reports:
            counted, at, some = report.recv()
            assert counted == sent, "frames are missing"
            ended = max(ended, at)
            delays += some
        print(sent / (ended - began) * 1e9, *delays, flush=True)
