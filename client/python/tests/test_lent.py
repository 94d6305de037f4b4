"""Connections that rpcd lends to a resident worker: the same call again and again.

Whether a call is served in a loan is a matter of time, so each of these tests plays it several times, most of them
right after a loan was seen.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import unittest
from typing import Any, Dict, List, Tuple

import rpcd
from rpcd import _wire as wire
from rpcd import _serving

from . import rig

TIMES = 5
PROGRAM = """
import os, sys, time
from rpcd import resident

def handle(call):
    if call.args and call.args[0] == "note":
        with open(call.args[1], "a", errors="surrogateescape") as f: print(*call.args[2:], file=f)
    if call.args and call.args[0] == "inherits":
        print(sorted(n for n in os.listdir("/proc/self/fd") if int(n) > 2 and os.path.exists("/proc/self/fd/" + n) and os.get_inheritable(int(n))), file=open(call.args[1], "w"))
    if call.args and call.args[0] == "begin":
        open(call.args[1], "w")
        time.sleep(1000)
    word, _, rest = call.stdin.buffer.read().partition(b" ")
    if word == b"id": print(call.id, end="", file=call.stdout)
    if word == b"where": print(os.getcwd(), call.cwd, oct(os.umask(0o7)), call.env["RPC_CALL_ID"] == call.id, file=call.stdout)
    if word == b"stray": os.chdir("/"); print("a stray line")
    if word == b"fail": print("so it failed", file=call.stderr); sys.exit(3)
    if word == b"raise": raise ValueError("boom")
    if word == b"die": os._exit(9)
    if word == b"count": open(rest, "ab").write(b"x")
    if word == b"sleep":
        try:
            open(rest + b".begun", "w")
            time.sleep(1000)
        except KeyboardInterrupt:
            os.rename(rest + b".begun", rest + b".canceled")
            raise

