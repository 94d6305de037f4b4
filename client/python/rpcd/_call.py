"""One call: from CALL to EXIT, in the thread that makes it.

A Plan is what is asked for. begin() finds a replica that starts it and gives the Call, whose finish() waits for
EXIT. One loop waits for the connection, for the call's streams and for the heartbeats of a bridged call.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import time
from typing import Callable, Dict, List, NamedTuple, Optional, Tuple

from . import _fds
from . import _wire as wire
from ._errors import OUTCOMES, Error, Refused, lost
from ._streams import Input, Output
from ._worker import RECEIVE_TIME, Choice, Link, Try, dial, is_bridge, nobody_behind

PATIENCE = 10.0  # seconds in which a worker has to answer (PROTOCOL.md, section 5)
LEAST_PATIENCE = 2.0  # the same where a wait is about to end
LEAST_HEARTBEAT = 0.1  # seconds
TURN = 0.001  # seconds after which DATA is answered by a HEARTBEAT
AFTER_EXIT = 0.2  # seconds for what still holds an output's pipe
LOOK_AGAIN = 0.1  # seconds until a terminal may be in the foreground
CANCEL_WAIT = 2.0  # seconds that a worker has to answer a signal to a call that doesn't run yet
KILL_WAIT = 5.0  # seconds that a worker has to say the end of a call that was killed
SEND = int(socket.MSG_NOSIGNAL | socket.MSG_DONTWAIT)
RETRY_MIN, RETRY_MAX = 0.02, 0.25  # seconds between two tries


class Expired(Exception):
    """A time limit of this process's is over."""


class Plan(NamedTuple):
    """What is asked for, and the caller's ends of it."""

    worker: str
    build: Callable[[int, List[wire.Stream]], bytes]  # a CALL frame of its flags and streams
    stdin: Optional[Input]  # None: closed
    outputs: Dict[int, Output]  # by number
    same: bool  # stderr is the same open thing as stdout, and stands not among outputs
    joined: bool  # it is the same to who reads it, though opened apart
    extra: Dict[int, int]  # the procedure's numbers of further descriptors, and ours
    keep: bool
    heartbeat: float = 30.0  # seconds of silence after which a bridged call counts as lost
    at: Optional[Try] = None  # the replica that alone is tried; None: all of the worker's
    watch: Optional[Callable[[Link], None]] = None  # gets each connection before a call is sent on it

    def streams(self) -> Tuple[List[wire.Stream], List[int]]:
        """Gives the fields of section 4, and the descriptors that ride on the frame."""
        found: List[wire.Stream] = []
        fds: List[int] = []

        def add(number: int, fd: int, flags: int = 0, window: int = 0) -> None:
            found.append(wire.Stream(number, wire.PASSED, len(fds), flags, window))
            fds.append(fd)

        stdin = self.stdin
        if stdin is None:
            found.append(wire.Stream(0, wire.CLOSED_MODE))
        elif stdin.terminal:
            found.append(wire.Stream(0, wire.RELAYED, flags=wire.LINE))
        else:
            add(0, stdin.travels())
        for number in (1, 2):
            out = self.outputs.get(number)
            if number == 2 and self.same and 1 in self.outputs:
                found.append(wire.Stream(2, wire.SAME, 1, wire.OUTPUT, wire.WINDOW))
            elif out is None:
                found.append(wire.Stream(number, wire.CLOSED_MODE, flags=wire.OUTPUT, window=wire.WINDOW))
            elif out.terminal:
                found.append(wire.Stream(number, wire.RELAYED, 0, wire.OUTPUT, wire.WINDOW))
            else:
                flags = wire.OUTPUT | (wire.JOINED if number == 2 and self.joined else 0)
                add(number, out.travels(), flags, wire.WINDOW)
        for number, fd in self.extra.items():
            add(number, fd)
        return found, fds

    def close(self) -> None:
        """Closes the pipes that are ours."""
        for end in (self.stdin, *self.outputs.values()):
            if end is not None:
                end.close()


