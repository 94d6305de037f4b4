"""What can go wrong between a caller and a worker, as exceptions."""

from __future__ import annotations

from typing import Optional


class Error(Exception):
    """A call that rpcd couldn't bring to its end. The procedure's own failures are no Error.

    Attributes:
        outcome (str): one word, as `rpc --status-fd` has it: unreachable, busy, draining, denied,
            unknown, not-executable, too-long, no-directory, canceled, failed, protocol, lost.
        worker (str): as the caller named it.
        started (bool): the procedure may have run. False: it is safe to call again.

    str() is one line for people, which names the worker.
    """

    def __init__(self, text: str, *, outcome: str, worker: str, started: bool, passes: bool = False) -> None:
        super().__init__(printable(text))
        self.outcome = outcome
        self.worker = worker
        self.started = started
        self._passes = passes  # another try may succeed soon


class Unreachable(Error):
    """Nobody serves there, or not for this user. Nothing was started."""


class Refused(Error):
    """The worker says why it doesn't start the procedure.

    Attributes:
        code (int): PROTOCOL.md, section 3. `outcome` is the same in a word.
        reason (int): says more of the code, 0 where nothing is to be said.
    """

    def __init__(self, text: str, *, outcome: str, worker: str, code: int, reason: int) -> None:
        passes = code in (BUSY, DRAINING)
        super().__init__(text, outcome=outcome, worker=worker, started=False, passes=passes)
        self.code = code
        self.reason = reason


class Lost(Error):
    """The connection ended before the call, said nothing in time, or made no sense.

    `started` says whether the procedure may have run.
    """


class CallFailed(Exception):
    """A procedure that was called with arrays ended with another status than 0.

    Attributes:
        worker, procedure (str): who was called.
        returncode (int): its exit status. -N: signal N ended it.
        stderr (str): what it wrote to stderr, the last 64 KiB of it.

    str() has the status and the text.
    """

    def __init__(self, worker: str, procedure: str, returncode: int, stderr: str, why: Optional[str] = None) -> None:
        self.worker = worker
        self.procedure = procedure
        self.returncode = returncode
        self.stderr = stderr
        how = f"signal {-returncode}" if returncode < 0 else f"status {returncode}"
        text = f"{worker} {procedure} ended with {why or how}"
        if stderr.strip():
            text += ": " + stderr.strip()
        super().__init__(text)


class RecordFailed(Exception):
    """One record of map() has no result.

    Attributes:
        index (int): which one, from 0 on.
        error (Exception): why: rpcd.CallFailed, rpcd.BadArray, rpcd.Lost, rpcd.Refused, TimeoutError ... It is the
            __cause__, too.

    str() has both.
    """

    def __init__(self, index: int, error: Exception) -> None:
        super().__init__(f"record {index}: {error}")
        self.index = index
        self.error = error
        self.__cause__ = error


BUSY, DRAINING = 6, 7

OUTCOMES = {
    1: "denied",
    2: "unknown",
    3: "not-executable",
    4: "too-long",
    5: "no-directory",
    6: "busy",
    7: "draining",
    8: "canceled",
    9: "protocol",
    10: "failed",
}
"""The codes of REFUSED. Codes to come count as 10."""


def printable(text: str) -> str:
    """Gives text with what a terminal might obey replaced, and cut to 1000 characters."""
    return "".join(c if c.isprintable() else "\ufffd" for c in text[:1000])


def lost(worker: str, text: str, *, started: bool = True, outcome: str = "lost") -> Lost:
    """Makes a Lost whose text stands behind the worker's name."""
    return Lost(f"{worker} {text}", outcome=outcome, worker=worker, started=started)
