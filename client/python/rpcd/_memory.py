"""Memory that caller and procedure share: memfds, sealed so that a map of them can be trusted.

Who maps a file that another process can make shorter gets SIGBUS. So a map is only made of a memfd with
F_SEAL_SHRINK (memfd_create(2), fcntl(2)), and never larger than the file was when it was looked at.
"""

from __future__ import annotations

import fcntl
import mmap
import os
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Tuple

if TYPE_CHECKING:
    import numpy.typing as npt

SMALL = 64 << 10
"""Less than so many bytes are copied by read(2) and write(2), which costs less than to map them."""

FREE_SIZES = 4  # inputs that a caller keeps, each of another size
LENT = 8  # results that a caller may hold; more are copies
MAPS = 32  # that a resident worker keeps of its callers' memory
MAPPED = 64 << 20  # bytes of these, unless one alone is larger


class Memory:
    """A memfd of ours, mapped when that is asked for. Its descriptor is closed with the last reference."""

    def __init__(self, name: str, size: int, *, grows: bool) -> None:
        """size is in bytes. grows lets a writer make it larger; it never gets smaller. Raises OSError."""
        self.fd = os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        self.map: Optional[mmap.mmap] = None
        self.address = 0  # of the map, once a Lease needs it
        self.size = size
        seals = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK
        if size:
            os.ftruncate(self.fd, size)
        fcntl.fcntl(self.fd, fcntl.F_ADD_SEALS, seals if grows else seals | fcntl.F_SEAL_GROW)

    def __del__(self) -> None:
        fd = getattr(self, "fd", -1)
        if fd >= 0:
            os.close(fd)

    def writable(self) -> mmap.mmap:
        """Gives the whole of it as a map to be written."""
        if self.map is None:
            self.map = mmap.mmap(self.fd, self.size)
        return self.map

    def readable(self, size: int) -> mmap.mmap:
        """Gives a read-only map of at least size bytes, which the file has."""
        if self.map is None or len(self.map) < size:
            self.map, self.address = mmap.mmap(self.fd, os.fstat(self.fd).st_size, prot=mmap.PROT_READ), 0
        return self.map


class Inputs:
    """Memory for what a caller sends, one of each size: a reader finds the end of the file where the bytes end."""

    def __init__(self) -> None:
        self.by_size: "OrderedDict[int, Memory]" = OrderedDict()

    def take(self, size: int) -> Memory:
        """Gives memory of exactly that size, which stays ours."""
        found = self.by_size.get(size)
        if found is None:
            found = self.by_size[size] = Memory("rpcd-in", size, grows=False)
            if len(self.by_size) > FREE_SIZES:
                self.by_size.popitem(last=False)
        self.by_size.move_to_end(size)
        return found


class Outputs:
    """Memory for what comes back. It is used again when nobody holds an array of it."""

    def __init__(self) -> None:
        self.free: List[Memory] = []  # append and pop are atomic: a Lease may end in any thread
        self.leases: List[None] = []  # one for each Lease, for the same reason

    @property
    def lent(self) -> int:
        """How many results are held."""
        return len(self.leases)

    def take(self) -> Memory:
        """Gives memory to be written. Put it back by put(), or lend it."""
        try:
            return self.free.pop()
        except IndexError:
            return Memory("rpcd-out", 0, grows=True)

    def put(self, memory: Memory) -> None:
        """Takes memory back that nobody uses."""
        if len(self.free) < 2:
            self.free.append(memory)

    def lend(self, memory: Memory, size: int) -> "npt.NDArray[Any]":
        """Gives the first size bytes as a read-only array. When the last view of it has gone, the memory is free."""
        import numpy as np

        self.leases.append(None)
        return np.asarray(Lease(self, memory, size))


class Lease:
    """What the arrays of a result hold on to (NumPy's array interface, version 3)."""

    def __init__(self, outputs: Outputs, memory: Memory, size: int) -> None:
        self.outputs = outputs
        self.memory = memory
        self.map = memory.readable(size)  # memory may have a larger one later
        if not memory.address:
            import numpy as np

            memory.address = np.frombuffer(self.map, np.uint8).__array_interface__["data"][0]
        self.__array_interface__: Dict[str, Any] = {
            "version": 3,
            "typestr": "|u1",
            "shape": (size,),
            "data": (memory.address, True),
        }

    def __del__(self) -> None:
        self.outputs.leases.pop()
        self.outputs.put(self.memory)


class Maps:
    """A resident worker's maps of its callers' memory, by identity: each is made once.

    A map keeps its file, so that no other one can have its device and inode meanwhile.
    """

    def __init__(self) -> None:
        self.found: "OrderedDict[Tuple[int, int, bool], mmap.mmap]" = OrderedDict()

    def get(self, fd: int, st: os.stat_result, writable: bool) -> Optional[mmap.mmap]:
        """Gives a map of a whole file, of which st was just asked; None where it can't be trusted or had."""
        key = (st.st_dev, st.st_ino, writable)
        found = self.found.get(key)
        if found is None or len(found) < st.st_size:
            self.found.pop(key, None)
            if not is_sealed(fd) or not st.st_size:
                return None
            try:
                found = mmap.mmap(fd, st.st_size, prot=mmap.PROT_READ | (mmap.PROT_WRITE if writable else 0))
            except OSError:  # it isn't open for that
                return None
            self.found[key] = found
            while len(self.found) > MAPS or (len(self.found) > 2 and sum(map(len, self.found.values())) > MAPPED):
                self.found.popitem(last=False)
        self.found.move_to_end(key)
        return found


def is_sealed(fd: int) -> bool:
    """Says whether a file is a memfd that can't get shorter any more."""
    try:
        return bool(fcntl.fcntl(fd, fcntl.F_GET_SEALS) & fcntl.F_SEAL_SHRINK)
    except OSError:
        return False  # EINVAL: no memfd
