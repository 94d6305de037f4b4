"""Finds a worker's sockets, connects to them, and chooses the replica for a call.

Names are as for rpc(1): what has a slash is the path of a socket or of a folder of sockets. Else it
is $RPC_DIR/NAME/ or $RPC_DIR/NAME.sock.
"""

from __future__ import annotations

import errno
import os
import select
import socket
import stat
import struct
import time
from typing import Callable, Dict, Iterator, List, NamedTuple, Optional, Tuple, TypeVar

from . import _fds
from . import _wire as wire
from ._errors import DRAINING, Error, Unreachable

CONNECT_TIME = 5.0  # seconds that a full queue of connections is given
LOAD_TIME = 0.2  # seconds in which a replica has to say its load
BRIDGE_TIME = 1.0  # seconds for the question whether a bridge is there
RECEIVE_TIME = 0.25  # seconds that Link.receive waits
SILENT = int(socket.MSG_NOSIGNAL)
MAX_PATH = 107  # bytes of a socket's path, sockaddr_un (unix(7))


class Link:
    """A connection to a replica, with what was read of it and not yet used."""

    def __init__(self, worker: str, path: str, sock: socket.socket) -> None:
        self.worker = worker
        self.path = path
        self.sock = sock
        self.unread = bytearray()
        self.pid = os.getpid()
        self.poll = select.poll()
        self.poll.register(sock, select.POLLIN)

    def close(self) -> None:
        """Closes it. May be called twice."""
        self.sock.close()

    def is_whole(self) -> bool:
        """Says whether a kept connection can carry a call: the other side hasn't closed or said a word."""
        return not self.unread and self.pid == os.getpid() and self.sock.fileno() >= 0 and not self.poll.poll(0)


def sockets(worker: str) -> Tuple[List[str], bool]:
    """Gives the paths of a worker's sockets, and whether they come of a folder.

    Raises:
        ValueError: no worker can have that name.
        Unreachable: there is none.
    """
    if not worker or worker in (".", "..") or any(ord(c) < 32 or 127 <= ord(c) < 160 for c in worker):
        raise ValueError(f"no worker has the name {worker[:50]!r}")
    path = worker
    if "/" not in worker:
        root = os.environ.get("RPC_DIR") or "/run/rpc"
        path = os.path.join(root, worker)
        if not os.path.isdir(path):
            path += ".sock"
    try:
        if not stat.S_ISDIR(os.stat(path).st_mode):
            return [path], False
        names = sorted(n for n in os.listdir(path) if n.endswith(".sock") and not n.startswith("."))
    except OSError as e:
        raise unreachable(worker, path, e) from None
    if not names:
        raise _not_up(worker, f'no socket in "{path}"')
    return [os.path.join(path, n) for n in names], True


def unreachable(worker: str, path: str, e: OSError) -> Unreachable:
    """Explains an error of stat(2), readdir(3) or connect(2)."""
    if e.errno == errno.ENOENT:
        gone = path if os.path.isdir(os.path.dirname(path) or ".") else os.path.dirname(path)
        return _not_up(worker, f'"{gone}" does not exist')
    if e.errno in (errno.ECONNREFUSED, errno.ENOTSOCK):
        if _is_socket(path):
            return _not_up(worker, f'nobody serves "{path}"')
        return _unreachable(worker, f'"{path}" is no socket')
    if e.errno == errno.EAGAIN:
        return _unreachable(worker, "its queue of connections is full (is it frozen?)", passes=True)
    if e.errno in (errno.EACCES, errno.EPERM):
        return _unreachable(worker, f"permission denied: {_owner(path)}you are {os.geteuid()}:{os.getegid()}")
    if e.errno == errno.ELOOP:
        return _unreachable(worker, f'"{path}" is a symlink, and in a folder of sockets none is followed')
    return _unreachable(worker, f'"{path}": {e.strerror}')


def _owner(path: str) -> str:
    try:
        st = os.stat(path)
    except OSError:
        return ""
    return f"the socket is {st.st_uid}:{st.st_gid} {st.st_mode & 0o7777:04o}, "


