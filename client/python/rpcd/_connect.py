"""rpcd.connect: one procedure, called again and again with NumPy arrays, on one connection."""

from __future__ import annotations

import os
import sys
import threading
import time
from types import TracebackType
from typing import Any, List, Mapping, Optional, Tuple, Type

from . import _npy
from . import _where
from . import _wire as wire
from ._call import Call, Expired, Plan, begin, reach
from ._errors import CallFailed, lost
from ._memory import LENT, SMALL, Inputs, Memory, Outputs
from ._npy import BadArray
from ._run import Word, builder
from ._streams import Input, Output, Send
from ._worker import Link

STDERR_KEPT = 64 << 10  # bytes of what a procedure writes to stderr


def connect(
    worker: str,
    procedure: str,
    *args: Word,
    env: Optional[Mapping[str, str]] = None,
    cwd: Optional[Word] = None,
    label: str = "",
    timeout: Optional[float] = None,
    wait: float = 0.0,
    limit: int = _npy.LIMIT,
) -> "Connection":
    """Connects to a worker, to call one procedure with arrays.

        with rpcd.connect("ml", "detect") as detect:
            boxes = detect(frame)

    Args:
        worker: its name, or a path with a slash: a socket or a folder of sockets. Of several replicas the least
            loaded is taken, and all calls go there.
        procedure: its name. args are its arguments, for every call.
        env: variables that cross, besides the worker's own. The worker has to admit each.
        cwd: a directory of the worker. None: the one where this process is now.
        label: shown by `rpc ps` and in the worker's log.
        timeout: seconds that one call may take, waiting in the worker's queue included.
        wait: seconds to go on trying a worker that is unreachable, draining or busy, now and in each call.
        limit: the most bytes that one record, and all that comes back, may have.

    Raises:
        rpcd.Unreachable: nobody serves there. ValueError: arguments that make no sense.
    """
    return Connection(worker, procedure, args, env, cwd, label, timeout, wait, limit)


