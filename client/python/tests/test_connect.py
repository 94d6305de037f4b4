"""rpcd.connect, directly and through a bridge, to spawned and resident procedures."""

from __future__ import annotations

import gc
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import unittest
from typing import Any, List

import rpcd
from rpcd import _again, _fds
from rpcd import _wire as wire

from . import rig

if rig.HAS_NUMPY:
    import numpy as np

    from . import test_npy

FLIP = "resident.serve_arrays(lambda *a: [x[::-1] if x.ndim else x for x in a])\n"
SPAWNED = """
import io, sys, numpy as np
a = np.load(io.BytesIO(sys.stdin.buffer.read()))
b = io.BytesIO()
np.save(b, a[::-1])
sys.stdout.buffer.write(b.getvalue())
"""
PLAIN = "import sys, numpy as np; np.save(sys.stdout.buffer, np.load(sys.stdin.buffer) * 2)\n"
ODD = """
import time
import numpy as np

held = []

def odd(what, *more):
    word = str(what)
    if word == "none": return None
    if word == "boom": raise ValueError("boom of the far side")
    if word == "exit": sys.exit(3)
    if word == "text": return "text"
    if word == "objects": return np.array([None])
    if word == "noise": print("noise", file=sys.stderr); return 1
    if word == "write": more[0][0] = 1
    if word == "sleep": time.sleep(1000)
    if word == "hold": held.extend(more); return len(held)
    if word == "die": os._exit(9)
    if word == "pid": return os.getpid()
    if word == "maps": return sum("memfd:rpcd" in line for line in open("/proc/self/maps"))
    if word == "large": return np.ones(1000000)
    return word

resident.serve_arrays(odd)
"""
HEAD = "import os, sys\nfrom rpcd import resident\n"


def exported(worker: rig.Worker) -> None:
    worker.procedure("flip", HEAD + FLIP, workers="1\n")
    worker.procedure("flip2", HEAD + FLIP.replace("a])", "a], fork=True)"), workers="1\n")
    worker.procedure("flip3", SPAWNED)
    worker.procedure("flip4", HEAD + FLIP)  # spawned: it serves one call
    worker.procedure("plain", PLAIN)
    worker.procedure("odd", HEAD + ODD, workers="1\n")


