"""rpcd.map: order, bounds, pools whose replicas come and go, lost records, and what stays behind."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from typing import Any, Iterator, List

import rpcd

from . import rig

if rig.HAS_NUMPY:
    import numpy as np

HEAD = "import os, sys, time\nfrom rpcd import resident\n"
FLIP = HEAD + "resident.serve_arrays(lambda *a: [x[::-1] for x in a])\n"
# Notes each run in a file, and then does what the record says.
NOTED = (
    HEAD
    + """
NAME = "done"

def handle(call):
    words = call.stdin.read().split()
    with open(call.args[0], "a") as f:
        f.write(words[0] + "\\n")
    if words[1] == "die" and (len(words) < 3 or not os.path.exists(words[2])):
        if len(words) > 2: print(NAME, end="", file=open(words[2], "w", 1), flush=True)
        os._exit(9)
    if words[1] == "wait":
        while not os.path.exists(words[2]): time.sleep(0.005)
    if words[1] == "exit": return int(words[2])
    print(NAME, words[0], file=call.stdout)

resident.serve(handle)
"""
)


def exported(worker: rig.Worker) -> None:
    worker.procedure("flip", FLIP, workers="2\n")
    worker.procedure("noted", NOTED, workers="3\n")
    worker.procedure("spawned", NOTED)


class Case(rig.WithWorker):
    """Counts threads and descriptors before and after each test."""

    def setUp(self) -> None:
        super().setUp()
        self.notes = os.path.join(self.folder, "notes")
        gc.collect()
        self.before, self.threads = len(os.listdir("/proc/self/fd")), threading.active_count()

    def tearDown(self) -> None:
        gc.collect()
        self.assertEqual(threading.active_count(), self.threads, "threads are left")
        super().tearDown()

    def path(self, name: str) -> str:
        return os.path.join(self.folder, name)

    def touch(self, name: str) -> None:
        with open(self.path(name), "w"):
            pass

    def runs(self) -> List[str]:
        """Gives the records that were begun, in that order."""
        try:
            with open(self.notes) as f:
                return f.read().split()
        except FileNotFoundError:
            return []

    def go_when(self, n: int) -> threading.Thread:
        """Lets records that wait go on when so many were begun."""

        def go() -> None:
            rig.eventually(lambda: len(self.runs()) >= n, f"{n} run")
            self.touch("go")

        found = threading.Thread(target=go)
        found.start()
        self.addCleanup(found.join)
        return found

    def noted(self, records: Any, procedure: str = "noted", **options: Any) -> Any:
        return rpcd.map(self.at, procedure, (r.encode() for r in records), self.notes, **options)


class Map(Case):
    """What holds directly and through a bridge."""

    @classmethod
    def prepare(cls, worker: rig.Worker) -> None:
        exported(worker)

    def test_bytes(self) -> None:
        records = [b"", b"a", b"bc" * 100000, bytearray(b"d"), memoryview(b"e"), b"x" * 70000] * 5
        for jobs in (None, 1, 3, 50):
            with self.subTest(jobs=jobs):
                got = list(rpcd.map(self.at, "cat", records, jobs=jobs))
                self.assertTrue(got == [bytes(r) for r in records], "other bytes")  # to tell the difference takes minutes
        self.assertEqual(list(rpcd.map(self.at, "sh", [b"a", b"b"], "-c", 'cat; echo "$@"', "sh", "x")), [b"ax\n", b"bx\n"])
        self.assertEqual(list(rpcd.map(self.at, "cat", [])), [])

    @rig.needs_numpy
    def test_arrays(self) -> None:
        sizes = [3, 20000, 5, 30000] * 10
        results = rpcd.map(self.at, "flip", (np.arange(n) + i for i, n in enumerate(sizes)))
        for i, (n, got) in enumerate(zip(sizes, results)):
            self.assertEqual(got.tolist(), (np.arange(n) + i)[::-1].tolist())
        del got
        a, b = next(rpcd.map(self.at, "flip", [(np.arange(3), [1, 2])]))
        self.assertEqual((a.tolist(), b.tolist()), ([2, 1, 0], [2, 1]))
        self.assertEqual(list(rpcd.map(self.at, "flip", [()])), [None])

    @rig.needs_numpy
    def test_results_stay(self) -> None:
        held = list(rpcd.map(self.at, "flip", (np.full(20000, i) for i in range(40))))
        for i, a in enumerate(held):
            self.assertTrue((a == i).all(), f"result {i} was overwritten")
        del held, a

    def test_a_record_fails(self) -> None:
        records = ["0 ok", "1 ok", "2 exit 7", "3 ok", "4 ok"]
        got: List[Any] = []
        with self.assertRaises(rpcd.RecordFailed) as caught:
            for r in self.noted(records):
                got.append(r)
        self.assertEqual(got, [b"done 0\n", b"done 1\n"])
        error = caught.exception
        self.assertEqual((error.index, str(error)), (2, f"record 2: {self.at} noted ended with status 7"))
        assert isinstance(error.error, rpcd.CallFailed)
        self.assertEqual(error.error.returncode, 7)
        self.assertIs(error.__cause__, error.error)
        got = list(self.noted(records, on_error="yield"))
        self.assertEqual([got[i] for i in (0, 1, 3, 4)], [b"done %d\n" % i for i in (0, 1, 3, 4)])
        self.assertEqual(got[2].index, 2)
        self.assertEqual(self.runs().count("2"), 2, "a record whose status came ran again")

    @rig.needs_numpy
    def test_an_error_holds_no_memory(self) -> None:
        failed = list(rpcd.map(self.at, "sh", [np.zeros(100000)] * 9, "-c", "exit 3", on_error="yield"))
        gc.collect()
        self.assertEqual(len(os.listdir("/proc/self/fd")), self.before)
        self.assertEqual({f.error.returncode for f in failed}, {3})

    def test_records_that_cannot_be_sent(self) -> None:
        got = list(rpcd.map(self.at, "cat", [b"ok", "text", b"too long", b"ok"], on_error="yield", limit=5))
        self.assertEqual((got[0], got[3]), (b"ok", b"ok"))
        self.assertIsInstance(got[1].error, TypeError)
        self.assertIsInstance(got[2].error, rpcd.BadArray)
        with self.assertRaises(rpcd.RecordFailed) as caught:
            next(rpcd.map(self.at, "nope", [b""]))
        self.assertIsInstance(caught.exception.error, rpcd.Refused)

    def test_unordered(self) -> None:
        records = [f"0 wait {self.path('go')}"] + [f"{i} ok" for i in range(1, 30)]
        got = []
        for r in self.noted(records, ordered=False):
            got.append(r)
            if len(got) == 29:
                self.touch("go")
        self.assertEqual(got[-1], b"done 0\n")
        self.assertEqual(sorted(got), sorted(b"done %d\n" % i for i in range(30)))

    def test_little_is_held_back(self) -> None:
        """While the first record takes long, no more than 4 a slot are read and begun, and no more run then."""
        read = []

        def records() -> Iterator[str]:
            for i in range(100):
                read.append(i)
                yield f"{i} wait {self.path('go')}" if i == 0 else f"{i} ok"

        results = self.noted(records(), jobs=2)
        go = self.go_when(8)
        self.assertEqual(next(results), b"done 0\n")
        go.join()
        self.assertLessEqual(len(read), 9)
        self.assertEqual(len(list(results)), 99)
        self.assertEqual(len(self.runs()), 100)

    def test_a_lost_record_runs_once_more(self) -> None:
        records = ["0 ok", f"1 die {self.path('died')}", "2 ok"]
        self.assertEqual(list(self.noted(records)), [b"done 0\n", b"done 1\n", b"done 2\n"])
        self.assertEqual(sorted(self.runs()), ["0", "1", "1", "2"])

    def test_a_record_that_is_lost_again(self) -> None:
        for retries in (0, 1, 3):
            with self.subTest(retries=retries):
                got = list(self.noted(["0 ok", "1 die", "2 ok"], on_error="yield", retries=retries))
                self.assertIsInstance(got[1].error, rpcd.Lost)
                self.assertEqual((got[0], got[2]), (b"done 0\n", b"done 2\n"))
                self.assertEqual(self.runs().count("1"), 1 + retries)
                os.unlink(self.notes)

    def test_closing_cancels(self) -> None:
        pids = self.path("pids")
        os.mkdir(pids)
        records = [b"first", b"", b"", b""]
        results = rpcd.map(self.at, "sh", records, "-c", f'[ "$(cat)" ] || {{ : >{pids}/$$; exec sleep 1000; }}', jobs=3)
        self.assertEqual(next(results), b"")
        rig.eventually(lambda: len(os.listdir(pids)) >= 3, "they run")
        results.close()
        self.assertEqual(threading.active_count(), self.threads)
        for pid in os.listdir(pids):
            rig.eventually(lambda: rig.gone(int(pid)), "it ends")

    def test_a_loop_that_is_left(self) -> None:
        for r in self.noted(f"{i} ok" for i in range(1000)):
            break
        self.assertLess(len(self.runs()), 30)

    def test_what_records_raises(self) -> None:
        def records() -> Iterator[str]:
            yield "0 ok"
            raise KeyError("of records")

        with self.assertRaises(KeyError):
            list(self.noted(records()))

    def test_records_are_read_in_the_thread_that_iterates(self) -> None:
        seen = set()

        def records() -> Iterator[str]:
            for i in range(20):
                seen.add(threading.current_thread())
                yield f"{i} ok"

        list(self.noted(records()))
        self.assertEqual(seen, {threading.current_thread()})

    def test_a_time_limit(self) -> None:
        got = list(rpcd.map(self.at, "sh", [b"sleep 1000", b"echo ok"], timeout=3.0, on_error="yield"))
        self.assertIsInstance(got[0].error, TimeoutError)
        self.assertEqual(got[1], b"ok\n")

    def test_arguments_that_make_no_sense(self) -> None:
        for options in ({"jobs": 0}, {"retries": -1}, {"on_error": "ignore"}, {"env": {"a=b": ""}}):
            with self.subTest(options=options), self.assertRaises(ValueError):
                rpcd.map(self.at, "cat", [b""], **options)  # type: ignore[arg-type]
        with self.assertRaises(ValueError):
            rpcd.map("..", "cat", [b""])
        with self.assertRaises(TypeError):
            rpcd.map(self.at, "cat", 5)  # type: ignore[arg-type]

    def test_a_program_that_ends_in_the_middle(self) -> None:
        program = f"import rpcd; m = rpcd.map({self.at!r}, 'sh', [b'echo 1', b'sleep 1000', b'']); print(next(m))"
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=rig.WITHIN, env={**os.environ, "PYTHONPATH": rig.PACKAGE})
        self.assertEqual((done.stdout, done.stderr, done.returncode), ("b'1\\n'\n", "", 0))


class Direct(Map):
    pass


class Bridged(Map):
    bridged = True


del Map


class Alone(Case):
    """A worker with one place, and one that isn't there."""

    @classmethod
    def setUpClass(cls) -> None:
        cls.worker = rig.Worker(flags=["--max-calls", "1", "--queue", "0"])
        cls.addClassCleanup(cls.worker.close)
        cls.worker.start()

    def test_a_busy_worker(self) -> None:
        self.assertEqual(list(rpcd.map(self.at, "cat", (b"%d" % i for i in range(40)), jobs=4)), [b"%d" % i for i in range(40)])

    def test_nobody_serves(self) -> None:
        results = rpcd.map(self.path("nobody.sock"), "cat", [b""])
        with self.assertRaises(rpcd.Unreachable):
            next(results)
        self.assertEqual(list(results), [])

    def test_it_drains(self) -> None:
        drains = rig.Worker().start()
        self.addCleanup(drains.close)
        with subprocess.Popen([rig.binaries() + "/rpc", drains.socket, "sleep", "1000"]) as call:
            rig.eventually(lambda: "procedure=sleep" in drains.read_log(), "it runs")
            drains.processes["rpcd"].send_signal(signal.SIGTERM)
            rig.eventually(lambda: "drain" in drains.read_log(), "it drains")
            with self.assertRaises(rpcd.Unreachable) as caught:
                next(rpcd.map(drains.socket, "cat", [b"x"]))
            call.kill()
        self.assertIn("w.sock", str(caught.exception))

    def test_it_comes_in_time(self) -> None:
        later = rig.Worker()
        self.addCleanup(later.close)
        results = rpcd.map(later.socket, "cat", [b"x"], wait=rig.WITHIN)
        timer = threading.Timer(0.2, later.launch)
        timer.start()
        self.assertEqual(list(results), [b"x"])
        timer.join()

    def test_it_comes_again(self) -> None:
        fickle = rig.Worker().start()
        self.addCleanup(fickle.close)
        got = []
        for r in rpcd.map(fickle.socket, "cat", (b"%d" % i for i in range(30)), wait=rig.WITHIN, retries=9):
            got.append(r)
            if len(got) in (5, 15):
                fickle.end("rpcd", signal.SIGKILL if len(got) == 5 else signal.SIGTERM)
                fickle.launch()
        self.assertEqual(got, [b"%d" % i for i in range(30)])


