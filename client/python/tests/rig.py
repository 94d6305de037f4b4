"""What the tests share: an rpcd of this tree with some procedures, and a bridge before it."""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
from typing import Callable, Dict, List, Optional

HERE = os.path.dirname(os.path.abspath(__file__))
PACKAGE = os.path.dirname(HERE)
TREE = os.path.dirname(os.path.dirname(PACKAGE))
WITHIN = 120.0  # seconds in which what a test waits for has to come

try:
    import numpy

    HAS_NUMPY = bool(numpy)
except ImportError:
    HAS_NUMPY = False
    if os.environ.get("RPCD_TEST_NUMPY"):
        raise

# A shell's background job ignores these, and so would what the tests start (sh(1)).
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGQUIT, signal.SIG_DFL)

needs_numpy = unittest.skipUnless(HAS_NUMPY, "no numpy for this Python")


def binaries() -> str:
    """Gives the folder of rpc and rpcd: $RPCD_TEST_BIN, or built now."""
    found = os.environ.get("RPCD_TEST_BIN")
    if not found:
        found = os.environ["RPCD_TEST_BIN"] = tempfile.mkdtemp(prefix="python-bin-")
        atexit.register(shutil.rmtree, found, True)
        subprocess.run(["go", "build", "-o", found + "/", "./cmd/rpc", "./cmd/rpcd"], cwd=TREE, check=True)
    return found


def eventually(what: Callable[[], bool], text: str) -> None:
    """Waits until what() is true."""
    until = time.monotonic() + WITHIN
    while not what():
        if time.monotonic() > until:
            raise AssertionError(f"not within {WITHIN} s: {text}")
        time.sleep(0.005)


def gone(pid: int) -> bool:
    """Says whether a process has ended."""
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def answers(path: str) -> bool:
    """Says whether somebody serves a socket."""
    with socket.socket(socket.AF_UNIX) as s:
        try:
            s.connect(path)
        except OSError:
            return False
        return True


class Worker:
    """An rpcd with an exports directory of its own."""

    def __init__(self, commands: str = "sh cat echo true sleep yes sort pwd env head readlink", flags: Optional[List[str]] = None) -> None:
        self.folder = tempfile.mkdtemp(prefix="python-")
        os.chmod(self.folder, 0o755)
        self.exports = os.path.join(self.folder, "ex")
        self.socket = os.path.join(self.folder, "w.sock")
        self.bridge = os.path.join(self.folder, "b.sock")
        self.log = os.path.join(self.folder, "log")
        self.flags = flags or []
        self.processes: Dict[str, "subprocess.Popen[bytes]"] = {}
        os.mkdir(self.exports, 0o755)
        for c in commands.split():
            os.symlink(os.path.realpath(shutil.which(c) or c), os.path.join(self.exports, c))

    def procedure(self, name: str, text: str, **files: str) -> None:
        """Makes a procedure of a Python program; files as workers="1"."""
        place = os.path.join(self.exports, name)
        os.mkdir(place)
        for file, content in {"run": f"#!{sys.executable}\n{text}", **files}.items():
            with open(os.path.join(place, file), "w") as f:
                f.write(content)
        os.chmod(os.path.join(place, "run"), 0o755)
        for at in (place, *(os.path.join(place, f) for f in files)):
            os.chmod(at, os.stat(at).st_mode & ~0o022)

    def topic(self, name: str, policy: str) -> None:
        """Makes a topic. policy is the text of its file."""
        place = os.path.join(self.exports, name)
        os.mkdir(place, 0o755)
        with open(os.path.join(place, "topic"), "w") as f:
            f.write(policy + "\n")
        os.chmod(f.name, 0o644)

    def start(self) -> "Worker":
        """Starts rpcd, and waits until it serves."""
        self.launch()
        eventually(lambda: answers(self.socket), "rpcd serves\n" + self.read_log())
        return self

    def launch(self) -> None:
        """Starts rpcd."""
        with open(self.log, "ab") as log:
            self.processes["rpcd"] = subprocess.Popen(
                [binaries() + "/rpcd", "serve", "--listen", self.socket, "--exports", self.exports, *self.flags],
                stdout=log,
                stderr=log,
                env={**os.environ, "PYTHONPATH": PACKAGE},
            )

    def start_bridge(self, to: Optional[str] = None) -> "Worker":
        """Starts socat before it."""
        self.processes["bridge"] = subprocess.Popen(
            ["socat", f"UNIX-LISTEN:{self.bridge},fork", f"UNIX-CONNECT:{to or self.socket}"], stderr=subprocess.DEVNULL
        )
        eventually(lambda: answers(self.bridge), "socat listens")
        return self

    def end(self, which: str, number: int = signal.SIGKILL) -> None:
        """Ends one of the processes."""
        p = self.processes.pop(which)
        p.send_signal(number)
        p.wait(WITHIN)
        if which == "rpcd":  # a helping process may hold the socket for some milliseconds more
            eventually(lambda: not answers(self.socket), "nobody serves")

    def read_log(self) -> str:
        """Gives rpcd's log so far."""
        with open(self.log) as f:
            return f.read()

    def close(self) -> None:
        """Ends all and removes the folder."""
        for which in list(self.processes):
            self.end(which, signal.SIGTERM if which == "rpcd" else signal.SIGKILL)
        shutil.rmtree(self.folder, True)


class WithWorker(unittest.TestCase):
    """Tests that share a worker. `at` is the way to it: subclasses may take the bridge."""

    worker: Worker
    bridged = False

    @classmethod
    def prepare(cls, worker: Worker) -> None:
        """Adds procedures before the start."""

    @classmethod
    def setUpClass(cls) -> None:
        cls.worker = Worker()
        cls.addClassCleanup(cls.worker.close)
        cls.prepare(cls.worker)
        cls.worker.start()
        if cls.bridged:
            cls.worker.start_bridge()

    @property
    def at(self) -> str:
        return self.worker.bridge if self.bridged else self.worker.socket

    def setUp(self) -> None:
        self.folder = tempfile.mkdtemp(prefix="python-")
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.before = len(os.listdir("/proc/self/fd"))

    def tearDown(self) -> None:
        self.assertEqual(len(os.listdir("/proc/self/fd")), self.before, "descriptors are left open")
