"""rpcd.resident: against a test that plays rpcd, and under a real one."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import unittest
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from rpcd import _memory
from rpcd import _wire as wire

from . import rig

if rig.HAS_NUMPY:
    import numpy as np

    from . import test_npy

PROGRAM = """
import os, sys, time
from rpcd import resident
import rpcd

kept = [os.open("/dev/zero", os.O_RDONLY)]

def handle(call):
    word = call.args[0] if call.args else ""
    if word == "say":
        print(call.procedure, call.args, call.id, call.cwd, os.getcwd(), oct(call.umask), call.env.get("MINE"), file=call.stdout)
    if word == "cat": call.stdout.buffer.write(call.stdin.buffer.read())
    if word == "print":
        print("stray")
        os.system("echo stray2")
    if word == "boom": raise ValueError("boom")
    if word == "exit": sys.exit(7)
    if word == "exit-text": sys.exit("text")
    if word == "exit-none": sys.exit()
    if word == "return": return 300
    if word == "bad": return "bad"
    if word == "chdir": os.chdir("/usr"); os.umask(0)
    if word == "where": print(os.getcwd(), oct(os.umask(0o77)), file=call.stdout)
    if word == "keep": kept[0] = call.stdout
    if word == "kept":
        try: print("late", file=kept[0], flush=True)
        except ValueError: print("closed", file=call.stdout)
    if word == "fd":
        for n in call.fds: os.write(n, b"by number")
        print(call.fds, file=call.stdout)
    if word == "dup": kept.append(os.dup(call.stdout.fileno()))
    if word == "sleep":
        try:
            print("up", file=call.stdout, flush=True)
            while True: time.sleep(0.05)  # a signal just before a longer one would be noticed behind it
        except KeyboardInterrupt:
            print("cancelled", file=call.stdout)
            if len(call.args) > 1: return 5
            raise
    if word == "spin":
        print("up", file=call.stdout, flush=True)
        while True: pass
    if word == "environ": print(os.environ.get("MINE"), os.environ.get("RPC_RESIDENT_FD"), file=call.stdout)
    if word == "length": print(len(call.args[1]), file=call.stdout)
    if word == "pid": print(os.getpid(), file=call.stdout)
    if word == "usr1":
        import signal
        signal.signal(signal.SIGUSR1, lambda *_: (call.stdout.write("usr1\\n"), sys.exit(0)))
        print("up", file=call.stdout, flush=True)
        while True: time.sleep(0.05)
    while word == "full": call.stdout.write("x" * 10); call.stdout.flush()  # until nobody reads

