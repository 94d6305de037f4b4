"""rpcd.connect: one procedure, called again and again with NumPy arrays, on one connection."""

from __future__ import annotations

import copy
import os
import sys
import threading
import time
from types import TracebackType
from typing import Any, Callable, List, Mapping, Optional, Tuple, Type

from . import _again
from . import _npy
from . import _where
from . import _wire as wire
from ._call import Call, Expired, Plan, begin, reach
from ._errors import CallFailed, lost
from ._memory import LENT, SMALL, Inputs, Memory, Outputs
from ._npy import BadArray
from ._run import Word, builder
from ._streams import Buffer, Input, Output, Send
from ._worker import RECEIVE_TIME, Link, Try

STDERR_KEPT = 64 << 10  # bytes of what a procedure writes to stderr
STDERR_MOST = 1 << 20  # bytes of it that may lie in memory when a call is looked at
LOOK = 0.25  # seconds between two looks


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
        at: Optional[Try] = None,
    ) -> None:
        """With at nothing is connected yet: it is a model for _another()."""
        self.worker = worker
        self.procedure = procedure
        self._timeout, self._wait, self._limit = timeout, wait, limit
        self._may_repeat = wait <= 0 and (timeout is None or timeout >= RECEIVE_TIME)
        argv = [os.fsencode(a) for a in args]
        build = builder(os.fsencode(procedure), argv, env, _where.directory(cwd), _where.umask(), label)
        self._build = _Memo(build)
        self._closed = False
        self._forget()
        self._at = at
        self._watch: Optional[Callable[[Link], None]] = None
        self._link: Optional[Link] = reach(worker, wait) if at is None else None

    def _forget(self) -> None:
        """Begins anew: nothing that another process may use is kept."""
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._link = None
        self._inputs, self._outputs = Inputs(), Outputs()
        self._stderr = _Stderr()
        self._frame: Optional[bytes] = None  # CALL, once it was answered as that of a passed call

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
        return self._serve(lambda: self._put(arrays), lambda result, out: _one(self._arrays(result, out)))

    def _bytes(self, data: Buffer) -> bytes:
        """Calls the procedure with bytes on its stdin, and gives those of its stdout. It raises what a call with arrays
        does, and ValueError for bytes over the limit."""
        return bytes(self._serve(lambda: self._put_bytes(data), self._take_bytes))

    def _another(self, at: Try, watch: Callable[[Link], None]) -> "Connection":
        """Gives a connection for the same calls, to one replica. See Plan for at and watch."""
        found = copy.copy(self)
        found._build = _Memo(self._build.build)
        found._at, found._watch = at, watch
        found._forget()
        return found

    def _may_queue(self, queue: bool) -> None:
        """Says whether a call of map() may wait in its replica's queue."""
        if self._at is not None:
            self._at = self._at._replace(queue=queue)

    def _serve(self, put: Callable[[], Memory], take: "Callable[[Optional[_Result], Memory], Any]") -> Any:
        if self._pid != os.getpid():
            self._forget()
        with self._lock:
            if self._closed:
                raise ValueError("the connection is closed")
            return self._call(put(), take)

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

    def _call(self, given: Memory, take: "Callable[[Optional[_Result], Memory], Any]") -> Any:
        out = self._outputs.take()
        os.lseek(out.fd, 0, os.SEEK_SET)
        until = None if self._timeout is None else time.monotonic() + self._timeout
        link, self._link = self._link, None
        result = None
        try:
            came = self._repeat(link, given, out)
            if came is None or not _again.succeeded(came):
                result = _Result(out.fd, self._limit)
                call, done = self._exchange(self._plan(given, result), link, came, until)
        except BaseException:
            self._forget_lent()  # somebody may still hold the memory
            raise
        if result is None:
            self._link = link
            return self._taken(take, None, out, self._stderr.take())
        if call.link.sock.fileno() >= 0:
            self._link = call.link
        if self._may_repeat and self._at is None and not call.bridged and len(self._build.frame) <= _again.MOST:
            self._frame = self._build.frame
        text = self._stderr.take()
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
        return self._taken(take, result, out, text)

    def _taken(
        self, take: "Callable[[Optional[_Result], Memory], Any]", result: "Optional[_Result]", out: Memory, text: str
    ) -> Any:
        """Gives the answer of a call that succeeded. text is its stderr; result is None where stdout was passed."""
        if text:
            sys.stderr.write(text)
        try:
            return take(result, out)
        except BadArray as e:
            raise self._bad(str(e)) from None

    def _plan(self, given: Memory, result: "_Result") -> Plan:
        return Plan(
            self.worker, self._build, Input(given.fd), {1: result, 2: self._stderr}, same=False, joined=False, extra={}, keep=True,
            at=self._at, watch=self._watch,
        )

    def _repeat(self, link: Optional[Link], given: Memory, out: Memory) -> Optional[bytes]:
        """Makes the call as the one before, where that may be, and gives what comes at once; see _again.exchange."""
        if link is None or self._frame is None or not link.is_whole():
            return None
        try:
            return _again.exchange(link.sock, self._frame, (given.fd, out.fd, self._stderr.travels()))
        except KeyboardInterrupt:
            Call(link, self._plan(given, _Result(out.fd, self._limit))).interrupt()
            raise
        except BaseException:
            link.close()
            raise

    def _exchange(
        self, plan: Plan, link: Optional[Link], came: Optional[bytes], until: Optional[float]
    ) -> Tuple[Call, wire.Exit]:
        try:
            call = begin(plan, wait=self._wait, until=until, kept=link, came=came)
        except Expired:
            raise TimeoutError(f"{self.worker} {self.procedure} didn't begin within {self._timeout:g} s") from None
        try:
            while True:
                look = time.monotonic() + LOOK
                try:
                    return call, call.finish(look if until is None else min(look, until))
                except Expired:
                    if until is not None and time.monotonic() >= until:
                        raise
                    self._stderr.trim(STDERR_MOST)
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

    def _put_bytes(self, data: Buffer) -> Memory:
        """Writes bytes into memory for the procedure's stdin."""
        size = memoryview(data).nbytes
        if size > self._limit:
            raise BadArray(f"{size} bytes are over the limit of {self._limit}")
        memory = self._inputs.take(size)
        if size >= SMALL:
            memory.writable()[:] = memoryview(data).cast("B")
        elif size:
            os.pwrite(memory.fd, data, 0)
        os.lseek(memory.fd, 0, os.SEEK_SET)
        return memory

    def _take_bytes(self, result: "Optional[_Result]", memory: Memory) -> bytes:
        """Copies what the procedure wrote. The memory is free then."""
        if result is not None and result.relayed:
            return bytes(result.got)
        size = self._written(memory)
        found = memory.readable(size)[:size] if size >= SMALL else os.pread(memory.fd, size, 0)
        self._outputs.put(memory)
        return found

    def _arrays(self, result: "Optional[_Result]", memory: Memory) -> "List[_npy.Array]":
        """Reads what the procedure wrote. The memory is free or lent then."""
        if result is not None and result.relayed:
            return _npy.views(bytes(result.got), 0, len(result.got), self._limit)
        size = self._written(memory)
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

    def _written(self, memory: Memory) -> int:
        """Gives how many bytes the procedure wrote: the position where its writing ended. Raises BadArray."""
        size = os.lseek(memory.fd, 0, os.SEEK_CUR)
        has = os.fstat(memory.fd).st_size
        if size > has:
            raise BadArray(f"it left its stdout at {size}, behind the end at {has}")
        if size > self._limit:
            raise BadArray(f"{size} bytes are over the limit of {self._limit}")
        return size


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
    """stderr: a memfd of ours, which is kept from call to call. rpcd closes its copy of one at once, while a pipe
    needs a process of its own for that, since the close of a pipe may hang."""

    def __init__(self) -> None:
        super().__init__(2, None, keep=STDERR_KEPT)
        self.memory = -1

    def travels(self) -> int:
        if self.memory < 0:
            self.memory = os.memfd_create("rpcd-err", os.MFD_CLOEXEC)
        return self.memory

    def attach(self, relayed: bool, send: Send) -> None:
        self.relayed, self.send = relayed, send
        self.credit, self.owed, self.ended = wire.WINDOW, 0, False
        self.done = not relayed

    def close(self) -> None:
        """Lets the memory be: drop() closes it."""

    def drop(self) -> None:
        """Closes the memory. The next call makes another one."""
        if self.memory >= 0:
            os.close(self.memory)
        self.memory = -1

    def trim(self, most: int = 0) -> None:
        """Takes what was written out of the memory, if that is over most bytes. Who writes may go on."""
        if self.relayed or self.memory < 0:
            return
        size = os.fstat(self.memory).st_size
        if size <= most:
            return
        # Behind an earlier trim the file begins with a hole, which is no text.
        self._take(os.pread(self.memory, self.keep, max(0, size - self.keep)).lstrip(b"\0"))
        os.ftruncate(self.memory, 0)

    def take(self) -> str:
        """Gives what came, and forgets it."""
        if self.memory >= 0:
            if not self.got and not os.fstat(self.memory).st_size:
                return ""
            self.trim()
            os.lseek(self.memory, 0, os.SEEK_SET)
        text = bytes(self.got).decode("utf-8", "replace")
        self.got.clear()
        return text