@rig.needs_numpy
class Connect(rig.WithWorker):
    @classmethod
    def prepare(cls, worker: rig.Worker) -> None:
        exported(worker)

    def connect(self, procedure: str, *args: str, **options: Any) -> rpcd.Connection:
        found = rpcd.connect(self.at, procedure, *args, **options)
        self.addCleanup(found.close)
        return found

    def tearDown(self) -> None:
        self.doCleanups()
        gc.collect()
        self.assertEqual(len(os.listdir("/proc/self/fd")), self.before, "descriptors are left open")

    def setUp(self) -> None:
        gc.collect()
        self.before = len(os.listdir("/proc/self/fd"))

    def test_arrays(self) -> None:
        for procedure in ("flip", "flip2", "flip4"):
            with self.connect(procedure) as flip:
                for a in test_npy.arrays() if procedure == "flip" else test_npy.arrays()[:3]:
                    with self.subTest(procedure=procedure, dtype=a.dtype, shape=a.shape):
                        for _ in range(2):
                            got = flip(a)
                            want = a[::-1] if a.ndim else a
                            self.assertEqual((got.dtype, got.shape), (want.dtype, want.shape))
                            self.assertTrue((got == want).all())
                            self.assertFalse(got.flags.writeable)

    def test_a_spawned_procedure(self) -> None:
        with self.connect("flip3") as flip:
            for n in (4, 200000, 4):
                a = np.arange(n)
                self.assertEqual(flip(a).tolist(), a[::-1].tolist())

    def test_several(self) -> None:
        with self.connect("flip") as flip:
            a, b = np.arange(3), np.arange(100000.0)
            x, y = flip(a, b)
            self.assertEqual((x.tolist(), y[0]), ([2, 1, 0], 99999.0))
            self.assertIsNone(flip())
        with self.connect("odd") as odd:
            self.assertIsNone(odd("none"))
            self.assertEqual(odd("text").tolist(), "text")

    def test_results_stay(self) -> None:
        """What is held isn't written again, however much of it."""
        with self.connect("flip") as flip:
            held = [flip(np.full(30000, i)) for i in range(20)]
            slices = [a[5:6] for a in held[:4]]
            for i, a in enumerate(held):
                self.assertTrue((a == i).all(), f"result {i} was overwritten")
            del held, a
            for i in range(20):
                flip(np.full(30000, -1))
            self.assertEqual([s.tolist() for s in slices], [[0], [1], [2], [3]])
        self.assertEqual([s.tolist() for s in slices], [[0], [1], [2], [3]])

    def test_failures(self) -> None:
        """What goes wrong is one exception, and the next call goes on."""
        with self.connect("odd", limit=4 << 20) as odd:
            for word, status, text in (("boom", 1, "ValueError: boom of the far side"), ("exit", 3, ""), ("objects", 1, "pickle"), ("write", 1, "read-only")):
                with self.subTest(word=word):
                    with self.assertRaises(rpcd.CallFailed) as caught:
                        odd(word, np.zeros(100000))
                    e = caught.exception
                    self.assertEqual((e.returncode, e.worker, e.procedure), (status, self.at, "odd"))
                    self.assertIn(text, e.stderr)
                    self.assertIn(text, str(e))
                    self.assertEqual(odd("ok").tolist(), "ok")
            with self.assertRaises(rpcd.BadArray) as bad:
                odd("large")
            self.assertIn("over the limit of 4194304", str(bad.exception))
            with self.assertRaises(rpcd.BadArray):
                odd("ok", np.array([None]))
            with self.assertRaises(rpcd.BadArray):
                odd("ok", np.zeros(1000000))
            self.assertEqual(odd("ok").tolist(), "ok")

    def test_a_worker_that_dies(self) -> None:
        with self.connect("odd", wait=rig.WITHIN) as odd:
            with self.assertRaises(rpcd.Lost) as caught:
                odd("die")
            self.assertTrue(caught.exception.started)
            self.assertEqual(odd("ok").tolist(), "ok")

    def test_a_timeout(self) -> None:
        with self.connect("odd", timeout=1.5, wait=rig.WITHIN) as odd:
            with self.assertRaises(TimeoutError):
                odd("sleep")
            rig.eventually(lambda: bool(self.again(odd)), "it serves again")

    def again(self, odd: rpcd.Connection) -> bool:
        try:
            return bool(odd("ok").tolist() == "ok")
        except TimeoutError:
            return False

    def test_bad_results(self) -> None:
        array = test_npy.saved(np.arange(100000))
        for what, why in (
            (b"hello, world", "doesn't begin as npy does"),
            (array[:-1], "its header promises 800000 bytes, and 799999 are there"),
            (array[:50], "its header is cut off"),
            (test_npy.saved(np.array([None])), "pickle"),
            (test_npy.with_header("{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999,)}", b"x" * 70000), "over the limit"),
        ):
            with self.subTest(why=why):
                with open(os.path.join(self.worker.folder, "bytes"), "wb") as f:
                    f.write(what)
                with self.connect("cat", f.name) as cat, self.assertRaises(rpcd.BadArray) as caught:
                    cat(np.arange(3))
                self.assertIn(why, str(caught.exception))
                self.assertLessEqual(len(str(caught.exception).replace(self.at, "")), 160)

    def test_what_it_says_on_stderr_is_heard(self) -> None:
        program = f"import rpcd; print(rpcd.connect({self.at!r}, 'sh', '-c', 'echo heard >&2; cat')(3))"
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": rig.PACKAGE})
        self.assertEqual((done.stdout, done.stderr), ("3\n", "heard\n"))

    def test_much_on_stderr(self) -> None:
        with self.connect("sh", "-c", "yes | head -c 1000000 >&2; exit 4") as noisy, self.assertRaises(rpcd.CallFailed) as caught:
            noisy(1)
        self.assertEqual((caught.exception.returncode, len(caught.exception.stderr)), (4, 64 << 10))

    def test_a_flood_on_stderr_takes_no_memory(self) -> None:
        """The procedure waits until the memory of its stderr was taken, and says on it how large that is."""
        waits = "yes | head -c 3000000 >&2; while [ $(stat -L -c %b /proc/self/fd/2) -gt 100 ]; do sleep 0.05; done; echo end >&2; exit 3"
        with self.connect("sh", "-c", waits, timeout=20) as noisy, self.assertRaises(rpcd.CallFailed) as caught:
            noisy(1)
        self.assertEqual(caught.exception.returncode, 3)
        self.assertEqual(caught.exception.stderr[-10:], "y\ny\ny\nend\n")
        self.assertNotIn("\0", caught.exception.stderr)

    def test_threads_take_turns(self) -> None:
        wrong: List[Any] = []
        with self.connect("flip") as flip:

            def calls(n: int) -> None:
                for i in range(30):
                    a = np.arange(n * 1000000 + i, n * 1000000 + i + 50000)  # each of the same size
                    if not (flip(a) == a[::-1]).all():
                        wrong.append((n, i))

            threads = [threading.Thread(target=calls, args=(n,)) for n in range(4)]
            for t in threads:
                t.start()
            for t in threads:
                t.join()
        self.assertEqual(wrong, [])

    def test_after_a_fork(self) -> None:
        with self.connect("flip") as flip:
            a = np.arange(20000.0)
            flip(a)
            child = os.fork()
            if child == 0:
                ok = all((flip(-a) == -a[::-1]).all() for _ in range(30))
                os._exit(0 if ok else 1)
            self.assertTrue(all((flip(a) == a[::-1]).all() for _ in range(30)))
            self.assertEqual(os.waitpid(child, 0)[1], 0)

    def test_closed(self) -> None:
        flip = self.connect("flip")
        flip.close()
        with self.assertRaises(ValueError):
            flip(1)
        with self.assertRaises(rpcd.Unreachable):
            rpcd.connect("/no/such.sock", "flip")
        with self.connect("nope") as nope, self.assertRaises(rpcd.Refused):
            nope(1)

    def test_ctrl_c(self) -> None:
        program = f"import rpcd; rpcd.connect({self.at!r}, 'sh', '-c', 'echo >{self.worker.folder}/up; sleep 1000')(1)"
        with subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE, env={**os.environ, "PYTHONPATH": rig.PACKAGE}) as p:
            rig.eventually(lambda: os.path.exists(self.worker.folder + "/up"), "it runs")
            p.send_signal(signal.SIGINT)
            assert p.stderr is not None
            self.assertIn(b"KeyboardInterrupt", p.stderr.read())
        os.unlink(self.worker.folder + "/up")


