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
import gc
import io
import os
import resource
import select
import signal
import socket
import stat
import struct
import sys
import threading
import traceback
from typing import Any, Callable, Dict, List, NoReturn, Optional, Sequence, TextIO, Tuple, Union

from . import _npy
from . import _wire as wire
from ._memory import SMALL, Maps

__all__ = ["Call", "serve", "serve_arrays"]

VARIABLE = "RPC_RESIDENT_FD"
CANCELS = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM)
GIVE_UP_POLL = 0.01  # seconds between two looks for a child's end, where the kernel has no pidfd
F_SETOWN_EX, F_OWNER_TID = 15, 0  # fcntl(2)

Handler = Callable[["Call"], Optional[int]]


class Call:
    """One call of the procedure. Its descriptors are closed when the handler has returned.

    Attributes:
        procedure (str): its name as the caller typed it, argv[0].
        args (list of str): the arguments, as os.fsdecode has bytes.
        id (str): as `rpc ps` shows it.
        cwd (str): the call's directory, where the process is, too. The caller's own name of it, as in PWD.
        umask (int): the call's, which is the process's, too.
        fds (dict): descriptors that the caller passes by `--fd N` or as /dev/fd/N: N, which is their number here.
    """

    def __init__(self, procedure: bytes, args: Sequence[bytes], variables: Sequence[bytes], umask: int) -> None:
        self.procedure = os.fsdecode(procedure)
        self.args = [os.fsdecode(a) for a in args]
        self.umask = umask
        self.fds: Dict[int, int] = {}
        self._variables = variables
        self._numbers: List[int] = [-1, -1, -1]
        self._files: List[Optional[TextIO]] = [None, None, None]
        self._env: Optional[Dict[str, str]] = None
        self._said: Optional[str] = None

    @property
    def env(self) -> Dict[str, str]:
        """The environment that a process of this call's would have. os.environ is the worker's own."""
        if self._env is None:
            self._env = dict(os.environ)
            for v in self._variables:
                name, _, value = os.fsdecode(v).partition("=")
                self._env[name] = value
        return self._env

    @property
    def id(self) -> str:
        return self._variable(b"RPC_CALL_ID").decode("ascii", "replace")

    @property
    def cwd(self) -> str:
        return os.fsdecode(self._variable(b"PWD")) or os.getcwd()

    def _variable(self, name: bytes) -> bytes:
        for v in self._variables:
            if v.startswith(name + b"="):
                return v[len(name) + 1 :]
        return b""

    @property
    def stdin(self) -> TextIO:
        """What the caller gives, as sys.stdin: text, with .buffer for bytes."""
        return self._file(0)

    @property
    def stdout(self) -> TextIO:
        """What the caller gets, as sys.stdout. It is flushed when the handler returns."""
        return self._file(1)

    @property
    def stderr(self) -> TextIO:
        """The caller's stderr, as sys.stderr: each line leaves at once."""
        return self._file(2)

    def _file(self, number: int) -> TextIO:
        found = self._files[number]
        if found is None:
            if self._numbers[number] < 0:
                self._numbers[number] = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
            raw = io.FileIO(self._numbers[number], "r" if number == 0 else "w")
            self._numbers[number] = -1  # it is the file's now
            buffer: Any = io.BufferedReader(raw) if number == 0 else io.BufferedWriter(raw)
            found = io.TextIOWrapper(
                buffer,
                encoding="utf-8",
                errors="backslashreplace" if number == 2 else "surrogateescape",
                line_buffering=number == 2,
            )
            self._files[number] = found
        return found

    def _fd(self, number: int) -> int:
        """Gives a stream's descriptor; -1: it is closed."""
        found = self._files[number]
        return self._numbers[number] if found is None else found.fileno()

    def _flush(self) -> None:
        for f in (self._files[1], self._files[2]):
            if f is not None and not f.closed:
                f.flush()

    def _close(self) -> None:
        """Closes all that came with the call, whatever can't be flushed any more."""
        for f in self._files:
            if f is not None:
                try:
                    f.close()
                except (OSError, ValueError):
                    _close_raw(f)
        for fd in (*self._numbers, *self.fds.values()):
            _close_quietly(fd)
        self.fds = {}
        self._numbers = [-1, -1, -1]


def _close_raw(f: TextIO) -> None:
    try:
        f.buffer.raw.close()  # type: ignore[attr-defined]
    except (OSError, ValueError, AttributeError):
        pass


