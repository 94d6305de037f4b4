"""rpcd.run: subprocess.run, with a procedure of a worker instead of a program."""

from __future__ import annotations

import io
import os
import subprocess
import time
from typing import IO, Any, Dict, List, Mapping, Optional, Sequence, Tuple, Union

from . import _wire as wire
from . import _where
from ._call import Call, Expired, Plan, begin
from ._errors import lost
from ._streams import Buffer, Input, Output, check, reopenable

File = Union[None, int, IO[Any]]
Word = Union[str, bytes, "os.PathLike[str]", "os.PathLike[bytes]"]



def run(
    worker: str,
    args: Union[str, bytes, Sequence[Word]],
    *,
    stdin: File = None,
    input: Union[None, str, Buffer] = None,
    stdout: File = None,
    stderr: File = None,
    capture_output: bool = False,
    cwd: Optional[Word] = None,
    timeout: Optional[float] = None,
    check: bool = False,
    encoding: Optional[str] = None,
    errors: Optional[str] = None,
    text: Optional[bool] = None,
    universal_newlines: Optional[bool] = None,
    env: Optional[Mapping[str, str]] = None,
    umask: int = -1,
    pass_fds: Sequence[int] = (),
    label: str = "",
    wait: float = 0.0,
    heartbeat: float = 30.0,
) -> "subprocess.CompletedProcess[Any]":
    """Calls a procedure of a worker and waits for its end.

    The arguments are subprocess.run's, and so are results and exceptions: subprocess.CompletedProcess with
    args, returncode (-N: signal N ended it), stdout and stderr; subprocess.CalledProcessError with check;
    subprocess.TimeoutExpired.

    Args:
        worker: its name, or a path with a slash: a socket or a folder of sockets.
        args: the procedure's name and its arguments, or the name alone. They arrive byte for byte.
        stdin, stdout, stderr: None (this process's own), a descriptor, a file with fileno(), DEVNULL, PIPE, and for
            stderr STDOUT. On one host the descriptor itself goes to the procedure. A terminal never does: its bytes
            are relayed, as are all streams through a bridge.
        input: what the procedure reads: bytes, or str in text mode.
        capture_output: stdout and stderr are PIPE.
        cwd: a directory of the worker. None: this process's own, which has to be the same one there. A relative one
            stands below this process's.
        timeout: seconds for the whole call, waiting in the worker's queue included.
        check: raise CalledProcessError for a status other than 0.
        encoding, errors, text, universal_newlines: text mode, as in subprocess.
        env: variables that cross, besides the worker's own. The worker has to admit each.
        umask: of the procedure. -1: this process's.
        pass_fds: descriptors over 2 that the procedure gets, too, by the same numbers. Not through a bridge.
        label: shown by `rpc ps` and in the worker's log.
        wait: seconds to go on trying a worker that is unreachable, draining or busy.
        heartbeat: seconds of silence after which a call through a bridge counts as lost, 0.1 at least.

    Returns:
        subprocess.CompletedProcess: stdout and stderr are bytes, str in text mode, None if not captured.

    Raises:
        rpcd.Unreachable, rpcd.Refused, rpcd.Lost: trouble between the two sides. `.started` False says that it is
            safe to call again.
        subprocess.TimeoutExpired: timeout was over, and the procedure was killed. Also where a time limit of the
            worker's ended it; then .timeout is that limit.
        subprocess.CalledProcessError: see check.
        ValueError: arguments that make no sense. OSError: a file of this process's failed.

    What differs from subprocess.run:
        - There is no shell, executable, preexec_fn, start_new_session, user, group, close_fds, and args has no Popen.
        - env is added to the worker's environment and replaces nothing. Nothing else crosses.
        - A procedure that isn't there, or isn't executable, is rpcd.Refused and not FileNotFoundError.
        - The end is that of the procedure's process. What it left behind in the background and still holds a captured
          output isn't waited for: 0.2 s at most. The worker ends it.
        - KeyboardInterrupt (Ctrl-C) sends INT to the procedure, and waits for its end; after the worker's grace
          (5 s), or a second Ctrl-C, KILL. Ctrl-Z stops this process alone.
        - If this process dies, the worker ends the procedure.
        - A relayed stdin is read ahead by up to 64 KiB. A file is set back to what the procedure took.
        - It is safe in threads. Each call has a connection of its own.
    """
    words: List[Word] = [args] if isinstance(args, (str, bytes)) else list(args)
    if not words:
        raise ValueError("args is empty: it has to name the procedure")
    argv = [os.fsencode(w) for w in words]
    if capture_output:
        if stdout is not None or stderr is not None:
            raise ValueError("stdout and stderr arguments may not be used with capture_output.")
        stdout = stderr = subprocess.PIPE
    if input is not None and stdin is not None:
        raise ValueError("stdin and input arguments may not both be used.")
    as_text = bool(text or universal_newlines or encoding or errors)
    plan = Plan(
        worker,
        _builder(argv, env, cwd, umask, label, heartbeat),
        _stdin(stdin, _bytes(input, as_text, encoding, errors)),
        *_outputs(stdout, stderr),
        {fd: fd for fd in _extra(pass_fds)},
        False,
        heartbeat,
    )
    until = None if timeout is None else time.monotonic() + timeout
    captured = _Captured(plan, stdout, stderr, as_text, encoding, errors)
    try:
        try:
            call = begin(plan, wait=wait, until=until)
        except Expired:
            raise subprocess.TimeoutExpired(args, timeout or 0.0) from None
        end = _follow(call, args, until, timeout, captured)
    finally:
        plan.close()
    out, err = captured.get()
    if end.reason == "crash":
        raise lost(worker, end.text or "lost the process that served the call")
    if end.flags & wire.TIMEOUT:
        raise subprocess.TimeoutExpired(args, end.limit, output=out, stderr=err)
    done: "subprocess.CompletedProcess[Any]" = subprocess.CompletedProcess(args, wire.returncode(end.status), out, err)
    if check:
        done.check_returncode()
    return done