class Direct(Connect):
    def test_memory_is_shared_and_used_again(self) -> None:
        """The procedure maps each memory once, and the caller makes no new ones."""
        with self.connect("odd") as odd:
            a = np.arange(100000)
            odd("x", a)
            first = int(odd("maps", a))
            self.assertGreaterEqual(first, 1)
            fds = len(os.listdir("/proc/self/fd"))
            for _ in range(20):
                odd("x", a)
            self.assertEqual(int(odd("maps", a)), first)
            self.assertEqual(len(os.listdir("/proc/self/fd")), fds)

    def test_numpy_alone(self) -> None:
        """A procedure that knows nothing of rpcd, but np.load and np.save."""
        with self.connect("plain") as plain:
            for n in (3, 100000, 3, 200000):
                self.assertTrue((plain(np.arange(n)) == np.arange(n) * 2).all())

    def test_memory_is_sealed(self) -> None:
        """The procedure can't make the caller's memory shorter under its reader."""
        with self.connect("sh", "-c", "cat; truncate -s 0 /dev/stdin /dev/stdout 2>/dev/null && exit 5; exit 0") as cat:
            a = np.arange(100000)
            self.assertTrue((cat(a) == a).all())

    def test_a_position_behind_the_end(self) -> None:
        seeks = "import os; os.lseek(1, 1 << 40, 0)\n"
        with self.connect("sh", "-c", f"{sys.executable} -c '{seeks}'") as odd, self.assertRaises(rpcd.BadArray) as caught:
            odd(1)
        self.assertIn("behind the end", str(caught.exception))

    def test_the_connection_is_kept(self) -> None:
        with self.connect("flip") as flip:
            flip(1)
            link = flip._link
            self.assertIsNotNone(link)
            flip(2)
            self.assertIs(flip._link, link)

    def test_the_worker_comes_again(self) -> None:
        with self.connect("cat") as cat:
            self.assertEqual(cat(1), 1)
            self.worker.end("rpcd", signal.SIGTERM)
            self.worker.start()
            self.assertEqual(cat(2), 2)