def _close_quietly(fd: int) -> None:
    if fd >= 0:
        try:
            os.close(fd)
        except OSError:
            pass  # the handler has closed it


def _adopt() -> Optional[socket.socket]:
    """Takes the descriptor that rpcd gave, once, and says that this program is loading."""
    number = os.environ.pop(VARIABLE, "")  # what this process starts is no resident worker
    if not number.isdigit():
        return None
    try:
        if not stat.S_ISSOCK(os.fstat(int(number)).st_mode):
            return None
        os.set_inheritable(int(number), False)
        found = socket.socket(fileno=int(number))
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
        fork: each call has a child of this process, with what it has loaded. The child gets the caller's signals as a
            process would. Its os.environ is the call's. Modules that run threads may not survive a fork: load them,
            and let them start their threads in the child.

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
    worker = _Forking(sock, handle) if fork else _Worker(sock, handle)
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
        arrays = _take(call._fd(0), maps, limit)
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
    _give(call._fd(1), maps, records, size)
    return 0


def _take(fd: int, maps: Maps, limit: int) -> "List[_npy.Array]":
    """Reads the arrays of stdin: from a map where that can be trusted."""
    if fd < 0:
        return []
    st = os.fstat(fd)
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


def _give(fd: int, maps: Maps, records: "List[_npy.Record]", size: int) -> None:
    """Writes the arrays of stdout. Their end is the descriptor's position then, as behind write(2)."""
    if fd < 0:
        return
    if size >= SMALL:
        st = os.fstat(fd)
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
    from ._memory import is_sealed

    if st.st_size < size:
        if not is_sealed(fd):
            return None
        try:
            os.ftruncate(fd, size)
        except OSError:
            return None  # write(2) says why
        st = os.fstat(fd)
    return maps.get(fd, st, True)


class _Cut(Exception):
    """rpcd has closed the connection."""