def begin(
    plan: Plan, *, wait: float = 0.0, until: Optional[float] = None, kept: Optional[Link] = None, came: Optional[bytes] = None
) -> "Call":
    """Starts the call at a replica of the worker. It returns when the procedure runs.

    Args:
        wait: seconds to go on trying a worker that is unreachable, draining or busy.
        until: time.monotonic() at which Expired is raised.
        kept: a connection to be used, if it is still whole.
        came: CALL was sent on that, and this has come since. None: it wasn't.

    Raises:
        Error: nothing runs, or with `started` it may.
        Expired: until has come. Nothing runs, as far as the worker answers.
    """
    ends = time.monotonic() + wait
    pause = RETRY_MIN
    while True:
        try:
            return _try_all(plan, ends if wait > 0 else None, until, kept, came)
        except Error as e:
            left = ends - time.monotonic()
            if e.started or not e._passes or left <= 0:
                raise
            kept = None
            time.sleep(min(pause, left, max(0, until - time.monotonic()) if until is not None else left))
            if until is not None and time.monotonic() >= until:
                raise Expired from None
            pause = min(2 * pause, RETRY_MAX)


def _try_all(plan: Plan, ends: Optional[float], until: Optional[float], kept: Optional[Link], came: Optional[bytes]) -> "Call":
    flags = wire.CONFIRM | (wire.KEEP if plan.keep else 0) | (wire.ANNOUNCE if ends is not None else 0)
    if kept is not None:
        if came is not None or kept.is_whole():
            if plan.at is not None and not plan.at.queue:
                flags |= wire.NOWAIT
            return _start(plan, kept, flags, PATIENCE, until, came)
        kept.close()
    if plan.at is not None:
        return _try(plan, plan.at, flags, PATIENCE, until)
    choice = Choice(plan.worker)
    first: Optional[Error] = None
    for t in choice:
        patience = PATIENCE if ends is None else min(max(ends - time.monotonic(), LEAST_PATIENCE), PATIENCE)
        try:
            return _try(plan, t, flags, patience, until)
        except Error as e:
            is_busy = e.outcome == "busy"
            if e.started or not e._passes or (t.queue and is_busy):
                raise
            if is_busy:
                choice.busy(t)
            first = first or e
    assert first is not None
    raise first


def _try(plan: Plan, t: Try, flags: int, patience: float, until: Optional[float]) -> "Call":
    link = dial(plan.worker, t.path, t.listed)
    return _start(plan, link, flags if t.queue else flags | wire.NOWAIT, patience, until)


def _start(
    plan: Plan, link: Link, flags: int, patience: float, until: Optional[float], came: Optional[bytes] = None
) -> "Call":
    if plan.watch is not None:
        try:
            plan.watch(link)
        except BaseException:
            link.close()
            raise
    call = Call(link, plan)
    call.start(flags, patience, until, came)
    return call


def reach(worker: str, wait: float) -> Link:
    """Connects to the replica that a call should try first. wait is as in begin(). Raises Unreachable."""
    ends = time.monotonic() + wait
    pause = RETRY_MIN
    while True:
        try:
            first: Optional[Error] = None
            for t in Choice(worker):
                try:
                    return dial(worker, t.path, t.listed)
                except Error as e:
                    first = first or e
            assert first is not None
            raise first
        except Error as e:
            left = ends - time.monotonic()
            if not e._passes or left <= 0:
                raise
            time.sleep(min(pause, left))
            pause = min(2 * pause, RETRY_MAX)


