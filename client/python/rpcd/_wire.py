"""rpcd's protocol as bytes: frames and fields (rpcd/PROTOCOL.md, sections 2 to 4). Opens nothing."""

from __future__ import annotations

import struct
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

CALL, PING, LIST, PUBLISH, SUBSCRIBE, LEND = 1, 2, 3, 6, 7, 8
DATA, END, CLOSED, CREDIT, HEARTBEAT = 16, 17, 18, 19, 20
RECORDS, LARGE, NOTICES, TAKEN, FREED = 21, 22, 23, 24, 25
SIGNAL, STOPPED, CONTINUED, RECALL = 32, 33, 34, 36
ACCEPTED, STARTED, REFUSED, EXIT, PONG, LISTING, READY = 48, 49, 50, 51, 52, 53, 56
PUBLISHED, SUBSCRIBED, ENDED, RETURNED = 57, 58, 59, 60

KEEP, NOWAIT, ANNOUNCE, CONFIRM = 1, 2, 4, 8  # CALL's flags
BRIDGED, WAITING = 1, 2  # of ACCEPTED and STARTED; the first of PUBLISHED and SUBSCRIBED, too
TIMEOUT = 1  # EXIT's
ABANDON = 1  # SIGNAL's
ANSWER = 1  # of HEARTBEAT and CREDIT
MORE = 2  # DATA's
BROKEN = 1  # RETURNED's
BORROWS = 1  # in READY's field 1

CLOSED_MODE, PASSED, RELAYED, SAME, PROBE = 0, 1, 2, 3, 4  # a stream's modes
DIRECTORY, CONNECTION, NOTES = 5, 7, 8  # rpcd's, to a resident worker
OUTPUT, LINE, JOINED = 1, 2, 8  # a stream's flags

HEADER = struct.Struct(">BBHI")
FIELD = struct.Struct(">HI")
STREAM = struct.Struct(">BBBBI")
RING = struct.Struct(">IIQ")
NUMBER = struct.Struct(">Q")
SIZE = struct.Struct(">I")
NOTICE = struct.Struct(">QIIQ")  # number, ring, slot, bytes
SLOT = struct.Struct(">II")
RECORD_FRAME = struct.Struct(">BBHIQI")  # a header, the number of the first, the length of one record
NOTICE_FRAME = struct.Struct(">BBHIQIIQ")  # a header and one notice

MARK = b"RPCD\x00\x01"  # the first bytes of first frames: name and version

MAX_CALL = 8 << 20
MAX_DATA = 256 << 10
MAX_ANSWER = 64 << 10
MAX_LISTING = 4 << 20
MAX_DESCRIPTORS = 253
WINDOW = 512 << 10
"""The first credit of a relayed output, in bytes."""

_LIMITS = {
    CALL: MAX_CALL,
    DATA: MAX_DATA,
    END: 0,
    CLOSED: 0,
    CREDIT: 4,
    HEARTBEAT: 0,
    SIGNAL: 1,
    STOPPED: 0,
    CONTINUED: 0,
    RECALL: 0,
    LISTING: MAX_LISTING,
    RECORDS: MAX_DATA,
    LARGE: 16,
    TAKEN: 8,
}


class ProtocolError(ValueError):
    """The other side sent what PROTOCOL.md doesn't allow."""


class Header(NamedTuple):
    """The fixed part of a frame."""

    type: int
    stream: int
    flags: int
    length: int


def header(b: bytes) -> Header:
    """Reads a header of 8 bytes. Raises ProtocolError for a payload over its cap and for flags
    that must be understood."""
    h = Header(*HEADER.unpack(b))
    if h.length > _LIMITS.get(h.type, MAX_ANSWER):
        raise ProtocolError(f"a frame of type {h.type} with {h.length} bytes")
    if h.flags & 0xFF00:
        raise ProtocolError(f"a frame of type {h.type} with flags {h.flags:#x}")
    return h


