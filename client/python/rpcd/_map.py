"""rpcd.map: one procedure for many records, over all replicas of a worker.

Each slot is a thread with a connection to one replica, and has one call in flight. The thread that iterates feeds
them: it alone reads the records, looks for replicas and starts slots. So no generator of the caller's runs in another
thread, and nothing stays behind when the iteration ends.
"""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
from collections import deque
from typing import Any, Deque, Dict, Generator, Iterable, Iterator, List, Mapping, Optional, Set

from . import _npy
from ._connect import Connection
from ._errors import Error, Lost, RecordFailed, Refused, Unreachable
from ._run import Word
from ._worker import Link, Try, no_place, places, sockets

HELD = 4
"""Results of a slot that may wait for their turn, running and waiting records included. With more no new one begins."""

LOOK = 0.5  # seconds between two looks for replicas that have come or gone
LOOK_MOST = 4.0  # the same for a socket behind which nobody answers, doubled from LOOK on
RETRY = 0.05  # seconds between two looks while there is no replica
PATIENT = 4  # times that a replica is busy until a slot of it waits in its queue, and for so long the record is anybody's
PAUSE_MIN, PAUSE_MAX = 0.01, 0.25  # seconds between two such times


def map(
    worker: str,
    procedure: str,
    records: Iterable[Any],
    *args: Word,
    jobs: Optional[int] = None,
    ordered: bool = True,
    retries: int = 1,
    on_error: str = "raise",
    env: Optional[Mapping[str, str]] = None,
    cwd: Optional[Word] = None,
    label: str = "",
    timeout: Optional[float] = None,
    wait: float = 0.0,
    limit: int = _npy.LIMIT,
) -> Generator[Any, None, None]:
    """Calls a procedure once for each record, over all replicas of a worker, and gives the results.

        for spectrum in rpcd.map("fft", "fft2d", frames):
            ...

    Args:
        worker: its name, or a path with a slash: a socket or a folder of sockets.
        procedure: its name. args are its arguments, for every call.
        records: what each call gets as its stdin. Bytes (bytes, bytearray, memoryview) arrive as they are. A tuple is
            several arrays. Anything else is one array, or what np.asarray makes one of; str is refused. They are read
            in the thread that iterates, and no further ahead than 4 a slot. So a source that waits, as a camera, holds
            a result back until its next record. An iterator isn't closed.
        jobs: how many calls run at a time, 1 or more. None: the sum over the replicas of their resident workers of this
            procedure, or of their processors where it is spawned.
        ordered: results come in the order of records. False: as they are done.
        retries: how many times a record is given away again that was lost with its worker, 0 or more. It goes to
            another replica where there is one. A record whose status has come never runs again. One that surely hasn't
            run (its replica is gone, draining or busy) is given away again without being counted.
        on_error: "raise": a record without a result ends the iteration with RecordFailed, in its turn. "yield": that
            RecordFailed comes in the place of the result, and the others go on.
        env, cwd, label: as in connect().
        timeout: seconds that one call may take, waiting in the worker's queue included.
        wait: seconds to go on while no replica serves.
        limit: the most bytes that one record, and all that a call writes, may have.

    Returns:
        An iterator (a generator). For bytes it gives bytes, the procedure's stdout. For arrays it gives what a
        Connection does: a read-only array, a tuple of several, None for nothing. Nothing is connected before the first
        next(). Closing it (close(), or dropping it, as a loop does that is left) cancels the calls that run, and ends
        its threads and connections. No more than 4 results a slot are held back; then no new record is begun, however
        slow the first of them is.

        Replicas that come, go or come again are noticed, within a second as a rule, while the iterator is asked for
        results. A replica that goes ends the calls that it has; see retries.

    Raises:
        ValueError, TypeError: arguments that make no sense, at once.
        rpcd.RecordFailed: see on_error. Its `index` is the record's, from 0 on, and `error` says why.
        rpcd.Unreachable: no replica has served for `wait` seconds, and records are left.
        What `records` raises.

    It isn't for several threads at once, nor for a child after a fork.
    """
    if jobs is not None and jobs < 1:
        raise ValueError(f"jobs is {jobs}: 1 is the least")
    if retries < 0:
        raise ValueError(f"retries is {retries}: 0 is the least")
    if on_error not in ("raise", "yield"):
        raise ValueError(f'on_error is {on_error!r}: "raise" or "yield"')
    source = iter(records)
    try:
        sockets(worker)
    except Unreachable:
        pass  # ValueError is what it may raise now
    nowhere = Try("", False, True)
    model = Connection(worker, procedure, args, env, cwd, label, timeout, 0.0, limit, nowhere)  # it opens nothing
    pool = _Pool(worker, os.fsencode(procedure), jobs, wait)
    return _Work(pool, model, ordered, retries).results(source, on_error == "raise")