def _is_socket(path: str) -> bool:
    try:
        return stat.S_ISSOCK(os.stat(path).st_mode)
    except OSError:
        return False


def _unreachable(worker: str, why: str, passes: bool = False) -> Unreachable:
    text = f"cannot reach {worker}: {why}"
    return Unreachable(text, outcome="unreachable", worker=worker, started=False, passes=passes)


def _not_up(worker: str, why: str) -> Unreachable:
    return _unreachable(worker, why + " (is the worker up?)", passes=True)


def nobody_behind(worker: str, path: str, what: str = "accepts and closes") -> Unreachable:
    """The error of a socket that accepts, and behind which nobody took the call."""
    return _unreachable(worker, f'"{path}" {what} (a bridge with nobody behind it?)', passes=True)


def dial(worker: str, path: str, listed: bool) -> Link:
    """Connects to one socket. listed says that it was found in a folder: then no symlink is followed.

    Raises Unreachable.
    """
    try:
        return Link(worker, path, _connect(path, listed))
    except OSError as e:
        raise unreachable(worker, path, e) from None


def _connect(path: str, listed: bool) -> socket.socket:
    if not listed and len(os.fsencode(path)) <= MAX_PATH:
        return _connect_to(path)
    fd = os.open(path, os.O_PATH | os.O_CLOEXEC | (os.O_NOFOLLOW if listed else 0))
    try:
        if stat.S_ISLNK(os.fstat(fd).st_mode):
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        return _connect_to(f"/proc/self/fd/{fd}")
    finally:
        os.close(fd)


def _connect_to(address: str) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        until = time.monotonic() + CONNECT_TIME
        while True:
            try:
                sock.connect(address)
                break
            except BlockingIOError:  # no event says that the queue has room
                if time.monotonic() >= until:
                    raise
                time.sleep(0.01)
        sock.setblocking(True)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 0, int(RECEIVE_TIME * 1e6)))
        return sock
    except BaseException:
        sock.close()
        raise


class Try(NamedTuple):
    """One replica to try."""

    path: str
    listed: bool
    queue: bool  # the call may wait in its queue


class Choice:
    """The replicas of a worker, in the order in which a call should try them.

    The least loaded comes first, and isn't asked to queue the call. Those that say busy come again, the
    shortest queue first, and may queue it. A worker's only socket comes once.
    """

    def __init__(self, worker: str) -> None:
        paths, self.listed = sockets(worker)
        self.full: List[str] = []
        self.waiting: Dict[str, int] = {}
        if len(paths) == 1:
            self.first, self.queue_first = paths, True
            return
        loads = _loads(worker, paths)
        if not loads:
            raise _not_up(worker, "none of its sockets answers")
        self.first = sorted(loads, key=lambda p: (loads[p].draining, loads[p].running + loads[p].waiting))
        self.queue_first = False
        self.waiting = {p: v.waiting if v.waiting < v.most_waiting else 1 << 62 for p, v in loads.items()}

    def __iter__(self) -> Iterator[Try]:
        for path in self.first:
            yield Try(path, self.listed, self.queue_first)
        for path in sorted(self.full, key=lambda p: self.waiting.get(p, 0)):
            yield Try(path, self.listed, True)

    def busy(self, t: Try) -> None:
        """Says that a replica has no place now."""
        if not t.queue:
            self.full.append(t.path)


def _loads(worker: str, paths: List[str]) -> Dict[str, wire.Load]:
    """Asks replicas for their load, and gives that of those that answer soon."""
    return _ask_all(worker, paths, True, wire.ping(), _part)


def places(worker: str, paths: List[str], listed: bool, procedure: bytes) -> Dict[str, wire.Places]:
    """Asks replicas how many calls of a procedure they can serve at once. Those that don't answer soon are left out. One
    that refuses to say counts as one: a call will hear why."""

    def part(link: Link) -> Optional[wire.Places]:
        answer = _answer(link, wire.LISTING, wire.REFUSED)
        if answer is None:
            return None
        if answer[0] == wire.REFUSED:
            return wire.Places(wire.refusal(answer[1]).code == DRAINING, 1)
        return wire.listing(answer[1], procedure)

    return _ask_all(worker, paths, listed, wire.list_(), part)