resident.serve(handle, fork=len(sys.argv) > 1)
"""


class Answer(NamedTuple):
    status: int
    out: bytes
    err: bytes
    fields: Dict[int, List[bytes]]


class Fake:
    """Plays rpcd for one resident worker."""

    def __init__(self, folder: str, fork: bool, program: str = PROGRAM) -> None:
        self.sock, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(rig.WITHIN)
        path = os.path.join(folder, "run.py")
        with open(path, "w") as f:
            f.write(program)
        self.log = open(os.path.join(folder, "log"), "w+b")
        self.process = subprocess.Popen(
            [sys.executable, path, *(["fork"] if fork else [])],
            cwd="/",
            pass_fds=[far.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
            env={**os.environ, "PYTHONPATH": rig.PACKAGE, "RPC_RESIDENT_FD": str(far.fileno())},
        )
        far.close()
        self.calls = 0
        self.knows = b"" if fork else wire.field(1, b"\0\0\0\1")

    def close(self) -> None:
        self.sock.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.log.close()

    def frame(self) -> Tuple[wire.Header, bytes]:
        """Gives the worker's next frame."""
        h = wire.header(self.exactly(8))
        return h, self.exactly(h.length)

    def exactly(self, n: int) -> bytes:
        b = b""
        while len(b) < n:
            part = self.sock.recv(n - len(b))
            if not part:
                raise EOFError("the worker has closed")
            b += part
        return b

    def ready(self) -> "Fake":
        assert self.frame()[0].type == wire.HEARTBEAT
        h, payload = self.frame()
        assert (h.type, payload) == (wire.READY, b"RPCD\0\1" + self.knows)
        return self

    def send(self, *args: str, stdin: Optional[int] = None, cwd: str = "/tmp", umask: int = 0o27, more: Dict[int, int] = {}, drop: int = 0) -> Tuple[int, int]:
        """Sends CALL, and gives the ends to read of stdout and stderr."""
        self.calls += 1
        out, err = os.pipe(), os.pipe()
        null = os.open("/dev/null", os.O_RDONLY)
        directory = os.open(cwd, os.O_PATH)
        fds = [null if stdin is None else stdin, out[1], err[1], *more.values(), directory]
        streams = [wire.Stream(n, wire.PASSED, i, 0 if n == 0 else 1) for i, n in enumerate([0, 1, 2, *more])]
        streams.append(wire.Stream(0, wire.DIRECTORY, len(fds) - 1))
        payload = wire.MARK + wire.field(1, b"name") + b"".join(wire.field(2, os.fsencode(a)) for a in args)
        payload += b"".join(wire.field(3, v) for v in (b"MINE=a=b", b"RPC_CALL_ID=%d" % self.calls, b"PWD=" + cwd.encode()))
        payload += wire.field(6, struct.pack(">I", umask)) + b"".join(wire.field(8, wire.STREAM.pack(*s)) for s in streams)
        payload += wire.field(99, b"of a later version")
        frame = wire.frame(wire.CALL, payload, flags=wire.KEEP)
        socket.send_fds(self.sock, [frame[:3]], fds[: len(fds) - drop])
        self.sock.sendall(frame[3:])
        for fd in (null, directory, out[1], err[1]):
            os.close(fd)
        return out[0], err[0]

    def started(self) -> None:
        h, payload = self.frame()
        assert h.type == wire.STARTED, (h, payload)
        assert wire.fields(payload, {1: -1}) == {1: [b"%d" % self.calls]}

    def signal(self, number: int) -> None:
        self.sock.sendall(wire.frame(wire.SIGNAL, bytes([number])))

    def ended(self, ends: Tuple[int, int]) -> Answer:
        """Waits for EXIT. By then nobody holds the call's streams."""
        h, payload = self.frame()
        assert h.type == wire.EXIT, (h, payload)
        fields = wire.fields(payload, {1: 4, 2: 8, 3: 8, 4: 8, 10: -1})
        assert fields[10] == [b"%d" % self.calls]
        got = []
        for fd in ends:
            os.set_blocking(fd, False)
            b = b""
            while True:
                part = os.read(fd, 65536)  # BlockingIOError: it is still open
                if not part:
                    break
                b += part
            os.close(fd)
            got.append(b)
        return Answer(wire.number(fields[1][0]), got[0], got[1], fields)

    def call(self, *args: str, **options: Any) -> Answer:
        ends = self.send(*args, **options)
        self.started()
        return self.ended(ends)


