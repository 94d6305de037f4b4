"""Calls to procedures of other containers by rpcd.

    done = rpcd.run("hugin", ["nona", "-o", "out", "project.pto"], capture_output=True)

    with rpcd.connect("ml", "detect") as detect:
        boxes = detect(frame)

`run` is subprocess.run for procedures of a worker. `connect` calls one procedure with NumPy arrays, on one
connection. Module `rpcd.resident` is for the other side: a warm process that answers calls.

The package speaks rpcd's protocol itself (rpcd/PROTOCOL.md). It needs no program `rpc`, and nothing beyond the
standard library; NumPy is imported when arrays are used.
"""

from ._connect import Connection, connect
from ._errors import CallFailed, Error, Lost, Refused, Unreachable
from ._npy import BadArray
from ._run import run

__all__ = ["BadArray", "CallFailed", "Connection", "Error", "Lost", "Refused", "Unreachable", "connect", "run"]
