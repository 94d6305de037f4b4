"""The reader and writer of npy: as NumPy's own, but for what it refuses."""

from __future__ import annotations

import io
import os
import struct
import tempfile
import unittest
from typing import Any, Callable, List

from . import rig

if rig.HAS_NUMPY:
    import numpy as np

    from rpcd import _npy


def saved(array: Any, **options: Any) -> bytes:
    f = io.BytesIO()
    np.save(f, array, **options)
    return f.getvalue()


def written(*arrays: Any) -> bytes:
    return b"".join(bytes(p) for p in _npy.pieces(_npy.records(arrays)[0]))


def with_header(text: str, items: bytes = b"", version: int = 1) -> bytes:
    length = struct.pack("<H" if version == 1 else "<I", len(text))
    return b"\x93NUMPY" + bytes([version, 0]) + length + text.encode() + items


def arrays() -> List[Any]:
    """Gives arrays of all kinds that may travel."""
    return [
        np.arange(6.0).reshape(2, 3),
        np.arange(6, dtype=">i4").reshape(2, 3),
        np.asfortranarray(np.arange(24).reshape(2, 3, 4)),
        np.arange(24).reshape(2, 3, 4).transpose(1, 0, 2),
        np.arange(10)[::-2],
        np.float32(3.5),
        np.array(7, dtype=">u2"),
        np.empty((0, 3)),
        np.empty((3, 0), order="F"),
        np.empty(0, dtype=bool),
        np.array([True, False]),
        np.array(["a", "grün"]),
        np.array([b"ab", b"c"]),
        np.array(["2026-11-29"], dtype="M8[D]"),
        np.array([1 + 2j]),
        np.zeros(3, dtype=[("x", "<f4"), ("y", ">i2", (2, 2)), ("n", [("z", "u1")])]),
        np.zeros(2, dtype=[("grün", "<f4")]),
        np.arange(100000, dtype=np.uint8),
    ]


BAD = {
    "it doesn't begin as npy does": [b"hello, world", b"\x93NUMPX\1\0\2\0{}", b"P", b"\x93NUM!"],
    "its header is cut off": [b"\x93NUMPY", b"\x93NUMPY\1\0\x76", b"\x93NUMPY\1\0\x76\0{'descr'", b"\x93NUMPY\2\0\x76\0\0"],
    "it is npy of version 9.0": [b"\x93NUMPY\x09\0\x76\0{}"],
    "its header has 65535 bytes (at most 10000)": [b"\x93NUMPY\1\0\xff\xff" + b" " * 65535],
    "its header has 4294967295 bytes (at most 10000)": [b"\x93NUMPY\2\0\xff\xff\xff\xff" + b" " * 100],
}

HEADERS = {
    "its header is no dict": ["", "{", "x", "(" * 300, "-" * 9000 + "1", "{'descr': __import__('os')}", "\0", "[" * 5000],
    "its header isn't one of descr": ["{}", "[]", "{'descr': '<f8', 'shape': ()}", "{'descr': '<f8', 'fortran_order': False, 'shape': (), 'x': 1}"],
    "its shape is": [f"{{'descr': '<f8', 'fortran_order': False, 'shape': {s}}}" for s in ("3", "[3]", "(-1,)", "(1.0,)", "(True,)", "('a',)", "(1<<70,)" if False else "(99999999999999999999,)", "(" + "1," * 40 + ")")],
    "its fortran_order is": ["{'descr': '<f8', 'fortran_order': 1, 'shape': ()}"],
    "its dtype is": [f"{{'descr': {d}, 'fortran_order': False, 'shape': ()}}" for d in ("'<f9'", "'<z4'", "''", "5", "'f8,f8'", "[('x',)]", "[1]", "{}", "None", "'<f99999999999999'")],
    "it is an array of objects (a pickle)": [f"{{'descr': {d}, 'fortran_order': False, 'shape': (1,)}}" for d in ("'|O'", "'O'", "'|O8'", "[('x', '|O')]", "[('x', [('y', '|O')])]")],
    "its header promises 9223372036854775800 bytes, over": ["{'descr': '|u1', 'fortran_order': False, 'shape': (9223372036854775800,)}"],
    "bytes, over the limit of 1000000": [
        "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000,)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296, 4294967296, 4294967296)}",
        "{'descr': '|V9999999', 'fortran_order': False, 'shape': ()}",
    ],
    "its header promises 800 bytes, and ": ["{'descr': '<f8', 'fortran_order': False, 'shape': (100,)}"],
}


