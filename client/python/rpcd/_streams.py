"""The ends of a call's streams on the caller's side, for a loop that waits for all of them.

An end is either *memory*, bytes of this process, or a descriptor of the caller's. Where the stream is passed,
memory goes through a pipe of ours, and a descriptor travels: there is nothing to do for it. Where the stream
is relayed, both travel as DATA frames. attach() says which it is.

Each wait of the loop asks `wants()` and calls `act()` when the descriptor is ready. No method blocks, but for
a write to a regular file or a terminal.
"""

from __future__ import annotations

import array
import fcntl
import os
import select
import stat
import termios
from collections import deque
from typing import Callable, Deque, Optional, Tuple, Union

from . import _wire as wire

PIECE = 4096  # PIPE_BUF: poll(2) promises room for so many bytes
FRAME = (8 << 10) - wire.HEADER.size  # of stdin: with its header socat moves it at once
READ = 64 << 10

Buffer = Union[bytes, bytearray, memoryview]
Send = Callable[[bytes], None]


def reopenable(fd: int) -> None:
    """Lets another user open an anonymous pipe of ours by name, as /dev/stdout."""
    try:
        if os.readlink(f"/proc/self/fd/{fd}").startswith("pipe:"):
            os.fchmod(fd, 0o666)
    except OSError:
        pass  # a pipe of another user stays as it is


def check(fd: int, number: int) -> None:
    """Refuses what may never travel. Raises ValueError, and OSError for a descriptor that isn't open."""
    if stat.S_ISDIR(os.fstat(fd).st_mode):
        raise ValueError(f"descriptor {number} is a directory, and can't be passed")
    if fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_PATH:
        raise ValueError(f"descriptor {number} was opened with O_PATH, and can't be passed")


class End:
    """One of stdin, stdout, stderr. It owns the pipe that it makes, and closes it by close()."""

    def __init__(self, number: int, fd: Optional[int]) -> None:
        self.number = number
        self.fd = fd  # the caller's; None: memory
        self.terminal = False  # it is never passed to a worker, which could type into it
        self.far = -1  # the end of our pipe that travels
        self.near = -1
        self.relayed = False
        self.done = False
        self.lasts = False  # our pipe stays open after the call
        self.failed: Optional[OSError] = None  # of the caller's descriptor
        self.send: Send = lambda b: None

    def travels(self) -> int:
        """Gives the descriptor that rides on the call."""
        if self.fd is not None:
            return self.fd
        if self.far < 0:
            r, w = os.pipe()
            self.near, self.far = (w, r) if self.number == 0 else (r, w)
            os.set_blocking(self.near, False)
            reopenable(self.far)
        return self.far

    def attach(self, relayed: bool, send: Send) -> None:
        """Begins: the procedure runs. send sends a frame."""
        self.relayed, self.send = relayed, send
        if self.far >= 0:
            os.close(self.far)
            self.far = -1
        if relayed and self.near >= 0:
            os.close(self.near)
            self.near = -1
        if not relayed and self.fd is not None:
            self.done = True

    def close(self) -> None:
        """Closes what is ours. May be called twice."""
        for fd in (self.near, self.far):
            if fd >= 0:
                os.close(fd)
        self.near = self.far = -1
        self.done = True

    def wants(self) -> Optional[Tuple[int, int]]:
        """Gives the descriptor and the events that this end waits for."""
        raise NotImplementedError

    def act(self) -> None:
        """Does what can be done without waiting."""
        raise NotImplementedError


