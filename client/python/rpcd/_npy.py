"""Reads and writes NumPy's npy format, with every length checked before memory is taken.

The format is NEP 1's (numpy.lib.format): magic, version, length of the header, a Python dict of descr,
fortran_order and shape, the items. Arrays of objects are pickles inside: they are refused, both ways. Versions 1, 2
and 3 are read, 1 is written, or what the dtype needs. One array may follow another.
"""

from __future__ import annotations

import ast
import functools
import os
import re
import struct
from typing import TYPE_CHECKING, Any, Dict, List, NamedTuple, Sequence, Tuple, Union

if TYPE_CHECKING:
    import mmap

    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[Any]

LIMIT = 1 << 30
"""The most bytes of one record, header included, unless the caller says another number."""

MAX_HEADER = 10_000
"""The most bytes of a header, as numpy.load has it: what is longer needn't be safe to parse."""

ALIGN = 64  # the items of each array begin at a multiple of it

MAGIC = b"\x93NUMPY"


class BadArray(ValueError):
    """An array that can't be sent, or bytes that are no array. str() is one line."""


class Layout(NamedTuple):
    """What a header says."""

    dtype: "np.dtype[Any]"
    shape: Tuple[int, ...]
    order: str  # C or F
    size: int  # of the items, in bytes


# A simple dtype as numpy.lib.format writes it: byte order, kind, size, unit of time.
_SIMPLE = re.compile(r"[<>|=]?[biufcSUVmM?][0-9]{0,9}(\[[0-9A-Za-z]{1,12}\])?")


@functools.lru_cache(maxsize=128)
def _layout(header: bytes, encoding: str) -> Layout:
    """Reads the dict of a header, without its padding. Raises BadArray."""
    import numpy as np

    try:
        said = ast.literal_eval(header.decode(encoding))
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        raise BadArray("its header is no dict") from None
    if not isinstance(said, dict) or set(said) != {"descr", "fortran_order", "shape"}:
        raise BadArray("its header isn't one of descr, fortran_order and shape")
    shape, fortran = said["shape"], said["fortran_order"]
    if not isinstance(shape, tuple) or len(shape) > 32 or not all(type(n) is int and 0 <= n < 1 << 63 for n in shape):
        raise BadArray(f"its shape is {str(shape)[:60]}")
    if not isinstance(fortran, bool):
        raise BadArray(f"its fortran_order is {str(fortran)[:60]}")
    dtype = _dtype(said["descr"])
    size = dtype.itemsize
    for n in shape:
        size *= n
    return Layout(np.dtype(dtype), shape, "F" if fortran else "C", size)


def _dtype(descr: object) -> "np.dtype[Any]":
    import numpy as np

    try:
        if isinstance(descr, str):
            if descr.strip("<>|=").startswith("O"):
                raise BadArray("it is an array of objects (a pickle), which is refused")
            if not _SIMPLE.fullmatch(descr):
                raise BadArray(f"its dtype is {descr[:60]!r}")
            return np.dtype(descr)
        if not isinstance(descr, list):
            raise BadArray(f"its dtype is {str(descr)[:60]}")
        form: Any = np.lib.format
        dtype: "np.dtype[Any]" = form.descr_to_dtype(descr)
    except BadArray:
        raise
    except Exception:  # whatever NumPy thinks of it
        raise BadArray(f"its dtype is {str(descr)[:60]}") from None
    if dtype.hasobject:
        raise BadArray("it is an array of objects (a pickle), which is refused")
    return dtype


def _encoding(version: int) -> str:
    return "utf-8" if version == 3 else "latin-1"


def _lengths(start: bytes) -> Tuple[int, int]:
    """Gives where a header's text begins and ends, of the first 12 bytes or all that there are."""
    if not MAGIC.startswith(start[:6]):
        raise BadArray("it doesn't begin as npy does")
    if len(start) < 10:
        raise BadArray("its header is cut off")
    if start[6] not in (1, 2, 3) or start[7] != 0:
        raise BadArray(f"it is npy of version {start[6]}.{start[7]}")
    begins = 10 if start[6] == 1 else 12
    if len(start) < begins:
        raise BadArray("its header is cut off")
    (length,) = struct.unpack_from("<H" if begins == 10 else "<I", start, 8)
    if length > MAX_HEADER:
        raise BadArray(f"its header has {length} bytes (at most {MAX_HEADER})")
    return begins, begins + length


def _check(layout: Layout, header: int, limit: int) -> None:
    if layout.size + header > limit:
        raise BadArray(f"its header promises {layout.size} bytes, over the limit of {limit}")


USUAL = 128  # bytes of a header with a simple dtype and few dimensions
_usual: "Dict[bytes, Layout]" = {}


def views(buffer: "Union[bytes, mmap.mmap, Array]", begins: int, ends: int, limit: int) -> "List[Array]":
    """Gives the arrays that lie in buffer[begins:ends], without a copy. Raises BadArray.

    The arrays are read-only where the buffer is.
    """
    found: "List[Array]" = []
    while begins < ends:
        start = bytes(buffer[begins : min(begins + USUAL, ends)])
        known, items = _usual.get(start), USUAL
        if known is None:
            text, items = _lengths(start[:12])
            if begins + items > ends:
                raise BadArray("its header is cut off")
            known = _layout(bytes(buffer[begins + text : begins + items]).rstrip(b" \n"), _encoding(start[6]))
            if items == USUAL and len(_usual) < 128:
                _usual[start] = known
        layout = known
        _check(layout, items, limit)
        begins += items
        if layout.size > ends - begins:
            raise BadArray(f"its header promises {layout.size} bytes, and {ends - begins} are there")
        found.append(_array(layout, buffer if layout.size else b"", begins if layout.size else 0))
        begins += layout.size
    return found


