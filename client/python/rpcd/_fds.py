"""Descriptors that travel over a socket. The standard library's send_fds and recv_fds drop their flags (CPython 3.9 to
3.13): a send may block or raise SIGPIPE, what is received is inherited by every child, and a look takes."""

from __future__ import annotations

import array
import socket
from typing import List, Sequence, Tuple

CLOEXEC = int(socket.MSG_CMSG_CLOEXEC)  # as plain numbers: `|` and `&` of Python's flags cost microseconds
TRUNCATED = int(socket.MSG_CTRUNC)


def send(sock: socket.socket, b: bytes, fds: Sequence[int], flags: int = 0) -> int:
    """Sends bytes with descriptors, and gives how many bytes left. Raises what socket.sendmsg does."""
    return sock.sendmsg((b,), [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else (), flags)


def receive(sock: socket.socket, size: int, most: int, flags: int = 0) -> Tuple[bytes, List[int], bool]:
    """Gives bytes, descriptors that are close-on-exec, and whether some of these were lost (recvmsg(2), MSG_CTRUNC)."""
    b, rest, flags, _ = sock.recvmsg(size, socket.CMSG_LEN(4 * most), flags | CLOEXEC)
    fds = array.array("i")
    for level, kind, data in rest:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            fds.frombytes(data[: len(data) - len(data) % 4])
    return b, list(fds), flags & TRUNCATED != 0
