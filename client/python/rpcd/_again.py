"""A call that its connection has carried before. Its CALL is put together once, and a plain answer is known at a
glance. What else comes is a Call's to read."""

from __future__ import annotations

import socket
from typing import Optional, Sequence

from . import _fds
from . import _wire as wire

MOST = 4 << 10  # bytes of a CALL that leaves whole or not at all: one buffer of the kernel's (unix(7), sk_buff)
SEND = int(socket.MSG_NOSIGNAL | socket.MSG_DONTWAIT)

EXIT = wire.HEADER.size + 3 * wire.FIELD.size + 4 + 2 * 8  # bytes of an EXIT with status and times alone
STATUS_0 = wire.HEADER.pack(wire.EXIT, 0, 0, EXIT - wire.HEADER.size) + wire.field(1, bytes(4)) + wire.FIELD.pack(2, 8)
SYSTEM = wire.FIELD.pack(3, 8)


def exchange(sock: socket.socket, frame: bytes, fds: Sequence[int]) -> Optional[bytes]:
    """Sends CALL on a connection that waits for one, and gives what comes within RECEIVE_TIME: b"" for nothing, or the
    end. None: it wasn't sent."""
    try:
        _fds.send(sock, frame, fds, SEND)
    except BlockingIOError:
        return None
    except OSError:
        return b""  # a refusal may have come before
    try:
        return sock.recv(MOST)
    except OSError:
        return b""


def succeeded(came: bytes) -> bool:
    """Says whether that is a STARTED of a passed call, and an EXIT with status 0 that says no more than times."""
    if len(came) < wire.HEADER.size + EXIT:
        return False
    h = wire.HEADER.unpack_from(came)
    at = wire.HEADER.size + h[3]
    if h[0] != wire.STARTED or h[2] != 0 or len(came) != at + EXIT or not came.startswith(STATUS_0, at):
        return False
    return came.startswith(SYSTEM, at + len(STATUS_0) + 8)