@rig.needs_numpy
class Npy(unittest.TestCase):
    def from_pipe(self, b: bytes, limit: int = 1000000) -> List[Any]:
        with tempfile.TemporaryFile() as f:
            f.write(b)
            f.flush()
            f.seek(0)
            return _npy.read(f.fileno(), limit)

    def from_memory(self, b: bytes) -> List[Any]:
        return _npy.views(b, 0, len(b), 1000000)

    def ways(self) -> List[Callable[[bytes], List[Any]]]:
        return [self.from_pipe, self.from_memory]

    def both(self, b: bytes) -> List[List[Any]]:
        return [self.from_pipe(b), self.from_memory(b)]

    def same(self, got: Any, want: Any) -> None:
        self.assertEqual(got.dtype, want.dtype)
        self.assertEqual(got.shape, want.shape)
        self.assertTrue((got == want).all())
        self.assertFalse(got.flags.writeable)

    def test_reads_what_numpy_writes(self) -> None:
        for a in arrays():
            with self.subTest(dtype=a.dtype, shape=a.shape):
                for found in self.both(saved(a)):
                    self.assertEqual(len(found), 1)
                    self.same(found[0], a)

    def test_numpy_reads_what_is_written(self) -> None:
        for a in arrays():
            with self.subTest(dtype=a.dtype, shape=a.shape):
                b = written(a)
                got = np.load(io.BytesIO(b), allow_pickle=False)
                got.flags.writeable = False
                self.same(got, a)
                self.assertEqual((len(b) - a.nbytes) % 64, 0)

    def test_one_after_the_other(self) -> None:
        some = arrays()
        for found in self.both(written(*some)):
            for got, want in zip(found, some):
                self.same(got, want)
                self.assertTrue(got.flags.aligned)
        self.assertEqual(self.both(b""), [[], []])

    def test_versions(self) -> None:
        for version in (1, 2, 3):
            b = with_header("{'descr': '<u2', 'fortran_order': True, 'shape': (1, 2)}\n", b"\1\0\2\0", version)
            for found in self.both(b):
                self.assertEqual(found[0].tolist(), [[1, 2]])

    def test_bad(self) -> None:
        for why, cases in BAD.items():
            self.check(why, cases)
        for why, texts in HEADERS.items():
            self.check(why, [with_header(t, b"\0" * 16) for t in texts])

    def check(self, why: str, cases: List[bytes]) -> None:
        for b in cases:
            for read in self.ways():
                with self.subTest(why=why, b=b[:80]), self.assertRaises(_npy.BadArray) as caught:
                    read(b)
                self.assertIn(why, str(caught.exception))
                self.assertNotIn("\n", str(caught.exception))
                self.assertLessEqual(len(str(caught.exception)), 120)

    def test_every_cut(self) -> None:
        b = written(np.arange(3.0), np.arange(4))
        for n in range(len(b)):
            if n == len(written(np.arange(3.0))):
                continue
            for read in self.ways():
                if n == 0:
                    self.assertEqual(read(b""), [])
                    continue
                with self.assertRaises(_npy.BadArray):
                    read(b[:n])

    def test_a_lie_takes_no_memory(self) -> None:
        """Memory comes with the bytes, not with the promise."""
        import resource

        limits = resource.getrlimit(resource.RLIMIT_AS)
        with open("/proc/self/statm") as f:
            now = int(f.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
        resource.setrlimit(resource.RLIMIT_AS, (now + (64 << 20), limits[1]))
        try:
            with self.assertRaises(_npy.BadArray):
                self.from_pipe(with_header("{'descr': '|u1', 'fortran_order': False, 'shape': (1000000000,)}"), 1 << 30)
        finally:
            resource.setrlimit(resource.RLIMIT_AS, limits)

    def test_objects_are_refused(self) -> None:
        for a in (np.array([None]), np.zeros(1, dtype=[("x", "O")]), [[1], [2, 3]] if np.__version__ < "1.24" else np.array([[1], [2, 3]], dtype=object)):
            with self.assertRaises(_npy.BadArray) as caught:
                _npy.records([a])
            self.assertIn("pickle", str(caught.exception))