def frame(kind: int, payload: bytes = b"", stream: int = 0, flags: int = 0) -> bytes:
    """Gives a whole frame."""
    return HEADER.pack(kind, stream, flags, len(payload)) + payload


def field(tag: int, value: bytes) -> bytes:
    """Gives a field."""
    return FIELD.pack(tag, len(value)) + value


def fields(b: bytes, known: Dict[int, int], repeatable: Sequence[int] = ()) -> Dict[int, List[bytes]]:
    """Reads fields to the end of b.

    known maps each tag that the caller understands to the size of its value in bytes, -1 for any.
    Others are skipped, but from 0x8000 on they are errors. Raises ProtocolError.
    """
    found: Dict[int, List[bytes]] = {}
    at = 0
    while at < len(b):
        if len(b) - at < FIELD.size:
            raise ProtocolError("half a field")
        tag, size = FIELD.unpack_from(b, at)
        at += FIELD.size
        if size > len(b) - at:
            raise ProtocolError(f"field {tag} goes over its end")
        value = b[at : at + size]
        at += size
        if tag not in known:
            if tag >= 0x8000:
                raise ProtocolError(f"field {tag:#x} isn't known")
            continue
        if known[tag] >= 0 and size != known[tag]:
            raise ProtocolError(f"field {tag} has {size} bytes")
        if tag in found and tag not in repeatable:
            raise ProtocolError(f"field {tag} stands twice")
        found.setdefault(tag, []).append(value)
    return found


def text(b: bytes) -> str:
    """Gives a text for people of bytes that should be UTF-8."""
    return b.decode("utf-8", "replace")


def number(b: bytes) -> int:
    """Gives an unsigned big-endian number."""
    return int.from_bytes(b, "big")


class Stream(NamedTuple):
    """One stream of a CALL: PROTOCOL.md, section 4."""

    number: int
    mode: int
    which: int = 0  # the descriptor's index on the frame, or the number of the stream that it is the same as
    flags: int = 0
    window: int = 0


class Started(NamedTuple):
    """ACCEPTED and STARTED."""

    flags: int
    id: str
    grace: float  # seconds


def started(flags: int, payload: bytes) -> Started:
    """Reads ACCEPTED or STARTED."""
    f = fields(payload, {1: -1, 2: -1, 3: 8, 4: -1})
    return Started(flags, text(f.get(1, [b""])[0]), number(f.get(3, [b""])[0]) / 1e9)


class Refusal(NamedTuple):
    """REFUSED."""

    code: int
    text: str
    reason: int


def refusal(payload: bytes) -> Refusal:
    """Reads REFUSED. A code that isn't known becomes 10."""
    f = fields(payload, {1: 2, 2: -1, 3: 2, 4: 4, 5: -1})
    code = number(f.get(1, [b""])[0])
    if not 1 <= code <= 10:
        code = 10
    return Refusal(code, text(f.get(2, [b""])[0]), number(f.get(3, [b""])[0]))


class Exit(NamedTuple):
    """EXIT."""

    flags: int
    status: int  # as wait(2) gives it
    consumed: Optional[int]  # bytes of stdin that the procedure took
    reason: str
    limit: float  # seconds, 0: none ran out
    text: str


def exit_(flags: int, payload: bytes) -> Exit:
    """Reads EXIT. Raises ProtocolError for a wait status that isn't one of an end."""
    f = fields(payload, {1: 4, 2: 8, 3: 8, 4: 8, 5: 8, 6: -1, 7: 4, 8: 8, 9: -1, 10: -1})
    if 1 not in f:
        raise ProtocolError("an EXIT without a status")
    status = number(f[1][0])
    signal = status & 0x7F
    if status > 0xFFFF or signal > 64 or (status & 0xFF00 and signal):
        raise ProtocolError(f"wait status {status:#x}")
    consumed = number(f[5][0]) if 5 in f else None
    limit = number(f.get(8, [b""])[0]) / 1e9
    return Exit(flags, status, consumed, text(f.get(6, [b""])[0]), limit, text(f.get(9, [b""])[0]))


