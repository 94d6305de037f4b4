"""rpcd.subscribe: the records of a topic, large ones as views of memory that its publisher wrote."""

from __future__ import annotations

import operator
import os
from types import TracebackType
from typing import Any, Dict, Iterator, List, Literal, Optional, Tuple, Type

from . import _npy
from . import _ring
from . import _wire as wire
from ._topic import Member, join

MOST_PINNED = 4  # records in a ring that are done with before the worker is told; PROTOCOL.md, section 8
MOST_UNTOLD = 2048  # records by value; PROTOCOL.md, section 8, has 4096 as the most


def subscribe(
    worker: str,
    topic: str,
    *,
    count: Optional[int] = None,
    until_end: bool = False,
    records: Literal["npy", "bytes", "view"] = "npy",
    label: str = "",
    wait: float = 0.0,
    heartbeat: float = 30.0,
    limit: int = _npy.LIMIT,
) -> "Subscription":
    """Joins a topic, to get its records: from the return on none is missed, but by the topic's policy.

        for frame in rpcd.subscribe("cam", "frames"):
            ...

    Args:
        worker, topic, label, wait, heartbeat: as of rpcd.publish.
        count: end after so many records. None: go on.
        until_end: end when the last publisher has ended. False: wait for the next publisher.
        records: "npy" gives arrays, as np.save wrote them; "bytes" gives copies as bytes; "view" gives memoryviews.
        limit: the most bytes that an array may have.

    Raises:
        rpcd.Unreachable: nobody serves there. rpcd.Refused: no such topic, or not for you. rpcd.Lost: the connection ended
        before the worker answered. ValueError: arguments that make no sense.
    """
    if count is not None and count < 1:
        raise ValueError(f"count is {count}: 1 or more")
    if records not in _KINDS:
        raise ValueError(f"records is {records!r}: one of {', '.join(_KINDS)}")
    s = join(Subscription, worker, topic, wire.SUBSCRIBE, subscribers=0, label=label, wait=wait, heartbeat=heartbeat)
    s._begin(count, until_end, records, limit)
    return s


_KINDS = ("npy", "bytes", "view")