resident.serve(handle)
"""


class Lent(rig.WithWorker):
    ended: List[BaseException]

    @classmethod
    def prepare(cls, worker: rig.Worker) -> None:
        worker.procedure("one", PROGRAM, workers="1\n")
        worker.procedure("short", PROGRAM, workers="1\n", timeout="1\n")
        worker.procedure("few", PROGRAM, workers="1\n", **{"max-uses": "7\n"})
        worker.procedure("lines", PROGRAM, workers="1\n", **{"log-args": ""})
        worker.procedure("two", PROGRAM, workers="2\n")

    def tearDown(self) -> None:
        self.ended = []  # tracebacks hold what they name
        self.doCleanups()
        gc.collect()
        super().tearDown()

    def connect(self, procedure: str = "one", **options: Any) -> rpcd.Connection:
        found = rpcd.connect(self.at, procedure, **options)
        self.addCleanup(found.close)
        return found

    def ids(self, c: rpcd.Connection, n: int) -> List[int]:
        return [int(c._bytes(b"id")) for _ in range(n)]

    def lend(self, c: rpcd.Connection) -> None:
        """Calls until the connection was lent: rpcd puts ids aside for a loan."""
        ids = self.ids(c, 2)

        def jumped() -> bool:
            ids.extend(self.ids(c, 1))
            return ids[-1] - ids[-2] > 500

        rig.eventually(jumped, "a loan")
        self.ids(c, 2)

    def path(self, name: str) -> str:
        return os.path.join(self.worker.folder, name)

    def counters(self) -> Dict[str, Any]:
        out = subprocess.run([rig.binaries() + "/rpc", "ls", "--json", self.worker.socket], stdout=subprocess.PIPE, check=True).stdout
        found: Dict[str, Any] = json.loads(out)
        return found

    def test_each_call_is_one(self) -> None:
        c = self.connect()
        before = self.calls()
        self.lend(c)
        ids = self.ids(c, 1100)  # more than a loan has
        self.assertEqual(len(set(ids)), 1100)
        self.assertEqual(ids, sorted(ids))
        self.assertGreaterEqual(self.calls() - before, 1104)  # none is missing in what ls counts

    def calls(self) -> int:
        text = json.dumps(self.counters())
        return int(text.partition('"calls": ')[2].partition(",")[0].rstrip("}] "))

    def test_what_a_call_gets(self) -> None:
        os.chdir(self.worker.folder)
        self.addCleanup(os.chdir, "/")
        here = os.getcwd()
        old = os.umask(0o27)
        self.addCleanup(os.umask, old)
        c = self.connect(cwd=here)
        for _ in range(TIMES):
            self.lend(c)
            for _ in range(3):
                self.assertEqual(c._bytes(b"where").decode().split(), [here, here, "0o27", "True"])
            c._bytes(b"stray")
            self.assertEqual(c._bytes(b"where").decode().split(), [here, here, "0o27", "True"])

    def test_a_call_that_fails(self) -> None:
        c = self.connect()
        for _ in range(TIMES):
            for word, status, text in ((b"fail", 3, "so it failed"), (b"raise", 1, "ValueError: boom")):
                self.lend(c)
                with self.assertRaises(rpcd.CallFailed) as caught:
                    c._bytes(word)
                self.assertEqual(caught.exception.returncode, status)
                self.assertIn(text, str(caught.exception))

    # fault: 187
    def test_a_crash(self) -> None:
        for _ in range(TIMES):
            c = self.connect()
            self.lend(c)
            with self.assertRaises(rpcd.Lost) as caught:
                c._bytes(b"die")
            self.assertTrue(caught.exception.started)
            self.assertIn("in the middle of the call", str(caught.exception))

    # fault: 188
    def test_killed_between_calls(self) -> None:
        for _ in range(TIMES):
            c = self.connect()
            self.lend(c)
            os.kill(self.warm("one"), signal.SIGKILL)
            try:
                self.ids(c, 5)  # they wait for the next one
            except rpcd.Lost as e:  # it was killed before it noted that its answer had left
                self.assertTrue(e.started)

    def warm(self, procedure: str) -> int:
        """Gives the process of a procedure's worker."""
        run = os.path.join(self.worker.exports, procedure, "run")
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as f:
                    if os.fsencode(run) in f.read().split(b"\0"):
                        return int(pid)
            except OSError:
                pass
        raise AssertionError(f"no worker of {procedure}")

    def sleeping(self, c: rpcd.Connection, name: str) -> "threading.Thread":
        """Begins a call that sleeps, in a thread, and waits until it has begun."""
        self.ended = []

        def call() -> None:
            try:
                c._bytes(b"sleep " + os.fsencode(self.path(name)))
            except BaseException as e:
                self.ended.append(e)

        t = threading.Thread(target=call, daemon=True)
        t.start()
        rig.eventually(lambda: os.path.exists(self.path(name + ".begun")), "the call began")
        return t

    def test_ps_and_kill(self) -> None:
        c = self.connect(label="mine")
        for i in range(TIMES):
            self.lend(c)
            t = self.sleeping(c, f"kill{i}")
            rpc = rig.binaries() + "/rpc"
            listed = subprocess.run([rpc, "ps", "--json", self.worker.socket], stdout=subprocess.PIPE, check=True).stdout
            calls = json.loads(listed)
            self.assertEqual([k["label"] for k in calls], ["mine"], listed)
            self.assertEqual(calls[0]["state"], "running")
            subprocess.run([rpc, "kill", self.worker.socket, calls[0]["id"]], check=True)
            t.join(rig.WITHIN)
            self.assertIsInstance(self.ended[0], rpcd.CallFailed)
            self.assertEqual(self.ended[0].returncode, -signal.SIGTERM)  # type: ignore[attr-defined]
            self.assertTrue(os.path.exists(self.path(f"kill{i}.canceled")))

    # fault: 190
    def test_the_caller_is_killed(self) -> None:
        for i in range(TIMES):
            path = self.path(f"gone{i}")
            program = f"""
import rpcd
with rpcd.connect({self.at!r}, "one") as c:
    for _ in range(50): c._bytes(b"id")
    c._bytes(b"sleep {path}")
"""
            p = subprocess.Popen([sys.executable, "-c", program], env={**os.environ, "PYTHONPATH": rig.PACKAGE})
            rig.eventually(lambda: os.path.exists(path + ".begun"), "the call began")
            p.kill()
            p.wait()
            rig.eventually(lambda: os.path.exists(path + ".canceled"), "the call is told")

    # fault: 190
    def test_interrupted(self) -> None:
        for i in range(TIMES):
            path = self.path(f"int{i}")
            program = f"""
import rpcd
with rpcd.connect({self.at!r}, "one") as c:
    for _ in range(50): c._bytes(b"id")
    try:
        c._bytes(b"sleep {path}")
    except KeyboardInterrupt:
        print("interrupted")
"""
            p = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": rig.PACKAGE})
            rig.eventually(lambda: os.path.exists(path + ".begun"), "the call began")
            p.send_signal(signal.SIGINT)
            self.assertEqual(p.communicate(timeout=rig.WITHIN)[0], b"interrupted\n")
            rig.eventually(lambda: os.path.exists(path + ".canceled"), "the call is told")

    def test_a_time_limit(self) -> None:
        c = self.connect("short")
        for i in range(2):
            self.lend(c)
            with self.assertRaises(TimeoutError) as caught:
                c._bytes(b"sleep " + os.fsencode(self.path(f"limit{i}")))
            self.assertIn("a limit of 1 s", str(caught.exception))
            self.assertTrue(os.path.exists(self.path(f"limit{i}.canceled")))

    def test_the_callers_time_limit(self) -> None:
        for i in range(2):
            self.ids(self.connect(), 1)  # the worker is up
            c = self.connect(timeout=4)
            self.lend(c)
            with self.assertRaises(TimeoutError):
                c._bytes(b"sleep " + os.fsencode(self.path(f"late{i}")))
            self.assertTrue(os.path.exists(self.path(f"late{i}.begun")))
            self.ids(self.connect(), 1)  # the worker was killed, and another one is there

    # fault: 191
    def test_another_caller_waits(self) -> None:
        """A loan doesn't keep the worker: who waits gets it soon, and who won't wait isn't refused for an idle one."""
        a, b = self.connect(), self.connect()
        for _ in range(TIMES):
            self.lend(a)
            self.ids(b, 1)
            self.lend(a)
            done = subprocess.run([rig.binaries() + "/rpc", "call", self.worker.socket, "one"], input=b"id", stdout=subprocess.PIPE)
            self.assertEqual(done.returncode, 0)

    def test_two_for_one(self) -> None:
        """Many calls of two callers on one worker."""
        got: List[List[int]] = [[], []]
        threads = [threading.Thread(target=lambda i=i: got[i].extend(self.ids(self.connect(), 200))) for i in (0, 1)]
        for t in threads:
            t.start()
        for t in threads:
            t.join(rig.WITHIN)
        self.assertEqual(len(set(got[0] + got[1])), 400)

    def test_recalled_all_the_time(self) -> None:
        """Who looks at the calls, as fast as may be, costs none of them."""
        c, over = self.connect(), threading.Event()

        def look() -> None:
            while not over.is_set():
                with socket.socket(socket.AF_UNIX) as s:
                    s.connect(self.worker.socket)
                    s.sendall(wire.frame(4, wire.MARK))  # PS
                    s.recv(1)

        looks = threading.Thread(target=look)
        looks.start()
        try:
            self.assertEqual(len(set(self.ids(c, 300))), 300)
        finally:
            over.set()
            looks.join(rig.WITHIN)

    # fault: 192
    def test_rules_that_change(self) -> None:
        """What is forbidden now isn't served for long."""
        allow = os.path.join(self.worker.exports, "two", "allow")
        c = self.connect("two")
        for _ in range(TIMES):
            self.lend(c)
            with open(allow, "w"):
                os.chmod(allow, 0o644)
            until = time.monotonic() + 0.1
            try:
                while time.monotonic() < until + rig.WITHIN:
                    now = time.monotonic()
                    self.ids(c, 1)
                self.fail("it is still served")
            except rpcd.Refused as e:
                self.assertLess(now, until + 10)  # the last one that was served was not long behind
                self.assertFalse(e.started)
            os.remove(allow)

    def test_max_uses(self) -> None:
        c = self.connect("few")
        self.assertEqual(len(set(self.ids(c, 60))), 60)

    def test_calls_that_are_logged(self) -> None:
        """Where each call's arguments are to be logged nothing is lent."""
        c = self.connect("lines")
        ids = self.ids(c, 100)
        self.assertEqual(ids, list(range(ids[0], ids[0] + 100)))

    def test_what_is_drained(self) -> None:
        """rpcd ends in the middle of it: each call that was answered has run once, and none has run that wasn't begun."""
        for i in range(TIMES):
            path = self.path(f"count{i}")
            other = rig.Worker(flags=["--drain", "1s"])
            self.addCleanup(other.close)
            other.procedure("one", PROGRAM, workers="1\n")
            other.start()
            c = rpcd.connect(other.socket, "one")
            answered = [0]

            def call() -> None:
                try:
                    while True:
                        c._bytes(b"count " + os.fsencode(path))
                        answered[0] += 1
                except (rpcd.Refused, rpcd.Lost, rpcd.Unreachable) as e:
                    answered.append(int(bool(e.started)))

            t = threading.Thread(target=call, daemon=True)
            t.start()
            rig.eventually(lambda: answered[0] > 50, "calls")
            other.end("rpcd", signal.SIGTERM if i % 2 else signal.SIGKILL)
            t.join(rig.WITHIN)
            c.close()
            ran = os.path.getsize(path)
            self.assertIn(ran - answered[0], (0, answered[1]), answered)

    def raw(self) -> "Raw":
        found = Raw(self.worker.socket)
        self.addCleanup(found.close)
        return found

    def test_descriptors_that_are_refused(self) -> None:
        raw = self.raw()
        raw.lend()
        sibling = socket.socket(socket.AF_UNIX)
        self.addCleanup(sibling.close)
        sibling.connect(self.worker.socket)
        for fd, what in ((os.open("/", os.O_RDONLY), "a directory"), (os.open("/etc/passwd", os.O_PATH), "O_PATH"), (sibling.fileno(), "a connection")):
            raw.call(fd)
            kind, payload = raw.frame()
            self.assertEqual(kind, wire.REFUSED)
            self.assertIn(what, wire.refusal(payload).text)
            if fd != sibling.fileno():
                os.close(fd)
            raw.lend()

    def test_fewer_descriptors(self) -> None:
        """The same bytes without their descriptors are a bridged call, which rpcd serves."""
        for _ in range(TIMES):
            raw = self.raw()
            raw.lend()
            raw.call(-1)
            try:
                while raw.frame()[0] != wire.STARTED:
                    pass
                self.assertTrue(raw.flags & wire.BRIDGED)
            except EOFError:
                pass
            raw.sock.close()  # the call waits for its stdin

    def test_another_call(self) -> None:
        """What isn't the same is rpcd's: another procedure's call, half a call, a question, nonsense."""
        raw = self.raw()
        for _ in range(TIMES):
            raw.lend()
            raw.call(raw.null, b"two")
            raw.answered()
            raw.lend()
            raw.sock.sendall(wire.frame(wire.LIST, wire.MARK))
            self.assertEqual(raw.frame()[0], wire.LISTING)
        raw.lend()
        frame = raw.made(b"one")
        socket.send_fds(raw.sock, [frame[:9]], [raw.null])
        raw.sock.sendall(frame[9:])
        raw.answered()
        raw.lend()
        raw.sock.sendall(b"\x30" + b"nonsense" * 4)
        with self.assertRaises(EOFError):
            raw.frame()

    def test_arguments_differ(self) -> None:
        """Each call has its own, and `rpc ps` shows those of the one that runs."""
        raw, path = self.raw(), self.path("args")
        words: List[List[str]] = [[], [""], ["a b", "\udcff"], ["x" * 3000], ["y" * 6000], ["{}"] * 50]
        for _ in range(TIMES):
            for w in words:
                raw.call(raw.null, b"one", "note", path, *w)
                raw.answered()
        with open(path, errors="surrogateescape") as f:
            self.assertEqual(f.read().splitlines(), [" ".join(w) for w in words] * TIMES)
        for i in range(2):
            raw = self.raw()
            raw.lend()
            raw.call(raw.null, b"one", "begin", self.path(f"begin{i}"), "x")
            rig.eventually(lambda: os.path.exists(self.path(f"begin{i}")), "the call began")
            rpc = rig.binaries() + "/rpc"
            listed = json.loads(subprocess.run([rpc, "ps", "--json", self.worker.socket], stdout=subprocess.PIPE, check=True).stdout)
            self.assertEqual([k["args"] for k in listed], [["begin", self.path(f"begin{i}"), "x"]])
            subprocess.run([rpc, "kill", self.worker.socket, listed[0]["id"], "KILL"], check=True)

    def test_nothing_is_inherited(self) -> None:
        """What a handler starts has none of the descriptors that came, lent or not."""
        raw = self.raw()
        for i in range(TIMES):
            path = self.path(f"inherits{i}")
            if i:
                raw.lend()
            raw.call(raw.null, b"one", "inherits", path)
            raw.answered()
            with open(path) as f:
                self.assertEqual(f.read(), "[]\n")

    # fault: 193
    def test_half_a_frame(self) -> None:
        """The connection isn't lent, nor lost, while its caller is in the middle of a frame."""
        beat = wire.frame(wire.HEARTBEAT)
        for _ in range(TIMES):
            raw = self.raw()
            for _ in range(4):
                socket.send_fds(raw.sock, [raw.made(b"one") + beat[:3]], [raw.null])
                raw.answered()
                raw.sock.sendall(beat[3:])
            raw.lend()

    # fault: 189
    def test_a_frozen_worker(self) -> None:
        """It is ended soon enough for its caller, who gets another one."""
        c = self.connect()
        self.lend(c)
        os.kill(self.warm("one"), signal.SIGSTOP)
        try:
            self.ids(c, 2)
        except rpcd.Lost as e:  # it stopped as it answered, or took a call: nobody knows which
            self.assertTrue(e.started)

    def test_stopped_and_continued(self) -> None:
        """Ctrl-Z of the caller reaches the worker in a lent call, signs of life are answered, and Ctrl-C ends it."""
        for i in range(TIMES):
            raw = self.raw()
            raw.lend()
            pid = self.warm("one")
            raw.call(raw.null, b"one", "begin", self.path(f"stop{i}"))
            raw.sock.sendall(wire.frame(wire.STOPPED))
            rig.eventually(lambda: self.state(pid) == "T", "it is stopped")
            raw.sock.sendall(wire.frame(wire.CONTINUED))
            rig.eventually(lambda: self.state(pid) != "T", "it goes on")
            self.assertEqual(raw.frame()[0], wire.STARTED)
            raw.sock.sendall(wire.frame(wire.HEARTBEAT, flags=wire.ANSWER))
            self.assertEqual(raw.frame()[0], wire.HEARTBEAT)
            rig.eventually(lambda: os.path.exists(self.path(f"stop{i}")), "the call began")
            raw.sock.sendall(wire.frame(wire.SIGNAL, bytes([signal.SIGINT])))
            kind, payload = raw.frame()
            self.assertEqual((kind, wire.exit_(0, payload).status), (wire.EXIT, signal.SIGINT))

    def state(self, pid: int) -> str:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rpartition(")")[2].split()[0]

    # fault: 191
    def test_one_call_at_a_time(self) -> None:
        """With --max-calls 1 an idle connection that is lent has the only place, but for nobody who asks."""
        other = rig.Worker(flags=["--max-calls", "1"])
        self.addCleanup(other.close)
        other.procedure("one", PROGRAM, workers="1\n")
        other.start()
        for i in range(TIMES):
            lent, asks = Raw(other.socket), Raw(other.socket)
            lent.lend()
            frame = wire.call(b"true", [], env=[], where=wire.Where(b"/", None), umask=0o22, label=b"", streams=[wire.Stream(0, wire.PASSED)], flags=wire.NOWAIT if i % 2 else 0)
            socket.send_fds(asks.sock, [frame], [asks.null])
            asks.answered()
            lent.lend()
            lent.close()
            asks.close()

    def test_nothing_is_left(self) -> None:
        """rpcd and its worker have as many descriptors as before, whatever became of their loans."""
        self.ids(self.connect(), 1)
        rpcd_ = self.worker.processes["rpcd"].pid

        def count(pid: int) -> int:
            return len(os.listdir(f"/proc/{pid}/fd"))

        def some(times: int) -> None:
            for i in range(times):
                raw = Raw(self.worker.socket)
                raw.lend()
                raw.call(raw.null, b"one", *(["note", "/dev/null"] if i % 3 else ["no", "x" * 5000]))
                if i % 2:
                    raw.answered()
                raw.close()

        some(6)
        before = count(self.warm("one"))
        now = count(rpcd_)
        some(30)
        rig.eventually(lambda: count(rpcd_) <= now, "rpcd's descriptors are closed")
        rig.eventually(lambda: count(self.warm("one")) <= before, "its worker's are")

    def test_two_calls_at_once(self) -> None:
        raw = self.raw()
        raw.lend()
        frame = raw.made(b"one")
        socket.send_fds(raw.sock, [frame], [raw.null])
        socket.send_fds(raw.sock, [frame], [raw.null])
        try:  # in a loan it may be served, else it is an error
            raw.answered()
            raw.answered()
        except EOFError:
            pass


