#!/usr/bin/env python3
"""broadcast.py: the parts of broadcast.sh. Each is a program of its own, and knows nothing of the others.

    broadcast.py send COUNT          publishes COUNT frames, once two subscribers are there
    broadcast.py transform COUNT     subscribes, and transforms each frame (2-D FFT): the slow one
    broadcast.py store COUNT FILE    subscribes, and writes each frame to an HDF5 file
    broadcast.py check COUNT FILE    says whether the file has COUNT frames, each as it was sent

A frame is noise from its number and a wave of so many periods as its number says. So everybody knows what was sent, and
each transform has its peak where the number says. Both subscribers end with the publisher, or when they are stopped (TERM,
Ctrl-C): the file is whole then, with what came so far.

Exit status: 0; 1 if something is wrong or missing, 2 for usage, 128+N for signal N.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any, Iterator, NoReturn

try:
    import h5py
    import numpy as np
except ImportError as e:
    print(f"broadcast.py: {e} (apt-get install python3-numpy python3-h5py)", file=sys.stderr)
    sys.exit(2)
import rpcd

WORKER = os.environ.get("RPC_WORKER", "cam")
TOPIC = "frames"
WAIT = 30.0  # seconds until the worker has to be there
SHAPE = (480, 640, 3)
PERIODS = SHAPE[1] // 2 - 1  # more can't be told apart (the theorem of Shannon)
x = np.arange(SHAPE[1])


def periods(number: int) -> int:
    return (number - 1) % PERIODS + 1


def draw(number: int, frame: Any) -> None:
    """Writes frame number `number`, from 1 on."""
    noise = np.random.default_rng(number).integers(0, 32, SHAPE, np.uint8)
    wave = np.rint(112 + 100 * np.cos(2 * np.pi * periods(number) * x / SHAPE[1])).astype(np.uint8)
    np.add(noise, wave[None, :, None], out=frame)


def send(count: int) -> int:
    with rpcd.publish(WORKER, TOPIC, subscribers=2, wait=WAIT) as frames:
        for number in range(1, count + 1):
            with frames.next(SHAPE, "uint8") as place:  # in memory that the subscribers share
                draw(number, place)
    return say(f"sent {count} frames")


def received(count: int) -> Iterator[Any]:
    """Gives the frames, and sees to it that all came."""
    with rpcd.subscribe(WORKER, TOPIC, until_end=True, wait=WAIT) as frames:
        yield from frames
        if frames.got != count or frames.missed:
            sys.exit(f"broadcast.py: {frames.got} of {count} frames came, {frames.missed} were dropped")


def transform(count: int) -> int:
    number = 0
    for number, frame in enumerate(received(count), 1):
        spectrum = np.abs(np.fft.fft2(frame.mean(axis=2)))
        spectrum[0, 0] = 0  # the mean
        peak = int(spectrum[0, : SHAPE[1] // 2].argmax())
        if peak != periods(number) or spectrum[0, peak] < 0.999 * spectrum.max():
            sys.exit(f"broadcast.py: transform {number} has its peak at {peak}")
    return say(f"transformed {number} frames, each peak is where it belongs")


def store(count: int, path: str) -> int:
    number = 0
    with h5py.File(path, "w") as file:  # closed, and so whole, whatever ends this
        frames = file.create_dataset("frames", (0, *SHAPE), "uint8", maxshape=(None, *SHAPE), chunks=(1, *SHAPE))
        for number, frame in enumerate(received(count), 1):
            frames.resize(number, axis=0)
            frames[number - 1] = frame
    return say(f"stored {number} frames")


def check(count: int, path: str) -> int:
    want = np.empty(SHAPE, np.uint8)
    with h5py.File(path, "r") as file:
        frames = file["frames"]
        if len(frames) != count:
            sys.exit(f'broadcast.py: "{path}" has {len(frames)} frames of {count}')
        for number in range(1, count + 1):
            draw(number, want)
            if not np.array_equal(frames[number - 1], want):
                sys.exit(f"broadcast.py: frame {number} isn't what was sent")
    return say(f"{count} frames in the file, each as it was sent")


def say(what: str) -> int:
    print(what, flush=True)
    return 0


def stopped(number: int, _: Any) -> NoReturn:
    sys.exit(128 + number)


def main() -> int:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stopped)
    words = sys.argv[1:]
    parts = {("send", 2): send, ("transform", 2): transform, ("store", 3): store, ("check", 3): check}
    part: Any = parts.get((words[0], len(words))) if words else None
    if part is None or not words[1].isdecimal():
        print((__doc__ or "").strip(), file=sys.stderr)
        return 2
    try:
        return int(part(int(words[1]), *words[2:]))
    except (rpcd.Error, OSError) as e:
        print(f"broadcast.py: {words[0]}: {e}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
