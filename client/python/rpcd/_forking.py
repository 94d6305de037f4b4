"""A resident worker that serves each call in a child of its own. Used by resident alone."""

from __future__ import annotations

import gc
import os
import resource
import select
import signal
import socket
import struct
import sys
import traceback
from typing import Any, List, NoReturn, Optional, Tuple

from . import _fds
from . import _wire as wire
from ._served import Call, Handler, away, parse, run_handler
from ._serving import VARIABLE, Worker

GIVE_UP_POLL = 0.01  # seconds between two looks for a child's end, where the kernel has no pidfd
GIVEN = 128 << 10  # bytes of a call that a waiting child is given in one message: the kernel takes some more
REPORT = struct.Struct("=Iddq")  # a child's: wait status, user and system seconds, KiB


class Forking(Worker):
    """A worker that serves each call in a child.

    One child is forked before its call comes, beside the call before, since a fork of a large process takes milliseconds.
    It waits for the call on a socket of its own, and ends when that is closed. There it also reports how the call ended, when nothing
    of it is open any more: the end of a large process takes milliseconds, too.
    """

    def __init__(self, sock: socket.socket, handle: Handler) -> None:
        super().__init__(sock, handle)
        self.knows = b""
        self.spare: Optional[Tuple[int, socket.socket]] = None
        self.ending: List[int] = []  # children that have reported
        self.payload = b""

    def prepare(self) -> None:
        gc.collect()
        gc.freeze()  # a collection in a child would copy all pages
        signal.signal(signal.SIGCHLD, self._reap)

    def serve(self) -> None:
        try:
            super().serve()
        finally:
            if self.spare is not None:
                self.spare[1].close()

    def next(self) -> None:
        if self.spare is None:
            self.spare = self._fork_spare()
        super().next()

    def _reap(self, *_: Any) -> None:
        """Takes note of the end of children that have reported."""
        self.ending = [child for child in self.ending if not _has_ended(child)]

    def begin(self, payload: bytes, fds: List[int]) -> None:
        self.payload = payload
        super().begin(payload, fds)

    def run(self, call: Call, directory: int) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        given = self._give(call, directory)
        child, report = given or (os.fork(), None)
        if child == 0:
            os.close(directory)
            self._child(call, None)
        os.close(directory)
        call._close()
        self.leave()
        try:
            if report is not None:
                self.spare = self._fork_spare(report)  # while the call runs, which has another processor
            self.exit(call, *self._follow(child, report))
        finally:
            if report is not None:
                report.close()

    def _fork_spare(self, *others: socket.socket) -> Optional[Tuple[int, socket.socket]]:
        """Forks the child of a call to come, which closes the others' sockets. None: there is no room for one now."""
        try:
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)  # a message arrives whole
        except OSError:
            return None
        sys.stdout.flush()
        sys.stderr.flush()
        try:
            child = os.fork()
        except OSError:
            ours.close()
            theirs.close()
            return None
        if child == 0:
            for s in (ours, *others):
                s.close()
            self._await(theirs)
        theirs.close()
        return child, socket.socket(fileno=away(ours.detach()))

    def _give(self, call: Call, directory: int) -> Optional[Tuple[int, socket.socket]]:
        """Gives a call to the child that waits, and gives that. None: there is none, or it can't have it."""
        spare, self.spare = self.spare, None
        if spare is None:
            return None
        child, sock = spare
        if not call.fds and len(self.payload) <= GIVEN:  # those have their numbers here already
            try:
                # In the order of parse, which counts in the child what came.
                _fds.send(sock, self.payload, self._order(call, directory), socket.MSG_NOSIGNAL)
                return spare
            except OSError:
                pass  # it was killed
        sock.close()
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return None

    def _order(self, call: Call, directory: int) -> List[int]:
        """Gives the descriptors of a call as they came: CALL names each by its index."""
        f = wire.fields(self.payload[len(wire.MARK) :], {8: 8}, (8,))
        streams = [wire.Stream(*wire.STREAM.unpack(s)) for s in f.get(8, [])]
        named = sorted((s.which, s) for s in streams if s.mode in (wire.PASSED, wire.DIRECTORY))
        return [directory if s.mode == wire.DIRECTORY else call._numbers[s.number] for _, s in named]

    def _await(self, sock: socket.socket) -> NoReturn:
        """Waits for the call of this process, a child, and serves it."""
        payload = b""
        try:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # no call is there that it could be for
            self.sock.close()
            payload, fds, _ = _fds.receive(sock, GIVEN, 4)
            if payload:
                call, others = parse(payload, fds)
                os.fchdir(others[wire.DIRECTORY])
                os.close(others[wire.DIRECTORY])
                os.umask(call.umask)
                self._child(call, sock)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(0 if not payload else 1)

    def _child(self, call: Call, report: Optional[socket.socket]) -> NoReturn:
        status = 1
        try:
            self.sock.close()
            os.close(self.home)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            os.environ.update(call._own())  # its other variables are this process's
            os.environ.pop(VARIABLE, None)
            status = run_handler(self.handle, call)
            call._close()
            sys.stdout.flush()
            if report is not None:
                used = resource.getrusage(resource.RUSAGE_SELF)
                report.send(REPORT.pack(status, used.ru_utime, used.ru_stime, used.ru_maxrss), socket.MSG_NOSIGNAL)
        except KeyboardInterrupt:
            call._close()
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGINT)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status >> 8)

    def _follow(self, child: int, report: Optional[socket.socket]) -> Tuple[int, float, float, int]:
        """Waits for the child's report or end, and passes signals on to it. Gives its wait status and what it used."""
        try:
            end = os.pidfd_open(child)
        except OSError:
            end = -1
        try:
            poll = select.poll()
            poll.register(self.sock, select.POLLIN)
            if end >= 0:
                poll.register(end, select.POLLIN)
            if report is not None:
                poll.register(report, select.POLLIN)
            while True:
                ready = dict(poll.poll(None if end >= 0 else GIVE_UP_POLL * 1000))
                if report is not None and report.fileno() in ready:
                    try:
                        said = report.recv(REPORT.size)
                    except ConnectionResetError:  # it was killed before it took its call
                        said = b""
                    if len(said) == REPORT.size:
                        self.ending.append(child)
                        self._reap()  # it may have ended before
                        status, user, system, memory = REPORT.unpack(said)
                        return status, user, system, memory
                    poll.unregister(report)
                    report = None
                if end < 0 or end in ready:
                    pid, status, used = os.wait4(child, os.WNOHANG)
                    if pid:
                        return status, used.ru_utime, used.ru_stime, used.ru_maxrss
                if self.sock.fileno() in ready:
                    number = self.take_signal()
                    if number:
                        os.kill(child, number)  # it isn't reaped, so the number is the child's
                    if self.gone:
                        poll.unregister(self.sock)
        finally:
            if end >= 0:
                os.close(end)


def _has_ended(child: int) -> bool:
    try:
        return os.waitpid(child, os.WNOHANG)[0] != 0
    except ChildProcessError:
        return True  # a signal came in between, and its handler has seen it
