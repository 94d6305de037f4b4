"""rpcd.publish: records for a topic, large ones in memory that its subscribers share."""

from __future__ import annotations

import operator
import os
import socket
import threading
from types import TracebackType
from typing import TYPE_CHECKING, Any, List, Optional, Sequence, Type, Union

from . import _fds
from . import _npy
from . import _ring
from . import _wire as wire
from ._errors import lost
from ._topic import ATOMIC, AT_ONCE, DONTWAIT, NOSIGNAL, Member, join

if TYPE_CHECKING:
    import numpy.typing as npt

RING_BYTES = 32 << 20  # of a ring whose topic blocks, if its slots are small: a publisher runs ahead so far
LEAST_SLOTS, MOST_SLOTS = 16, 256
COLLECTED = 128 << 10  # bytes of small records that leave together, at most
IDLE = 1.0  # seconds after which a thread ends that has nothing to write
MOST_MAPPED = 64 << 30  # bytes of a ring, which are addresses and not memory


def publish(
    worker: str,
    topic: str,
    *,
    subscribers: int = 0,
    label: str = "",
    wait: float = 0.0,
    heartbeat: float = 30.0,
) -> "Publisher":
    """Joins a topic, to send it records.

        with rpcd.publish("cam", "frames", subscribers=1) as frames:
            frames.send(frame)
            with frames.next((480, 640, 3), "uint8") as place:
                camera.read_into(place)

    Args:
        worker: its name, or a path with a slash. Of several replicas the first one by name that answers is taken, since
            publishers and subscribers have to meet.
        topic: its name.
        subscribers: wait until so many are there.
        label: shown in the worker's log.
        wait: seconds to go on trying a worker that is unreachable, draining or busy.
        heartbeat: seconds of silence after which a bridge counts as dead.

    Raises:
        rpcd.Unreachable: nobody serves there. rpcd.Refused: no such topic, or not for you. rpcd.Lost: the connection ended
        before the worker answered. ValueError: arguments that make no sense.
    """
    if not 0 <= subscribers < 1 << 32:
        raise ValueError(f"subscribers is {subscribers}: 0 or more")
    return join(Publisher, worker, topic, wire.PUBLISH, subscribers=subscribers, label=label, wait=wait, heartbeat=heartbeat)