class _Worker:
    """This process, as rpcd's resident worker: each call in the process itself.

    While a handler runs the kernel sends SIGIO when rpcd says something (fcntl(2), O_ASYNC). So a SIGNAL is seen at
    once, without a second thread that every call would have to wake.
    """

    def __init__(self, sock: socket.socket, handle: Handler) -> None:
        self.sock = sock
        self.handle = handle
        self.home = os.open(".", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        self.umask = os.umask(0o022)
        os.umask(self.umask)
        self.unread = bytearray()  # of a SIGNAL
        self.cancellable = False
        self.canceled = 0  # the signal that cancelled the call
        self.gone = False  # rpcd is

    def prepare(self) -> None:
        """Sets up the signals."""
        signal.signal(signal.SIGIO, self._look)
        owner = struct.pack("ii", F_OWNER_TID, threading.get_native_id())
        fcntl.fcntl(self.sock, F_SETOWN_EX, owner)
        self.flags = fcntl.fcntl(self.sock, fcntl.F_GETFL)

    def serve(self) -> None:
        """Says READY and serves until rpcd closes."""
        self.prepare()
        try:
            self.say(wire.frame(wire.READY, wire.MARK))
            while not self.gone:
                self.next()
        except _Cut:
            pass
        finally:
            os.close(self.home)

    def say(self, frame: bytes) -> None:
        try:
            self.sock.sendall(frame, socket.MSG_NOSIGNAL)
        except (BrokenPipeError, ConnectionResetError):
            raise _Cut from None

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
            elif h.type == wire.SIGNAL:
                pass  # it was for the last call
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
            b, fds, flags, _ = socket.recv_fds(self.sock, n, wire.MAX_DESCRIPTORS, socket.MSG_CMSG_CLOEXEC)
        except ConnectionResetError:
            raise _Cut from None
        if not b:
            raise _Cut
        if flags & socket.MSG_CTRUNC:
            fds = list(fds) + [-1]  # a number that fits no call
        return b, list(fds)

    def _exactly(self, n: int) -> bytes:
        b = bytearray()
        while len(b) < n:
            try:
                part = self.sock.recv(n - len(b))
            except ConnectionResetError:
                part = b""
            if not part:
                raise _Cut
            b += part
        return bytes(b)

    # A call.

    def begin(self, payload: bytes, fds: List[int]) -> None:
        """Serves a call, or refuses it. It owns fds."""
        try:
            call, directory = _parse(payload, fds)
        except (wire.ProtocolError, OSError) as e:
            for fd in fds:
                _close_quietly(fd)
            if isinstance(e, wire.ProtocolError):
                raise
            self.refuse(10, f"has a resident worker that can't begin: {e.strerror}")
            return
        try:
            os.fchdir(directory)
        except OSError as e:
            call._close()
            _close_quietly(directory)
            self.refuse(5, f"has a resident worker that can't enter the directory: {e.strerror}", call.id)
            return
        os.close(directory)
        os.umask(call.umask)
        self.say(wire.frame(wire.STARTED, wire.field(1, call._variable(b"RPC_CALL_ID"))))
        self.run(call)

    def refuse(self, code: int, text: str, call: str = "") -> None:
        payload = wire.field(1, struct.pack(">H", code)) + wire.field(2, text.encode())
        if call:
            payload += wire.field(5, call.encode())
        self.say(wire.frame(wire.REFUSED, payload))

    def run(self, call: Call) -> None:
        """Runs the handler and sends EXIT."""
        before = resource.getrusage(resource.RUSAGE_SELF)
        try:
            self.canceled, self.cancellable = 0, True
            self._watch(True)
            status = _handle(self.handle, call)
            self.cancellable = False
        except KeyboardInterrupt:  # it comes once, wherever this thread is while cancellable is set
            status = self.canceled or signal.SIGINT
        self._watch(False)
        call._close()
        self.leave()
        after = resource.getrusage(resource.RUSAGE_SELF)
        self.exit(call, status, after.ru_utime - before.ru_utime, after.ru_stime - before.ru_stime)

    def leave(self) -> None:
        """Puts back what the call has changed."""
        os.fchdir(self.home)
        os.umask(self.umask)

    def exit(self, call: Call, status: int, user: float, system: float, memory: int = 0) -> None:
        """Sends EXIT. status is a wait status; times are in seconds, memory in KiB."""
        payload = wire.field(1, struct.pack(">I", status))
        payload += wire.field(2, struct.pack(">Q", max(0, int(user * 1e9))))
        payload += wire.field(3, struct.pack(">Q", max(0, int(system * 1e9))))
        if memory:
            payload += wire.field(4, struct.pack(">Q", memory))
        self.say(wire.frame(wire.EXIT, payload + wire.field(10, call._variable(b"RPC_CALL_ID"))))

    def _watch(self, on: bool) -> None:
        fcntl.fcntl(self.sock, fcntl.F_SETFL, self.flags | os.O_ASYNC if on else self.flags)
        if on:
            self._look()  # what came before says nothing any more

    def _look(self, *_: Any) -> None:
        """Takes SIGNAL frames while a handler runs, also as the handler of SIGIO."""
        while self.cancellable:
            number = self.take_signal()
            if number == 0:
                return
            if number in CANCELS:
                self.canceled, self.cancellable = number, False
                raise KeyboardInterrupt

    def take_signal(self) -> int:
        """Gives the number of a SIGNAL that has come, 0 for none. The end of the connection is a TERM."""
        size = wire.HEADER.size + 1
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
        if len(self.unread) < size:
            return 0
        h = wire.header(bytes(self.unread[: wire.HEADER.size]))
        if h.type != wire.SIGNAL or h.length != 1:
            self.gone = True  # what isn't understood can't go on
            return signal.SIGTERM
        number = self.unread[-1]
        self.unread.clear()
        return number


class _Forking(_Worker):
    """A worker that serves each call in a child."""

    def prepare(self) -> None:
        gc.collect()
        gc.freeze()  # a collection in a child would copy all pages

    def run(self, call: Call) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        child = os.fork()
        if child == 0:
            self._child(call)
        call._close()
        self.leave()
        status, used = self._follow(child)
        self.exit(call, status, used.ru_utime, used.ru_stime, used.ru_maxrss)

    def _child(self, call: Call) -> NoReturn:
        status = 1
        try:
            self.sock.close()
            os.close(self.home)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            os.environ.clear()
            os.environ.update(call.env)
            os.environ.pop(VARIABLE, None)
            status = _handle(self.handle, call)
            call._close()
            sys.stdout.flush()
        except KeyboardInterrupt:
            call._close()
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGINT)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status >> 8)

    def _follow(self, child: int) -> Tuple[int, resource.struct_rusage]:
        """Waits for the child's end, and passes signals on to it."""
        try:
            end = os.pidfd_open(child)
        except OSError:
            end = -1
        try:
            poll = select.poll()
            poll.register(self.sock, select.POLLIN)
            if end >= 0:
                poll.register(end, select.POLLIN)
            while True:
                ready = dict(poll.poll(None if end >= 0 else GIVE_UP_POLL * 1000))
                if end < 0 or end in ready:
                    pid, status, used = os.wait4(child, os.WNOHANG)
                    if pid:
                        return status, used
                if self.sock.fileno() in ready:
                    number = self.take_signal()
                    if number:
                        os.kill(child, number)  # it isn't reaped, so the number is the child's
                    if self.gone:
                        poll.unregister(self.sock)
        finally:
            if end >= 0:
                os.close(end)