def returncode(status: int) -> int:
    """Gives subprocess's return code of a wait status: 0 to 255, or -N for signal N."""
    signal = status & 0x7F
    return -signal if signal else status >> 8


class Load(NamedTuple):
    """What a PONG says that is of use to choose a replica."""

    draining: bool
    running: int
    waiting: int
    most_waiting: int
    descriptors: int  # that came with the PING, -1: not said


def pong(payload: bytes) -> Load:
    """Reads PONG."""
    f = fields(payload, {1: -1, 2: -1, 3: -1, 4: -1, 6: -1, 7: -1})
    load = numbers(f.get(3, [b""])[0])
    way = numbers(f[7][0]).get(5, 0) if 7 in f else -1
    draining = f.get(6, [b"up"])[0] != b"up"
    return Load(draining, load.get(1, 0), load.get(2, 0), load.get(4, 0), way)


class Places(NamedTuple):
    """What a LISTING says of one procedure."""

    draining: bool
    places: int  # calls of it that are worth having at once: its resident workers, or the worker's CPUs; 1 at least


def listing(payload: bytes, procedure: bytes) -> Places:
    """Reads LISTING. A procedure that isn't listed counts as one that is spawned: every command may be one."""
    f = fields(payload, {1: -1, 2: -1, 3: -1, 4: -1, 5: -1, 6: -1, 8: -1}, (5,))
    load = numbers(f.get(3, [b""])[0])
    places = load.get(5, 0)
    for entry in f.get(5, []):
        e = fields(entry, {1: -1, 2: -1, 3: -1, 4: -1, 5: -1})
        if e.get(1, [b""])[0] == procedure and e.get(2, [b""])[0] == b"resident":
            places = numbers(e.get(4, [b""])[0]).get(1, 0)
    most = load.get(3, 0) or places
    return Places(f.get(6, [b"up"])[0] != b"up", max(1, min(places, most)))


def numbers(b: bytes) -> Dict[int, int]:
    """Reads numbers as PROTOCOL.md, section 3, calls them: by tag."""
    found = fields(b, {tag: 8 for tag in range(1, 32)})
    return {tag: number(values[0]) for tag, values in found.items()}


class Where(NamedTuple):
    """A call's directory."""

    name: bytes
    identity: Optional[Tuple[int, int]]  # st_dev and st_ino; None: by name
    logical: bytes = b""


def call(
    procedure: bytes,
    args: Sequence[bytes],
    *,
    env: Sequence[bytes],
    where: Where,
    umask: int,
    label: bytes,
    streams: Sequence[Stream],
    flags: int,
    heartbeat: float = 0.0,
) -> bytes:
    """Gives a CALL frame. Raises ValueError for a NUL and for more than a frame holds."""
    parts = [MARK, field(1, procedure)]
    parts += [field(2, a) for a in args]
    parts += [field(3, e) for e in env]
    if where.name:
        parts.append(field(4, where.name))
    if where.identity is not None:
        parts.append(field(5, struct.pack(">QQ", *where.identity)))
    parts.append(field(6, struct.pack(">I", umask)))
    if label:
        parts.append(field(7, label))
    parts += [field(8, STREAM.pack(*s)) for s in streams]
    if heartbeat:
        parts.append(field(10, struct.pack(">Q", int(heartbeat * 1e9))))
    if where.logical:
        parts.append(field(11, where.logical))
    for word in (procedure, label, where.name, *args, *env):
        if b"\0" in word:
            raise ValueError("embedded null byte")
    payload = b"".join(parts)
    if len(payload) > MAX_CALL:
        raise ValueError(f"arguments too long: {len(payload)} bytes, a call holds {MAX_CALL}")
    return frame(CALL, payload, flags=flags)


