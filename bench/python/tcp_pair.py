"""A raw TCP pair as people publish it: ten bytes of ASCII with the length, then what np.save writes. A connection a frame."""

import io
import socket
from multiprocessing import Process

import numpy as np
import turns

HEADER = 10  # bytes


def send(sock, frame):
    f = io.BytesIO()
    np.save(f, frame)
    data = f.getvalue()
    sock.sendall(f"{len(data):<{HEADER}}".encode() + data)


def receive(sock):
    length = int(exactly(sock, HEADER))
    return np.load(io.BytesIO(exactly(sock, length)))


def exactly(sock, n):
    data = bytearray()
    while len(data) < n:
        part = sock.recv(min(n - len(data), 65536))
        if not part:
            raise EOFError
        data += part
    return data


def serve(listener):
    while True:
        conn, _ = listener.accept()
        with conn:
            send(conn, receive(conn))


def main():
    listener = socket.create_server(("127.0.0.1", 0))
    Process(target=serve, args=(listener,), daemon=True).start()

    def echo(frame):
        with socket.create_connection(listener.getsockname()) as sock:
            send(sock, frame)
            return receive(sock)

    turns.ask(echo)


main()
