"""A resident worker: what it says to rpcd and hears of it (rpcd/PROTOCOL.md, section 7). Used by resident alone."""

from __future__ import annotations

import fcntl
import os
import resource
import signal
import socket
import struct
import threading
from typing import Any, Dict, List, Optional, Tuple

from . import _fds
from . import _wire as wire
from ._lent import Loan
from ._served import Call, Handler, away, close_quietly, id_of, parse, run_handler

VARIABLE = "RPC_RESIDENT_FD"
CANCELS = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM)
F_SETOWN_EX, F_OWNER_TID = 15, 0  # fcntl(2)
EXIT = struct.Struct(">HIIHIQHIQ")  # status, user and system time, each behind its tag and length


class Cut(Exception):
    """rpcd has closed the connection."""


class Worker:
    """This process, as rpcd's resident worker: each call in the process itself.

    While a handler runs the kernel sends SIGIO when rpcd says something (fcntl(2), O_ASYNC). So a SIGNAL is seen at
    once, without a second thread that every call would have to wake.
    """

    def __init__(self, sock: socket.socket, handle: Handler) -> None:
        self.sock = sock
        self.handle = handle
        self.home = away(os.open(".", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC))
        self.umask = os.umask(0o022)
        os.umask(self.umask)
        self.unread = bytearray()  # of a SIGNAL
        self.cancellable = False
        self.looking = self.missed = False
        self.told = False  # the kernel has said, since the last look, that rpcd says something
        self.canceled = 0  # the signal that cancelled the call
        self.gone = False  # rpcd is
        self.recalled = False  # the loan of a connection is to end

    knows = wire.field(1, struct.pack(">I", wire.BORROWS))
    """What READY says."""

    def prepare(self) -> None:
        """Sets up the signals."""
        signal.signal(signal.SIGIO, self._tell)
        owner = struct.pack("ii", F_OWNER_TID, threading.get_native_id())
        fcntl.fcntl(self.sock, F_SETOWN_EX, owner)
        self.flags = fcntl.fcntl(self.sock, fcntl.F_GETFL)

    def serve(self) -> None:
        """Says READY and serves until rpcd closes."""
        self.prepare()
        try:
            self.say(wire.frame(wire.READY, wire.MARK + self.knows))
            while not self.gone:
                self.next()
        except Cut:
            pass
        finally:
            os.close(self.home)

    def say(self, frame: bytes) -> None:
        try:
            self.sock.sendall(frame, socket.MSG_NOSIGNAL)
        except (BrokenPipeError, ConnectionResetError):
            raise Cut from None

    # Frames.

    def next(self) -> None:
        """Takes rpcd's next frame, and serves the call where it is one."""
        fds: List[int] = []
        try:
            b = bytes(self.unread)
            self.unread.clear()
            while len(b) < wire.HEADER.size:
                part, came = self._receive(wire.HEADER.size - len(b))
                b += part
                fds += came
            h = wire.header(b)
            payload = self._exactly(h.length)
            if h.type == wire.CALL:
                mine, fds = fds, []
                self.begin(payload, mine)
            elif h.type == wire.LEND and self.knows:
                mine, fds = fds, []
                self.borrow(payload, mine)
            elif h.type in (wire.SIGNAL, wire.RECALL):
                pass  # it was for the last call, or the last loan
            elif 2 <= h.type <= 15:
                while fds:
                    os.close(fds.pop())
                self.refuse(9, f"has a resident worker that doesn't know frames of type {h.type}")
            else:
                raise wire.ProtocolError(f"rpcd sent a frame of type {h.type}")
        finally:
            for fd in fds:
                os.close(fd)

    def _receive(self, n: int) -> Tuple[bytes, List[int]]:
        try:
            b, fds, lost = _fds.receive(self.sock, n, wire.MAX_DESCRIPTORS)
        except ConnectionResetError:
            raise Cut from None
        if not b:
            raise Cut
        if lost:
            fds.append(-1)  # a number that fits no call
        return b, fds

    def _exactly(self, n: int) -> bytes:
        b = bytearray()
        while len(b) < n:
            try:
                part = self.sock.recv(n - len(b))
            except ConnectionResetError:
                part = b""
            if not part:
                raise Cut
            b += part
        return bytes(b)

    # A call.

    def begin(self, payload: bytes, fds: List[int]) -> None:
        """Serves a call, or refuses it. It owns fds."""
        found = self._begun(payload, fds)
        if found is None:
            return
        call, others = found
        directory = others[wire.DIRECTORY]
        try:
            os.fchdir(directory)
        except OSError as e:
            call._close()
            close_quietly(directory)
            self.refuse(5, f"has a resident worker that can't enter the directory: {e.strerror}", call.id)
            return
        os.umask(call.umask)
        self.say(wire.frame(wire.STARTED, wire.field(1, call._variable(b"RPC_CALL_ID"))))
        self.run(call, directory)

    def _begun(self, payload: bytes, fds: List[int]) -> "Optional[Tuple[Call, Dict[int, int]]]":
        """Makes a call of CALL or LEND, as parse does, or refuses it."""
        try:
            return parse(payload, fds)
        except (wire.ProtocolError, OSError) as e:
            for fd in fds:
                close_quietly(fd)
            if isinstance(e, wire.ProtocolError):
                raise
            self.refuse(10, f"has a resident worker that can't begin: {e.strerror}", id_of(payload))
            return None

    def borrow(self, payload: bytes, fds: List[int]) -> None:
        """Serves a connection that is lent, beginning with a call. It owns fds."""
        found = self._begun(payload, fds)
        if found is not None:
            Loan(self, found[0], payload, found[1]).serve()

    def refuse(self, code: int, text: str, call: str = "") -> None:
        payload = wire.field(1, struct.pack(">H", code)) + wire.field(2, text.encode())
        if call:
            payload += wire.field(5, call.encode())
        self.say(wire.frame(wire.REFUSED, payload))

    def run(self, call: Call, directory: int) -> None:
        """Runs the handler in the call's directory, where this process is, and sends EXIT. It owns the directory's
        descriptor."""
        os.close(directory)
        before = resource.getrusage(resource.RUSAGE_SELF)
        self._watch(True)
        status = self.handled(call)
        self._watch(False)
        call._close()
        self.leave()
        after = resource.getrusage(resource.RUSAGE_SELF)
        self.exit(call, status, after.ru_utime - before.ru_utime, after.ru_stime - before.ru_stime)

    def handled(self, call: Call) -> int:
        """Runs the handler while SIGIO is on, and gives its wait status."""
        try:
            self.canceled, self.cancellable = 0, True
            if self.told:
                self._look()  # what came before says nothing any more
            status = run_handler(self.handle, call)
            self.cancellable = False
        except KeyboardInterrupt:  # it comes once, wherever this thread is while cancellable is set
            status = self.canceled or signal.SIGINT
        return status

    def leave(self) -> None:
        """Puts back what the call has changed."""
        os.fchdir(self.home)
        os.umask(self.umask)

    def exit(self, call: Call, status: int, user: float, system: float, memory: int = 0) -> None:
        """Sends EXIT. status is a wait status; times are in seconds, memory in KiB."""
        payload = self.ended(status, user, system)
        if memory:
            payload += wire.field(4, struct.pack(">Q", memory))
        self.say(wire.frame(wire.EXIT, payload + wire.field(10, call._variable(b"RPC_CALL_ID"))))

    @staticmethod
    def ended(status: int, user: float, system: float) -> bytes:
        """Gives EXIT's payload without the id, which a caller doesn't get."""
        return EXIT.pack(1, 4, status, 2, 8, max(0, int(user * 1e9)), 3, 8, max(0, int(system * 1e9)))

    def _watch(self, on: bool) -> None:
        self.told = on  # before that the kernel says nothing
        fcntl.fcntl(self.sock, fcntl.F_SETFL, self.flags | os.O_ASYNC if on else self.flags)

    def _tell(self, *_: Any) -> None:
        """The handler of SIGIO."""
        self.told = True
        self._look()

    def _look(self) -> None:
        """Takes SIGNAL frames while a handler runs. A SIGIO in the middle of this has it look again: two that read would
        mix up the bytes."""
        if self.looking:
            self.missed = True
            return
        while self.cancellable:
            self.looking, self.missed, self.told = True, False, False
            number = self.take_signal()
            self.looking = False
            if number == 0 and not self.missed:
                return
            if number in CANCELS:
                self.canceled, self.cancellable = number, False
                raise KeyboardInterrupt

    def take_signal(self) -> int:
        """Gives the number of a SIGNAL that has come, 0 for none. The end of the connection is a TERM."""
        size = wire.HEADER.size + 1
        while True:
            try:
                b = self.sock.recv(size - len(self.unread), socket.MSG_DONTWAIT)
            except (BlockingIOError, InterruptedError):
                return 0
            except OSError:
                b = b""
            if not b:
                self.gone = True
                return signal.SIGTERM
            self.unread += b
            if len(self.unread) < wire.HEADER.size:
                return 0
            h = wire.header(bytes(self.unread[: wire.HEADER.size]))
            if h.type != wire.RECALL:
                break
            del self.unread[: wire.HEADER.size]
            self.recalled = True
        if len(self.unread) < size:
            return 0
        if h.type != wire.SIGNAL or h.length != 1:
            self.gone = True  # what isn't understood can't go on
            return signal.SIGTERM
        number = self.unread[-1]
        self.unread.clear()
        return number

    def is_recalled(self) -> bool:
        """Says whether rpcd wants back what it has lent, or has gone."""
        while self.told and not self.recalled and not self.gone:
            self.told = False
            while not self.recalled and not self.gone and self.take_signal():
                pass  # it was for the last call
        return self.recalled or self.gone