class _Canceled(Exception):
    """The iteration has ended."""


class _Record:
    """One record, from its reading to its result."""

    def __init__(self, index: int, value: Any) -> None:
        self.index = index
        self.value = value
        self.lost = 0  # times that it was lost with its worker
        self.avoid = ""  # the socket of the last of them


class _Slot:
    """A thread with a connection to one replica."""

    def __init__(self, work: "_Work", at: Try) -> None:
        self.work = work
        self.path = at.path
        self.idle = True  # it waits for a record. The lock of _Work guards it.
        self.link: Optional[Link] = None
        self.ends = False  # it takes no more records; guarded likewise
        self.connection = work.model._another(at, self.watch)
        self.thread = threading.Thread(target=self._run, name=f"rpcd.map {at.path}", daemon=True)

    def watch(self, link: Link) -> None:
        """Keeps a call's connection, so that cut() can end it."""
        with self.work.lock:
            if self.work.closed:
                raise _Canceled
            self.link = link

    def cut(self) -> None:
        """Ends the call that runs. Its worker cancels it then, as for a caller that has left."""
        if self.link is not None:
            try:
                self.link.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # it has ended

    def _run(self) -> None:
        try:
            busy = 0  # times in a row
            while True:
                record = self.work.take(self, min(PAUSE_MIN * 2**busy, PAUSE_MAX) if busy else 0.0)
                if record is None:
                    return
                self.connection._may_queue(self.work.is_alone() or busy >= PATIENT)
                busy = busy + 1 if self._serve(record) else 0
                del record  # with its memory
        finally:
            self.connection.close()
            self.work.leave(self)

    def _serve(self, record: _Record) -> bool:
        """Serves a record, or gives it back. True: the replica has no place."""
        try:
            result = self._call(record.value)
        except (Unreachable, Refused) as e:
            if not e._passes:
                self.work.finish(record, _failed(record, e))
            elif e.outcome == "busy":
                self.work.give_back(record)
                return True
            else:
                self.work.give_back(record, gone=self.path)
        except Lost as e:
            self.work.lose(record, self.path, e)
        except Exception as e:
            self.work.finish(record, _failed(record, e))
        else:
            self.work.finish(record, result)
        return False

    def _call(self, value: Any) -> Any:
        if isinstance(value, (bytes, bytearray, memoryview)):
            return self.connection._bytes(value)
        if isinstance(value, str):
            raise TypeError("a record is str: give bytes, or an array")
        return self.connection(*value) if isinstance(value, tuple) else self.connection(value)


def _failed(record: _Record, error: Exception) -> RecordFailed:
    """Makes the error of a record, without the frames that hold its memory."""
    e: Optional[BaseException] = error
    while e is not None:
        e.__traceback__, e = None, e.__context__
    return RecordFailed(record.index, error)


