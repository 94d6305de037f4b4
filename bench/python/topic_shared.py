"""multiprocessing.shared_memory, and two semaphores for each subscriber. topic_shared.py N...

Shapes are agreed on before, nobody is checked, and a subscriber that dies stops the publisher.
"""

import sys
from multiprocessing import Semaphore
from multiprocessing.shared_memory import SharedMemory

import numpy as np
import topic_turns

SLOTS = 8
SHAPES = list(topic_turns.SHAPES.values())
BEGINS = 64  # bytes of a slot, of which the first says the shape
SLOT = BEGINS + max(topic_turns.SHAPES)


def views(memory):
    return [[np.ndarray(shape, np.uint8, memory.buf, i * SLOT + BEGINS) for shape in SHAPES] for i in range(SLOTS)]


def frames(i, memory, free, filled):
    slots, at = views(memory), 0
    while True:
        filled[i].acquire()
        yield slots[at][memory.buf[at * SLOT]]
        free[i].release()
        at = (at + 1) % SLOTS


def sender(memory, free, filled):
    slots, at = views(memory), 0

    def send(shape, write):
        nonlocal at
        for f in free:
            f.acquire()
        memory.buf[at * SLOT] = which = SHAPES.index(shape)
        write(slots[at][which])
        for f in filled:
            f.release()
        at = (at + 1) % SLOTS

    return send


def main():
    memories, crowds = [], {}
    try:
        for n in map(int, sys.argv[1:]):
            memory = SharedMemory(create=True, size=SLOTS * SLOT)
            memories.append(memory)
            free, filled = [Semaphore(SLOTS) for _ in range(n)], [Semaphore(0) for _ in range(n)]
            reports = topic_turns.start(n, frames, memory, free, filled)
            crowds[n, True] = crowds[n, False] = reports, sender(memory, free, filled)
        topic_turns.publish(crowds)
    finally:
        for memory in memories:
            memory.unlink()


main()
