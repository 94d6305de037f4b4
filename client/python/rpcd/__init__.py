"""Calls to procedures of other containers by rpcd.

    done = rpcd.run("hugin", ["nona", "-o", "out", "project.pto"], capture_output=True)

    with rpcd.connect("ml", "detect") as detect:
        boxes = detect(frame)

    for spectrum in rpcd.map("fft", "fft2d", frames):
        ...

    with rpcd.publish("cam", "frames") as frames:
        frames.send(frame)

    for frame in rpcd.subscribe("cam", "frames"):
        ...

`run` is subprocess.run for procedures of a worker. `connect` calls one procedure with NumPy arrays, on one
connection. `map` calls one for each of many records, over all replicas of a worker. `publish` and `subscribe` send
records to a topic and get them. Module `rpcd.resident` is for the other side of calls: a warm process that answers
them.

The package speaks rpcd's protocol itself (rpcd/PROTOCOL.md). It needs no program `rpc`, and nothing beyond the
standard library; NumPy is imported when arrays are used.
"""

from ._connect import Connection, connect
from ._errors import CallFailed, Error, Lost, RecordFailed, Refused, Unreachable
from ._map import map
from ._npy import BadArray
from ._publish import Place, Publisher, publish
from ._run import run
from ._subscribe import Subscription, subscribe

__all__ = [
    "BadArray",
    "CallFailed",
    "Connection",
    "Error",
    "Lost",
    "Place",
    "Publisher",
    "RecordFailed",
    "Refused",
    "Subscription",
    "Unreachable",
    "connect",
    "map",
    "publish",
    "run",
    "subscribe",
]
