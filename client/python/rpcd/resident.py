"""For procedures that stay warm: a process that serves one call after the other (rpcd/PROTOCOL.md, section 7).

    from rpcd import resident

    def handle(call):
        print("hello", *call.args, file=call.stdout)

    resident.serve(handle)

The program is the `run` of a procedure with a file `workers`. Import this module first: the import tells rpcd that
the program is loading. rpcd gives up a process that says nothing for 10 s.

Started by hand, without rpcd, the program serves one call with its own arguments and streams.
"""
from __future__ import annotations

import fcntl
import os
import socket
import stat
import sys
import threading
from typing import Any, Callable, List, NoReturn, Optional

from . import _npy
from . import _wire as wire
from ._forking import Forking
from ._memory import SMALL, Maps, is_sealed
from ._served import Call, Handler, away, run_handler
from ._serving import VARIABLE, Worker

__all__ = ["Call", "serve", "serve_arrays"]


def _adopt() -> Optional[socket.socket]:
    """Takes the descriptor that rpcd gave, once, and says that this program is loading."""
    number = os.environ.pop(VARIABLE, "")  # what this process starts is no resident worker
    if not number.isdigit():
        return None
    try:
        if not stat.S_ISSOCK(os.fstat(int(number)).st_mode):
            return None
        os.set_inheritable(int(number), False)
        found = socket.socket(fileno=away(int(number)))
        found.setblocking(True)
        found.send(wire.frame(wire.HEARTBEAT), socket.MSG_NOSIGNAL)
        return found
    except OSError:
        return None


_socket = _adopt()


def serve(handle: Handler, *, fork: bool = False) -> None:
    """Serves calls, one after the other, until rpcd doesn't need this process any more. Then it returns.

    Args:
        handle: gets a Call and gives its exit status, 0 to 255; None is 0. It runs in the call's directory and with
            its umask. sys.exit() in it ends the call alone. An exception is a traceback on the call's stderr and the
            status 1. When the caller cancels the call, or has left, KeyboardInterrupt is raised in it, once. A
            handler that doesn't end within the worker's grace (5 s) is killed with its process.
        fork: each call has a child of this process, with what it has loaded. One is forked before its call comes.
            The child gets the caller's signals as a process would. Its os.environ is the call's. Modules that run
            threads may not survive a fork: load them, and let them start their threads in the child.

    What is printed without file=call.stdout, and what other programs write to descriptors 1 and 2, are lines in
    rpcd's log. So is what a forked child prints.

    Raises:
        RuntimeError: not called in the main thread, which signals need, or called a second time.
    """
    global _socket
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("resident.serve has to be called in the main thread")
    sock, _socket = _socket, None
    if sock is None:
        _serve_by_hand(handle)
        return
    worker = Forking(sock, handle) if fork else Worker(sock, handle)
    with sock:
        worker.serve()


def serve_arrays(function: Callable[..., Any], *, fork: bool = False, limit: int = _npy.LIMIT) -> None:
    """Serves calls of a function of arrays: npy records in, npy records out, as np.save writes them.

    Args:
        function: gets each array of the call's stdin as an argument. They are read-only, and valid until the
            function returns: a large one may lie in the caller's memory. It gives an array, a tuple or list of
            arrays, or None. What np.asarray makes an array of will do.
        fork: as in serve().
        limit: the most bytes that one record may have.

    Input that is no array is one line on the call's stderr and status 1; so are arguments of the call, which a
    function of arrays has no use for, with status 2.
    """
    maps = Maps()

    def handle(call: Call) -> int:
        return _call_function(call, function, maps, limit)

    serve(handle, fork=fork)


def _call_function(call: Call, function: Callable[..., Any], maps: Maps, limit: int) -> int:
    if call.args:
        call._said = f"{call.procedure}: takes arrays on stdin, no arguments ({call.args[0][:40]!r})"
        return 2
    try:
        arrays = _take(call._fd(0), maps, limit, call._seen[0])
    except _npy.BadArray as e:
        call._said = f"{call.procedure}: cannot read an array from stdin: {e}"
        return 1
    result = function(*arrays)
    if result is None:
        return 0
    try:
        records, size = _npy.records(result if isinstance(result, (tuple, list)) else (result,))
    except _npy.BadArray as e:
        call._said = f"{call.procedure}: cannot answer: {e}"
        return 1
    _give(call._fd(1), maps, records, size, call._seen[1])
    return 0


def _take(fd: int, maps: Maps, limit: int, seen: Optional[os.stat_result] = None) -> "List[_npy.Array]":
    """Reads the arrays of stdin: from a map where that can be trusted. seen is what was known of it."""
    if fd < 0:
        return []
    st = seen or os.fstat(fd)
    if stat.S_ISREG(st.st_mode):
        if st.st_size < SMALL:
            b = os.read(fd, SMALL)
            return _npy.views(b, 0, len(b), limit)
        found = maps.get(fd, st, False)
        if found is not None:
            begins = os.lseek(fd, 0, os.SEEK_CUR)
            os.lseek(fd, 0, os.SEEK_END)
            return _npy.views(found, begins, st.st_size, limit)
    return _npy.read(fd, limit)


def _give(
    fd: int, maps: Maps, records: "List[_npy.Record]", size: int, seen: Optional[os.stat_result] = None
) -> None:
    """Writes the arrays of stdout. Their end is the descriptor's position then, as behind write(2). seen is what was
    known of it before the call."""
    if fd < 0:
        return
    if size >= SMALL:
        st = seen or os.fstat(fd)
        target = None
        if stat.S_ISREG(st.st_mode) and os.lseek(fd, 0, os.SEEK_CUR) == 0 and not fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_APPEND:
            target = _map_of(fd, st, maps, size)
        if target is not None:
            _npy.place(records, target)
            os.lseek(fd, size, os.SEEK_SET)
            return
    pieces = _npy.pieces(records)
    if len(pieces) <= 2:
        n = os.writev(fd, pieces)
        if n == size:
            return
        pieces = _rest(pieces, n)
    for piece in pieces:
        view = memoryview(piece)
        while len(view):
            view = view[os.write(fd, view) :]


def _rest(pieces: List[Any], n: int) -> List[Any]:
    found: List[Any] = []
    for piece in pieces:
        cut = min(n, len(piece))
        n -= cut
        found.append(memoryview(piece)[cut:])
    return found


def _map_of(fd: int, st: os.stat_result, maps: Maps, size: int) -> Any:
    if st.st_size < size:
        if not is_sealed(fd):
            return None
        try:
            os.ftruncate(fd, size)
        except OSError:
            return None  # write(2) says why
        st = os.fstat(fd)
    return maps.get(fd, st, True)


def _serve_by_hand(handle: Handler) -> NoReturn:
    """Serves one call of this process's own arguments and streams, and ends with its status."""
    call = Call(os.fsencode(os.path.basename(sys.argv[0])), [os.fsencode(a) for a in sys.argv[1:]], [], 0)
    call.umask = os.umask(0o022)
    os.umask(call.umask)
    call._numbers = [os.dup(n) for n in (0, 1, 2)]
    status = run_handler(handle, call)
    call._close()
    sys.exit(status >> 8)
