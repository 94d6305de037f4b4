#!/usr/bin/env python3
"""A resident worker in Python, written from rpcd/PROTOCOL.md alone (section 7, standard library only).

It serves each call in a forked child, and does what the call's first argument says.
"""

import os
import select
import signal
import socket
import struct
import sys
import time

CALL, HEARTBEAT, SIGNAL, STARTED, REFUSED, EXIT, READY = 1, 20, 32, 49, 50, 51, 56
CLOSED, PASSED, DIRECTORY = 0, 1, 5


def field(tag, value):
    return struct.pack(">HI", tag, len(value)) + value


def frame(kind, payload=b""):
    return struct.pack(">BBHI", kind, 0, 0, len(payload)) + payload


def read(s, n):
    """n bytes, and the descriptors that came with the first of them."""
    data, fds = b"", []
    while len(data) < n:
        more, new, flags, _ = socket.recv_fds(s, n - len(data), 253) if not data else (s.recv(n - len(data)), [], 0, None)
        if not more:
            sys.exit(0)  # rpcd doesn't need us any more
        data, fds = data + more, fds + list(new)
        assert not flags & socket.MSG_CTRUNC, "descriptors were cut off"
    return data, fds


def fields(payload):
    while payload:
        tag, n = struct.unpack(">HI", payload[:6])
        yield tag, payload[6 : 6 + n]
        payload = payload[6 + n :]


def receive(s):
    (head, fds) = read(s, 8)
    kind, _, flags, length = struct.unpack(">BBHI", head)
    assert not flags & 0xFF00, "a flag that must be understood"
    return kind, read(s, length)[0], fds


class Call:
    def __init__(self, payload, fds):
        assert payload[:6] == b"RPCD\0\1", payload[:6]
        self.argv, self.env, self.files, self.directory, self.received = [], {}, {}, None, fds
        used = 0
        for tag, value in fields(payload[6:]):
            if tag in (1, 2):
                self.argv.append(os.fsdecode(value))
            elif tag == 3:
                name, _, text = value.partition(b"=")
                self.env[os.fsdecode(name)] = os.fsdecode(text)
            elif tag == 6:
                self.umask = struct.unpack(">I", value)[0]
            elif tag == 8:
                number, mode, index, _, _ = struct.unpack(">BBBBI", value)
                used += mode in (PASSED, DIRECTORY)
                if mode == PASSED:
                    self.files[number] = fds[index]
                elif mode == DIRECTORY:
                    self.directory = fds[index]
            else:
                assert tag < 0x8000, tag
        assert used == len(fds) and self.directory is not None
        self.id = self.env["RPC_CALL_ID"].encode()


def become(call, s):
    """Makes a forked child the call's process."""
    s.close()
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Python's own makes an exception of it
    os.fchdir(call.directory)
    os.umask(call.umask)
    os.environ.update(call.env)
    high = {n: os.dup(fd) if fd > 252 else fd for n, fd in call.files.items()}
    high = {n: socket_free(fd) for n, fd in high.items()}
    for number, fd in high.items():
        os.dup2(fd, number)
    os.closerange(max(high) + 1 if max(high) > 2 else 3, 1024)


def socket_free(fd):
    """A copy of fd over all numbers that a call uses."""
    import fcntl

    return fcntl.fcntl(fd, fcntl.F_DUPFD, 300)


def handle(what, words):
    """One call; gives the exit status."""
    if what == "say":
        print("|".join(words))
    elif what == "complain":
        print("|".join(words), file=sys.stderr)
    elif what == "exit":
        return int(words[0])
    elif what == "cat":
        while data := os.read(0, 65536):
            while data:
                data = data[os.write(1, data) :]
    elif what == "pid":
        print(os.getppid())
    elif what == "pwd":
        print(os.getcwd(), os.environ["PWD"] == os.getcwd())
    elif what == "touch":
        open(words[0], "w").close()
    elif what == "env":
        print(os.environ.get(words[0], ""))
    elif what == "wait":
        print("up", file=sys.stderr, flush=True)
        time.sleep(3600)
    elif what == "hang":
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        print("up", file=sys.stderr, flush=True)
        time.sleep(3600)
    elif what == "crash":
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(3600)
    elif what == "fd":
        os.write(3, (" ".join(words) + "\n").encode())
    return 0


def serve(s, call):
    s.sendall(frame(STARTED, field(1, call.id)))
    pid = os.fork()
    if pid == 0:
        try:
            become(call, s)
            status = handle(call.argv[1], call.argv[2:])
            sys.stdout.flush()
            os._exit(status)
        except BaseException as e:
            print(e, file=sys.stderr)
            os._exit(1)
    for fd in call.received:
        os.close(fd)
    child = os.pidfd_open(pid)
    while True:
        ready, _, _ = select.select([s, child], [], [])
        if child in ready:
            break
        kind, payload, _ = receive(s)
        assert kind == SIGNAL, kind
        os.kill(pid, payload[0])
    os.close(child)
    _, status, usage = os.wait4(pid, 0)
    took = [struct.pack(">Q", int(t * 1e9)) for t in (usage.ru_utime, usage.ru_stime)]
    s.sendall(
        frame(EXIT, field(1, struct.pack(">I", status)) + field(2, took[0]) + field(3, took[1]) + field(4, struct.pack(">Q", usage.ru_maxrss)) + field(10, call.id))
    )


def main():
    s = socket.socket(fileno=int(os.environ.pop("RPC_RESIDENT_FD")))
    s.set_inheritable(False)
    s.sendall(frame(HEARTBEAT))
    s.sendall(frame(READY, b"RPCD\0\1"))
    while True:
        kind, payload, fds = receive(s)
        if kind == CALL:
            if len(sys.argv) > 1 and sys.argv[1] == "--print":
                print("a stray line", flush=True)
            serve(s, Call(payload, fds))
        elif kind != SIGNAL:
            for fd in fds:
                os.close(fd)
            s.sendall(frame(REFUSED, field(1, struct.pack(">H", 9)) + field(2, b"has a worker that knows CALL alone")))


main()