def around(payload: bytes) -> Tuple[bytes, bytes]:
    """Gives what stands before and behind the arguments of a CALL."""
    from_ = to = -1
    at = len(MARK)
    while at < len(payload):
        tag, size = FIELD.unpack_from(payload, at)
        end = at + FIELD.size + size
        if tag == 2:
            from_, to = at if from_ < 0 else from_, end
        elif tag > 2 and from_ < 0:
            from_ = to = at
        at = end
    return (payload, b"") if from_ < 0 else (payload[:from_], payload[to:])


def arguments(b: bytes) -> List[bytes]:
    """Reads fields that are arguments. Raises ProtocolError for anything else."""
    found = []
    at, ends = 0, len(b)
    while at < ends:
        if ends - at < FIELD.size:
            raise ProtocolError("half a field")
        tag, size = FIELD.unpack_from(b, at)
        at += FIELD.size + size
        if tag != 2 or at > ends:
            raise ProtocolError("no argument")
        found.append(b[at - size : at])
        if b"\0" in found[-1]:
            raise ProtocolError("a NUL")
    return found


def ping() -> bytes:
    """Gives a PING frame."""
    return frame(PING, MARK)


def list_() -> bytes:
    """Gives a LIST frame."""
    return frame(LIST, MARK)


class Ring(NamedTuple):
    """Shared memory for a topic's records: PROTOCOL.md, section 8."""

    number: int
    slots: int
    size: int  # bytes of a slot


MAX_SLOTS = 1024
SLOT_UNIT = 4096  # a slot's size is a multiple of it, in bytes
MAX_SLOT = 1 << 30  # bytes of a slot
MIN_RING = 64 << 10  # bytes of a record that may lie in a ring
MAX_SMALL = 128 << 10  # bytes of a record that may travel in RECORDS
MAX_LARGE = 64 << 20  # bytes of one by value


def member(kind: int, topic: bytes, *, subscribers: int = 0, ring: Optional[Ring] = None, label: bytes = b"", heartbeat: float = 0.0) -> bytes:
    """Gives a PUBLISH or SUBSCRIBE frame. heartbeat is in seconds, 0 the worker's default."""
    parts = [MARK, field(1, topic)]
    if subscribers:
        parts.append(field(2, SIZE.pack(subscribers)))
    if ring is not None:
        parts.append(field(3, RING.pack(*ring)))
    if label:
        parts.append(field(4, label))
    if heartbeat:
        parts.append(field(10, NUMBER.pack(int(heartbeat * 1e9))))
    return frame(kind, b"".join(parts))


class TopicState(NamedTuple):
    """PUBLISHED and SUBSCRIBED."""

    flags: int
    next: int  # the number of the next record
    ring: Optional[Ring]
    policy: str
    going: List[int]  # rings in which no further record comes


def topic_state(flags: int, payload: bytes) -> TopicState:
    """Reads PUBLISHED or SUBSCRIBED. Raises ProtocolError for a ring over its bounds."""
    f = fields(payload, {1: -1, 2: -1, 3: RING.size, 4: -1, 5: 4}, repeatable=(5,))
    ring = None
    if 3 in f:
        ring = Ring(*RING.unpack(f[3][0]))
        if not (ring.number and 0 < ring.slots <= MAX_SLOTS and 0 < ring.size <= MAX_SLOT and ring.size % SLOT_UNIT == 0):
            raise ProtocolError(f"a ring of {ring.slots} slots with {ring.size} bytes")
    going = [number(b) for b in f.get(5, [])]
    return TopicState(flags, numbers(f.get(2, [b""])[0]).get(3, 0), ring, text(f.get(4, [b""])[0]), going)


def ended(payload: bytes) -> List[int]:
    """Reads a subscriber's ENDED. Gives the rings in which no further record comes."""
    return [number(b) for b in fields(payload, {1: -1, 2: 4}, repeatable=(2,)).get(2, [])]