def no_place(worker: str, path: str, listed: bool, draining: bool) -> Error:
    """Explains why a replica isn't one to call: it said that it drains, or nothing."""
    if draining:
        return _unreachable(worker, f'"{path}" is draining', passes=True)
    try:
        dial(worker, path, listed).close()
    except Error as e:
        return e
    return _not_up(worker, f'"{path}" doesn\'t answer')


Answer = TypeVar("Answer")


def _ask_all(
    worker: str, paths: List[str], listed: bool, question: bytes, part: Callable[[Link], Optional[Answer]]
) -> Dict[str, Answer]:
    links: Dict[int, Link] = {}
    found: Dict[str, Answer] = {}
    until = time.monotonic() + LOAD_TIME
    try:
        poll = select.poll()
        for path in paths:
            try:
                link = dial(worker, path, listed)
                link.sock.sendall(question)
            except (Error, OSError):
                continue
            links[link.sock.fileno()] = link
            poll.register(link.sock, select.POLLIN)
        while len(found) < len(links) and time.monotonic() < until:
            for fd, _ in poll.poll(max(0, (until - time.monotonic()) * 1000)):
                link = links[fd]
                try:
                    answer = part(link)
                except (OSError, EOFError, wire.ProtocolError):
                    poll.unregister(fd)
                    links.pop(fd).close()
                    continue
                if answer is not None:
                    poll.unregister(fd)
                    found[link.path] = answer
    finally:
        for link in links.values():
            link.close()
    return found


def _part(link: Link) -> Optional[wire.Load]:
    """Reads what there is of a PONG: None if more must come. Raises what _answer raises."""
    answer = _answer(link, wire.PONG)
    return None if answer is None else wire.pong(answer[1])


def _answer(link: Link, *types: int) -> Optional[Tuple[int, bytes]]:
    """Reads what there is of an answer: its type and payload, or None if more must come. Raises EOFError at the
    connection's end, ProtocolError for a frame of another type, OSError."""
    try:
        b = link.sock.recv(64 << 10, socket.MSG_DONTWAIT)
    except BlockingIOError:
        return None
    except ConnectionResetError:
        b = b""
    if not b:
        raise EOFError
    link.unread += b
    if len(link.unread) < wire.HEADER.size:
        return None
    h = wire.header(bytes(link.unread[: wire.HEADER.size]))
    if h.type not in types:
        raise wire.ProtocolError(f"a frame of type {h.type} instead of type {types[0]}")
    if len(link.unread) < wire.HEADER.size + h.length:
        return None
    return h.type, bytes(link.unread[wire.HEADER.size :])


def is_bridge(link: Link) -> bool:
    """Finds out, by asking anew, whether a bridge took the bytes of a connection that ended without an answer.

    False says that it isn't known (PROTOCOL.md, section 5).
    """
    until = time.monotonic() + BRIDGE_TIME
    null = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    try:
        for _ in range(2):
            try:
                return _ask(link, null, until).descriptors == 0
            except EOFError:
                continue
            except (Error, OSError, wire.ProtocolError):
                return False
        return True  # a worker answers as long as it lives
    finally:
        os.close(null)


def _ask(link: Link, null: int, until: float) -> wire.Load:
    """Asks by a PING. Raises what _part and dial raise, and TimeoutError."""
    again = dial(link.worker, link.path, False)
    try:
        try:
            _fds.send(again.sock, wire.ping(), [null], SILENT)
        except (BrokenPipeError, ConnectionResetError):
            pass  # the end is read, too
        poll = select.poll()
        poll.register(again.sock, select.POLLIN)
        while time.monotonic() < until:
            if poll.poll(max(0, (until - time.monotonic()) * 1000)):
                load = _part(again)
                if load is not None:
                    return load
        raise TimeoutError
    finally:
        again.close()
