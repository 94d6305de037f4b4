"""A call as a resident procedure sees it, and what its handler makes of it. Used by resident alone."""

from __future__ import annotations

import fcntl
import io
import os
import sys
import traceback
from typing import Any, Callable, Dict, List, Optional, Sequence, TextIO, Tuple

from . import _wire as wire

OTHERS = (wire.DIRECTORY, wire.CONNECTION, wire.NOTES)  # modes of what comes with a call and is no stream

PACKAGE = os.path.dirname(__file__)

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
        self._seen: List[Optional[os.stat_result]] = [None, None, None]  # of these, before the call began
        self._files: List[Optional[TextIO]] = [None, None, None]
        self._env: Optional[Dict[str, str]] = None
        self._said: Optional[str] = None

    @property
    def env(self) -> Dict[str, str]:
        """The environment that a process of this call's would have. os.environ is the worker's own."""
        if self._env is None:
            self._env = {**os.environ, **self._own()}
        return self._env

    def _own(self) -> Dict[str, str]:
        """What the environment has besides that of the worker."""
        return {name: value for name, _, value in (os.fsdecode(v).partition("=") for v in self._variables)}

    @property
    def id(self) -> str:
        return self._variable(b"RPC_CALL_ID").decode("ascii", "replace")

    @property
    def cwd(self) -> str:
        return os.fsdecode(self._variable(b"PWD")) or os.getcwd()

    def again(self, args: List[str], variables: Sequence[bytes]) -> "Call":
        """Gives the call anew, with these arguments and variables, and no descriptors."""
        found = Call.__new__(Call)
        found.procedure, found.args, found.umask = self.procedure, args, self.umask
        found.fds, found._variables = {}, variables
        found._numbers, found._seen, found._files = [-1, -1, -1], [None, None, None], [None, None, None]
        found._env = found._said = None
        return found

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
            close_quietly(fd)
        self.fds = {}
        self._numbers = [-1, -1, -1]


def _close_raw(f: TextIO) -> None:
    try:
        f.buffer.raw.close()  # type: ignore[attr-defined]
    except (OSError, ValueError, AttributeError):
        pass


def close_quietly(fd: int) -> None:
    if fd >= 0:
        try:
            os.close(fd)
        except OSError:
            pass  # the handler has closed it


def away(fd: int) -> int:
    """Moves a descriptor beyond the numbers that a caller's may have (--fd 3), where there is room. It isn't
    inherited then."""
    if fd >= wire.MAX_DESCRIPTORS:
        return fd
    try:
        found = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, wire.MAX_DESCRIPTORS)
    except OSError:
        return fd
    os.close(fd)
    return int(found)


def parse(payload: bytes, fds: List[int]) -> Tuple[Call, Dict[int, int]]:
    """Makes a Call of CALL or LEND, and gives the descriptors that are none of its streams, by mode. Raises ProtocolError, and OSError for descriptors
    that can't have their number; then fds stay the caller's."""
    if not payload.startswith(wire.MARK):
        raise wire.ProtocolError("rpcd speaks another version")
    f = wire.fields(payload[len(wire.MARK) :], {1: -1, 2: -1, 3: -1, 6: 4, 8: 8}, (2, 3, 8))
    streams = [wire.Stream(*wire.STREAM.unpack(s)) for s in f.get(8, [])]
    named = [s for s in streams if s.mode == wire.PASSED or s.mode in OTHERS]
    if -1 in fds or sorted(s.which for s in named) != list(range(len(fds))):
        raise OSError(0, f"{len(fds)} descriptors came for {len(named)} streams (ulimit -n?)")
    if wire.DIRECTORY not in (s.mode for s in named) or 1 not in f:
        raise wire.ProtocolError("a CALL without a directory or a name")
    call = Call(f[1][0], f.get(2, []), f.get(3, []), wire.number(f.get(6, [b"\0\0\0\x12"])[0]))
    if any(s.number > 2 for s in named):
        fds[:] = map(away, fds)
    moved: List[int] = []
    try:
        for s in named:
            if s.mode == wire.PASSED and s.number > 2:
                call.fds[s.number] = _move(fds[s.which], s.number)
                moved.append(s.which)
    except OSError:
        for number in call.fds.values():
            close_quietly(number)
        for which in moved:
            fds[which] = -1
        raise
    for s in named:
        if s.mode == wire.PASSED and s.number <= 2:
            call._numbers[s.number] = fds[s.which]
    return call, {s.mode: fds[s.which] for s in named if s.mode in OTHERS}


def id_of(payload: bytes) -> str:
    """Gives the id of a call that can't begin."""
    f = wire.fields(payload[len(wire.MARK) :], {3: -1}, (3,))
    return Call(b"", [], f.get(3, []), 0).id


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


def run_handler(handle: Handler, call: Call) -> int:
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
    """Writes the traceback to the call's stderr, without the lines of this package in front."""
    kind, value, trace = sys.exc_info()
    while trace is not None and os.path.dirname(trace.tb_frame.f_code.co_filename) == PACKAGE:
        trace = trace.tb_next
    try:
        call.stderr.write("".join(traceback.format_exception(kind, value, trace)))
        call.stderr.flush()
    except (OSError, ValueError):
        pass  # nobody reads it