class Resident(unittest.TestCase):
    fork = False

    def setUp(self) -> None:
        self.folder = tempfile.mkdtemp(prefix="python-")
        self.addCleanup(lambda: subprocess.run(["rm", "-rf", self.folder]))
        self.fake = Fake(self.folder, self.fork)
        self.addCleanup(self.fake.close)
        self.fake.ready()

    def test_a_call_is_as_a_process(self) -> None:
        for _ in range(2):
            a = self.fake.call("say", "b c", "")
            self.assertEqual(a.out.decode(), f"name ['say', 'b c', ''] {self.fake.calls} /tmp /tmp 0o27 a=b\n")
            self.assertEqual((a.status, a.err), (0, b""))
        r, w = os.pipe()
        os.write(w, b"in\xff")
        os.close(w)
        self.assertEqual(self.fake.call("cat", stdin=r).out, b"in\xff")
        os.close(r)
        self.assertEqual(4 in a.fields, self.fork)  # memory is a process's alone

    def test_statuses(self) -> None:
        for word, status, err in (
            ("nothing", 0, b""),
            ("exit", 7, b""),
            ("exit-text", 1, b"text\n"),
            ("exit-none", 0, b""),
            ("return", 300 & 255, b""),
        ):
            with self.subTest(word=word):
                a = self.fake.call(word)
                self.assertEqual((a.status, a.out, a.err), (status << 8, b"", err))

    def test_exceptions(self) -> None:
        a = self.fake.call("boom")
        self.assertEqual((a.status, a.out), (1 << 8, b""))
        self.assertTrue(a.err.startswith(b"Traceback (most recent call last):\n"))
        self.assertTrue(a.err.endswith(b"ValueError: boom\n"))
        self.assertNotIn(b"resident.py", a.err)
        self.assertIn(b"TypeError: the handler gave str", self.fake.call("bad").err)
        r, w = os.pipe()
        out, err = self.fake.send("full")
        os.close(out)  # nobody reads
        self.fake.started()
        os.close(w)
        self.assertIn(b"BrokenPipeError", self.fake.ended((r, err)).err)

    def test_stray_prints(self) -> None:
        a = self.fake.call("print")
        self.assertEqual((a.out, a.err), (b"", b""))
        self.fake.sock.close()
        self.fake.process.wait(rig.WITHIN)
        self.fake.log.seek(0)
        self.assertEqual(sorted(self.fake.log.read().split()), [b"stray", b"stray2"])

    def umask(self) -> str:
        with open(f"/proc/{self.fake.process.pid}/status") as f:
            return next(line.split()[1] for line in f if line.startswith("Umask:"))

    def test_directory_and_umask_are_put_back(self) -> None:
        before = self.umask()
        self.fake.call("chdir")
        rig.eventually(lambda: self.umask() == before, "it has its umask again")
        rig.eventually(lambda: os.readlink(f"/proc/{self.fake.process.pid}/cwd") == "/", "it is in / again")
        self.assertEqual(self.fake.call("where", cwd="/usr", umask=0o7).out, b"/usr 0o7\n")

    def test_what_is_kept_is_closed(self) -> None:
        self.fake.call("keep")
        self.assertEqual(self.fake.call("kept").out, b"" if self.fork else b"closed\n")

    def test_descriptors_by_number(self) -> None:
        """Low numbers, too: what is the worker's own lies beyond them."""
        own = int(self.own_number())
        for n in (3, 4, 5, 6, 7, 8, 9, 63, 252):
            if n == own:
                continue
            r, w = os.pipe()
            a = self.fake.call("fd", more={n: w})
            os.close(w)
            self.assertEqual((a.out, os.read(r, 100)), (b"{%d: %d}\n" % (n, n), b"by number"))
            os.close(r)

    # fault: 198
    def test_a_number_that_is_taken(self) -> None:
        r, w = os.pipe()
        ends = self.fake.send("fd", more={int(self.own_number()): w})
        self.refused(10, b"is its own")
        for fd in (r, w, *ends):
            os.close(fd)
        self.assertEqual(self.fake.call("nothing").status, 0)

    def own_number(self) -> str:
        """The number of a file that the program has open."""
        folder = f"/proc/{self.fake.process.pid}/fd"
        return next(n for n in os.listdir(folder) if os.readlink(f"{folder}/{n}") == "/dev/zero")

    def refused(self, code: int, text: bytes) -> None:
        h, payload = self.fake.frame()
        self.assertEqual(h.type, wire.REFUSED)
        f = wire.fields(payload, {1: 2, 2: -1, 5: -1})
        self.assertEqual(wire.number(f[1][0]), code)
        if code != 9:  # of a call
            self.assertEqual(f[5], [b"%d" % self.fake.calls])
        self.assertIn(text, f[2][0])

    def test_refusals(self) -> None:
        before = self.descriptors()
        null = os.open("/dev/null", os.O_RDONLY)
        socket.send_fds(self.fake.sock, [wire.frame(wire.PING, wire.MARK)], [null, null])
        self.refused(9, b"doesn't know")
        ends = [null, *self.fake.send("nothing", drop=1)]
        self.refused(10, b"descriptors came")
        ends += self.fake.send("nothing", cwd="/dev/null")
        self.refused(5, b"Not a directory")
        for fd in ends:
            os.close(fd)
        self.assertEqual(self.descriptors(), before)
        self.assertEqual(self.fake.call("nothing").status, 0)

    def descriptors(self) -> int:
        """Counts the worker's descriptors, once it waits for a call: a forking one has a socket to its next child."""
        folder = f"/proc/{self.fake.process.pid}/fd"
        found: List[str] = []

        def settled() -> bool:
            found[:] = []
            for n in os.listdir(folder):
                try:
                    found.append(os.readlink(f"{folder}/{n}"))
                except FileNotFoundError:
                    return False
            return sum(f.startswith("socket:") for f in found) == (2 if self.fork else 1)

        rig.eventually(settled, "the worker waits")
        return len(found)

    def test_many_calls(self) -> None:
        self.fake.call("nothing")
        before = self.descriptors()
        for _ in range(50):
            self.fake.call("say", "x")
            self.fake.call("boom")
        self.assertEqual(self.descriptors(), before)

    def test_a_child_waits_for_the_next_call(self) -> None:
        """One that is killed meanwhile costs its fork alone, and none outlives the worker."""
        if not self.fork:
            self.skipTest("only a forking worker has one")
        last = 0

        def waits() -> int:
            rig.eventually(lambda: len(self.children()) == 1 and self.children() != [last], "the last one has ended, the next one waits")
            return self.children()[0]

        for kill in (False, True, False):
            child = waits()
            if kill:
                os.kill(child, signal.SIGKILL)
                rig.eventually(lambda: rig.gone(child), "its end")
            last = int(self.fake.call("pid").out)
            self.assertEqual(last == child, not kill)
        child = waits()
        self.fake.process.kill()
        rig.eventually(lambda: rig.gone(child), "the end of the child that waits")

    def children(self) -> List[int]:
        pid = self.fake.process.pid
        with open(f"/proc/{pid}/task/{pid}/children") as f:
            return [int(n) for n in f.read().split()]

    def test_long_arguments_to_a_forking_worker(self) -> None:
        word = "x" * (200 << 10)  # more than a waiting child is given
        self.assertEqual(self.fake.call("length", word).out, b"204800\n")

    def test_cancel(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
            for word in ("sleep", "spin"):
                with self.subTest(number=number, word=word):
                    ends = self.fake.send(word)
                    self.fake.started()
                    self.assertEqual(os.read(ends[0], 3), b"up\n")
                    self.fake.signal(number)
                    a = self.fake.ended(ends)
                    self.assertEqual(a.status & 0x7F, number)
                    gets = word == "sleep" and (number == signal.SIGINT or not self.fork)
                    self.assertEqual(a.out, b"cancelled\n" if gets else b"")
                    self.assertEqual(a.err, b"")
        self.assertEqual(self.fake.call("say").status, 0)

    def test_a_handler_that_has_its_own_idea(self) -> None:
        ends = self.fake.send("sleep", "5")
        self.fake.started()
        self.assertEqual(os.read(ends[0], 3), b"up\n")
        self.fake.signal(signal.SIGINT)
        self.assertEqual(self.fake.ended(ends).status, 5 << 8)

    def test_a_signal_that_comes_late(self) -> None:
        for _ in range(20):
            self.fake.call("nothing")
            self.fake.signal(signal.SIGTERM)
            self.assertEqual(self.fake.call("nothing").status, 0)

    def test_a_signal_that_comes_at_once(self) -> None:
        for _ in range(20):
            ends = self.fake.send("spin")
            self.fake.signal(signal.SIGTERM)
            self.fake.started()
            self.assertEqual(self.fake.ended(ends).status, signal.SIGTERM)

    def test_signals_race_with_the_end(self) -> None:
        """Whenever a SIGNAL comes, each call has one EXIT, and the worker goes on."""
        for _ in range(200):
            ends = self.fake.send("pid")
            self.fake.started()
            self.fake.signal(signal.SIGTERM)
            self.assertIn(self.fake.ended(ends).status, (0, signal.SIGTERM))
        self.assertIsNone(self.fake.process.poll())

    def test_the_end(self) -> None:
        self.fake.sock.close()
        self.assertEqual(self.fake.process.wait(rig.WITHIN), 0)

    def test_rpcd_goes_in_a_call(self) -> None:
        out, err = self.fake.send("sleep")
        self.fake.started()
        self.assertEqual(os.read(out, 3), b"up\n")
        self.fake.sock.close()
        self.assertEqual(self.fake.process.wait(rig.WITHIN), 0)
        self.assertEqual(os.read(out, 100), b"" if self.fork else b"cancelled\n")
        os.close(out)
        os.close(err)

    def test_what_it_starts_is_no_worker(self) -> None:
        a = self.fake.call("environ")
        self.assertEqual(a.out, b"a=b None\n" if self.fork else b"None None\n")


class Forked(Resident):
    fork = True

    def test_each_call_has_a_child(self) -> None:
        pids = {self.fake.call("pid").out for _ in range(3)}
        self.assertEqual(len(pids), 3)
        self.assertNotIn(b"%d\n" % self.fake.process.pid, pids)

    def test_other_signals(self) -> None:
        ends = self.fake.send("usr1")
        self.fake.started()
        self.assertEqual(os.read(ends[0], 3), b"up\n")
        self.fake.signal(signal.SIGUSR1)
        a = self.fake.ended(ends)
        self.assertEqual((a.status, a.out), (0, b"usr1\n"))


class ByHand(unittest.TestCase):
    def test_one_call(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "run.py")
            with open(path, "w") as f:
                f.write(PROGRAM)
            for word, status, out in (("cat", 0, b"in"), ("boom", 1, b""), ("exit", 7, b"")):
                done = subprocess.run([sys.executable, path, word], input=b"in", capture_output=True, env={**os.environ, "PYTHONPATH": rig.PACKAGE})
                self.assertEqual((done.returncode, done.stdout), (status, out))


@rig.needs_numpy
class Memory(unittest.TestCase):
    """A memfd that shrinks under its reader: the map isn't trusted."""

    def memfd(self, b: bytes, sealed: bool) -> int:
        fd = os.memfd_create("test", os.MFD_ALLOW_SEALING)
        self.addCleanup(os.close, fd)
        os.write(fd, b)
        os.lseek(fd, 0, os.SEEK_SET)
        if sealed:
            fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK)
        return fd

    def test_only_what_is_sealed_is_mapped(self) -> None:
        from rpcd import resident

        b = test_npy.saved(np.arange(100000))
        for sealed in (True, False):
            maps = _memory.Maps()
            fd = self.memfd(b, sealed)
            (a,) = resident._take(fd, maps, 1 << 30)
            self.assertEqual(len(maps.found), 1 if sealed else 0)
            self.assertTrue((a == np.arange(100000)).all())
            if sealed:
                with self.assertRaises(OSError):
                    os.ftruncate(fd, 0)
            else:
                os.ftruncate(fd, 0)
                self.assertEqual(int(a[99999]), 99999)

    def test_appended(self) -> None:
        """What is open for appending isn't written by a map: that would begin at the file's start."""
        from rpcd import _npy, resident

        fd = self.memfd(b"before", True)
        again = os.open(f"/proc/self/fd/{fd}", os.O_RDWR | os.O_APPEND)
        self.addCleanup(os.close, again)
        records, size = _npy.records([np.arange(100000)])
        resident._give(again, _memory.Maps(), records, size)
        self.assertEqual((os.pread(fd, 6, 0), os.fstat(fd).st_size), (b"before", size + 6))

    def test_maps_are_bounded(self) -> None:
        maps = _memory.Maps()
        for _ in range(_memory.MAPS + 10):
            fd = self.memfd(b"x", True)
            maps.get(fd, os.fstat(fd), False)
        self.assertEqual(len(maps.found), _memory.MAPS)
        for _ in range(5):
            fd = self.memfd(b"", False)
            os.ftruncate(fd, _memory.MAPPED)
            fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK)
            maps.get(fd, os.fstat(fd), False)
        self.assertEqual(len(maps.found), 2)

    def test_a_memory_that_grows(self) -> None:
        maps = _memory.Maps()
        fd = self.memfd(b"x" * 5000, True)
        first = maps.get(fd, os.fstat(fd), False)
        self.assertIs(maps.get(fd, os.fstat(fd), False), first)
        os.ftruncate(fd, 10000)
        second = maps.get(fd, os.fstat(fd), False)
        assert second is not None
        self.assertEqual((len(second), len(maps.found)), (10000, 1))