class Nested:
    """A socket where SIGIO comes as soon as something was read."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock, self.worker = sock, None
        self.depth = 0

    def recv(self, n: int, flags: int = 0) -> bytes:
        b = self.sock.recv(n, flags)
        if self.depth == 0:
            self.depth = 1
            self.worker._look()  # type: ignore[attr-defined]
        return b


class Looks(unittest.TestCase):
    def test_a_signal_in_the_middle_of_a_look(self) -> None:
        """RECALL and SIGNAL at once, and SIGIO for each: none is mixed up with the other."""
        ours, theirs = socket.socketpair()
        self.addCleanup(ours.close)
        self.addCleanup(theirs.close)
        nested = Nested(theirs)
        worker = _serving.Worker(nested, lambda call: 0)  # type: ignore[arg-type]
        self.addCleanup(os.close, worker.home)
        nested.worker = worker  # type: ignore[assignment]
        ours.sendall(wire.frame(wire.RECALL) + wire.frame(wire.SIGNAL, bytes([signal.SIGINT])))
        worker.cancellable = True
        with self.assertRaises(KeyboardInterrupt):
            worker._look()
        self.assertEqual((worker.canceled, worker.gone, worker.recalled), (signal.SIGINT, False, True))


class Raw:
    """A caller that says what it likes."""

    def __init__(self, path: str) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(rig.WITHIN)
        self.sock.connect(path)
        self.null = os.open("/dev/null", os.O_RDWR)

    def close(self) -> None:
        self.sock.close()
        os.close(self.null)

    def made(self, procedure: bytes, *args: str) -> bytes:
        words = [os.fsencode(a) for a in args]
        return wire.call(procedure, words, env=[], where=wire.Where(b"/", None), umask=0o22, label=b"", streams=[wire.Stream(0, wire.PASSED)], flags=wire.KEEP)

    def call(self, fd: int, procedure: bytes = b"one", *args: str) -> None:
        if fd < 0:
            self.sock.sendall(self.made(procedure))
        else:
            socket.send_fds(self.sock, [self.made(procedure, *args)], [fd])

    def frame(self) -> "Tuple[int, bytes]":
        h = wire.header(self.exactly(8))
        self.flags = h.flags
        return h.type, self.exactly(h.length)

    def exactly(self, n: int) -> bytes:
        b = b""
        while len(b) < n:
            try:
                part = self.sock.recv(n - len(b))
            except ConnectionResetError:
                part = b""
            if not part:
                raise EOFError
            b += part
        return b

    def answered(self) -> int:
        """Takes STARTED and EXIT, and gives the call's id."""
        kind, payload = self.frame()
        while kind == wire.ACCEPTED:
            kind, payload = self.frame()
        assert kind == wire.STARTED, (kind, payload)
        kind, end = self.frame()
        assert kind == wire.EXIT and wire.exit_(0, end).status == 0, (kind, end)
        return int(wire.started(0, payload).id)

    def lend(self) -> None:
        """Calls until the connection is lent."""
        ids = [0]

        def jumped() -> bool:
            self.call(self.null)
            ids.append(self.answered())
            return len(ids) > 2 and ids[-1] - ids[-2] > 500

        rig.eventually(jumped, "a loan")


if __name__ == "__main__":
    unittest.main()