class Call:
    """A call on a connection, which is the Call's until finish() has returned, or an exception has left.

    Then `link.sock` is closed, unless the plan says keep and the call came to its EXIT.
    """

    def __init__(self, link: Link, plan: Plan) -> None:
        self.link = link
        self.plan = plan
        self.bridged = False
        self.heartbeat = max(plan.heartbeat, LEAST_HEARTBEAT)
        self.exit: Optional[wire.Exit] = None
        self.outgoing = bytearray()
        self.answered = False
        self.confirmed = False  # CONTINUED was sent: from now on the worker may start the call
        self.held = False  # the worker doesn't start the call before that
        self.started: Optional[wire.Started] = None
        self.refused: Optional[wire.Refusal] = None
        self.left = False  # the connection has ended
        # Of a bridged call; all times are time.monotonic().
        self.heard = self.beat = 0.0
        self.silent_since: Optional[float] = None  # something has come that has to be answered soon
        self.partial = self.asked = self.late = False

    # The start.

    def start(self, flags: int, patience: float, until: Optional[float], came: Optional[bytes] = None) -> None:
        """Sends CALL, unless came says what has come since it was sent, and waits for STARTED."""
        self.held = bool(flags & wire.ANNOUNCE)
        null = -1
        try:
            if came is None:
                streams, fds = self.plan.streams()
                if not fds:  # else a direct call would look like a bridged one
                    null = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
                    streams.append(wire.Stream(0, wire.PROBE))
                    fds = [null]
                self._send_call(self.plan.build(flags, streams), fds)
            elif came:
                self._came(came)
            silence = time.monotonic() + patience
            while self.started is None:
                if self.refused is not None:
                    raise self._refusal(self.refused)
                if self.left:
                    raise self._ended_early(silent=False)
                bound = until if self.answered else silence if until is None else min(silence, until)
                try:
                    self._turn(bound)
                except Expired:
                    if until is None or time.monotonic() < until:
                        raise self._ended_early(silent=True) from None
                    self._cancel()
                    raise
        except KeyboardInterrupt:
            self.interrupt()
            raise
        except BaseException:
            self.link.close()
            raise
        finally:
            if null >= 0:
                os.close(null)

    def _send_call(self, frame: bytes, fds: List[int]) -> None:
        try:
            n = _fds.send(self.link.sock, frame, fds, SEND)
        except BlockingIOError:
            n = _fds.send(self.link.sock, frame[:1], fds, socket.MSG_NOSIGNAL)
        except (BrokenPipeError, ConnectionResetError):
            return  # a refusal may have come before
        if n < len(frame):
            self.outgoing += frame[n:]

    def _cancel(self) -> None:
        """Takes back a call that doesn't run yet. The end of the connection says the same."""
        self._send(wire.frame(wire.SIGNAL, bytes([15])))
        self._flush()

    def _refusal(self, r: wire.Refusal) -> Refused:
        worker = self.plan.worker
        return Refused(
            f"{worker} {r.text or 'refuses the call'}",
            outcome=OUTCOMES[r.code],
            worker=worker,
            code=r.code,
            reason=r.reason,
        )

    def _ended_early(self, *, silent: bool) -> Error:
        """Makes an error of a call that got no STARTED, and finds out whether it may have been started."""
        worker, path = self.plan.worker, self.link.path
        if not self.confirmed:
            if self.held:
                what = "accepts and says nothing" if silent else "ended the connection before the start"
                return nobody_behind(worker, path, what if silent or self.answered else "accepts and closes")
            if not silent and not self.answered and is_bridge(self.link):
                return nobody_behind(worker, path)
        if silent:
            return lost(worker, "says nothing (is it frozen, or the bridge cut?)")
        return lost(worker, "ended the connection before it answered (did rpcd or the bridge end?)")

    # The loop.

    def finish(self, until: Optional[float] = None) -> wire.Exit:
        """Waits for EXIT, and until the outputs are whole.

        Raises:
            Lost: the connection ended before.
            Expired, KeyboardInterrupt: finish() may be called again, after signal(). Else the connection has to be closed.
            OSError: a stream of the caller's couldn't be read or written.
        """
        try:
            while self.exit is None:
                if self.left:
                    raise lost(self.plan.worker, "ended the connection before the call ended (did rpcd or the bridge end?)")
                self._turn(until)
            self._finish_outputs(until)
        except (Expired, KeyboardInterrupt):
            raise
        except BaseException:
            self.link.close()
            raise
        if not self.plan.keep or self.outgoing or self.left:
            self.link.close()
        stdin = self.plan.stdin
        if stdin is not None:
            stdin.set_back(self.exit.consumed)
        for end in (stdin, *self.plan.outputs.values()):
            if end is not None and end.failed is not None:
                self.link.close()
                raise end.failed
        return self.exit

    def _finish_outputs(self, until: Optional[float]) -> None:
        """Takes what was written before EXIT: what is queued, and what lies in our pipes."""
        ends = time.monotonic() + AFTER_EXIT
        for out in self.plan.outputs.values():
            while out.drain():
                pass
        while any(out.wants() and not out.lasts for out in self.plan.outputs.values()):
            queued = any(out.queue for out in self.plan.outputs.values())
            try:
                self._wait(until if queued else ends, with_socket=False)
            except Expired:
                if queued:
                    raise
                break

    def signal(self, number: int, *, abandon: bool = False) -> None:
        """Sends SIGNAL to a call that runs."""
        self._send(wire.frame(wire.SIGNAL, bytes([number]), flags=wire.ABANDON if abandon else 0))
        self._flush()

    def interrupt(self) -> None:
        """Sends INT, and KILL when the worker's grace is over or the user asks again. The connection is closed then."""
        try:
            self.signal(signal.SIGINT)
            until = time.monotonic() + CANCEL_WAIT
            while self.started is None and self.refused is None and not self.left:
                self._turn(until)
            if self.started is not None:
                self.finish(time.monotonic() + self.started.grace)
            self.link.close()
        except (Expired, Exception, KeyboardInterrupt):
            self.kill()

    def kill(self) -> None:
        """Kills the procedure and waits until its worker says so. The connection is closed then."""
        try:
            self.signal(signal.SIGKILL, abandon=True)
            if self.started is not None:
                self.finish(time.monotonic() + KILL_WAIT)
        except (Expired, Exception):
            pass
        finally:
            self.link.close()

    def _turn(self, until: Optional[float]) -> None:
        """Waits until something happens and does it. Raises Expired when until has come."""
        self._wait(until, with_socket=True)
        if self.bridged:
            self._keep_time()

    def _wait(self, until: Optional[float], *, with_socket: bool) -> None:
        if with_socket and self._is_alone() and (until is None or until - time.monotonic() >= RECEIVE_TIME):
            self._receive(0)  # one system call instead of three
            return
        poll = select.poll()
        ends: "Dict[int, List[Input | Output]]" = {}
        masks: Dict[int, int] = {}
        sock = self.link.sock.fileno()
        if with_socket:
            masks[sock] = select.POLLIN | (select.POLLOUT if self.outgoing else 0)
        if self.started is not None:
            stdin = self.plan.stdin if with_socket else None
            for end in (stdin, *self.plan.outputs.values()):
                wanted = end.wants() if end is not None else None
                if end is not None and wanted is not None:
                    ends.setdefault(wanted[0], []).append(end)
                    masks[wanted[0]] = masks.get(wanted[0], 0) | wanted[1]
        for fd, mask in masks.items():
            poll.register(fd, mask)
        now = time.monotonic()
        bound = self._bound(until)
        if bound is not None and bound <= now and until is not None and until <= now:
            raise Expired
        ready = poll.poll(None if bound is None else max(0.0, (bound - now) * 1000 + 0.2))
        if not ready and until is not None and time.monotonic() >= until:
            raise Expired
        for fd, events in ready:
            if fd == sock and with_socket:
                if events & ~select.POLLOUT:
                    self._receive()
                if self.outgoing:
                    self._flush()
            for end in ends.get(fd, ()):
                end.act()
        if self.outgoing:
            self._flush()

    def _is_alone(self) -> bool:
        """Says whether only the connection is waited for, and no time."""
        if self.bridged or self.outgoing:
            return False
        if self.started is None:
            return True
        if self.plan.stdin is not None and not self.plan.stdin.done:
            return False
        return all(out.done for out in self.plan.outputs.values())

    def _bound(self, until: Optional[float]) -> Optional[float]:
        """Gives when the loop has to wake at the latest."""
        times = [] if until is None else [until]
        if self.bridged and not self.left and self.exit is None:
            times += [self.heard + self.heartbeat, self.beat + self.heartbeat / 3]
            if self.silent_since is not None:
                times.append(self.silent_since + TURN)
        stdin = self.plan.stdin
        if stdin is not None and stdin.terminal and stdin.relayed and not stdin.done:
            times.append(time.monotonic() + LOOK_AGAIN)
        return min(times) if times else None

    # Frames.

    def _receive(self, flags: int = socket.MSG_DONTWAIT) -> None:
        """Takes what has come. Without flags it waits for that, RECEIVE_TIME at most."""
        try:
            b = self.link.sock.recv(64 << 10, flags)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            b = b""
        if not b:
            self.left = True
            return
        self._came(b)

    def _came(self, b: bytes) -> None:
        self.heard = time.monotonic()
        unread = self.link.unread
        unread += b
        try:
            self._frames(unread)
        except wire.ProtocolError as e:
            raise lost(
                self.plan.worker, f"doesn't speak rpc's protocol: {e}", started=self.started is not None, outcome="protocol"
            ) from None

    def _frames(self, unread: bytearray) -> None:
        at = 0
        while self.exit is None and self.refused is None and len(unread) - at >= wire.HEADER.size:
            h = wire.header(bytes(unread[at : at + wire.HEADER.size]))
            begins = at + wire.HEADER.size
            if len(unread) - begins < h.length:
                if h.type == wire.DATA:
                    self._owe(partial=True)
                break
            at = begins + h.length
            self._frame(h, bytes(unread[begins:at]))
        del unread[:at]

    def _frame(self, h: wire.Header, payload: bytes) -> None:
        if h.type == wire.HEARTBEAT:
            self._heartbeat(h)
        elif self.started is None:
            self._answer(h, payload)
        elif h.type == wire.DATA:
            self._owe(partial=False)
            self._output(h).data(payload)
        elif h.type == wire.END:
            self._output(h).ended = True
        elif h.type == wire.CREDIT:
            if h.flags & wire.ANSWER:
                self._owe(partial=True)
            if len(payload) != 4:
                raise wire.ProtocolError(f"a CREDIT of {len(payload)} bytes")
            self._input(h).grant(wire.number(payload))
        elif h.type == wire.CLOSED:
            self._input(h).close()
        elif h.type == wire.EXIT:
            self.exit = wire.exit_(h.flags, payload)
        else:
            raise wire.ProtocolError(f"a frame of type {h.type} in a call")

    def _output(self, h: wire.Header) -> Output:
        out = self.plan.outputs.get(h.stream)
        if out is None or not out.relayed:
            raise wire.ProtocolError(f"a frame of type {h.type} for stream {h.stream}")
        return out

    def _input(self, h: wire.Header) -> Input:
        if self.plan.stdin is None or h.stream != 0 or not self.plan.stdin.relayed:
            raise wire.ProtocolError(f"a frame of type {h.type} for stream {h.stream}")
        return self.plan.stdin

    def _answer(self, h: wire.Header, payload: bytes) -> None:
        if h.type == wire.REFUSED:
            self.refused = wire.refusal(payload)
            return
        if h.type not in (wire.ACCEPTED, wire.STARTED):
            raise wire.ProtocolError(f"a frame of type {h.type} instead of an answer")
        m = wire.started(h.flags, payload)
        self.answered = True
        if m.flags & wire.BRIDGED and not self.bridged:
            self.bridged = True
            self.beat = self.heard
        if h.type == wire.STARTED:
            self._begin(m)
            return
        self.held = self.held or self.bridged  # CONFIRM is always said
        if self.held and not m.flags & wire.WAITING:
            self._send(wire.frame(wire.CONTINUED))
            self.confirmed = True

    def _begin(self, m: wire.Started) -> None:
        self.started = m
        stdin = self.plan.stdin
        if stdin is not None:
            stdin.attach(self.bridged or stdin.terminal, self._send)
        for out in self.plan.outputs.values():
            out.attach(self.bridged or out.terminal, self._send)
        if self.bridged:
            self._owe(partial=False)
        if stdin is not None and stdin.relayed and stdin.fd is None:
            stdin.push()  # an empty one ends at once

    # What is sent.

    def _send(self, frame: bytes) -> None:
        """Sends a frame soon."""
        self.outgoing += frame
        self.silent_since, self.late = None, True

    def _flush(self) -> None:
        if self.left:
            self.outgoing.clear()
            return
        try:
            n = self.link.sock.send(self.outgoing, SEND)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self.outgoing.clear()  # the end is read, too, behind what came before
            return
        del self.outgoing[:n]

    # Heartbeats (PROTOCOL.md, section 5).

    def _keep_time(self) -> None:
        if self.exit is not None or self.left:
            return
        now = time.monotonic()
        if now - self.heard >= self.heartbeat:
            raise lost(self.plan.worker, "says nothing (is it frozen, or the bridge cut?)")
        if self.silent_since is not None and now - self.silent_since >= TURN:
            partial = self.partial
            self._send(wire.frame(wire.HEARTBEAT, flags=0 if partial else wire.ANSWER))
            if not partial:
                self.asked, self.late = True, False
        if now - self.beat >= self.heartbeat / 3:
            self._send(wire.frame(wire.HEARTBEAT))
            self.beat = now
        if self.outgoing:
            self._flush()

    def _owe(self, *, partial: bool) -> None:
        """Says that something has come that has to be answered soon."""
        if self.bridged:
            self.silent_since, self.partial = time.monotonic(), partial

    def _heartbeat(self, h: wire.Header) -> None:
        asks = bool(h.flags & wire.ANSWER)
        if asks or (self.asked and self.late):
            self._send(wire.frame(wire.HEARTBEAT))
        self.asked = self.asked and asks
