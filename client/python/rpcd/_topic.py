"""What publishers and subscribers share: how they join a topic, frames, heartbeats and errors.

A Member is one connection. One thread uses it. A bridged one has a second thread, which says HEARTBEAT while the first
computes, since rpcd takes a silent bridge for a dead one.
"""

from __future__ import annotations

import os
import socket
import struct
import threading
import time
import weakref
from typing import List, Optional, Tuple, Type, TypeVar

from . import _fds
from . import _wire as wire
from ._call import LEAST_HEARTBEAT, PATIENCE, RETRY_MAX, RETRY_MIN
from ._errors import OUTCOMES, Error, Refused, lost
from ._worker import Link, dial, is_bridge, nobody_behind, sockets

# Plain numbers, since `|` of Python's flags costs microseconds.
NOSIGNAL = int(socket.MSG_NOSIGNAL)
DONTWAIT = int(socket.MSG_DONTWAIT)
AT_ONCE = NOSIGNAL | DONTWAIT
CLOEXEC = int(socket.MSG_CMSG_CLOEXEC)
ROOM = socket.CMSG_SPACE(4)  # for one descriptor

READ = wire.MAX_DATA + wire.HEADER.size  # bytes that are read at once: the largest frame

HEARTBEAT = wire.frame(wire.HEARTBEAT)
BEATS = 3  # in the interval after which silence is an end (PROTOCOL.md, section 5)
ATOMIC = 16 << 10  # bytes that a UNIX socket takes whole or not at all, when a signal comes
HEADER = wire.HEADER.size


