"""A caller's connection that rpcd has lent to a resident worker (rpcd/PROTOCOL.md, section 7): the worker answers its
caller itself, as long as that makes the same call again and again. Used by resident alone."""

from __future__ import annotations

import fcntl
import mmap
import os
import resource
import select
import socket
import stat
import time
from typing import TYPE_CHECKING, Dict, List, NamedTuple, Optional, Tuple

from . import _fds
from . import _wire as wire

if TYPE_CHECKING:
    from ._served import Call
    from ._serving import Worker

ID = b"RPC_CALL_ID="
MOST = 4 << 10  # bytes of a CALL that is served
IDLE = 10  # milliseconds that the connection may be silent before it is given back
BUSY, ANSWERING, TAKING = 1, 2, 3  # below the call's number in the first note
BITS = 2
SILENT = int(socket.MSG_NOSIGNAL | socket.MSG_DONTWAIT)
PEEK = int(socket.MSG_PEEK | socket.MSG_DONTWAIT)


class Terms(NamedTuple):
    """What LEND says besides the first call."""

    frame: bytes  # the caller's CALL: what is the same but for its arguments is served
    next: int  # the id of the second call
    most: int
    started: bytes  # fields of STARTED behind the id


def terms(payload: bytes) -> Terms:
    """Reads LEND. Raises ProtocolError."""
    f = wire.fields(payload[len(wire.MARK) :], {32: -1, 33: -1, 34: -1})
    if not {32, 33, 34} <= f.keys():
        raise wire.ProtocolError("a LEND without its terms")
    n = wire.numbers(f[33][0])
    return Terms(f[32][0], n.get(1, 0), n.get(2, 0), f[34][0])