class Bridged(Connect):
    bridged = True


del Connect


class WithoutNumpy(unittest.TestCase):
    def test_import(self) -> None:
        """NumPy is imported when arrays are used, never before."""
        program = "import sys, rpcd, rpcd.resident; sys.exit('numpy' in sys.modules)"
        self.assertEqual(subprocess.run([sys.executable, "-c", program], env={**os.environ, "PYTHONPATH": rig.PACKAGE}).returncode, 0)


class Again(unittest.TestCase):
    """A call that its connection has carried before."""

    def test_what_succeeded(self) -> None:
        started = wire.frame(wire.STARTED, wire.field(1, b"17") + wire.field(3, bytes(8)))
        status = wire.field(1, bytes(4))
        times = wire.field(2, bytes(8)) + wire.field(3, bytes(8))
        exit_ = wire.frame(wire.EXIT, status + times)
        self.assertTrue(_again.succeeded(started + exit_))
        for other in (
            b"",
            started,
            exit_,
            started + exit_[:-1],
            started + exit_ + b"x",
            started + exit_ + exit_,
            wire.frame(wire.STARTED, started[8:], flags=wire.BRIDGED) + exit_,
            wire.frame(wire.ACCEPTED, started[8:]) + exit_,
            started + wire.frame(wire.EXIT, status + times, flags=wire.TIMEOUT),
            started + wire.frame(wire.EXIT, status + times, stream=1),
            started + wire.frame(wire.EXIT, wire.field(1, b"\0\0\3\0") + times),
            started + wire.frame(wire.EXIT, status + times + wire.field(6, b"crash")),
            started + wire.frame(wire.EXIT, status + wire.field(2, bytes(8)) + wire.field(4, bytes(8))),
        ):
            self.assertFalse(_again.succeeded(other), other)

    def test_what_comes_at_once(self) -> None:
        ours, theirs = socket.socketpair()
        self.addCleanup(ours.close)
        with theirs, open(os.devnull, "rb") as null:
            theirs.sendall(b"answer")
            self.assertEqual(_again.exchange(ours, b"call", [null.fileno()]), b"answer")
            b, fds, lost = _fds.receive(theirs, 10, 10)
            self.assertEqual((b, len(fds), lost), (b"call", 1, False))
            self.assertFalse(os.get_inheritable(fds[0]))
            os.close(fds[0])
            ours.setblocking(False)  # as RECEIVE_TIME does, later
            self.assertEqual(_again.exchange(ours, b"call", [null.fileno()]), b"")
            try:
                while True:
                    ours.send(bytes(1 << 16), _again.SEND)
            except BlockingIOError:
                pass
            self.assertIsNone(_again.exchange(ours, b"call", [null.fileno()]))
        self.assertEqual(_again.exchange(ours, b"call", [0]), b"")
