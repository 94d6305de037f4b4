"""A client of rpcd in Python, written from rpcd/PROTOCOL.md alone (standard library only).

client.py SOCKET passed|relayed|confirmed|keep|version|long: does one thing and prints what came of it.
"""

import os
import socket
import struct
import sys

CALL, DATA, END, CLOSED, CREDIT, HEARTBEAT, CONTINUED = 1, 16, 17, 18, 19, 20, 34
ACCEPTED, STARTED, REFUSED, EXIT = 48, 49, 50, 51
PASSED, RELAYED, OUTPUT, KEEP, CONFIRM = 1, 2, 1, 1, 8
BRIDGED, WAITING = 1, 2
WINDOW = 8192


def field(tag, value):
    return struct.pack(">HI", tag, len(value)) + value


def stream(number, mode, index=0, window=0):
    return field(8, struct.pack(">BBBBI", number, mode, index, OUTPUT if number else 0, window))


def call(argv, streams, version=1):
    """The payload of a CALL that runs where we are."""
    here = os.stat(".")
    body = b"RPCD" + struct.pack(">H", version) + field(1, argv[0].encode())
    for a in argv[1:]:
        body += field(2, a.encode())
    body += field(4, os.getcwdb()) + field(5, struct.pack(">QQ", here.st_dev, here.st_ino))
    return body + field(6, struct.pack(">I", 0o022)) + b"".join(streams)


def frame(kind, payload=b"", number=0, flags=0):
    return struct.pack(">BBHI", kind, number, flags, len(payload)) + payload


def read(s, n):
    b = b""
    while len(b) < n:
        more = s.recv(n - len(b))
        if not more:
            raise EOFError("the worker has left")
        b += more
    return b


def next_frame(s):
    kind, number, flags, length = struct.unpack(">BBHI", read(s, 8))
    return kind, number, flags, read(s, length)


def fields(payload):
    found = {}
    while payload:
        tag, n = struct.unpack(">HI", payload[:6])
        found[tag], payload = payload[6 : 6 + n], payload[6 + n :]
    return found


def run(s, argv, fds=(), stdin=None, flags=0, version=1):
    """Makes one call; gives its wait status or its refusal, and what it wrote."""
    if fds:
        streams = [stream(i, PASSED, i) for i in range(len(fds))]
        b = frame(CALL, call(argv, streams, version), flags=flags)
        b = b[socket.send_fds(s, [b], list(fds)) :]
        s.sendall(b)
    else:
        streams = [stream(0, RELAYED), stream(1, RELAYED, 0, WINDOW), stream(2, RELAYED, 0, WINDOW)]
        s.sendall(frame(CALL, call(argv, streams, version), flags=flags))
    out, credit, held = {1: b"", 2: b""}, 0, {1: 0, 2: 0}
    while True:
        kind, number, said, payload = next_frame(s)
        if kind == ACCEPTED and flags & CONFIRM and said & BRIDGED and not said & WAITING:
            s.sendall(frame(CONTINUED))
        if kind == REFUSED:
            f = fields(payload)
            return ("refused", struct.unpack(">H", f[1])[0], f[2].decode()), out
        if kind == EXIT:
            return struct.unpack(">I", fields(payload)[1])[0], out
        if kind == DATA:
            out[number] += payload
            held[number] += len(payload)
            assert held[number] <= WINDOW, "more than we granted"
            s.sendall(frame(CREDIT, struct.pack(">I", len(payload)), number))
            held[number] -= len(payload)
        elif kind == CREDIT:
            credit += struct.unpack(">I", payload)[0]
        elif kind == CLOSED:
            stdin = None
        elif kind not in (ACCEPTED, STARTED, END, HEARTBEAT):
            raise ValueError(f"frame {kind}")
        while stdin is not None and kind in (STARTED, CREDIT):
            n = min(credit, len(stdin), 256 << 10)
            if stdin and not n:
                break
            if not stdin:
                s.sendall(frame(END, b"", 0))
                stdin = None
                break
            s.sendall(frame(DATA, stdin[:n], 0))
            stdin, credit = stdin[n:], credit - n


def main():
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(sys.argv[1])
        what = sys.argv[2]
        if what == "passed":
            status, _ = run(s, ["sh", "-c", "cat; echo err >&2; exit 7"], fds=(0, 1, 2))
            print(status)
        elif what == "relayed":
            data = bytes(range(256)) * 4000
            status, out = run(s, ["sh", "-c", "tee /dev/stderr; exit 7"], stdin=data)
            print(status, out[1] == data, out[2] == data)
        elif what == "confirmed":
            print(*run(s, ["echo", "here"], stdin=b"", flags=CONFIRM))
        elif what == "keep":
            for i in range(100):
                status, out = run(s, ["echo", str(i)], stdin=b"", flags=KEEP)
                assert (status, out[1]) == (0, b"%d\n" % i), (status, out)
            print(run(s, ["nope"], stdin=b"", flags=KEEP)[0][:2])
            print(run(s, ["echo", "after"], stdin=b"")[1][1])
        elif what == "version":
            print(run(s, ["true"], stdin=b"", version=99)[0])
        elif what == "long":
            print(run(s, ["true", "x" * 131071], stdin=b"", flags=KEEP)[0])
            print(run(s, ["true", "x" * 131072], stdin=b"")[0])


main()