def one(buffer: "Union[bytes, memoryview, mmap.mmap]", begins: int, ends: int, limit: int) -> "Array":
    """Gives the array that fills buffer[begins:ends], without a copy. Raises BadArray."""
    start = bytes(buffer[begins : min(begins + 12, ends)])
    text, items = _lengths(start)
    if begins + items > ends:
        raise BadArray("its header is cut off")
    layout = _layout(bytes(buffer[begins + text : begins + items]).rstrip(b" \n"), _encoding(start[6]))
    _check(layout, items, limit)
    if layout.size != ends - begins - items:
        raise BadArray(f"its header promises {layout.size} bytes, and {ends - begins - items} are there")
    return _array(layout, buffer if layout.size else b"", begins + items if layout.size else 0)


def _array(layout: Layout, buffer: Any, offset: int) -> "Array":
    import numpy as np

    try:
        return np.ndarray(layout.shape, layout.dtype, buffer, offset, order="F" if layout.order == "F" else "C")
    except (ValueError, TypeError, MemoryError) as e:
        raise BadArray(f"its shape is {str(layout.shape)[:60]}: {str(e)[:60]}") from None


def read(fd: int, limit: int) -> "List[Array]":
    """Reads arrays from a descriptor to its end. Nothing is read ahead. Raises BadArray and OSError."""
    found: "List[Array]" = []
    while True:
        start = _exactly(fd, 10)
        if not start:
            return found
        if len(start) >= 7 and start[6] in (2, 3):
            start += _exactly(fd, 2)
        text, items = _lengths(start)
        header = _exactly(fd, items - text)
        if len(header) < items - text:
            raise BadArray("its header is cut off")
        layout = _layout(header.rstrip(b" \n"), _encoding(start[6]))
        _check(layout, items, limit)
        found.append(_read_items(fd, layout))


def _exactly(fd: int, n: int) -> bytes:
    b = b""
    while len(b) < n:
        more = os.read(fd, n - len(b))
        if not more:
            break
        b += more
    return b


FIRST_READ = 4 << 20
"""How many bytes are taken for items of which none has come yet: a header may lie."""


def _read_items(fd: int, layout: Layout) -> "Array":
    import numpy as np

    items = np.empty(min(layout.size, FIRST_READ), np.uint8)
    got = 0
    while got < layout.size:
        if got == items.size:  # they come: twice as many may
            larger = np.empty(min(layout.size, 2 * got), np.uint8)
            larger[:got] = items
            items = larger
        n = os.readv(fd, [items[got:].data])
        if n == 0:
            raise BadArray(f"its header promises {layout.size} bytes, and {got} came")
        got += n
    array = _array(layout, items, 0)
    array.flags.writeable = False  # as one that lies in shared memory
    return array


class Record(NamedTuple):
    """An array as it is written."""

    header: bytes
    items: "Array"  # C-contiguous, or to be made so by copying


@functools.lru_cache(maxsize=128)
def _header(descr: str, fortran: bool, shape: Tuple[int, ...], at: int) -> bytes:
    text = f"{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape!r}, }}".encode("utf-8")
    version, room = (1, 10) if len(text) < 60_000 and text.isascii() else (3, 12)
    padding = -(at + room + len(text) + 1) % ALIGN
    text += b" " * padding + b"\n"
    return MAGIC + bytes([version, 0]) + struct.pack("<H" if version == 1 else "<I", len(text)) + text


_descrs: "Dict[np.dtype[Any], str]" = {}


def _descr(dtype: "np.dtype[Any]") -> str:
    found = _descrs.get(dtype)
    if found is None:
        import numpy as np

        if dtype.hasobject:
            raise BadArray("an array of objects would be a pickle, which is refused")
        form: Any = np.lib.format
        found = repr(form.dtype_to_descr(dtype))
        if len(found) > MAX_HEADER - 1000:
            raise BadArray(f"a dtype of {len(found)} bytes is too long for a header")
        if len(_descrs) < 128:
            _descrs[dtype] = found
    return found


def header(dtype: "np.dtype[Any]", shape: Tuple[int, ...]) -> bytes:
    """Gives the header of an array in C's order. Raises BadArray for objects."""
    return _header(_descr(dtype), False, shape, 0)


def record(array: Any, at: int) -> Record:
    """Gives an array as it is written at position `at` of a stream: its items begin at a multiple of 64.

    Raises BadArray for an array of objects.
    """
    import numpy as np

    a = np.asarray(array)
    descr = _descr(a.dtype)
    fortran = a.flags.f_contiguous and not a.flags.c_contiguous
    return Record(_header(descr, fortran, a.shape, at), a.T if fortran else a)


def records(arrays: Sequence[Any]) -> Tuple[List[Record], int]:
    """Gives several arrays as they are written one after the other, and the size of all in bytes."""
    found: List[Record] = []
    at = 0
    for array in arrays:
        r = record(array, at)
        found.append(r)
        at += len(r.header) + r.items.nbytes
    return found, at


def pieces(found: Sequence[Record]) -> "List[Any]":
    """Gives the records as buffers for writev(2)."""
    import numpy as np

    parts: List[Any] = []
    for r in found:
        parts.append(r.header)
        if r.items.nbytes:
            parts.append(np.ascontiguousarray(r.items).reshape(-1).view(np.uint8).data)
    return parts


def place(found: Sequence[Record], target: "mmap.mmap") -> None:
    """Copies records into a map, from its beginning."""
    import numpy as np

    at = 0
    for r in found:
        ends = at + len(r.header)
        target[at:ends] = r.header
        at = ends + r.items.nbytes
        if r.items.nbytes:
            np.ndarray(r.items.shape, r.items.dtype, target, ends)[...] = r.items