def _parse(payload: bytes, fds: List[int]) -> Tuple[Call, int]:
    """Makes a Call of CALL, and gives its directory's descriptor. Raises ProtocolError, and OSError for descriptors
    that can't have their number; then fds stay the caller's."""
    if not payload.startswith(wire.MARK):
        raise wire.ProtocolError("rpcd speaks another version")
    f = wire.fields(payload[len(wire.MARK) :], {1: -1, 2: -1, 3: -1, 6: 4, 8: 8}, (2, 3, 8))
    streams = [wire.Stream(*wire.STREAM.unpack(s)) for s in f.get(8, [])]
    named = [s for s in streams if s.mode in (wire.PASSED, wire.DIRECTORY)]
    if -1 in fds or sorted(s.which for s in named) != list(range(len(fds))):
        raise OSError(0, f"{len(fds)} descriptors came for {len(named)} streams (ulimit -n?)")
    directory = [s for s in named if s.mode == wire.DIRECTORY]
    if len(directory) != 1 or 1 not in f:
        raise wire.ProtocolError("a CALL without a directory or a name")
    call = Call(f[1][0], f.get(2, []), f.get(3, []), wire.number(f.get(6, [b"\0\0\0\x12"])[0]))
    moved: List[int] = []
    try:
        for s in named:
            if s.mode == wire.PASSED and s.number > 2:
                call.fds[s.number] = _move(fds[s.which], s.number)
                moved.append(s.which)
    except OSError:
        for number in call.fds.values():
            _close_quietly(number)
        for which in moved:
            fds[which] = -1
        raise
    for s in named:
        if s.mode == wire.PASSED and s.number <= 2:
            call._numbers[s.number] = fds[s.which]
    return call, fds[directory[0].which]


def _move(fd: int, number: int) -> int:
    """Gives a descriptor the number that the caller's arguments may name, as /dev/fd/63."""
    if fd != number:
        found = fcntl.fcntl(fd, fcntl.F_DUPFD, number)
        if found != number:
            os.close(found)
            raise OSError(0, f"descriptor {number} is its own")
        os.close(fd)
    else:
        os.set_inheritable(fd, True)
    return number


def _handle(handle: Handler, call: Call) -> int:
    """Runs a handler and gives its wait status. KeyboardInterrupt goes through."""
    try:
        try:
            status = _status(handle(call))
            call._flush()
        except SystemExit as e:
            status = _status_of_exit(e, call)
            call._flush()
        if call._said is not None:
            print(call._said[:1000], file=call.stderr)
        return status << 8
    except KeyboardInterrupt:
        raise
    except BaseException:
        _print_trace(call)
        return 1 << 8


def _status(result: Optional[int]) -> int:
    if result is None:
        return 0
    if not isinstance(result, int):
        raise TypeError(f"the handler gave {type(result).__name__} and not an exit status")
    return result & 0xFF


def _status_of_exit(e: SystemExit, call: Call) -> int:
    """Gives the status of sys.exit(), as Python itself does at a program's end."""
    if e.code is None or isinstance(e.code, int):
        return _status(e.code)
    print(e.code, file=call.stderr)
    return 1


def _print_trace(call: Call) -> None:
    """Writes the traceback to the call's stderr, without the lines of this module."""
    kind, value, trace = sys.exc_info()
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    try:
        call.stderr.write("".join(traceback.format_exception(kind, value, trace)))
        call.stderr.flush()
    except (OSError, ValueError):
        pass  # nobody reads it


def _serve_by_hand(handle: Handler) -> NoReturn:
    """Serves one call of this process's own arguments and streams, and ends with its status."""
    call = Call(os.fsencode(os.path.basename(sys.argv[0])), [os.fsencode(a) for a in sys.argv[1:]], [], 0)
    call.umask = os.umask(0o022)
    os.umask(call.umask)
    call._numbers = [os.dup(n) for n in (0, 1, 2)]
    status = _handle(handle, call)
    call._close()
    sys.exit(status >> 8)