def _builder(
    argv: List[bytes], env: Optional[Mapping[str, str]], cwd: Optional[Word], umask: int, label: str, heartbeat: float
) -> Any:
    where = _where.directory(cwd)
    mask = _where.umask() if umask == -1 else umask
    return builder(argv[0], argv[1:], env, where, mask, label, heartbeat)


def builder(
    procedure: bytes,
    args: List[bytes],
    env: Optional[Mapping[str, str]],
    where: wire.Where,
    mask: int,
    label: str,
    heartbeat: float = 0.0,
) -> Any:
    """Gives the function that makes a CALL frame of flags and streams. Raises ValueError as it would."""
    variables: List[bytes] = []
    for name, value in (env or {}).items():
        if not name or "=" in name:
            raise ValueError("illegal environment variable name")
        variables.append(os.fsencode(name) + b"=" + os.fsencode(value))

    def build(flags: int, streams: List[wire.Stream]) -> bytes:
        return wire.call(
            procedure,
            args,
            env=variables,
            where=where,
            umask=mask,
            label=os.fsencode(label),
            streams=streams,
            flags=flags,
            heartbeat=heartbeat,
        )

    build(0, [])
    return build


def _bytes(data: Union[None, str, Buffer], as_text: bool, encoding: Optional[str], errors: Optional[str]) -> Any:
    if data is None or not isinstance(data, str):
        if data is not None and as_text:
            raise TypeError("input has to be str in text mode")
        return data
    if not as_text:
        raise TypeError("input is str: say text=True, or give bytes")
    raw = io.BytesIO()
    with io.TextIOWrapper(raw, encoding=encoding, errors=errors, write_through=True) as f:
        f.write(data)
        f.flush()
        return raw.getvalue()


def _fileno(file: Union[int, IO[Any]]) -> int:
    return file if isinstance(file, int) else file.fileno()


def _open(fd: int) -> bool:
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True


