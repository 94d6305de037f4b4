"""rpcd.run beside subprocess.run, directly and through a bridge."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from typing import Any, Dict, List, Tuple

import rpcd
from rpcd._streams import Output
from rpcd._wire import ProtocolError

from . import rig

CASES: List[Tuple[List[str], Dict[str, Any]]] = [
    (["true"], {}),
    (["echo", "a", "", "b c"], {"stdout": subprocess.PIPE}),
    (["sh", "-c", "exit 3"], {"capture_output": True}),
    (["sh", "-c", "kill -9 $$"], {"capture_output": True}),
    (["sh", "-c", "kill -TERM $$"], {"capture_output": True}),
    (["cat"], {"input": b"abc", "stdout": subprocess.PIPE}),
    (["cat"], {"input": b"", "stdout": subprocess.PIPE}),
    (["cat"], {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}),
    (["cat"], {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE}),
    (["cat"], {"input": b"0123456789abcde\n" * 100000, "stdout": subprocess.PIPE}),
    (["head", "-c", "5"], {"input": b"x" * 1000000, "stdout": subprocess.PIPE}),
    (["sh", "-c", "echo out; echo err >&2; echo out"], {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}),
    (["sh", "-c", "echo out; echo err >&2"], {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}),
    (["sh", "-c", "echo out; echo err >&2"], {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}),
    (["cat"], {"input": "grün\r\n", "capture_output": True, "text": True, "encoding": "utf-8"}),
    (["cat"], {"input": "grün", "capture_output": True, "encoding": "latin-1"}),
    (["sh", "-c", "exec 0</dev/null; sleep 0; echo hi"], {"capture_output": True, "universal_newlines": True}),
    (["sh", "-c", "umask"], {"capture_output": True, "umask": 0o27}),
    (["pwd"], {"capture_output": True, "cwd": "/usr"}),
    (["sh", "-c", "exit 3"], {"check": True, "capture_output": True}),
    (["sh", "-c", "echo a; sleep 1000"], {"timeout": 1.0, "capture_output": True}),
    (["cat"], {"input": b"x", "stdin": subprocess.PIPE}),
    (["cat"], {"capture_output": True, "stdout": subprocess.PIPE}),
    (["echo", "a\0b"], {"capture_output": True}),
]


def outcome(run: Any, args: List[str], options: Dict[str, Any]) -> Any:
    """Gives what a run returns or raises, to be compared."""
    options = dict(options)
    if run is subprocess.run and sys.version_info < (3, 9):
        options.pop("umask", None)
    try:
        done = run(args, **options)
        return done.args, done.returncode, done.stdout, done.stderr
    except subprocess.TimeoutExpired as e:
        return type(e), e.cmd, e.timeout, e.output
    except subprocess.CalledProcessError as e:
        return type(e), e.cmd, e.returncode, e.output, e.stderr
    except ValueError as e:
        return type(e), str(e)


class Run(rig.WithWorker):
    def run_(self, args: Any, **options: Any) -> "subprocess.CompletedProcess[Any]":
        return rpcd.run(self.at, args, **options)

    def test_as_subprocess(self) -> None:
        for args, options in CASES:
            with self.subTest(args=args, options=str(options)[:80]):
                want = outcome(subprocess.run, args, options)
                self.assertEqual(outcome(self.run_, args, options), want)

    def test_files(self) -> None:
        """The caller's files are read and written where they stand, and a file is set back to what was taken."""
        with tempfile.TemporaryFile(dir=self.folder) as given, tempfile.TemporaryFile(dir=self.folder) as got:
            given.write(b"0123456789" * 1000)
            given.flush()
            given.seek(3)
            got.write(b"before ")
            got.flush()
            self.run_(["head", "-c", "4"], stdin=given, stdout=got)
            got.seek(0)
            self.assertEqual(got.read(), b"before 3456")
            # head(1) itself sets a file back, but a relayed one is a pipe for it.
            if not self.bridged:
                self.assertEqual(os.lseek(given.fileno(), 0, os.SEEK_CUR), 7)
            given.seek(0)
            self.run_(["true"], stdin=given)
            self.assertEqual(os.lseek(given.fileno(), 0, os.SEEK_CUR), 0)

    def test_one_file_for_both(self) -> None:
        with tempfile.TemporaryFile(dir=self.folder) as got:
            self.run_(["sh", "-c", "echo 1; echo 2 >&2; echo 3; echo 4 >&2"], stdout=got, stderr=got)
            got.seek(0)
            self.assertEqual(got.read(), b"1\n2\n3\n4\n")

    def test_one_pipe_for_both(self) -> None:
        """Two descriptors of one pipe are one stream, so that the order holds."""
        r, w = os.pipe()
        again = os.dup(w)
        try:
            for _ in range(10):
                self.run_(["sh", "-c", "echo 1; echo 2 >&2; echo 3; echo 4 >&2"], stdout=w, stderr=again)
                self.assertEqual(os.read(r, 100), b"1\n2\n3\n4\n")
        finally:
            for fd in (r, w, again):
                os.close(fd)

    def test_a_reader_that_leaves(self) -> None:
        """Who writes into a pipe that nobody reads dies by SIGPIPE, as locally."""
        r, w = os.pipe()
        os.close(r)
        try:
            done = self.run_(["yes"], stdout=w)
        finally:
            os.close(w)
        self.assertEqual(done.returncode, -signal.SIGPIPE)

    def test_a_full_output_stalls_nothing_else(self) -> None:
        r, w = os.pipe()
        try:
            with self.assertRaises(subprocess.TimeoutExpired) as caught:
                self.run_(["sh", "-c", "echo first >&2; exec yes"], stdout=w, stderr=subprocess.PIPE, timeout=4)
        finally:
            os.close(r)
            os.close(w)
        self.assertEqual(caught.exception.stderr, b"first\n")

    def test_a_terminal_is_relayed(self) -> None:
        master, slave = pty.openpty()
        try:
            os.write(master, b"typed\n\x04")
            done = self.run_(["sh", "-c", "test -t 0 || test -t 1 || cat"], stdin=slave, stdout=slave)
            self.assertEqual(done.returncode, 0)
            got = b""
            while b"typed\r\ntyped" not in got:  # the terminal's echo, then cat's words
                got += os.read(master, 1000)
        finally:
            os.close(slave)
            os.close(master)

    def test_what_is_left_behind_delays_nothing(self) -> None:
        done = self.run_(["sh", "-c", "trap '' TERM; sleep 1000 & echo $!"], capture_output=True)
        pid = int(done.stdout)
        self.assertFalse(rig.gone(pid))  # it has the worker's grace, a minute
        os.kill(pid, signal.SIGKILL)

    def test_a_timeout_kills(self) -> None:
        pids = os.path.join(self.folder, "pid")
        with self.assertRaises(subprocess.TimeoutExpired):
            self.run_(["sh", "-c", f"trap '' TERM; echo $$ >{pids}; sleep 1000; sleep 1000"], timeout=3)
        with open(pids) as f:
            pid = int(f.read())
        rig.eventually(lambda: rig.gone(pid), "the procedure is killed")

    def test_variables(self) -> None:
        with self.assertRaises(rpcd.Refused) as caught:
            self.run_(["env"], env={"NOT_ADMITTED": "1"})
        self.assertEqual((caught.exception.outcome, caught.exception.started), ("denied", False))
        done = self.run_(["show"], env={"MINE": "a=b"}, capture_output=True)
        self.assertEqual(done.stdout, b"a=b")

    def test_refused(self) -> None:
        with self.assertRaises(rpcd.Refused) as caught:
            self.run_(["nope"])
        e = caught.exception
        self.assertEqual((e.outcome, e.code, e.started, e.worker), ("unknown", 2, False, self.at))
        self.assertIn('has no procedure "nope"', str(e))
        with self.assertRaises(rpcd.Refused) as caught:
            self.run_(["pwd"], cwd="/does/not/exist")
        self.assertEqual(caught.exception.outcome, "no-directory")

    def test_what_makes_no_sense(self) -> None:
        cases: List[Tuple[List[str], Dict[str, Any]]] = [
            ([], {}),
            (["true"], {"env": {"": "x"}}),
            (["true"], {"input": "text"}),
            (["true"], {"input": b"bytes", "text": True}),
            (["true"], {"pass_fds": [0]}),
            (["x" * (9 << 20)], {}),
        ]
        for args, options in cases:
            with self.subTest(options=options), self.assertRaises((ValueError, TypeError)):
                self.run_(args, **options)
        folder = os.open("/", os.O_RDONLY)
        try:
            with self.assertRaises(ValueError):
                self.run_(["true"], stdin=folder)
        finally:
            os.close(folder)

    def test_side_by_side(self) -> None:
        wrong: List[Any] = []

        def calls(n: int) -> None:
            for i in range(20):
                text = f"{n} {i}\n" * 100
                done = self.run_(["cat"], input=text, text=True, capture_output=True)
                if done.stdout != text:
                    wrong.append((n, i))

        threads = [threading.Thread(target=calls, args=(n,)) for n in range(4)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(wrong, [])

    def test_ctrl_c(self) -> None:
        """KeyboardInterrupt reaches the procedure as INT, and leaves run()."""
        said = os.path.join(self.folder, "said")
        program = f"import rpcd; rpcd.run({self.at!r}, ['sh', '-c', 'trap \"echo int >{said}; exit\" INT; echo up; while :; do sleep 0.05; done'])"
        with subprocess.Popen(
            [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "PYTHONPATH": rig.PACKAGE}
        ) as p:
            assert p.stdout is not None and p.stderr is not None
            self.assertEqual(p.stdout.readline(), b"up\n")
            p.send_signal(signal.SIGINT)
            self.assertIn(b"KeyboardInterrupt", p.stderr.read())
        self.assertEqual(p.returncode, -signal.SIGINT)
        with open(said) as f:
            self.assertEqual(f.read(), "int\n")

    def test_a_caller_that_dies_takes_the_call_with_it(self) -> None:
        program = f"import rpcd; rpcd.run({self.at!r}, ['sh', '-c', 'echo $$; sleep 1000; :'])"
        with subprocess.Popen(
            [sys.executable, "-c", program], stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": rig.PACKAGE}
        ) as p:
            assert p.stdout is not None
            pid = int(p.stdout.readline())
            p.kill()
        rig.eventually(lambda: rig.gone(pid), "the procedure ends with its caller")

    @classmethod
    def prepare(cls, worker: rig.Worker) -> None:
        worker.flags = ["--grace", "1m"]
        worker.procedure("show", "import os; print(os.environ['MINE'], end='')", env="MINE\n")


class RunDirect(Run):
    def test_descriptors_travel(self) -> None:
        r, w = os.pipe()
        try:
            done = self.run_(["sh", "-c", f"echo over {w} >&{w}"], pass_fds=[w])
            self.assertEqual(done.returncode, 0)
            self.assertEqual(os.read(r, 100), f"over {w}\n".encode())
        finally:
            os.close(r)
            os.close(w)
        with tempfile.NamedTemporaryFile(dir=self.folder) as f:
            self.run_(["readlink", "/proc/self/fd/1"], stdout=f)
            f.seek(0)
            self.assertEqual(f.read(), f.name.encode() + b"\n")

    def test_another_directory_of_that_name(self) -> None:
        """The directory is proven by its identity."""
        plan = os.path.join(self.folder, "here")
        os.mkdir(plan)
        before = os.getcwd()
        os.chdir(plan)
        try:
            self.assertEqual(self.run_(["pwd"], capture_output=True, text=True).stdout, plan + "\n")
            os.rename(plan, plan + "2")
            os.mkdir(plan)
            self.assertEqual(self.run_(["pwd"], capture_output=True, text=True).stdout, plan + "2\n")
            self.assertEqual(self.run_(["pwd"], cwd="..", capture_output=True, text=True).stdout, self.folder + "\n")
        finally:
            os.chdir(before)


class RunBridged(Run):
    bridged = True

    def test_heartbeats(self) -> None:
        """A silent call lives on, since both sides say that they are there. One whose worker froze is lost."""
        self.assertEqual(self.run_(["sleep", "1"], heartbeat=0.3).returncode, 0)
        r, w = os.pipe()
        rpcd_ = self.worker.processes["rpcd"]

        def freeze() -> None:
            os.read(r, 10)
            rpcd_.send_signal(signal.SIGSTOP)

        t = threading.Thread(target=freeze)
        t.start()
        try:
            with self.assertRaises(rpcd.Lost) as caught:
                self.run_(["sh", "-c", "echo up; sleep 1000; :"], stdout=w, heartbeat=1)
        finally:
            t.join()
            rpcd_.send_signal(signal.SIGCONT)
            os.close(r)
            os.close(w)
        self.assertEqual((caught.exception.outcome, caught.exception.started), ("lost", True))


class Trouble(unittest.TestCase):
    def setUp(self) -> None:
        self.worker = rig.Worker()
        self.addCleanup(self.worker.close)

    def error(self, kind: Any, *args: Any, **options: Any) -> Any:
        with self.assertRaises(kind) as caught:
            rpcd.run(*args, **options)
        self.assertNotIn("\n", str(caught.exception))
        self.assertLessEqual(len(str(caught.exception).replace(self.worker.folder, "")), 160)
        return caught.exception

    def test_unreachable(self) -> None:
        e = self.error(rpcd.Unreachable, self.worker.socket, ["true"])
        self.assertEqual((e.outcome, e.started), ("unreachable", False))
        self.assertIn("does not exist (is the worker up?)", str(e))
        self.error(rpcd.Unreachable, "no/such/folder/x.sock", ["true"])
        self.error(rpcd.Unreachable, self.worker.exports + "/", ["true"])
        self.assertIn("is no socket", str(self.error(rpcd.Unreachable, os.path.join(self.worker.exports, "cat"), ["true"])))
        self.worker.start()
        self.worker.end("rpcd")
        self.assertIn("nobody serves", str(self.error(rpcd.Unreachable, self.worker.socket, ["true"])))
        for name in ("", ".", "..", "a\nb"):
            self.error(ValueError, name, ["true"])

    def test_a_worker_that_comes_late(self) -> None:
        t = threading.Timer(0.3, self.worker.start)
        t.start()
        self.assertEqual(rpcd.run(self.worker.socket, ["echo", "hi"], stdout=subprocess.PIPE, wait=rig.WITHIN).stdout, b"hi\n")
        t.join()

    def test_a_bridge_with_nobody_behind(self) -> None:
        self.worker.start_bridge()
        e = self.error(rpcd.Unreachable, self.worker.bridge, ["true"])
        self.assertFalse(e.started)
        self.assertIn("accepts and closes", str(e))

    def test_a_worker_that_dies(self) -> None:
        for way in ("socket", "bridge"):
            with self.subTest(way=way):
                self.worker.start()
                if way == "bridge":
                    self.worker.start_bridge()
                at = self.worker.socket if way == "socket" else self.worker.bridge
                r, w = os.pipe()

                def kill() -> None:
                    os.read(r, 1)
                    self.worker.end("rpcd")

                t = threading.Thread(target=kill)
                t.start()
                e = self.error(rpcd.Lost, at, ["sh", "-c", "echo; sleep 1000"], stdout=w)
                t.join()
                os.close(r)
                os.close(w)
                self.assertEqual((e.started, e.outcome), (True, "lost"))

    def test_credit(self) -> None:
        """A worker that sends more than it may is no rpcd. Memory is bounded by that."""
        out = Output(1, 1)
        out.attach(True, lambda b: None)
        out.data(b"x" * (256 << 10))
        out.data(b"x" * (256 << 10))
        with self.assertRaises(ProtocolError):
            out.data(b"x")

    def test_nonsense(self) -> None:
        """What isn't the protocol is one line, and nothing hangs."""
        import socket

        started = bytes.fromhex("3100000100000000")  # BRIDGED
        code = bytes.fromhex("0001000000020001")
        for said, runs in (
            (b"HTTP/1.1 400 Bad Request\r\n\r\n", False),
            (bytes.fromhex("3100000000000003") + b"abc", False),
            (bytes.fromhex("3300000000000000"), False),
            (bytes.fromhex("10010000ffffffff"), False),
            (bytes.fromhex("3200000000000010") + code + code, False),  # a field twice
            (bytes.fromhex("320000000000000680ff00000000"), False),  # a field that must be understood
            (bytes.fromhex("3101010000000000"), False),  # a flag that must be
            (started + bytes.fromhex("1001000000000000"), True),  # empty DATA
            (started + bytes.fromhex("1105000000000000"), True),  # of no stream
            (started + bytes.fromhex("330000000000000a00010000000400010000"), True),  # no wait status
        ):
            with self.subTest(said=said[:40]), socket.socket(socket.AF_UNIX) as s:
                s.bind(self.worker.socket)
                s.listen()

                def answer() -> None:
                    c, _ = s.accept()
                    try:
                        c.sendall(said)
                        while c.recv(10000):
                            pass
                    except OSError:
                        pass
                    c.close()

                t = threading.Thread(target=answer)
                t.start()
                e = self.error(rpcd.Lost, self.worker.socket, ["true"], stdout=subprocess.PIPE)
                t.join()
                self.assertEqual((e.outcome, e.started), ("protocol", runs))
                os.unlink(self.worker.socket)

    def pool(self, queue: str) -> Tuple[str, List[rig.Worker]]:
        folder = os.path.join(self.worker.folder, "pool")
        os.mkdir(folder)
        replicas = []
        for n in (1, 2):
            w = rig.Worker(flags=["--max-calls", "1", "--queue", queue])
            self.addCleanup(w.close)
            w.socket = os.path.join(folder, f"{n}.sock")
            replicas.append(w.start())
        return folder, replicas

    def test_a_pool(self) -> None:
        """The least loaded replica gets the call. When all are full it waits in a queue, or is refused as busy."""
        for queue in ("0", "1"):
            with self.subTest(queue=queue):
                pool, replicas = self.pool(queue)
                results: List[Any] = []

                def call(*args: str, **options: Any) -> None:
                    try:
                        results.append(rpcd.run(pool, args, **options).returncode)
                    except rpcd.Error as e:
                        results.append((e.outcome, e.started))

                r, w = os.pipe()  # what they say
                stop, go = os.pipe()  # the calls end when go is closed
                threads = []
                for _ in replicas:
                    threads.append(threading.Thread(target=call, args=("sh", "-c", "echo $RPC_WORKER; read x; :"), kwargs={"stdin": stop, "stdout": w}))
                    threads[-1].start()
                    os.read(r, 100) if len(threads) == 1 else None
                rig.eventually(lambda: self.running(pool) == 2, "each replica runs one")
                third = threading.Thread(target=call, args=("true",))
                third.start()
                if queue == "0":
                    third.join()
                    self.assertEqual(results, [("busy", False)])
                else:
                    rig.eventually(lambda: self.running(pool) == 3, "one waits")
                os.close(go)
                for t in (*threads, third):
                    t.join()
                self.assertEqual(results[-2:], [0, 0])
                for fd in (r, w, stop):
                    os.close(fd)
                for worker in replicas:
                    worker.close()
                os.rmdir(pool)

    def running(self, pool: str) -> int:
        """Gives how many calls run or wait."""
        done = subprocess.run([rig.binaries() + "/rpc", "ps", pool], capture_output=True, text=True)
        return len(done.stdout.splitlines()) - 1

    def test_no_symlink_in_a_folder_of_sockets(self) -> None:
        folder = os.path.join(self.worker.folder, "pool")
        os.mkdir(folder)
        os.symlink(self.worker.start().socket, os.path.join(folder, "a.sock"))
        self.assertIn("is a symlink", str(self.error(rpcd.Unreachable, folder, ["true"])))

    def test_a_long_path(self) -> None:
        deep = os.path.join(self.worker.folder, "x" * 100)
        os.mkdir(deep)
        self.worker.socket = os.path.join(deep, "w.sock")
        self.worker.launch()
        self.assertEqual(rpcd.run(self.worker.socket, "true", wait=rig.WITHIN).returncode, 0)


del Run  # its subclasses run