class Socket:
    """A connected socket, closed with the last reference. What lies in shared memory may hold one."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock

    def __del__(self) -> None:
        self.sock.close()


class Member:
    """A connection to a topic that is joined."""

    def __init__(self, worker: str, topic: str, heartbeat: float) -> None:
        self.worker = worker
        self.topic = topic
        self.heartbeat = max(heartbeat, LEAST_HEARTBEAT)
        self.bridged = False
        self.state: Optional[wire.TopicState] = None
        self.error: Optional[Exception] = None  # the connection can't be used any more
        self.closed = False
        self.fds: List[int] = []  # that came and belong to no frame yet
        self.heard = time.monotonic()
        self.lock = threading.RLock()  # of what is sent, and of a publisher's state
        self.reading = threading.Lock()
        self.writing = False  # a frame is being written without the lock
        self.ended: Optional[threading.Event] = None
        self._buf = bytearray(READ)
        self._view = memoryview(self._buf)
        self._from = self._to = 0  # what was read and not used

    # Joining.

    def join(self, link: Link, first: bytes, kind: int) -> None:
        """Sends the first frame and waits for its answer. The link's socket is the Member's. Raises Error."""
        self.keep = Socket(link.sock)
        self.sock = link.sock
        self.path = link.path
        null = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        try:
            try:
                if _fds.send(self.sock, first, [null], NOSIGNAL) < len(first):
                    raise BrokenPipeError
            except (BrokenPipeError, ConnectionResetError):
                pass  # a refusal may have come before
            self._await_answer(link, kind)
        except BaseException:
            self.hang_up()
            raise
        finally:
            os.close(null)
        assert self.state is not None
        self.bridged = bool(self.state.flags & wire.BRIDGED)
        if self.bridged:
            self._begin_heartbeats()
        else:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 0, 0))
        _members.add(self)

    def _await_answer(self, link: Link, kind: int) -> None:
        until: Optional[float] = time.monotonic() + PATIENCE
        beats = False  # HEARTBEATs come, so silence would be an end
        beat = time.monotonic()
        while self.state is None:
            try:
                h, payload = self.frame(wait=False)
            except BlockingIOError:
                now = time.monotonic()
                if now >= (until if until is not None else now + 1):
                    raise lost(self.worker, "says nothing (is it frozen, or the bridge cut?)", started=False) from None
                if until is None and now - beat >= self.heartbeat / BEATS:
                    beat = now  # in case that it is bridged, which nobody has said yet
                    self.send(HEARTBEAT)
                if beats and now - self.heard >= self.heartbeat * 4 / 3:
                    raise lost(self.worker, "says nothing (is it frozen, or the bridge cut?)", started=False) from None
                continue
            except EOFError:
                if until is not None and is_bridge(link):
                    raise nobody_behind(self.worker, self.path) from None
                raise lost(self.worker, "ended the connection before it answered (did rpcd or the bridge end?)", started=False) from None
            except wire.ProtocolError as e:
                raise self.nonsense(e) from None
            if h == wire.HEARTBEAT:
                beats = until is None
            elif h == wire.REFUSED:
                r = wire.refusal(payload)
                raise Refused(f"{self.worker} {r.text or 'refuses'}", outcome=OUTCOMES[r.code], worker=self.worker, code=r.code, reason=r.reason)
            elif h == wire.ACCEPTED:  # it waits for subscribers
                until = None
            elif h == kind:
                try:
                    self.state = wire.topic_state(self.flags, payload)
                except wire.ProtocolError as e:
                    raise self.nonsense(e) from None
            else:
                raise self.nonsense(wire.ProtocolError(f"a frame of type {h} as an answer"))

    # Frames.

    flags = 0
    """Of the frame that frame() gave last."""

    def frame(self, *, wait: bool = True) -> Tuple[int, bytes]:
        """Gives the type and payload of the next frame.

        Raises:
            BlockingIOError: without wait, nothing has come for RECEIVE_TIME (a direct one's: for ever).
            EOFError: the connection has ended. ProtocolError, and Lost for a silent bridge.
        """
        while True:
            at, has = self._from, self._to - self._from
            if has >= HEADER:
                kind, _, flags, length = wire.header(self._buf[at : at + HEADER])
                if has >= HEADER + length:
                    begins = at + HEADER
                    self._from = begins + length
                    self.flags = flags
                    return kind, bytes(self._view[begins : self._from])
            self.fill(wait)

    def has_frame(self) -> bool:
        """Says whether frame() has one without reading."""
        at, has = self._from, self._to - self._from
        return has >= HEADER and has >= HEADER + int(wire.HEADER.unpack_from(self._buf, at)[3])

    def fill(self, wait: bool = True, flags: int = 0) -> None:
        """Reads more. Raises as frame() does."""
        if self._from:
            if self._from < self._to:
                self._buf[: self._to - self._from] = self._buf[self._from : self._to]
            self._to -= self._from
            self._from = 0
        while True:
            try:
                n = self._receive(self._view[self._to :], flags)
                break
            except BlockingIOError:
                if not wait:
                    raise
                self.check_silence()
            except OSError:
                n = 0
                break
        if n == 0:
            raise EOFError
        self._to += n
        if self.bridged or self.state is None:
            self.heard = time.monotonic()

    def _receive(self, room: memoryview, flags: int) -> int:
        if self.bridged:
            return self.sock.recv_into(room, 0, flags)
        n, extra, _, _ = self.sock.recvmsg_into([room], ROOM, flags | CLOEXEC)
        for level, kind, data in extra:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                self.fds += struct.unpack(f"{len(data) // 4}i", data[: len(data) // 4 * 4])
        if len(self.fds) > 1:
            raise self.nonsense(wire.ProtocolError("descriptors without a ring"))
        return n

    def send(self, frame: bytes) -> None:
        """Sends a small frame, and waits for room. An end of the connection is left to who reads it."""
        with self.lock:
            try:
                self.sock.send(frame, NOSIGNAL)
            except OSError:
                pass

    # Time.

    def check_silence(self) -> None:
        """Raises Lost for a bridge that has been silent for too long."""
        if self.bridged and time.monotonic() - self.heard >= self.heartbeat:
            raise lost(self.worker, "says nothing (is it frozen, or the bridge cut?)")

    def _begin_heartbeats(self) -> None:
        ended = self.ended = threading.Event()
        who = weakref.ref(self, lambda _: ended.set())
        threading.Thread(target=_beat, args=(who, ended, self.heartbeat / BEATS), name="rpcd-heartbeat", daemon=True).start()

    def beat(self) -> bool:
        """Says HEARTBEAT, unless something else is being sent just now. False: the connection has ended."""
        if self.lock.acquire(False):
            try:
                if not self.writing:
                    self.sock.send(HEARTBEAT, AT_ONCE)
            except BlockingIOError:
                pass
            except OSError:
                return False
            finally:
                self.lock.release()
        return not self.closed

    # The end.

    def hang_up(self) -> None:
        """Closes the connection. Who waits in it wakes. May be called twice."""
        self.closed = True
        if self.ended is not None:
            self.ended.set()
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.sock.close()
        for fd in self.fds:
            os.close(fd)
        self.fds = []

    def leave_to_parent(self) -> None:
        """Is called in a child after fork(2): the connection stays the parent's."""
        self.lock, self.reading = threading.RLock(), threading.Lock()
        self.error = ValueError(f"topic {self.topic!r} was joined by another process (join it after the fork)")
        self.closed = True
        self.sock.close()
        self.fds = []

    def nonsense(self, e: wire.ProtocolError) -> Error:
        """Makes an error of what PROTOCOL.md doesn't allow."""
        return lost(self.worker, f"doesn't speak rpc's protocol: {e}", started=self.state is not None, outcome="protocol")

    def gone(self, payload: Optional[bytes] = None) -> Error:
        """Makes an error of the connection's end, or of a REFUSED before it."""
        if payload is not None:
            text = wire.refusal(payload).text
            return lost(self.worker, f"ended topic {self.topic!r}: it {text}")
        return lost(self.worker, f"ended the connection at topic {self.topic!r} (did rpcd or the bridge end?)")


def _beat(who: "weakref.ref[Member]", ended: threading.Event, pace: float) -> None:
    """Is the second thread of a bridged member. It doesn't keep the member alive."""
    while not ended.wait(pace):
        m = who()
        if m is None or not m.beat():
            return
        del m


_members: "weakref.WeakSet[Member]" = weakref.WeakSet()


def _after_fork() -> None:
    for m in list(_members):
        m.leave_to_parent()
    _members.clear()


os.register_at_fork(after_in_child=_after_fork)


def name(worker: str, topic: str) -> bytes:
    """Gives a topic's name as it travels. Raises ValueError."""
    found = os.fsencode(topic)
    if not found or b"\0" in found:
        raise ValueError(f"no topic has the name {topic!r}")
    return found


_M = TypeVar("_M", bound=Member)


def join(make: Type[_M], worker: str, topic: str, kind: int, *, subscribers: int, label: str, wait: float, heartbeat: float) -> _M:
    """Joins a topic at the first replica, by name, that answers: publishers and subscribers have to meet.

    Raises Unreachable, Refused, Lost. wait is in seconds, as of rpcd.connect.
    """
    answer = wire.PUBLISHED if kind == wire.PUBLISH else wire.SUBSCRIBED
    first = wire.member(kind, name(worker, topic), subscribers=subscribers, label=os.fsencode(label), heartbeat=heartbeat)
    ends = time.monotonic() + wait
    pause = RETRY_MIN
    while True:
        try:
            return _join(make, worker, topic, first, answer, heartbeat)
        except Error as e:
            left = ends - time.monotonic()
            if not e._passes or left <= 0:
                raise
            time.sleep(min(pause, left))
            pause = min(2 * pause, RETRY_MAX)


def _join(make: Type[_M], worker: str, topic: str, first: bytes, answer: int, heartbeat: float) -> _M:
    paths, listed = sockets(worker)
    failed: Optional[Error] = None
    for path in paths:
        try:
            link = dial(worker, path, listed)
        except Error as e:
            failed = failed or e
            continue
        m = make(worker, topic, heartbeat)
        m.join(link, first, answer)
        return m
    assert failed is not None
    raise failed