def _stdin(file: File, data: Optional[Buffer]) -> Optional[Input]:
    if data is not None:
        return Input(None, data)
    if file == subprocess.PIPE:
        return Input(None)
    if file == subprocess.DEVNULL or (file is None and not _open(0)):
        return None
    fd = 0 if file is None else _fileno(file)
    _check(fd, 0)
    found = Input(fd)
    found.terminal = os.isatty(fd)
    return found


def _outputs(stdout: File, stderr: File) -> Tuple[Dict[int, Output], bool, bool]:
    """Gives the outputs, and whether stderr is the same as stdout, or the same to who reads it."""
    found: Dict[int, Output] = {}
    for number, file in ((1, stdout), (2, stderr)):
        if number == 2 and file == subprocess.STDOUT:
            return found, True, False
        if file == subprocess.PIPE:
            found[number] = Output(number, None)
        elif file != subprocess.DEVNULL and (file is not None or _open(number)):
            fd = number if file is None else _fileno(file)
            _check(fd, number)
            found[number] = Output(number, fd)
            found[number].terminal = os.isatty(fd)
    one, other = found.get(1), found.get(2)
    if one is None or other is None or one.fd is None or other.fd is None or not _is_one(one.fd, other.fd):
        return found, False, False
    if one.fd == other.fd or os.isatty(one.fd):
        return {1: one}, True, False
    return found, False, True


def _check(fd: int, number: int) -> None:
    check(fd, number)
    reopenable(fd)


def _is_one(a: int, b: int) -> bool:
    """Says whether two descriptors are one thing to who reads it: a pipe, a terminal, a file to which both append."""
    import fcntl
    import stat

    if a == b:
        return True
    x, y = os.fstat(a), os.fstat(b)
    if (x.st_dev, x.st_ino) != (y.st_dev, y.st_ino):
        return False
    if stat.S_ISREG(x.st_mode):
        return bool(fcntl.fcntl(a, fcntl.F_GETFL) & fcntl.fcntl(b, fcntl.F_GETFL) & os.O_APPEND)
    return stat.S_ISFIFO(x.st_mode) or os.isatty(a)


def _extra(fds: Sequence[int]) -> List[int]:
    found = sorted(set(fds))
    for fd in found:
        if not 2 < fd < wire.MAX_DESCRIPTORS:
            raise ValueError(f"descriptor {fd} in pass_fds: 3 to {wire.MAX_DESCRIPTORS - 1} can be passed")
        _check(fd, fd)
    return found


class _Captured:
    """What was captured so far."""

    def __init__(
        self, plan: Plan, stdout: File, stderr: File, as_text: bool, encoding: Optional[str], errors: Optional[str]
    ) -> None:
        self.plan = plan
        self.wanted = [stdout == subprocess.PIPE, stderr == subprocess.PIPE]
        self.as_text, self.encoding, self.errors = as_text, encoding, errors

    def raw(self) -> Tuple[Optional[bytes], Optional[bytes]]:
        """Gives stdout and stderr as bytes."""
        out, err = (bytes(self.plan.outputs[i + 1].got) if w else None for i, w in enumerate(self.wanted))
        return out, err

    def get(self) -> Tuple[Any, Any]:
        """Gives stdout and stderr, as str in text mode."""
        out, err = self.raw()
        return self._text(out), self._text(err)

    def _text(self, b: Optional[bytes]) -> Any:
        if b is None or not self.as_text:
            return b
        return io.TextIOWrapper(io.BytesIO(b), encoding=self.encoding, errors=self.errors).read()


def _follow(call: Call, args: Any, until: Optional[float], timeout: Optional[float], captured: _Captured) -> wire.Exit:
    """Waits for the end, and ends the procedure when the time or the user's patience is over."""
    try:
        return call.finish(until)
    except Expired:
        call.kill()
        out, err = captured.raw()
        raise subprocess.TimeoutExpired(args, timeout or 0.0, output=out, stderr=err) from None
    except KeyboardInterrupt:
        call.interrupt()
        raise