class Connection:
    """A kept connection to one procedure, made by connect(). Call it as a function.

    It is safe in threads: they take turns, since a connection has one call at a time. After a fork, parent and child
    may both go on: the child connects anew.
    """

    def __init__(
        self,
        worker: str,
        procedure: str,
        args: Tuple[Word, ...],
        env: Optional[Mapping[str, str]],
        cwd: Optional[Word],
        label: str,
        timeout: Optional[float],
        wait: float,
        limit: int,
    ) -> None:
        self.worker = worker
        self.procedure = procedure
        self._timeout, self._wait, self._limit = timeout, wait, limit
        argv = [os.fsencode(a) for a in args]
        build = builder(os.fsencode(procedure), argv, env, _where.directory(cwd), _where.umask(), label)
        self._build = _Memo(build)
        self._closed = False
        self._forget()
        self._link: Optional[Link] = reach(worker, wait)

    def _forget(self) -> None:
        """Begins anew: nothing that another process may use is kept."""
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._link = None
        self._inputs, self._outputs = Inputs(), Outputs()
        self._stderr = _Stderr()

    def __call__(self, *arrays: Any) -> Any:
        """Calls the procedure with arrays, and gives the array that it answers.

        Args:
            arrays: NumPy arrays, or what np.asarray makes one of. They are the procedure's stdin, as npy records one
                after the other.

        Returns:
            A read-only array; a tuple of them where the procedure wrote several; None where it wrote nothing. Large
            ones lie in memory that the procedure wrote: it isn't used again while you hold one. While 8 results are
            held, the next ones are copies.

        Raises:
            rpcd.CallFailed: the procedure ended with another status than 0. Its stderr is the text.
            rpcd.BadArray: what it wrote is no array, or over the limit. Or an argument can't be sent.
            rpcd.Unreachable, rpcd.Refused, rpcd.Lost: trouble between the two sides; see `.started`.
            TimeoutError: the time limit is over, and the procedure was killed.
            ValueError: the connection was closed.
        """
        if self._pid != os.getpid():
            self._forget()
        with self._lock:
            if self._closed:
                raise ValueError("the connection is closed")
            return self._call(arrays)

    def close(self) -> None:
        """Closes the connection. Results stay valid. May be called twice."""
        if self._pid != os.getpid():
            self._forget()
        with self._lock:
            self._closed = True
            if self._link is not None:
                self._link.close()
            self._forget_lent()

    def _forget_lent(self) -> None:
        lock = self._lock
        self._stderr.drop()
        self._forget()
        self._lock = lock

    def __enter__(self) -> "Connection":
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], value: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.close()

    def _call(self, arrays: Tuple[Any, ...]) -> Any:
        given = self._put(arrays)
        out = self._outputs.take()
        os.lseek(out.fd, 0, os.SEEK_SET)
        result, stderr = _Result(out.fd, self._limit), self._stderr
        plan = Plan(
            self.worker, self._build, Input(given.fd), {1: result, 2: stderr}, same=False, joined=False, extra={}, keep=True
        )
        link, self._link = self._link, None
        try:
            call, done = self._exchange(plan, link)
        except BaseException:
            self._forget_lent()  # somebody may still hold the memory
            raise
        if call.link.sock.fileno() >= 0:
            self._link = call.link
        text = stderr.take()
        status = wire.returncode(done.status)
        if status != 0 or done.reason == "crash" or call.bridged:
            self._forget_memory()
        if done.reason == "crash":
            raise lost(self.worker, done.text or "lost the process that served the call")
        if done.flags & wire.TIMEOUT:
            raise TimeoutError(f"{self.worker} {self.procedure}: a limit of {done.limit:g} s of the worker's ended it")
        if result.over:
            raise self._bad(f"it is over the limit of {self._limit} bytes")
        if status != 0:
            raise CallFailed(self.worker, self.procedure, status, text)
        if text:
            sys.stderr.write(text)
        try:
            return _one(self._arrays(result, out))
        except BadArray as e:
            raise self._bad(str(e)) from None

    def _exchange(self, plan: Plan, link: Optional[Link]) -> Tuple[Call, wire.Exit]:
        until = None if self._timeout is None else time.monotonic() + self._timeout
        try:
            call = begin(plan, wait=self._wait, until=until, kept=link)
        except Expired:
            raise TimeoutError(f"{self.worker} {self.procedure} didn't begin within {self._timeout:g} s") from None
        try:
            return call, call.finish(until)
        except Expired:
            call.kill()
            raise TimeoutError(f"{self.worker} {self.procedure} didn't end within {self._timeout:g} s") from None
        except KeyboardInterrupt:
            call.interrupt()
            raise

    def _bad(self, why: str) -> BadArray:
        return BadArray(f"{self.worker} {self.procedure} wrote no array that can be read: {why}")

    def _forget_memory(self) -> None:
        self._inputs, self._outputs = Inputs(), Outputs()

    def _put(self, arrays: Tuple[Any, ...]) -> Memory:
        """Writes arrays into memory for the procedure's stdin."""
        records, size = _npy.records(arrays)
        for r in records:
            if len(r.header) + r.items.nbytes > self._limit:
                raise BadArray(f"an array of {r.items.nbytes} bytes is over the limit of {self._limit}")
        memory = self._inputs.take(size)
        if size < SMALL:
            if size:
                os.pwritev(memory.fd, _npy.pieces(records), 0)
        else:
            _npy.place(records, memory.writable())
        os.lseek(memory.fd, 0, os.SEEK_SET)
        return memory

    def _arrays(self, result: "_Result", memory: Memory) -> "List[_npy.Array]":
        """Reads what the procedure wrote. The memory is free or lent then."""
        if result.relayed:
            return _npy.views(bytes(result.got), 0, len(result.got), self._limit)
        size = os.lseek(memory.fd, 0, os.SEEK_CUR)  # where the procedure's writing ended
        has = os.fstat(memory.fd).st_size
        if size > has:
            raise BadArray(f"it left its stdout at {size}, behind the end at {has}")
        if size > self._limit:
            raise BadArray(f"{size} bytes are over the limit of {self._limit}")
        if size < SMALL:
            found = _npy.views(os.pread(memory.fd, size, 0), 0, size, self._limit)
            self._outputs.put(memory)
            return found
        if self._outputs.lent < LENT:
            return _npy.views(self._outputs.lend(memory, size), 0, size, self._limit)
        found = [a.copy() for a in _npy.views(memory.readable(size), 0, size, self._limit)]
        for a in found:
            a.flags.writeable = False
        self._outputs.put(memory)
        return found


def _one(found: "List[_npy.Array]") -> Any:
    if len(found) == 1:
        return found[0]
    return tuple(found) if found else None


class _Memo:
    """A CALL frame, which is the same for every call of a connection."""

    def __init__(self, build: Any) -> None:
        self.build = build
        self.key: Any = None
        self.frame = b""

    def __call__(self, flags: int, streams: List[wire.Stream]) -> bytes:
        if self.key != (flags, streams):
            self.key, self.frame = (flags, streams), self.build(flags, streams)
        return self.frame


class _Result(Output):
    """stdout: a memfd where that is passed, memory of this process where the stream is relayed."""

    def __init__(self, fd: int, limit: int) -> None:
        super().__init__(1, fd, limit)

    def attach(self, relayed: bool, send: Send) -> None:
        if relayed:
            self.fd = None
        super().attach(relayed, send)


class _Stderr(Output):
    """stderr: a pipe of ours, which is kept from call to call."""

    def __init__(self) -> None:
        super().__init__(2, None, keep=STDERR_KEPT)
        self.lasts = True

    def attach(self, relayed: bool, send: Send) -> None:
        self.relayed, self.send = relayed, send
        self.credit, self.owed, self.ended = wire.WINDOW, 0, False
        if relayed:
            self.drop()
            self.done = False

    def close(self) -> None:
        """Lets the pipe be: drop() closes it."""

    def drop(self) -> None:
        """Closes the pipe. The next call makes another one."""
        super().close()
        self.done = False

    def take(self) -> str:
        """Gives what came, and forgets it."""
        text = bytes(self.got).decode("utf-8", "replace")
        self.got.clear()
        return text