class Input(End):
    """stdin."""

    def __init__(self, fd: Optional[int], data: Buffer = b"") -> None:
        super().__init__(0, fd)
        self.rest = memoryview(data).cast("B")
        self.credit = 0
        self.sent = 0  # bytes that were read from fd

    def wants(self) -> Optional[Tuple[int, int]]:
        if self.done:
            return None
        if self.near >= 0:
            return self.near, select.POLLOUT
        if self.relayed and self.fd is not None and self.credit > 0 and not self.in_background():
            return self.fd, select.POLLIN
        return None

    def in_background(self) -> bool:
        """Says whether reading the terminal would stop this process (tcgetpgrp(3)). No event tells the end of that."""
        try:
            return self.terminal and self.fd is not None and os.tcgetpgrp(self.fd) != os.getpgrp()
        except OSError:
            return False

    def act(self) -> None:
        if self.near >= 0:
            self._fill()
        elif self.fd is not None:
            self._relay()

    def attach(self, relayed: bool, send: Send) -> None:
        super().attach(relayed, send)
        if self.near >= 0 and not self.rest:
            self.close()

    def _fill(self) -> None:
        try:
            n = os.write(self.near, self.rest[:READ])
            self.rest = self.rest[n:]
        except BlockingIOError:
            return
        except BrokenPipeError:
            self.rest = self.rest[:0]  # nobody reads on, as in subprocess
        if not self.rest:
            self.close()

    def grant(self, n: int) -> None:
        """Takes a CREDIT frame."""
        if n > 1 << 31 or self.credit > 1 << 31:
            raise wire.ProtocolError("credit without measure")
        self.credit += n
        if self.fd is None:
            self.push()

    def push(self) -> None:
        """Sends bytes of memory as far as credit goes."""
        while not self.done and self.rest and self.credit > 0:
            n = min(self.credit, FRAME, len(self.rest))
            more = wire.MORE if n < len(self.rest) else 0
            self.send(wire.frame(wire.DATA, bytes(self.rest[:n]), 0, more))
            self.rest = self.rest[n:]
            self.credit -= n
        if self.relayed and not self.rest:
            self.end()

    def _relay(self) -> None:
        assert self.fd is not None
        try:
            b = os.read(self.fd, min(self.credit, FRAME))
        except (BlockingIOError, InterruptedError):
            return
        except OSError as e:
            self.failed = None if self.terminal else e
            b = b""
        if not b:
            self.end()
            return
        self.sent += len(b)
        self.credit = 0 if self.terminal else self.credit - len(b)
        self.send(wire.frame(wire.DATA, b, 0, 0 if self.terminal or not self._has_more() else wire.MORE))

    def _has_more(self) -> bool:
        assert self.fd is not None
        left = array.array("i", [0])
        try:
            fcntl.ioctl(self.fd, termios.FIONREAD, left)
        except OSError:
            return False
        return left[0] > 0

    def end(self) -> None:
        """Sends END, once."""
        if not self.done:
            self.done = True
            self.send(wire.frame(wire.END, b"", 0))

    def set_back(self, consumed: Optional[int]) -> None:
        """Moves a seekable input back to where the procedure stopped reading."""
        if self.fd is None or not self.relayed or consumed is None or consumed >= self.sent:
            return
        try:
            os.lseek(self.fd, consumed - self.sent, os.SEEK_CUR)
        except OSError:
            pass  # a pipe


class Output(End):
    """stdout or stderr. What memory got is in `got`."""

    def __init__(self, number: int, fd: Optional[int], limit: int = -1, keep: int = -1) -> None:
        """limit bounds memory: with more the stream is closed, and over is set. keep bounds it, too: the last so
        many bytes stay."""
        super().__init__(number, fd)
        self.got = bytearray()
        self.limit = limit
        self.keep = keep
        self.over = False
        self.queue: Deque[memoryview] = deque()
        self.credit = wire.WINDOW
        self.owed = 0
        self.ended = False

    def wants(self) -> Optional[Tuple[int, int]]:
        if self.near >= 0:
            return self.near, select.POLLIN
        if self.queue and self.fd is not None:
            return self.fd, select.POLLOUT
        return None

    def act(self) -> None:
        if self.near >= 0:
            self._drain()
        else:
            self._write()

    def _drain(self) -> None:
        try:
            b = os.read(self.near, READ)
        except BlockingIOError:
            return
        if b:
            self._take(b)
        else:
            self.close()

    def _take(self, b: bytes) -> None:
        self.got += b
        if 0 <= self.keep < len(self.got):
            del self.got[: len(self.got) - self.keep]
        if 0 <= self.limit < len(self.got):
            self.over = True
            self.refuse()

    def drain(self) -> bool:
        """Reads what lies in our pipe now. False: nothing lay there."""
        before = len(self.got), self.near
        if self.near >= 0:
            self._drain()
        return (len(self.got), self.near) != before and self.near >= 0

    def data(self, b: bytes) -> None:
        """Takes a DATA frame."""
        if self.ended or not b or len(b) > self.credit:
            raise wire.ProtocolError(f"{len(b)} bytes for stream {self.number}, which ended or has no credit")
        self.credit -= len(b)
        if self.done:
            return
        if self.fd is None:
            self._take(b)
            self._consumed(len(b))
        else:
            self.queue.append(memoryview(b))

    def _consumed(self, n: int) -> None:
        self.owed += n
        if self.owed >= wire.WINDOW // 4 and not self.ended and not self.done:
            self.send(wire.frame(wire.CREDIT, self.owed.to_bytes(4, "big"), self.number, wire.ANSWER))
            self.credit += self.owed
            self.owed = 0

    def _write(self) -> None:
        """Writes up to a page: a write(2) of the procedure of up to PIPE_BUF bytes stays whole."""
        assert self.fd is not None
        piece = self.queue[0]
        try:
            n = os.write(self.fd, piece[:PIECE])
        except (BlockingIOError, InterruptedError):
            return
        except BrokenPipeError:
            self.refuse()
            return
        except OSError as e:
            self.failed = e
            self.refuse()
            return
        if n < len(piece):
            self.queue[0] = piece[n:]
        else:
            self.queue.popleft()
        self._consumed(n)

    def refuse(self) -> None:
        """Says that nobody reads the stream any more."""
        if self.done:
            return
        if self.relayed and not self.ended:
            self.send(wire.frame(wire.CLOSED, b"", self.number))
        self.queue.clear()
        self.close()
