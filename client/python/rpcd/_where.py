"""What a call takes from its caller's process: directory and umask."""

from __future__ import annotations

import os
from typing import Optional, Union

from . import _wire as wire

MAX_PATH = 4095  # bytes, PATH_MAX without its NUL


def directory(cwd: Optional[Union[str, bytes, "os.PathLike[str]", "os.PathLike[bytes]"]]) -> wire.Where:
    """Gives the directory of a call. None is our own, which goes with its identity. Another one goes by its name.

    Raises OSError if a relative one is given and our own has no name.
    """
    if cwd is not None:
        name = os.fsencode(cwd)
        if not os.path.isabs(name):
            name = os.path.join(os.getcwdb(), name)
        if len(name) > MAX_PATH:
            raise ValueError(f"the directory's name has {len(name)} bytes, the kernel's limit is {MAX_PATH}")
        return wire.Where(name, None)
    st = os.stat(".")
    identity = (st.st_dev, st.st_ino)
    try:
        name = os.getcwdb()
    except OSError:
        name = b""  # the worker may have a workdir for it
    logical = os.fsencode(os.environ.get("PWD", ""))
    if logical == name or not _is_logical(logical, identity):
        logical = b""
    return wire.Where(name, identity, logical)


def _is_logical(name: bytes, identity: "tuple[int, int]") -> bool:
    """Says whether name can stand in PWD for that directory (POSIX, pwd -L)."""
    if not name.startswith(b"/") or len(name) > MAX_PATH or {b".", b".."} & set(name.split(b"/")):
        return False
    try:
        st = os.stat(name)
    except OSError:
        return False
    return (st.st_dev, st.st_ino) == identity


def umask() -> int:
    """Gives the process's umask. umask(2) would change it for a moment, while other threads may create files."""
    try:
        with open("/proc/self/status", encoding="ascii", errors="replace") as f:
            for line in f:
                if line.startswith("Umask:"):
                    return int(line.split()[1], 8)
    except (OSError, ValueError):
        pass
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