class _Pool:
    """The replicas of a worker, and how many slots each should have. The iterating thread's alone, but for gone."""

    def __init__(self, worker: str, procedure: bytes, jobs: Optional[int], wait: float) -> None:
        self.worker = worker
        self.procedure = procedure
        self.jobs = jobs
        self.wait = wait
        self.shares: Dict[str, int] = {}  # by socket, of those that serve
        self.listed = False  # the sockets come of a folder
        self.gone: Deque[str] = deque()  # sockets that slots found dead; append and popleft are atomic
        self._places: Dict[str, int] = {}
        self._pauses: Dict[str, float] = {}  # of sockets behind which nobody answers, in seconds
        self._again: Dict[str, float] = {}  # when they are asked again, as all times here by time.monotonic()
        self._next = 0.0
        self._missing: Optional[float] = None  # since when nobody serves
        self._why: Optional[Error] = None

    def look(self) -> None:
        """Looks for replicas, where it is time for that. Raises Unreachable when there have been none for too long."""
        now = time.monotonic()
        while self.gone:
            path = self.gone.popleft()
            if self._places.pop(path, None) is not None:
                self._next = 0.0
                self._again[path] = 0.0  # it may be another one by now
        if now < self._next:
            return
        self._survey(now)
        self._share()
        self._next = now + (LOOK if self.shares else RETRY)
        if self.shares:
            self._missing = None
        elif self._missing is None:
            self._missing = now

    def check(self) -> None:
        """Raises Unreachable when nobody has served for too long."""
        if self._missing is not None and time.monotonic() >= self._missing + self.wait:
            assert self._why is not None
            raise self._why

    def _survey(self, now: float) -> None:
        try:
            paths, self.listed = sockets(self.worker)
        except Error as e:
            paths, self._why = [], e
        self._places = {p: n for p, n in self._places.items() if p in paths}
        asked = [p for p in paths if p not in self._places and self._again.get(p, 0.0) <= now]
        found = places(self.worker, asked, self.listed, self.procedure) if asked else {}
        for path in asked:
            if path in found and not found[path].draining:
                self._places[path] = found[path].places
                self._pauses.pop(path, None)
            else:
                pause = self._pauses[path] = min(2 * self._pauses.get(path, LOOK / 2), LOOK_MOST) if self._places else RETRY
                self._again[path] = now + pause
                self._why = no_place(self.worker, path, self.listed, path in found)

    def _share(self) -> None:
        """Says how many slots each replica should have: jobs in all, in turns."""
        paths = sorted(self._places)
        if self.jobs is None:
            self.shares = dict(self._places)
        else:
            self.shares = {p: n for i, p in enumerate(paths) if (n := len(range(i, self.jobs, len(paths))))}