class Loan:
    """A connection that is lent. serve() serves it and gives it back."""

    def __init__(self, worker: "Worker", call: "Call", payload: bytes, others: Dict[int, int]) -> None:
        """It owns the descriptors of others, which has one for each mode that is no stream's."""
        self.worker, self.call, self.terms = worker, call, terms(payload)
        self.directory = others[wire.DIRECTORY]
        self.conn = socket.socket(fileno=others[wire.CONNECTION])
        self.fd = self.conn.fileno()
        with open(others[wire.NOTES], "r+b") as notes:
            memory = memoryview(mmap.mmap(notes.fileno(), mmap.PAGESIZE))
        self.notes, self.args = memory[: 3 * 8].cast("Q"), memory[3 * 8 :]
        h, payload = wire.header(self.terms.frame[: wire.HEADER.size]), self.terms.frame[wire.HEADER.size :]
        self.begins = wire.HEADER.pack(h.type, h.stream, h.flags, 0)[:4]
        self.before, self.behind = wire.around(payload)
        self.fixed = call.args[: len(call.args) - len(wire.arguments(payload[len(self.before) : len(payload) - len(self.behind)]))]
        f = wire.fields(payload[len(wire.MARK) :], {8: 8}, (8,))
        streams = [wire.Stream(*wire.STREAM.unpack(s)) for s in f.get(8, [])]
        self.passed = {s.which: s.number for s in streams if s.mode == wire.PASSED}
        self.number = 0  # of the call that was begun last
        self.id = int(call.id)
        self.lost = 0
        self.used = [0.0, 0.0]  # user and system seconds
        self.last: Tuple[bytes, bytes, List[bytes]] = b"", b"", []  # the frame that args_of has read, and what it found
        self.variables = [v for v in call._variables if not v.startswith(ID)]

    def serve(self) -> None:
        """Serves the first call and those that follow. Raises what worker.say does."""
        poll = select.poll()
        poll.register(self.fd, select.POLLIN)
        poll.register(self.worker.sock, select.POLLIN)
        self.worker.recalled = False
        self.worker._watch(True)
        try:
            call: Optional["Call"] = self.call
            try:
                os.fchdir(self.directory)
            except OSError as e:
                self.call._close()
                self.conn.close()
                self.worker.refuse(5, f"has a resident worker that can't enter the directory: {e.strerror}", self.call.id)
                return
            self.counted = resource.getrusage(resource.RUSAGE_SELF)
            frame = self.terms.frame
            self.note(BUSY, frame[wire.HEADER.size + len(self.before) : len(frame) - len(self.behind)])
            while call is not None:
                if not self.answer(call, self.run(call)):
                    return
                call = self.next(poll)
        finally:
            self.worker._watch(False)
            self.worker.leave()
            os.close(self.directory)
            self.conn.close()

    def note(self, state: int, args: bytes) -> None:
        """Notes that the next call is taken or begins, with these arguments."""
        self.number += 1
        self.notes[2] = len(args)
        self.args[: len(args)] = args
        self.notes[1] = time.monotonic_ns()
        self.notes[0] = self.number << BITS | state

    def run(self, call: "Call") -> int:
        """Runs the handler, and gives its wait status."""
        os.fchdir(self.directory)
        os.umask(call.umask)
        status = self.worker.handled(call)
        call._close()
        before, after = self.counted, resource.getrusage(resource.RUSAGE_SELF)
        self.counted = after  # what it takes to receive a call counts for that call
        self.took = (after.ru_utime - before.ru_utime, after.ru_stime - before.ru_stime)
        return status

    # The answer.

    def answer(self, call: "Call", status: int) -> bool:
        """Answers a call that has ended. False: the loan is over."""
        w = self.worker
        self.notes[0] = self.number << BITS | ANSWERING
        if status != 0 or w.is_recalled():  # rpcd logs what fails, and may have taken this call over
            self.hold(call, status)
            return False
        id_ = wire.field(1, b"%d" % self.id)
        frames = wire.frame(wire.STARTED, id_ + self.terms.started) + wire.frame(wire.EXIT, w.ended(status, *self.took))
        try:
            sent = self.conn.send(frames, SILENT)
        except (BlockingIOError, InterruptedError):
            self.hold(call, status)
            return False
        except OSError:  # it has left
            sent, self.lost = 0, self.lost + 1
        self.used[0] += self.took[0]
        self.used[1] += self.took[1]
        self.notes[0] = self.number << BITS
        if sent < len(frames):
            self.give_back(self.number, broken=True)
            return False
        return True

    def hold(self, call: "Call", status: int) -> None:
        """Gives the connection back with a call that rpcd answers."""
        self.give_back(self.number - 1, held=self.number)
        self.worker.exit(call, status, *self.took)

    def give_back(self, served: int, held: int = 0, broken: bool = False) -> None:
        self.conn.close()  # before rpcd reads it again
        sums = (served, self.lost, int(self.used[0] * 1e9), int(self.used[1] * 1e9))
        payload = wire.field(1, b"".join(wire.field(i + 1, wire.NUMBER.pack(n)) for i, n in enumerate(sums)))
        payload += wire.field(2, wire.NUMBER.pack(held))
        self.worker.say(wire.frame(wire.RETURNED, payload, flags=wire.BROKEN if broken else 0))

    # The next call.

    def next(self, poll: "select.poll") -> Optional["Call"]:
        """Waits for the next call. None: the loan is over."""
        w = self.worker
        while self.number < self.terms.most:
            ready = poll.poll(IDLE)
            if not ready:
                break
            if len(ready) > 1 or ready[0][0] != self.fd:
                w.told = True
                if w.is_recalled():
                    break
            try:  # a look gives copies of the descriptors, too
                b, fds, lost = _fds.receive(self.conn, MOST, wire.MAX_DESCRIPTORS, PEEK)
            except (BlockingIOError, InterruptedError):
                continue
            except OSError:
                break
            found = self.args_of(b)
            seen = None if found is None or lost else self.fit(fds)
            if found is None or seen is None:
                _close(fds)
                break
            n, raw, args = found
            self.note(TAKING, raw)
            if len(self.conn.recv(n)) < n:  # somebody else has read
                _close(fds)
                self.number -= 1
                self.notes[0] = self.number << BITS
                self.give_back(self.number, broken=True)
                return None
            self.notes[0] = self.number << BITS | BUSY
            return self.made(args, fds, seen)
        self.give_back(self.number)
        return None

    def args_of(self, b: bytes) -> Optional[Tuple[int, bytes, List[bytes]]]:
        """Gives the size of a frame that has come, and its arguments. None: it isn't one to be served here."""
        if b == self.last[0]:
            return len(b), self.last[1], self.last[2]
        if len(b) < wire.HEADER.size or b[:4] != self.begins:
            return None
        n = wire.HEADER.size + wire.number(b[4:8])
        from_, to = wire.HEADER.size + len(self.before), n - len(self.behind)
        if n > len(b) or to < from_ or to - from_ > len(self.args) or b[wire.HEADER.size : from_] != self.before or b[to:n] != self.behind:
            return None
        raw = b[from_:to]
        try:
            self.last = b[:n], raw, wire.arguments(raw)
        except wire.ProtocolError:
            return None
        return n, raw, self.last[2]

    def fit(self, fds: List[int]) -> Optional[List[os.stat_result]]:
        """Gives what is known of these, if they are what the streams name, and nothing that rpcd would refuse: a directory,
        one of O_PATH, a connection to rpcd."""
        if len(fds) != len(self.passed):
            return None
        found = []
        for fd in fds:
            st = os.fstat(fd)
            kind = stat.S_IFMT(st.st_mode)
            if kind == stat.S_IFDIR or fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_PATH or kind == stat.S_IFSOCK and self.is_sibling(fd):
                return None
            found.append(st)
        return found

    def is_sibling(self, fd: int) -> bool:
        """Says whether a socket is a connection to the same listener: its other end would keep this one open."""
        with socket.socket(fileno=os.dup(fd)) as s:
            names = {repr(s.getsockname())}
            try:
                names.add(repr(s.getpeername()))
            except OSError:
                pass
        return repr(self.conn.getsockname()) in names

    def made(self, args: List[bytes], fds: List[int], seen: List[os.stat_result]) -> "Call":
        self.id = self.terms.next + self.number - 2
        call = self.call.again(self.fixed + [os.fsdecode(a) for a in args], [*self.variables, ID + b"%d" % self.id])
        for which, fd in enumerate(fds):
            number = self.passed[which]
            call._numbers[number], call._seen[number] = fd, seen[which]
        return call


def _close(fds: List[int]) -> None:
    for fd in fds:
        os.close(fd)
