"""Shared memory for a topic's records: a memfd of slots, which one publisher writes and others read.

PROTOCOL.md, section 8, says which seals it has. Nobody can make it shorter, so a map of it can be read. Nobody can write
it but through the map that its publisher made before it was sealed. Nothing here knows which slots are free.
"""

from __future__ import annotations

import fcntl
import mmap
import os
from typing import Any, Tuple

from . import _wire as wire

FUTURE_WRITE = 0x10  # F_SEAL_FUTURE_WRITE (fcntl(2), Linux 5.1), which Python has no name for
SEALS = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW


class Map(mmap.mmap):
    """A map that also holds `keeps`, until its last view has gone.

    Never close it: arrays lie in it without its knowledge. It is unmapped with the last of them.
    """

    keeps: Any = None


def make(ring: wire.Ring) -> Tuple[Map, int]:
    """Makes a ring. Gives its map, to be written, and its descriptor, which the caller closes.

    Memory is taken for those slots alone that are written. Raises OSError.
    """
    fd = os.memfd_create("rpcd-ring", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        os.ftruncate(fd, ring.slots * ring.size)
        found = Map(fd, ring.slots * ring.size)
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, SEALS | FUTURE_WRITE)
    except BaseException:
        os.close(fd)
        raise
    return found, fd


def view(fd: int, ring: wire.Ring) -> Map:
    """Maps a ring of another process, for reading. fd stays the caller's.

    Raises ProtocolError for memory that could change its size or be written by others, and OSError.
    """
    try:
        seals = fcntl.fcntl(fd, fcntl.F_GET_SEALS)
    except OSError:
        raise wire.ProtocolError("a ring that is no sealed memory") from None
    if seals & SEALS != SEALS or not seals & (FUTURE_WRITE | fcntl.F_SEAL_WRITE):
        raise wire.ProtocolError(f"a ring with the seals {seals:#x}")
    size = os.fstat(fd).st_size
    if size < ring.slots * ring.size:
        raise wire.ProtocolError(f"a ring of {ring.slots} slots with {ring.size} bytes that has {size}")
    return Map(fd, ring.slots * ring.size, prot=mmap.PROT_READ)