class Publisher(Member):
    """Sends records to a topic, made by publish(). Leave it by `with`, or close().

    It is safe in threads, which take turns. After a fork it stays the parent's.

    Attributes:
        policy (str): of the topic, as "block" or "drop-oldest 4, retain".
        sent (int): records so far.
    """

    sent = 0

    def __init__(self, worker: str, topic: str, heartbeat: float) -> None:
        super().__init__(worker, topic, heartbeat)
        self._ring: Optional[wire.Ring] = None
        self._map: Any = None
        self._rings = 0
        self._free: List[int] = []  # slots. The one that was freed last is taken first, since it lies in the cache
        self._ended = False
        self._room = threading.Condition(self.lock)
        self._collected: List[bytes] = []  # small records, each behind its length, that the socket didn't take at once
        self._size_collected = 0
        self._writer: Optional[threading.Thread] = None

    @property
    def policy(self) -> str:
        assert self.state is not None
        return self.state.policy

    def send(self, record: Any) -> None:
        """Sends a record, which may be changed then.

        It leaves at once. Where the worker doesn't take a small one at once, it leaves together with those behind it, by a
        thread. send() waits where the topic's policy is block and subscribers are slow.

        Args:
            record: bytes, bytearray or memoryview, sent as they are. Anything else is an array, or what np.asarray makes
                one of, and is sent as npy. At most 1 GiB; 64 MiB through a bridge.

        Raises:
            rpcd.Lost: the connection has ended. rpcd.BadArray: an array that can't be sent. ValueError: it is too large, or
            the publisher was closed.
        """
        if type(record) is bytes:
            if len(record) < wire.MIN_RING:
                self._small(record)
            else:
                self._large([record], len(record))
        elif isinstance(record, (bytes, bytearray, memoryview)):
            flat = memoryview(record).cast("B") if not isinstance(record, bytes) else record
            if len(flat) < wire.MIN_RING:
                self._small(bytes(flat))
            else:
                self._large([flat], len(flat))
        else:
            r = _npy.record(record, 0)
            size = len(r.header) + r.items.nbytes
            if size < wire.MIN_RING:
                self._small(r.header + r.items.tobytes())
            else:
                self._array(r, size)

    def next(self, shape: Union[int, Sequence[int]], dtype: "npt.DTypeLike" = "uint8") -> "Place":
        """Gives memory for an array that is yet to be written, which subscribers then see without a copy.

            with frames.next((480, 640, 3), "uint8") as place:
                place[...] = 0

        At the end of the block the array is sent. It isn't to be used any more then. An exception in the block drops it.
        What was in the memory before is undefined. Raises as send() does, on entering and on leaving.
        """
        return Place(self, (shape,) if isinstance(shape, int) else tuple(map(operator.index, shape)), dtype)

    def close(self) -> None:
        """Ends, when the worker has all records. May be called twice. Raises rpcd.Lost if it may lack some."""
        with self.lock:
            if self.closed:
                return
            try:
                self._check()
                self._write(wire.frame(wire.END))
                while not self._ended:
                    self._read(wait=True)
            finally:
                self._let_go()

    def __enter__(self) -> "Publisher":
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], value: Optional[BaseException], trace: Optional[TracebackType]) -> None:
        if kind is None:
            self.close()
            return
        with self.lock:  # to wait for slow subscribers would hold the exception up; what has left is read nevertheless
            self._room.wait_for(lambda: not self._is_behind() or self.error is not None, IDLE)
            self._let_go()

    def _let_go(self) -> None:
        self.hang_up()
        self._room.notify_all()
        self._ring = self._map = None
        self._free = []

    def _check(self) -> None:
        if self.error is not None:
            raise self.error
        if self.closed:
            raise ValueError("the publisher is closed")

    # By value.

    def _small(self, record: bytes) -> None:
        n = len(record)
        self.lock.acquire()
        try:
            if self.closed or self.error is not None:
                self._check()
            if self._collected or self.writing:
                self._collect(record)
            else:
                frame = wire.RECORD_FRAME.pack(wire.RECORDS, 0, 0, 12 + n, 0, n) + record
                try:
                    left = self.sock.send(frame, AT_ONCE)
                except BlockingIOError:
                    self._collect(record)
                except OSError:
                    raise self._lost() from None
                else:
                    if left < n + 20:
                        self._write_rest(frame, left)
            self.sent += 1
        finally:
            self.lock.release()

    def _is_behind(self) -> bool:
        return bool(self._collected) or self.writing

    def _collect(self, record: bytes) -> None:
        """Has the thread send a small record, and waits while it has enough of them."""
        while self._size_collected and self._size_collected + len(record) + 4 > COLLECTED:
            self._room.wait()
            self._check()
        self._collected.append(wire.SIZE.pack(len(record)))
        self._collected.append(record)
        self._size_collected += len(record) + 4
        if self._writer is None:
            self._writer = threading.Thread(target=self._write_collected, name="rpcd-publish", daemon=True)
            self._writer.start()
        elif len(self._collected) == 2:
            self._room.notify_all()

    def _write_collected(self) -> None:
        """Is the thread that writes what was collected."""
        with self.lock:
            while self.error is None and not self.closed:
                if not self._collected:
                    if not self._room.wait(IDLE) and not self._collected:
                        break
                    continue
                frame = b"".join([wire.HEADER.pack(wire.RECORDS, 0, 0, 8 + self._size_collected), bytes(8), *self._collected])
                self._collected, self._size_collected, self.writing = [], 0, True
                self._room.notify_all()
                self.lock.release()
                try:
                    self.sock.sendall(frame, NOSIGNAL)
                    failed = False
                except OSError:
                    failed = True
                finally:
                    self.lock.acquire()
                self.writing = False
                if failed and not self.closed:
                    self._lost()
                self._room.notify_all()
            self._writer = None

    def _flush(self) -> None:
        """Waits until the thread has written all. self.lock is held, but not while it waits."""
        while self._collected or self.writing:
            self._room.wait()
            self._check()

    def _large(self, parts: List[Any], size: int) -> None:
        """Sends bytes that have a slot, if there is one."""
        with self.lock:
            slot = self._take(size)
            if slot is None:
                self._by_value(parts, size)
                return
            at = slot * self._size()
            try:
                for p in parts:
                    self._map[at : at + len(p)] = p
                    at += len(p)
            except BaseException:
                self._free.append(slot)
                raise
            self._notice(self._number(), slot, size)

    def _array(self, r: _npy.Record, size: int) -> None:
        import numpy as np

        with self.lock:
            slot = self._take(size)
            if slot is None:
                self._by_value(_npy.pieces([r]), size)
                return
            at = slot * self._size()
            try:
                ends = at + len(r.header)
                self._map[at:ends] = r.header
                np.ndarray(r.items.shape, r.items.dtype, self._map, ends)[...] = r.items
            except BaseException:
                self._free.append(slot)
                raise
            self._notice(self._number(), slot, size)

    def _by_value(self, parts: List[Any], size: int) -> None:
        if size > wire.MAX_LARGE:
            raise ValueError(f"a record of {size} bytes: {wire.MAX_LARGE} at most by value")
        if size <= wire.MAX_SMALL:
            self._write(b"".join([wire.RECORD_FRAME.pack(wire.RECORDS, 0, 0, 12 + size, 0, size), *parts]))
        else:
            self._write(wire.frame(wire.LARGE, wire.NUMBER.pack(0) + wire.NUMBER.pack(size)))
            try:
                for p in parts:
                    whole = memoryview(p)
                    for at in range(0, len(whole), wire.MAX_DATA):
                        piece = whole[at : at + wire.MAX_DATA]
                        self._write(wire.HEADER.pack(wire.DATA, 0, 0, len(piece)), piece)
            except BaseException:
                self._break()
                raise
        self.sent += 1

    # In shared memory.

    def _size(self) -> int:
        assert self._ring is not None
        return self._ring.size

    def _number(self) -> int:
        assert self._ring is not None
        return self._ring.number

    def _take(self, size: int) -> Optional[int]:
        """Gives a free slot for so many bytes, and waits for one if the topic blocks. None: send it by value."""
        self._check()
        if self.bridged:
            return None
        if size > wire.MAX_SLOT:
            raise ValueError(f"a record of {size} bytes: {wire.MAX_SLOT} at most")
        if self._ring is None or self._ring.size < size:
            self._make_ring(size)
        elif len(self._free) < self._ring.slots:
            self._read(wait=False)
        while not self._free:
            if self.policy.startswith("drop") and size <= wire.MAX_LARGE:
                return None  # subscribers hold all of them, and this policy makes nobody wait
            self._read(wait=True)
        return self._free.pop()

    def _make_ring(self, size: int) -> None:
        slot = wire.MIN_RING
        while slot < size:
            slot *= 2
        slots = min(max(RING_BYTES // slot, LEAST_SLOTS), MOST_SLOTS)
        if self.policy.startswith("drop"):  # what waits and what is on its way, for a few subscribers
            depth = int(self.policy.partition(",")[0].split()[1])
            slots = max(slots, min(4 * depth + LEAST_SLOTS, wire.MAX_SLOTS))
        self._flush()
        ring = wire.Ring(self._rings + 1, max(1, min(slots, MOST_MAPPED // slot)), slot)
        found, fd = _ring.make(ring)
        try:
            frame = wire.member(wire.PUBLISH, os.fsencode(self.topic), ring=ring)
            try:
                n = _fds.send(self.sock, frame, [fd], NOSIGNAL)
            except OSError:
                raise self._lost() from None
            if n < len(frame):
                self._write(frame[n:])
        except BaseException:
            self._break()
            raise
        finally:
            os.close(fd)
        self._rings += 1
        # An older map lives as long as a Place in it.
        self._ring, self._map = ring, found
        self._free = list(range(ring.slots - 1, -1, -1))

    def _notice(self, ring: int, slot: int, size: int) -> None:
        self._write(wire.NOTICE_FRAME.pack(wire.NOTICES, 0, 0, wire.NOTICE.size, 0, ring, slot, size))
        self.sent += 1

    # Both ways.

    def _write(self, frame: bytes, more: Any = b"") -> None:
        """Writes a frame, or the beginning of one and the rest of it, behind what was collected. self.lock is held."""
        if self._collected or self.writing:
            self._flush()
        size = len(frame) + len(more)
        try:
            n = self.sock.sendmsg([frame, more], [], NOSIGNAL) if more else self.sock.send(frame, NOSIGNAL)
        except OSError:
            raise self._lost() from None
        except BaseException:  # a KeyboardInterrupt
            if size > ATOMIC:
                self._break()
            raise
        if n < size:
            self._write_rest(frame + more, n)

    def _write_rest(self, frame: bytes, at: int) -> None:
        """Writes a frame of which a part was written."""
        rest = memoryview(frame)[at:]
        try:
            while len(rest):
                rest = rest[self.sock.send(rest, NOSIGNAL) :]
        except OSError:
            raise self._lost() from None
        except BaseException:
            self._break()
            raise

    def _break(self) -> None:
        """Half a frame may have been sent: nothing can follow it."""
        if self.error is None and not self.closed:
            self._room.notify_all()
            self.error = lost(self.worker, f"didn't get a whole record of topic {self.topic!r}: the publisher was interrupted")
            self.sock.close()

    def _lost(self) -> Exception:
        """Notes that the connection has ended, and why, if the worker has said so."""
        try:
            while True:
                self._read(wait=False)
                if not self.sock.recv(1, DONTWAIT | socket.MSG_PEEK):
                    break
        except Exception as e:
            self.error = self.error or (e if isinstance(e, Exception) and not isinstance(e, OSError) else None)
        if self.error is None:
            self.error = self.gone()
        return self.error

    def _read(self, *, wait: bool) -> None:
        """Takes what the worker says: FREED, ENDED, REFUSED. Without wait only what is there."""
        with self.reading:
            self._read_frames(wait=wait)

    def _read_frames(self, *, wait: bool) -> None:
        try:
            self.fill(flags=0 if wait else DONTWAIT, wait=wait)
        except BlockingIOError:
            return
        except EOFError:
            self.error = self.error or self.gone()
            raise self.error from None
        try:
            while self.has_frame():
                self._take_frame(*self.frame())
        except wire.ProtocolError as e:
            self.error = self.nonsense(e)
            raise self.error from None

    def _take_frame(self, kind: int, payload: bytes) -> None:
        if kind == wire.FREED:
            number = self._ring.number if self._ring is not None else 0
            if len(payload) % wire.SLOT.size:
                raise wire.ProtocolError(f"a FREED of {len(payload)} bytes")
            self._free += [slot for ring, slot in wire.SLOT.iter_unpack(payload) if ring == number]
        elif kind == wire.ENDED:
            self._ended = True
        elif kind == wire.REFUSED:
            self.error = self.gone(payload)
            raise self.error
        elif kind != wire.HEARTBEAT:
            raise wire.ProtocolError(f"a frame of type {kind} to a publisher")

    def beat(self) -> bool:
        """Says HEARTBEAT, and hears those of the worker, which would else fill its bridge."""
        if self.reading.acquire(False):  # else close() reads
            try:
                self._read_frames(wait=False)
                self.check_silence()
            except Exception as e:
                self.error = self.error or e
                try:
                    self.sock.shutdown(socket.SHUT_RDWR)  # a send() may wait
                except OSError:
                    pass
                return False
            finally:
                self.reading.release()
        return super().beat()


class Place:
    """Memory for an array: see Publisher.next(). Used by `with`."""

    def __init__(self, publisher: Publisher, shape: "tuple[int, ...]", dtype: "npt.DTypeLike") -> None:
        import numpy as np

        self._publisher = publisher
        self._like = np.dtype(dtype)
        self._shape = shape
        self._header = _npy.header(self._like, shape)
        items = self._like.itemsize
        for n in shape:
            if n < 0:
                raise ValueError(f"the shape {shape}")
            items *= n
        self._size = len(self._header) + items

    def __enter__(self) -> "_npy.Array":
        import numpy as np

        p = self._publisher
        self._slot: Optional[int] = None
        at = 0
        with p.lock:
            p._check()
            if self._size >= wire.MIN_RING:
                self._slot = p._take(self._size)
            if self._slot is None:
                if self._size > wire.MAX_LARGE:
                    raise ValueError(f"a record of {self._size} bytes: {wire.MAX_LARGE} at most by value")
                self._memory: Any = bytearray(self._size)
            else:
                self._memory = p._map
                self._ring = p._number()
                at = self._slot * p._size()
        ends = at + len(self._header)
        self._memory[at:ends] = self._header
        return np.ndarray(self._shape, self._like, self._memory, ends)

    def __exit__(self, kind: Optional[Type[BaseException]], value: Optional[BaseException], trace: Optional[TracebackType]) -> None:
        p, memory = self._publisher, self._memory
        self._memory = None
        with p.lock:
            if kind is not None:
                if self._slot is not None and p._ring is not None and p._ring.number == self._ring:
                    p._free.append(self._slot)
                return
            p._check()
            if self._slot is not None:
                p._notice(self._ring, self._slot, self._size)
            else:
                p._by_value([memory], self._size)