class _Work:
    """What slots and the iterating thread share, under one lock."""

    def __init__(self, pool: _Pool, model: Connection, ordered: bool, retries: int) -> None:
        self.pool = pool
        self.model = model  # of the slots' connections
        self.ordered = ordered
        self.retries = retries
        self.lock = threading.Lock()
        self.more = threading.Condition(self.lock)  # for slots: a record waits, or the end
        self.news = threading.Condition(self.lock)  # for the iterating thread
        self.closed = False
        self.waiting: Deque[_Record] = deque()
        self.done: Dict[int, Any] = {}  # results by index, in the order in which they came
        self.slots: Set[_Slot] = set()
        self.shares: Dict[str, int] = {}
        self.read = self.given = 0  # records that were read, and results that were given

    # The iterating thread's part.

    def results(self, source: Iterator[Any], fails: bool) -> Generator[Any, None, None]:
        """The generator. fails: a RecordFailed is raised."""
        ended = False
        try:
            while True:
                fed = False
                while not ended and self._has_room(fed):
                    try:
                        value = next(source)
                    except StopIteration:
                        ended = True
                        break
                    self._put(value)
                    del value
                    fed = True
                if ended and self.read == self.given:
                    return
                self._grow()
                index = self._wait()
                if index is None:
                    continue
                with self.lock:
                    result = self.done.pop(index)
                    self.given += 1
                if fails and isinstance(result, RecordFailed):
                    raise result
                yield result
                del result  # its memory may be used again
        finally:
            self._close()

    def _has_room(self, fed: bool) -> bool:
        """Says whether the next record should be read. It may take long, so a result that is ready waits for one at
        most, and for none while a record waits for each slot."""
        with self.lock:
            total = max(1, sum(self.shares.values()))
            if self.read - self.given >= HELD * total:
                return False
            return self._ready() is None or not (fed or len(self.waiting) >= total)

    def _put(self, value: Any) -> None:
        with self.lock:
            self.waiting.append(_Record(self.read, value))
            self.read += 1
            self.more.notify_all()
            idle = any(s.idle for s in self.slots)
        if not idle:
            self._grow()

    def _ready(self) -> Optional[int]:
        """Gives the index of the result that comes next, if it is there."""
        if self.ordered:
            return self.given if self.given in self.done else None
        return next(iter(self.done), None)

    def _wait(self) -> Optional[int]:
        """Waits until the next result is there. None: look around first."""
        with self.lock:
            index = self._ready()
            if index is None and not self.pool.gone:
                self.news.wait(LOOK if self.shares else RETRY)
                index = self._ready()
            return index

    def _grow(self) -> None:
        """Looks for replicas, and starts the slots that waiting records need. Raises Unreachable."""
        self.pool.look()
        with self.lock:
            if self.shares != self.pool.shares:
                self.shares = dict(self.pool.shares)
                self.more.notify_all()
            if not self.shares and all(s.idle for s in self.slots):
                self.pool.check()
            if sum(not s.ends for s in self.slots) >= sum(self.shares.values()) or not self.waiting:
                return
            new = [_Slot(self, Try(path, self.pool.listed, True)) for path in self._lacking()]
            for slot in new:
                slot.thread.start()
                self.slots.add(slot)

    def _lacking(self) -> List[str]:
        """Gives the replica of each slot to be started: one for each waiting record that no idle slot may take."""
        found: List[str] = []
        count = {path: 0 for path in self.shares}
        for s in self.slots:
            count[s.path] = count.get(s.path, 0) + (not s.ends)
        free = [s.path for s in self.slots if s.idle and s.path in self.shares]
        for record in self.waiting:
            idle = next((p for p in free if self._may(p, record)), None)
            if idle is not None:
                free.remove(idle)
                continue
            room = [p for p in self.shares if count[p] < self.shares[p] and self._may(p, record)]
            if room:
                path = min(room, key=lambda p: count[p] / self.shares[p])
                count[path] += 1
                found.append(path)
        return found

    def _close(self) -> None:
        """Cancels what runs, and waits until the slots have ended. They end at once: each waits for a record, or for
        a connection that is cut; at the worst for a socket that takes no connections (_worker.CONNECT_TIME)."""
        if sys.is_finalizing():
            return  # the interpreter has stopped all threads, and one may hold the lock; the kernel ends the connections
        with self.lock:
            self.closed = True
            self.waiting.clear()
            self.more.notify_all()
            slots = list(self.slots)
            for slot in slots:
                slot.cut()
        for slot in slots:
            slot.thread.join()
        self.done.clear()

    # The slots' part.

    def take(self, slot: _Slot, pause: float) -> Optional[_Record]:
        """Gives a slot its next record, after a pause in seconds. None: the slot isn't needed any more."""
        with self.lock:
            slot.link, slot.idle = None, not pause
            if pause and not self.closed:
                self.more.wait(pause)
            slot.idle = True
            while not self.closed and not self._is_surplus(slot):
                for i, record in enumerate(self.waiting):
                    if self._may(slot.path, record):
                        del self.waiting[i]
                        slot.idle = False
                        return record
                self.more.wait()
            slot.ends, slot.idle = True, False
            return None

    def is_alone(self) -> bool:
        """Says whether there is one replica."""
        return len(self.shares) <= 1

    def _may(self, path: str, record: _Record) -> bool:
        return path != record.avoid or all(p == path for p in self.shares)

    def _is_surplus(self, slot: _Slot) -> bool:
        return sum(s.path == slot.path and not s.ends for s in self.slots) > self.shares.get(slot.path, 0)

    def leave(self, slot: _Slot) -> None:
        """Forgets a slot that ends."""
        with self.lock:
            self.slots.discard(slot)
            self.news.notify()

    def give_back(self, record: _Record, gone: str = "") -> None:
        """Takes a record back that hasn't run. gone is a socket behind which nobody serves."""
        with self.lock:
            if gone:
                self.pool.gone.append(gone)
                self.shares.pop(gone, None)
            self._again(record)

    def lose(self, record: _Record, path: str, error: Lost) -> None:
        """Takes a record back that may have run, or gives it up."""
        with self.lock:
            record.lost += 1
            record.avoid = path
            if record.lost <= self.retries:
                self._again(record)
            else:
                self._finish(record, _failed(record, error))

    def finish(self, record: _Record, result: Any) -> None:
        """Takes a record's result."""
        with self.lock:
            self._finish(record, result)

    def _again(self, record: _Record) -> None:
        self.waiting.appendleft(record)
        self.more.notify_all()
        self.news.notify()

    def _finish(self, record: _Record, result: Any) -> None:
        if not self.closed:
            self.done[record.index] = result
            self.news.notify()
