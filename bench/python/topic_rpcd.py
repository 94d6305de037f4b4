"""rpcd.publish and rpcd.subscribe. topic_rpcd.py SOCKET send|next N...

send sends arrays that were written before, and next has them written where subscribers read them.
"""

import sys

import numpy as np
import rpcd
import topic_turns


def frames(_, topic):
    return rpcd.subscribe(sys.argv[1], topic, until_end=True)


def sender(publisher):
    arrays = {}

    def by_send(shape, write):
        frame = arrays.get(shape)
        if frame is None:
            frame = arrays[shape] = np.empty(shape, np.uint8)
        write(frame)
        publisher.send(frame)

    def by_next(shape, write):
        with publisher.next(shape, "uint8") as frame:
            write(frame)

    return by_next if sys.argv[2] == "next" else by_send


def main():
    # All subscribers are forked before the first connection is made.
    reports = {int(n): topic_turns.start(int(n), frames, sys.argv[2] + n) for n in sys.argv[3:]}
    crowds = {}
    for n, r in reports.items():
        crowds[n, True] = crowds[n, False] = r, sender(rpcd.publish(sys.argv[1], f"{sys.argv[2]}{n}", subscribers=n))
    topic_turns.publish(crowds)


main()