class Subscription(Member):
    """Gives the records of a topic, made by subscribe(). Loop over it, or call next(). One thread does.

    Arrays and views are read-only. What lies in shared memory (records of 64 KiB and more) is valid until the next one is
    asked for, or close(): then the publisher may write the memory again. `.copy()` keeps it. The last one of a
    subscription that nobody holds any more, as in next(rpcd.subscribe(...)), stays valid.

    rpcd.Lost is raised when the connection ends, rpcd.BadArray for a record that is no array (the next one can be asked
    for). After a fork it stays the parent's.
    """

    def __init__(self, worker: str, topic: str, heartbeat: float) -> None:
        super().__init__(worker, topic, heartbeat)
        self._maps: Dict[int, Tuple[wire.Ring, _ring.Map]] = {}
        self._raw: Iterator[Any] = iter(())  # records that came, and are due
        self._ready: Iterator[Any] = self._raw  # the same as the user wants them
        self._notices: List[Tuple[int, int, int, int]] = []  # the next one last
        self._large: Optional[bytearray] = None  # a record of which DATA comes
        self._large_has = 0
        self._taken = 0  # records that came out, and those in _raw
        self._told = 0
        self._pinned = 0
        self._spare = 0  # fewer pinned ones needn't be told before a wait
        self._missed = 0

    def _begin(self, count: Optional[int], until_end: bool, records: str, limit: int) -> None:
        assert self.state is not None
        self._count, self._until_end, self._records, self._limit = count, until_end, records, limit
        self._next = self.state.next
        self._drops = self.state.policy.startswith("drop")

    @property
    def policy(self) -> str:
        """The topic's policy, as "block" or "drop-oldest 4, retain"."""
        assert self.state is not None
        return self.state.policy

    @property
    def missed(self) -> int:
        """How many records the topic's policy has dropped for this subscription, as far as is known."""
        return self._missed

    @property
    def got(self) -> int:
        """How many records were given."""
        return self._taken - operator.length_hint(self._raw)

    def __iter__(self) -> Iterator[Any]:
        while True:
            for record in self._ready:
                yield record
            if not self._more():
                return

    def __next__(self) -> Any:
        for record in self:
            return record
        raise StopIteration

    def close(self) -> None:
        """Ends the subscription. A loop that waits in another thread ends. May be called twice."""
        self.hang_up()
        self._maps.clear()

    def __enter__(self) -> "Subscription":
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], value: Optional[BaseException], trace: Optional[TracebackType]) -> None:
        self.close()

    # What comes.

    def _more(self) -> bool:
        """Sees to it that a record is ready. False: there will be none. All that were given are done with."""
        try:
            while True:
                if self.error is not None:
                    raise self.error
                if self.closed or (self._count is not None and self._taken >= self._count):
                    return False
                if self._notices:
                    self._give_notice(self._notices.pop())
                    return True
                self._tell()
                if not self._step():
                    return False
                if operator.length_hint(self._raw):
                    return True
        except EOFError:
            if self.closed:
                return False
            self.error = self.gone()
        except wire.ProtocolError as e:
            self.error = self.nonsense(e)
        raise self.error

    def _step(self) -> bool:
        """Takes one frame. False: the end that until_end wants."""
        kind, payload = self.frame()
        if kind != wire.NOTICES:
            self._spare = 0
        if kind == wire.RECORDS:
            self._give_records(payload)
        elif kind == wire.NOTICES:
            if not payload or len(payload) % wire.NOTICE.size:
                raise wire.ProtocolError(f"a NOTICES of {len(payload)} bytes")
            self._notices = [(n, ring, slot, size) for n, ring, slot, size in wire.NOTICE.iter_unpack(payload)]
            self._notices.reverse()
        elif kind == wire.LARGE and self._large is None:
            self._begin_large(payload)
        elif kind == wire.DATA and self._large is not None:
            self._add_data(payload)
        elif kind == wire.SUBSCRIBED:
            self._add_ring(payload)
        elif kind == wire.ENDED:
            self._let_go(wire.ended(payload))
            if self._pinned:
                self._tell_now()
            return not self._until_end
        elif kind == wire.REFUSED:
            self.error = self.gone(payload)
            raise self.error
        elif kind != wire.HEARTBEAT:
            raise wire.ProtocolError(f"a frame of type {kind} to a subscriber")
        return True

    def _tell(self) -> None:
        """Says how many records are done with, where the worker has to know it."""
        if self._told == self._taken:
            return
        if self._pinned or self._drops:
            if self._pinned < self._spare or (self._pinned < MOST_PINNED and self.has_frame()):
                return
        elif self._taken - self._told < MOST_UNTOLD:
            return
        self._tell_now()

    def _tell_now(self) -> None:
        self._told, self._pinned = self._taken, 0
        self._spare = 0 if self._drops else MOST_PINNED
        self.send(wire.HEADER.pack(wire.TAKEN, 0, 0, 8) + wire.NUMBER.pack(self._told))

    def _number(self, first: int, n: int) -> None:
        """Notes the numbers of n records. What lies between these and the last was dropped."""
        if first > self._next:
            self._missed += first - self._next
        self._next = first + n

    def _give(self, found: List[Any]) -> None:
        if self._count is not None:
            found = found[: self._count - self._taken]
        self._taken += len(found)
        self._raw = self._ready = iter(found)
        if self._records == "npy":
            limit = self._limit  # self would be a cycle, and keep the connection open
            self._ready = map(lambda b: _npy.one(b, 0, len(b), limit), self._raw)
        elif self._records == "view":
            self._ready = map(memoryview, self._raw)

    def _give_records(self, payload: bytes) -> None:
        length = wire.SIZE.unpack_from
        found = []
        at, ends = 8, len(payload)
        if ends < 12:
            raise wire.ProtocolError(f"a RECORDS of {ends} bytes")
        while at < ends:
            begins = at + 4
            if begins > ends:
                raise wire.ProtocolError("half a record")
            at = begins + length(payload, at)[0]
            found.append(payload[begins:at])
        if at != ends:
            raise wire.ProtocolError("a record that goes over its frame's end")
        self._number(wire.number(payload[:8]), len(found))
        self._give(found)

    def _give_notice(self, notice: Tuple[int, int, int, int]) -> None:
        number, ring, slot, size = notice
        if ring not in self._maps:
            raise wire.ProtocolError(f"a record in ring {ring}, which didn't come")
        shape, memory = self._maps[ring]
        if slot >= shape.slots or size > shape.size:
            raise wire.ProtocolError(f"a record of {size} bytes in slot {slot}")
        self._number(number, 1)
        self._taken += 1
        self._pinned += 1
        self._spare = min(self._spare, shape.slots // 4)
        at = slot * shape.size
        self._raw = iter(())
        record: Any
        if self._records == "npy":
            record = _npy.one(memory, at, at + size, self._limit)
        elif self._records == "bytes":
            record = memory[at : at + size]
        else:
            record = memoryview(memory)[at : at + size]
        self._raw = self._ready = iter((record,))

    def _begin_large(self, payload: bytes) -> None:
        if len(payload) != 16:
            raise wire.ProtocolError(f"a LARGE of {len(payload)} bytes")
        number, size = wire.number(payload[:8]), wire.number(payload[8:])
        if not wire.MAX_SMALL < size <= wire.MAX_LARGE:
            raise wire.ProtocolError(f"a LARGE record of {size} bytes")
        self._number(number, 1)
        self._large, self._large_has = bytearray(size), 0

    def _add_data(self, payload: bytes) -> None:
        assert self._large is not None
        ends = self._large_has + len(payload)
        if not payload or ends > len(self._large):
            raise wire.ProtocolError("a record that goes over its end")
        self._large[self._large_has : ends] = payload
        self._large_has = ends
        if ends == len(self._large):
            whole: Any = self._large
            self._large = None
            if self._records == "bytes":
                whole = bytes(whole)
            else:
                whole = memoryview(whole).toreadonly()
            self._give([whole])

    def _let_go(self, rings: List[int]) -> None:
        """Forgets rings in which no further record comes. A map goes with its last view."""
        for number in rings:
            self._maps.pop(number, None)

    def _add_ring(self, payload: bytes) -> None:
        state = wire.topic_state(self.flags, payload)
        self._let_go(state.going)
        fds, self.fds = self.fds, []
        if state.ring is None and state.going and not fds:
            return
        try:
            if state.ring is None or len(fds) != 1:
                raise wire.ProtocolError("a ring without its memory")
            memory = _ring.view(fds[0], state.ring)
        except OSError as e:
            raise wire.ProtocolError(f"a ring that can't be mapped ({e.strerror})") from None
        finally:
            for fd in fds:
                os.close(fd)
        memory.keeps = self.keep
        self._maps[state.ring.number] = (state.ring, memory)