class Pool(Case):
    """A folder of sockets."""

    def setUp(self) -> None:
        self.sockets = tempfile.mkdtemp(prefix="python-pool-")
        self.addCleanup(shutil.rmtree, self.sockets, True)
        self.workers: List[rig.Worker] = []
        super().setUp()

    @classmethod
    def setUpClass(cls) -> None:
        """Each test has its own workers."""

    @property
    def at(self) -> str:
        return self.sockets

    def replica(self, name: str, *, start: bool = True, spawned: bool = False) -> rig.Worker:
        found = rig.Worker()
        self.addCleanup(found.close)
        found.socket = os.path.join(self.sockets, name + ".sock")
        found.procedure("noted", NOTED.replace('"done"', f'"{name}"'), **({} if spawned else {"workers": "2\n"}))
        self.workers.append(found)
        return found.start() if start else found

    def waiting(self, n: int) -> Iterator[str]:
        """Records that wait until "go" is there."""
        return (f"{i} wait {self.path('go')}" for i in range(n))

    def names(self, results: Any) -> List[str]:
        return [r.decode().split()[0] for r in results]

    def test_all_replicas_serve(self) -> None:
        self.replica("a")
        self.replica("b")
        for jobs, each in ((None, 2), (2, 1), (3, 1)):
            with self.subTest(jobs=jobs):
                go = self.go_when(jobs or 4)
                names = self.names(self.noted(self.waiting(jobs or 4), jobs=jobs))
                go.join()
                self.assertGreaterEqual(min(names.count("a"), names.count("b")), each)
                os.unlink(self.path("go"))
                os.unlink(self.notes)

    def test_one_comes(self) -> None:
        self.replica("a")
        late = self.replica("b", start=False)

        def records() -> Iterator[str]:
            yield from ("0 ok", "1 ok")
            late.start()
            yield from (f"{i} wait {self.path('go')}" for i in range(2, 12))

        go = self.go_when(6)  # two more than the first replica has places
        names = self.names(self.noted(records()))
        go.join()
        self.assertGreaterEqual(names.count("b"), 2)
        self.assertEqual(len(names), 12)

    def test_one_goes(self) -> None:
        a, _ = self.replica("a"), self.replica("b")
        got = []
        for r in self.noted(f"{i} ok" for i in range(60)):
            got.append(r.decode().split()[1])
            if len(got) == 10:
                a.end("rpcd", signal.SIGKILL)
        self.assertEqual(got, [str(i) for i in range(60)])

    def test_one_drains(self) -> None:
        a, _ = self.replica("a"), self.replica("b")
        got = []
        for r in self.noted((f"{i} ok" for i in range(60)), retries=0):
            got.append(r.decode().split()[1])
            if len(got) == 10:
                a.processes["rpcd"].send_signal(signal.SIGTERM)
        self.assertEqual(got, [str(i) for i in range(60)])

    def test_a_lost_record_runs_elsewhere(self) -> None:
        self.replica("a")
        self.replica("b")
        for i in range(4):
            died = self.path(f"died{i}")
            names = self.names(self.noted([f"0 die {died}", "1 ok", "2 ok", "3 ok"]))
            with open(died) as f:
                self.assertEqual({f.read(), names[0]}, {"a", "b"})
        self.assertEqual(self.runs().count("0"), 8)

    def test_all_go(self) -> None:
        a = self.replica("a")
        results = self.noted(f"{i} ok" for i in range(60))
        next(results)
        a.end("rpcd", signal.SIGKILL)
        with self.assertRaises((rpcd.Unreachable, rpcd.RecordFailed)):
            list(results)
