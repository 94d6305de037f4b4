"""rpcd.publish and rpcd.subscribe, directly and through a bridge, with each other and with rpc pub and rpc sub."""

from __future__ import annotations

import fcntl
import gc
import io
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import unittest
import unittest.mock
from typing import Any, Callable, Dict, List, Tuple

import rpcd
from rpcd import _publish
from rpcd import _ring
from rpcd import _wire as wire

from . import rig

if rig.HAS_NUMPY:
    import numpy as np

    from . import test_npy

LARGE = 100_000  # bytes of a record that lies in a ring
HUGE = 921_600  # bytes of one that a frame by value doesn't hold
POLICIES = {"block": "block", "old": "drop-oldest 3", "new": "drop-newest 3", "kept": "block\nretain", "latest": "drop-oldest 1\nretain"}


def same(got: Any, want: Any) -> bool:
    return bool(got.dtype == want.dtype and got.shape == want.shape and (got == want).all())


def python(program: str) -> "subprocess.Popen[str]":
    """Starts a Python program that has the package."""
    return subprocess.Popen(
        [sys.executable, "-c", "import rpcd, sys, time\n" + program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": rig.PACKAGE},
    )


def in_thread(what: Callable[[], Any]) -> Callable[[], Any]:
    """Begins what() in a thread. Gives a function that waits for its result, or raises what it raised."""
    found: List[Any] = []

    def run() -> None:
        try:
            found.append((what(), None))
        except BaseException as e:
            found.append((None, e))

    t = threading.Thread(target=run, daemon=True)
    t.start()

    def result() -> Any:
        t.join(rig.WITHIN)
        if not found:
            raise AssertionError(f"not within {rig.WITHIN} s")
        value, error = found[0]
        if error is not None:
            raise error
        return value

    return result


def given_back(p: rpcd.Publisher) -> bool:
    """Says whether all slots are free, but for the one that the subscriber has."""
    p._read(wait=False)
    return p._ring is not None and len(p._free) >= p._ring.slots - 1


class Topics(rig.WithWorker):
    @classmethod
    def prepare(cls, worker: rig.Worker) -> None:
        for name, policy in POLICIES.items():
            worker.topic(name, policy)

    def setUp(self) -> None:
        gc.collect()
        self.before = len(os.listdir("/proc/self/fd"))
        self.maps = self.count_maps()

    def tearDown(self) -> None:
        self.doCleanups()
        gc.collect()
        rig.eventually(lambda: len(os.listdir("/proc/self/fd")) == self.before, "descriptors are closed")
        self.assertEqual(self.count_maps(), self.maps, "maps are left")
        rig.eventually(lambda: threading.active_count() == 1, "threads end")

    def count_maps(self) -> int:
        with open("/proc/self/maps") as f:
            return sum("memfd:rpcd-ring" in line for line in f)

    def publish(self, topic: str, **options: Any) -> rpcd.Publisher:
        p = rpcd.publish(self.at, topic, **options)
        self.addCleanup(p.hang_up)
        return p

    def subscribe(self, topic: str, **options: Any) -> rpcd.Subscription:
        s = rpcd.subscribe(self.at, topic, **options)
        self.addCleanup(s.close)
        return s

    def rpc(self, *words: str, given: bytes = b"") -> Callable[[], bytes]:
        """Begins rpc. Gives a function that waits for its stdout."""
        p = subprocess.Popen([rig.binaries() + "/rpc", *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

        def result() -> bytes:
            out, _ = p.communicate(timeout=rig.WITHIN)
            self.assertEqual(p.returncode, 0, words)
            return out

        assert p.stdin is not None
        p.stdin.write(given)
        return result

    # Records.

    def test_bytes(self) -> None:
        sizes = (0, 1, 32, 65535, 65536, LARGE, 131072, 131073, HUGE, 3 << 20, 7)
        sent = [os.urandom(n) for n in sizes]
        for records in ("bytes", "view"):
            with self.subTest(records=records), self.subscribe("block", records=records, count=len(sent)) as s, self.publish("block") as p:

                def send() -> None:
                    for i, record in enumerate(sent):
                        p.send((bytes, bytearray, memoryview)[i % 3](record))

                done = in_thread(send)
                for want in sent:
                    got = next(s)
                    self.assertTrue(got == want)
                    if records == "view":
                        self.assertTrue(got.readonly)
                    del got
                done()
                self.assertRaises(StopIteration, next, s)
                self.assertEqual((s.got, s.missed, p.sent, s.policy, p.policy), (len(sent), 0, len(sent), "block", "block"))

    def test_many_small_ones(self) -> None:
        with self.subscribe("block", records="bytes", until_end=True) as s:
            with self.publish("block") as p:
                done = in_thread(lambda: list(s))
                for i in range(20000):
                    p.send(struct.pack(">Q", i))
            self.assertEqual(done(), [struct.pack(">Q", i) for i in range(20000)])
            self.assertEqual((s.got, s.missed), (20000, 0))

    def test_order(self) -> None:
        """Small records that were collected, since the worker was behind, leave before the large one behind them."""
        behind = threading.Event()
        with self.subscribe("block", records="bytes", until_end=True) as s:

            def send() -> int:
                sent = 0
                with self.publish("block") as p:

                    def record(size: int) -> None:
                        nonlocal sent
                        p.send(struct.pack(">Q", sent) + b"x" * (size - 8))
                        sent += 1

                    while p._writer is None and sent < 100_000:  # nobody reads yet
                        record(4000)
                    self.assertIsNotNone(p._writer, "nothing was collected")
                    behind.set()
                    for size in (8, 30000, LARGE, HUGE, 8):
                        for _ in range(100):
                            record(8)
                        record(size)
                return sent

            done = in_thread(send)
            self.assertTrue(behind.wait(rig.WITHIN))
            numbers = [struct.unpack_from(">Q", r)[0] for r in s]
            self.assertEqual(numbers, list(range(done())))

    def test_rpc_pub(self) -> None:
        with self.subscribe("block", records="bytes", until_end=True) as s:
            self.rpc("pub", self.at, "block", given=b"a\n\nb c\n")()
            self.assertEqual(list(s), [b"a", b"", b"b c"])
            sent = [b"x", os.urandom(HUGE), os.urandom(LARGE), b""]
            self.rpc("pub", "--framing", "u32", self.at, "block", given=b"".join(struct.pack(">I", len(r)) + r for r in sent))()
            self.assertEqual([bytes(r) for r in s], sent)

    def test_rpc_sub(self) -> None:
        sent = [b"x", os.urandom(HUGE), os.urandom(LARGE), b""]
        got = self.rpc("sub", "--framing", "u32", "--until-end", self.at, "block")
        with self.publish("block", subscribers=1) as p:
            for record in sent:
                p.send(record)
        self.assertEqual(got(), b"".join(struct.pack(">I", len(r)) + r for r in sent))

    # The life of a topic.

    def test_subscribers_are_waited_for(self) -> None:
        p = in_thread(lambda: self.publish("block", subscribers=2))
        first = self.subscribe("block", records="bytes")
        second = self.subscribe("block", records="bytes")
        with p() as publisher:
            publisher.send(b"both")
            self.assertEqual((next(first), next(second)), (b"both", b"both"))

    def test_until_end_and_again(self) -> None:
        with self.subscribe("block", records="bytes", until_end=True) as s:
            for turn in (b"1", b"2"):
                with self.publish("block") as p, self.publish("block") as other:
                    p.send(turn)
                    other.send(turn * 2)
                    other.send(turn * LARGE)
                self.assertEqual(sorted(map(bytes, s)), [turn, turn * 2, turn * LARGE])

    def test_without_until_end_the_next_publisher_is_waited_for(self) -> None:
        with self.subscribe("block", records="bytes", count=2) as s:
            got = in_thread(lambda: list(s))
            for turn in (b"1", b"2"):
                with self.publish("block") as p:
                    p.send(turn)
            self.assertEqual(got(), [b"1", b"2"])

    def test_count_and_loops(self) -> None:
        with self.subscribe("block", records="bytes", count=5) as s, self.publish("block") as p:
            for i in range(9):
                p.send(bytes([i]))
            for record in s:
                break
            self.assertEqual((record, s.got), (b"\0", 1))
            self.assertEqual(next(s), b"\1")
            self.assertEqual([r[0] for r in s], [2, 3, 4])
            self.assertEqual(list(s), [])

    def test_block_loses_nothing(self) -> None:
        """The publisher waits for a subscriber that reads late, and a ring's slots are used again."""
        with self.subscribe("block", records="bytes", until_end=True) as s:

            def send() -> int:
                with self.publish("block") as p:
                    for i in range(700):
                        p.send(bytes([i & 255]) * LARGE)
                    return p._rings

            rings = in_thread(send)
            number = 0
            for record in s:
                self.assertTrue(record == bytes([number & 255]) * LARGE, number)
                number += 1
            self.assertEqual((number, rings(), s.missed), (700, 0 if self.bridged else 1, 0))

    def test_drop_oldest(self) -> None:
        for size in (32, LARGE, HUGE):
            with self.subTest(size=size), self.subscribe("old", records="bytes", until_end=True) as s:
                with self.publish("old") as p:
                    for i in range(200):
                        p.send(bytes([i]) * size)
                got = [r[0] for r in s]
                self.assertEqual(got[-3:], [197, 198, 199])
                self.assertEqual(got, sorted(got))
                self.assertEqual(s.missed + len(got), 200)

    def test_drop_newest(self) -> None:
        for size in (32, LARGE, HUGE):
            with self.subTest(size=size), self.subscribe("new", records="bytes", until_end=True) as s:
                with self.publish("new") as p:
                    for i in range(200):
                        p.send(bytes([i]) * size)
                got = [r[0] for r in s]
                self.assertEqual(got[:3], [0, 1, 2])
                self.assertEqual(got, sorted(got))
                self.assertLess(len(got), 200)

    def test_retain(self) -> None:
        for last in (b"small", b"x" * LARGE, b"x" * HUGE):
            with self.subTest(size=len(last)):
                with self.publish("kept") as p:
                    p.send(b"y" * LARGE)
                    p.send(last)
                    with self.subscribe("kept", records="bytes") as s:  # others before it may still be on their way
                        self.assertTrue(any(r == last for r in s))
                with self.subscribe("kept", records="bytes") as s:
                    self.assertTrue(next(s) == last)

    # Errors.

    def test_refusals(self) -> None:
        joins: List[Any] = [rpcd.publish, rpcd.subscribe]
        for join in joins:
            with self.assertRaises(rpcd.Unreachable) as nobody:
                join("/no/such.sock", "block")
            self.assertFalse(nobody.exception.started)
            with self.assertRaises(rpcd.Refused) as unknown:
                join(self.at, "nope")
            self.assertEqual(unknown.exception.outcome, "unknown")
            with self.assertRaises(rpcd.Refused) as kind:
                join(self.at, "cat")
            self.assertEqual(kind.exception.outcome, "denied")
            for topic in ("", "a\0b"):
                self.assertRaises(ValueError, join, self.at, topic)
        self.assertRaises(ValueError, rpcd.publish, self.at, "block", subscribers=-1)
        self.assertRaises(ValueError, rpcd.subscribe, self.at, "block", count=0)
        self.assertRaises(ValueError, rpcd.subscribe, self.at, "block", records="pickle")

    def test_closed(self) -> None:
        p = self.publish("block")
        p.close()
        p.close()
        for record in (b"x", b"x" * LARGE):
            self.assertRaises(ValueError, p.send, record)
        s = self.subscribe("block")
        s.close()
        s.close()
        self.assertEqual(list(s), [])

    def test_close_ends_a_loop(self) -> None:
        s = self.subscribe("block")
        done = in_thread(lambda: list(s))
        rig.eventually(lambda: s.got == 0, "it loops")
        time.sleep(0.05)
        s.close()
        self.assertEqual(done(), [])

    def test_by_value_has_a_bound(self) -> None:
        if self.bridged:
            with self.publish("block") as p:
                self.assertRaises(ValueError, p.send, bytes((64 << 20) + 1))
                p.send(b"goes on")

    def test_a_fork(self) -> None:
        with self.subscribe("block", records="bytes", count=2) as s, self.publish("block") as p:
            p.send(b"x" * LARGE)
            child = os.fork()
            if child == 0:
                wrong = 0
                uses: List[Callable[[], Any]] = [lambda: p.send(b"x"), lambda: p.send(b"x" * LARGE), lambda: next(s)]
                for use in uses:
                    try:
                        use()
                        wrong = 1
                    except ValueError as e:
                        wrong = wrong or int("another process" not in str(e))
                    except BaseException:
                        wrong = 2
                p.hang_up()
                s.close()
                os._exit(wrong)
            self.assertEqual(os.waitpid(child, 0)[1], 0)
            p.send(b"parent")
            self.assertEqual([len(r) for r in s], [LARGE, 6])

    def test_threads_share_a_publisher(self) -> None:
        with self.subscribe("block", records="bytes", until_end=True) as s:
            got = in_thread(lambda: [(r[0], len(r)) for r in s if r == r[:1] * len(r)])
            with self.publish("block") as p:

                def send(n: int) -> None:
                    for i in range(40):
                        p.send(bytes([n]) * (LARGE * (i % 3) + 1))

                done = [in_thread(lambda n=n: send(n)) for n in range(4)]  # type: ignore[misc]
                for d in done:
                    d()
            found = got()
            for n in range(4):
                self.assertEqual([size for who, size in found if who == n], [LARGE * (i % 3) + 1 for i in range(40)])

    def test_a_publisher_killed(self) -> None:
        with self.subscribe("block", records="bytes", until_end=True) as s:
            with python(f"p = rpcd.publish({self.at!r}, 'block'); p.send(b'x' * {LARGE}); p.send(b'y'); print('sent', flush=True); time.sleep(100)") as p:
                assert p.stdout is not None
                p.stdout.readline()
                p.kill()
                p.communicate()
            self.assertEqual([len(r) for r in s], [LARGE, 1])

    def test_a_subscriber_killed(self) -> None:
        """One that reads nothing holds a publisher up, until it is gone. The other one gets all."""
        with python(f"s = rpcd.subscribe({self.at!r}, 'block', records='bytes'); next(s); print('has one', flush=True); time.sleep(100)") as slow:
            with self.subscribe("block", records="bytes", until_end=True) as s:

                def send() -> None:
                    with self.publish("block", subscribers=2) as p:
                        for i in range(600):
                            p.send(b"x" * LARGE)

                sent = in_thread(send)
                got = in_thread(lambda: sum(1 for _ in s))
                assert slow.stdout is not None
                slow.stdout.readline()
                slow.kill()
                slow.communicate()
                sent()
                self.assertEqual(got(), 600)

    def test_ctrl_c(self) -> None:
        for program in ("list(rpcd.subscribe(%r, 'block'))", "rpcd.publish(%r, 'block', subscribers=9)"):
            with python("print(flush=True); " + program % self.at) as p:
                assert p.stdout is not None
                p.stdout.readline()
                time.sleep(0.2)
                p.send_signal(signal.SIGINT)
                self.assertIn("KeyboardInterrupt", p.communicate(timeout=rig.WITHIN)[1])

    def test_an_exception_ends_the_publisher(self) -> None:
        with self.subscribe("block", records="bytes", until_end=True) as s:
            with self.assertRaises(KeyError), self.publish("block") as p:
                p.send(b"before")
                raise KeyError
            self.assertEqual(list(s), [b"before"])

    # Arrays.

    @rig.needs_numpy
    def test_arrays(self) -> None:
        sent = test_npy.arrays() + [np.arange(n) for n in (8000, 20000, 120000)] + [np.asfortranarray(np.random.rand(300, 400))]
        with self.subscribe("block", count=len(sent)) as s, self.publish("block") as p:

            def send() -> None:
                for a in sent:
                    p.send(a)

            done = in_thread(send)
            for want, got in zip(sent, s):
                self.assertTrue(same(got, np.asarray(want)), want)
                self.assertFalse(got.flags.writeable)
                self.assertTrue(got.flags.aligned)
            done()
            del got

    @rig.needs_numpy
    def test_npy_of_rpc_pub(self) -> None:
        sent = [np.arange(n) for n in (3, 20000, 1, 120000)]
        with self.subscribe("block", until_end=True) as s:
            given = b"".join(map(test_npy.saved, sent))
            done = in_thread(lambda: self.rpc("pub", "--framing", "npy", self.at, "block", given=given)())
            got = [a.copy() for a in s]
            done()
        self.assertEqual(list(map(same, got, sent)), [True] * 4)

    @rig.needs_numpy
    def test_npy_to_rpc_sub(self) -> None:
        sent = [np.arange(n) for n in (3, 20000, 1, 120000)]
        got = self.rpc("sub", "--framing", "npy", "--count", "5", self.at, "block")
        with self.publish("block", subscribers=1) as p:
            for a in sent:
                p.send(a)
            with p.next((500, 300), "f4") as place:
                place[...] = 1.5
        f = io.BytesIO(got())
        self.assertEqual([same(np.load(f), a) for a in sent], [True] * 4)
        self.assertTrue((np.load(f) == np.full((500, 300), 1.5, "f4")).all())
        self.assertEqual(f.read(), b"")

    @rig.needs_numpy
    def test_next(self) -> None:
        shapes: List[Tuple[Any, Any]] = [((480, 640, 3), "uint8"), (7, np.int16), ((), float), ((np.int64(100), 200), np.complex128), ((0, 9), ">u4")]
        with self.subscribe("block") as s, self.publish("block") as p:
            for turn in range(3):
                for shape, dtype in shapes:
                    with p.next(shape, dtype) as place:
                        self.assertEqual((place.shape, place.dtype), (np.zeros(shape, dtype).shape, np.dtype(dtype)))
                        place[...] = turn
                    with self.assertRaises(KeyError), p.next(shape, dtype) as place:
                        raise KeyError
                    with self.assertRaises(KeyError):
                        with p.next((1000, 1000), "u1"), p.next(shape, dtype):  # both are dropped
                            raise KeyError
                    del place
                    self.assertTrue(same(next(s), np.full(shape, turn, dtype)))
            self.assertEqual(p.sent, 3 * len(shapes))
            if not self.bridged:
                rig.eventually(lambda: given_back(p), "slots are given back")
            self.assertRaises(ValueError, p.next, (-1,))
            self.assertRaises(rpcd.BadArray, p.next, 3, object)

    @rig.needs_numpy
    def test_bad_arrays(self) -> None:
        with self.subscribe("block", limit=1 << 20) as s, self.publish("block") as p:
            self.assertRaises(rpcd.BadArray, p.send, np.array([None]))
            whole = test_npy.saved(np.arange(20000))
            bad = [b"hello", b"", whole[:-1], whole + b"x", b"z" * LARGE, test_npy.saved(np.zeros(200000))]
            for record in bad:
                p.send(record)
                p.send(np.arange(3))
            for _ in bad:
                self.assertRaises(rpcd.BadArray, next, s)
                self.assertEqual(next(s).tolist(), [0, 1, 2])

    @rig.needs_numpy
    def test_never_torn(self) -> None:
        """A reader of the latest frame that looks now and then sees whole frames, which get newer."""
        stop = threading.Event()

        def send() -> None:
            with self.publish("latest") as p:
                i = 0
                while not stop.is_set():
                    i += 1
                    if i % 2:
                        p.send(np.full(60000, i))
                    else:
                        with p.next(60000, int) as place:
                            place[...] = i

        done = in_thread(send)
        try:
            with self.subscribe("latest") as s:
                before = 0
                for n, frame in enumerate(s):
                    first = int(frame[0])
                    time.sleep(0.002 if n % 4 else 0)
                    self.assertTrue((frame == first).all())
                    self.assertGreater(first, before)
                    before = first
                    if n == 150:
                        break
                del frame
            seen = [next(self.subscribe("latest")) for _ in range(3)]  # each of a subscription that is held
            for frame in seen:
                first = int(frame[0])
                self.assertTrue((frame == first).all())
            del frame, seen
        finally:
            stop.set()
        done()

    @rig.needs_numpy
    def test_the_last_one_stays(self) -> None:
        """An array whose subscription nobody holds keeps its slot."""
        with self.publish("latest") as p:
            with self.subscribe("latest") as s:
                p.send(np.full(60000, -1))
                while next(s)[0] != -1:  # what another test left may come first
                    pass
            held = next(rpcd.subscribe(self.at, "latest"))
            for frame in rpcd.subscribe(self.at, "latest", count=1):
                pass
            gc.collect()
            for i in range(100):
                p.send(np.full(60000, i))
            self.assertTrue((held == -1).all() and (frame == -1).all())
            del held, frame

    def test_many_sizes(self) -> None:
        """More rings than may be there at once, and small records between."""
        sizes = [70_000 << (i % 6) for i in range(12)] + [5] + [70_000 << (5 - i % 6) for i in range(12)]
        with self.subscribe("block", records="bytes", count=len(sizes)) as s:
            with self.publish("block") as p:

                def send() -> None:
                    for n in sizes:
                        p.send(b"x" * n)

                done = in_thread(send)
                self.assertEqual([len(r) for r in s], sizes)
                done()

    def test_nothing_is_left(self) -> None:
        """A subscriber that outlives its publishers keeps none of their memory."""
        with self.subscribe("block", records="bytes", until_end=True) as s:
            for _ in range(12):
                with self.publish("block") as p:
                    p.send(b"x" * LARGE)
                self.assertEqual([len(r) for r in s], [LARGE])
                gc.collect()
            self.assertEqual(self.count_maps(), self.maps)


class Direct(Topics):
    def test_records_are_shared(self) -> None:
        with self.subscribe("block", records="view") as s, self.publish("block") as p:
            p.send(b"x" * LARGE)
            record = next(s)
            self.assertIsInstance(record.obj, _ring.Map)
            self.assertEqual(self.count_maps(), self.maps + 2)
            del record

    @rig.needs_numpy
    def test_slots_are_used_again_first(self) -> None:
        """A subscriber that keeps up costs the memory of a few frames."""
        with self.subscribe("block") as s, self.publish("block") as p:
            for i in range(100):
                p.send(np.full(60000, i))
                next(s)
            next_free = p._free
            self.assertGreater(len(next_free), 16)
            with open("/proc/self/smaps") as f:
                parts = f.read().split("memfd:rpcd-ring")[1:]
            resident = max(int(part.split("Rss:")[1].split()[0]) for part in parts)
            self.assertLess(resident, 4000, "KiB")

    @rig.needs_numpy
    def test_a_policy_that_drops_makes_nobody_wait(self) -> None:
        """Not even where subscribers hold all slots."""
        held = [self.subscribe("old") for _ in range(12)]
        with self.publish("old", subscribers=12) as p:
            p._make_ring(LARGE)
            p._free = p._free[:4]
            for i in range(60):
                p.send(np.full(10000, i))
                for s in held[: i % 3]:
                    next(s)
            with p.next(10000, int) as place:
                place[...] = 60
            del place
            for s in held:
                while (last := int(next(s)[0])) < 60:
                    pass
                self.assertEqual(last, 60)


    def test_not_each_record_is_told(self) -> None:
        """A few in shared memory may stay untold, until something else comes."""
        with self.subscribe("block", records="bytes") as s, self.publish("block") as p, unittest.mock.patch.object(s, "send", wraps=s.send) as sent:
            for _ in range(10):
                p.send(b"x" * LARGE)
                next(s)
            for _ in range(2):
                p.send(b"x")
                next(s)
            self.assertEqual([wire.number(call.args[0][8:]) for call in sent.call_args_list], [1, 5, 9, 11])

    def test_untold_at_the_end(self) -> None:
        with self.subscribe("block", records="bytes", until_end=True) as s, self.publish("block") as p:
            for _ in range(3):
                p.send(b"x" * LARGE)
                next(s)
            p.close()
            self.assertEqual(list(s), [])
            self.assertEqual((s._told, s._pinned), (3, 0))

    def test_a_ring_of_one_slot(self) -> None:
        """Its record is told at once, since its publisher waits for the slot."""
        with unittest.mock.patch.multiple(_publish, LEAST_SLOTS=1, MOST_SLOTS=1):
            with self.subscribe("block", records="bytes", count=6) as s, self.publish("block") as p:
                got = in_thread(lambda: list(s))
                for i in range(6):
                    p.send(b"%d" % i * LARGE)
                self.assertEqual([r[:1] for r in got()], [b"0", b"1", b"2", b"3", b"4", b"5"])


class Bridged(Topics):
    bridged = True

    def test_silence_is_kept_up(self) -> None:
        """Neither side takes the other one for dead while nothing is sent and the user computes."""
        with self.subscribe("block", records="bytes", heartbeat=1) as s, self.publish("block", heartbeat=1) as p:
            time.sleep(4)
            p.send(b"x")
            time.sleep(2)
            self.assertEqual(next(s), b"x")
            got = in_thread(lambda: next(s))
            time.sleep(4)
            p.send(b"y")
            self.assertEqual(got(), b"y")

    def test_a_bridge_that_stands_still(self) -> None:
        p, s = self.publish("block", heartbeat=1), self.subscribe("block", heartbeat=1)
        children = subprocess.run(["pgrep", "-P", str(self.worker.processes["bridge"].pid)], stdout=subprocess.PIPE, text=True).stdout.split()
        for pid in children:
            os.kill(int(pid), signal.SIGSTOP)
        try:
            with self.assertRaises(rpcd.Lost) as caught:
                next(s)
            self.assertIn("says nothing", str(caught.exception))
            with self.assertRaises(rpcd.Lost) as caught:
                while True:
                    p.send(b"x" * LARGE)
            self.assertIn("says nothing", str(caught.exception))
            self.assertRaises(rpcd.Lost, p.send, b"x")
            self.assertRaises(rpcd.Lost, p.close)
        finally:
            for pid in children:
                os.kill(int(pid), signal.SIGCONT)


del Topics


class Ends(rig.WithWorker):
    """The worker itself ends."""

    def setUp(self) -> None:
        super().setUp()
        self.worker = w = rig.Worker()
        self.addCleanup(w.close)
        w.topic("t", "block")

    def test_it_ends(self) -> None:
        for number, text in ((signal.SIGKILL, "ended the connection at topic 't'"), (signal.SIGTERM, "ended topic 't': it ")):
            self.worker.start()
            p, s = rpcd.publish(self.worker.socket, "t"), rpcd.subscribe(self.worker.socket, "t", records="bytes")
            p.send(b"x" * LARGE)
            self.assertEqual(len(next(s)), LARGE)
            self.worker.end("rpcd", number)
            with self.assertRaises(rpcd.Lost) as caught:
                next(s)
            self.assertIn(text, str(caught.exception))
            self.assertTrue(caught.exception.started)
            for _ in range(2):
                with self.assertRaises(rpcd.Lost) as caught:
                    while True:
                        p.send(b"y")
                self.assertIn(text, str(caught.exception))
            self.assertRaises(rpcd.Lost, p.close)
            s.close()

    def test_it_is_waited_for(self) -> None:
        made = in_thread(lambda: rpcd.subscribe(self.worker.socket, "t", wait=rig.WITHIN))
        time.sleep(0.1)
        self.worker.start()
        made().close()


class Nonsense(unittest.TestCase):
    """A worker that doesn't keep to PROTOCOL.md."""

    def subscribed(self, *frames: bytes, fds: Tuple[int, ...] = (), **options: Any) -> List[Any]:
        """Gives what a subscriber gets of a worker that sends these frames and closes."""
        with socket.socket(socket.AF_UNIX) as listener:
            path = f"/tmp/python-{os.getpid()}.sock"
            listener.bind(path)
            listener.listen()

            def serve() -> None:
                conn, _ = listener.accept()
                with conn:
                    conn.recv(4096)
                    conn.sendall(wire.frame(wire.SUBSCRIBED, wire.field(4, b"block")))
                    for f in frames:
                        socket.send_fds(conn, [f], fds if f[0] == wire.SUBSCRIBED else ())
                    conn.shutdown(socket.SHUT_WR)
                    conn.recv(4096)

            done = in_thread(serve)
            try:
                with rpcd.subscribe(path, "t", records="bytes", until_end=True, **options) as s:
                    return list(s)
            finally:
                done()
                os.unlink(path)

    def test_frames(self) -> None:
        ring = wire.field(3, wire.RING.pack(1, 4, 65536))
        cases: Dict[str, Tuple[bytes, ...]] = {
            "RECORDS of 4": (wire.frame(wire.RECORDS, bytes(4)),),
            "goes over": (wire.frame(wire.RECORDS, bytes(8) + b"\0\0\0\2x"),),
            "half a record": (wire.frame(wire.RECORDS, bytes(8) + b"\0\0\0\1xy"),),
            "NOTICES of 5": (wire.frame(wire.NOTICES, bytes(5)),),
            "which didn't come": (wire.frame(wire.NOTICES, wire.NOTICE.pack(1, 1, 0, 5)),),
            "LARGE record of 5": (wire.frame(wire.LARGE, bytes(15) + b"\5"),),
            "type 16": (wire.frame(wire.DATA, b"x"),),
            "over its end": (wire.frame(wire.LARGE, struct.pack(">QQ", 1, 131073)), wire.frame(wire.DATA, b"x" * 131074)),
            "type 49": (wire.frame(wire.STARTED),),
            "without its memory": (wire.frame(wire.SUBSCRIBED, ring),),
            "a ring of 0 slots": (wire.frame(wire.SUBSCRIBED, wire.field(3, wire.RING.pack(1, 0, 65536))),),
        }
        for text, frames in cases.items():
            with self.subTest(text=text), self.assertRaises(rpcd.Lost) as caught:
                self.subscribed(*frames)
            self.assertEqual(caught.exception.outcome, "protocol")
            self.assertIn(text, str(caught.exception))

    def test_rings(self) -> None:
        before = len(os.listdir("/proc/self/fd"))
        shape = wire.Ring(1, 4, 65536)
        ring = wire.frame(wire.SUBSCRIBED, wire.field(3, wire.RING.pack(*shape)))

        def memory(size: int, seals: int) -> int:
            fd = os.memfd_create("test", os.MFD_ALLOW_SEALING)
            os.ftruncate(fd, size)
            fcntl.fcntl(fd, fcntl.F_ADD_SEALS, seals)
            return fd

        good = _ring.SEALS | _ring.FUTURE_WRITE
        for text, fd in (
            ("seals", memory(4 * 65536, good & ~fcntl.F_SEAL_SHRINK)),
            ("seals", memory(4 * 65536, good & ~fcntl.F_SEAL_SEAL)),
            ("seals", memory(4 * 65536, _ring.SEALS)),
            ("that has 262143", memory(4 * 65536 - 1, good)),
            ("no sealed memory", os.open("/dev/zero", os.O_RDWR)),
        ):
            with self.assertRaises(rpcd.Lost) as caught:
                self.subscribed(ring, fds=(fd,))
            self.assertIn(text, str(caught.exception))
            os.close(fd)
        m, fd = _ring.make(shape)
        m[65536:65541] = b"hello"
        self.assertRaises(OSError, os.pwrite, fd, b"x", 0)
        for text, notice in (("", (1, 1, 1, 5)), ("slot 4", (1, 1, 4, 5)), ("65537 bytes", (1, 1, 0, 65537))):
            frames = (ring, wire.frame(wire.NOTICES, wire.NOTICE.pack(*notice)))
            if text:
                with self.assertRaises(rpcd.Lost) as caught:
                    self.subscribed(*frames, fds=(fd,))
                self.assertIn(text, str(caught.exception))
            else:
                self.assertEqual(self.subscribed(*frames, wire.frame(wire.ENDED), fds=(fd,)), [b"hello"])
        with self.assertRaises(rpcd.Lost):
            self.subscribed(ring, fds=(fd, fd))
        os.close(fd)
        del m
        gc.collect()
        self.assertEqual(len(os.listdir("/proc/self/fd")), before)