@rig.needs_numpy
class InBash(rig.WithWorker):
    """serve_arrays under a real rpcd, called by rpc."""

    @classmethod
    def prepare(cls, worker: rig.Worker) -> None:
        program = "from rpcd import resident\nresident.serve_arrays(lambda *a: [x[::-1] for x in a], limit=1000000)\n"
        worker.procedure("flip", program, workers="2\n")  # two stand in one pipeline

    def rpc(self, line: str, given: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
        env = {**os.environ, "PATH": rig.binaries() + ":" + os.environ["PATH"]}
        return subprocess.run(["bash", "-c", line], input=given, capture_output=True, cwd=self.folder, env=env, timeout=rig.WITHIN)

    def test_files_and_pipes(self) -> None:
        for n in (3, 100000):
            np.save(os.path.join(self.folder, "frame.npy"), np.arange(n))
            done = self.rpc(f"rpc {self.at} flip <frame.npy >boxes.npy && rpc {self.at} flip <boxes.npy | rpc {self.at} flip | cat >again.npy")
            self.assertEqual((done.returncode, done.stderr), (0, b""))
            for file in ("boxes.npy", "again.npy"):
                self.assertTrue((np.load(os.path.join(self.folder, file)) == np.arange(n)[::-1]).all())

    def test_appended(self) -> None:
        np.save(os.path.join(self.folder, "a.npy"), np.arange(20000))
        done = self.rpc(f"printf before >out; rpc {self.at} flip <a.npy >>out; head -c 6 out; tail -c +7 out >b.npy")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, b"before", b""))
        self.assertTrue((np.load(os.path.join(self.folder, "b.npy")) == np.arange(20000)[::-1]).all())

    def test_bad_input(self) -> None:
        good = test_npy.saved(np.arange(10000))
        for given, why in (
            (good[:-1], "its header promises 80000 bytes, and 79999"),
            (good[:20], "its header is cut off"),
            (b"hello, world\n", "it doesn't begin as npy does"),
            (test_npy.saved(np.array([None])), "it is an array of objects (a pickle), which is refused"),
            (test_npy.saved(np.zeros(1000000)), "over the limit of 1000000"),
            (good + b"x", "it doesn't begin as npy does"),
        ):
            for way in ("cat |", ""):
                with self.subTest(why=why, way=way):
                    with open(os.path.join(self.folder, "in"), "wb") as f:
                        f.write(given)
                    done = self.rpc(f"{'cat in |' if way else ''} rpc {self.at} flip {'' if way else '<in'}")
                    self.assertEqual((done.returncode, done.stdout), (1, b""))
                    self.assertRegex(done.stderr, rb"\Aflip: cannot read an array from stdin: .*\n\Z")
                    self.assertIn(why.encode(), done.stderr)
                    self.assertLessEqual(len(done.stderr), 160)
        done = self.rpc(f"rpc {self.at} flip --fast </dev/null")
        self.assertEqual((done.returncode, done.stderr), (2, b"flip: takes arrays on stdin, no arguments ('--fast')\n"))

    def test_a_closed_stdout(self) -> None:
        np.save(os.path.join(self.folder, "a.npy"), np.arange(100000))
        self.assertEqual(self.rpc(f"rpc {self.at} flip <a.npy >&-").returncode, 0)


class InBashBridged(InBash):
    bridged = True
