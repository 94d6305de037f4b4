"""pyzmq, PUB and SUB over ipc://. topic_zmq.py PATH pyobj|array N...

pyobj is send_pyobj, which pickles. array is the pair of functions that pyzmq's own guide has for NumPy arrays
(https://pyzmq.readthedocs.io/en/latest/howto/serialization.html). It copies nothing, so each frame is a new array.
The publisher's socket is an XPUB, so that it hears of subscribers, and waits where a queue is full (topics/zmq/zmq.c).
"""

import sys

import numpy as np
import topic_turns
import zmq

QUEUES = {True: 1000, False: 8}  # frames, by whether they are small: 1000 is libzmq's default


def send_array(socket, a):
    socket.send_json({"dtype": str(a.dtype), "shape": a.shape}, zmq.SNDMORE)
    socket.send(a, copy=False)


def recv_array(socket):
    said = socket.recv_json()
    return np.frombuffer(socket.recv(copy=False), said["dtype"]).reshape(said["shape"])


PYOBJ = sys.argv[2] == "pyobj"


def frames(_, path, small):
    receive = zmq.Socket.recv_pyobj if PYOBJ else recv_array
    with zmq.Context() as context, context.socket(zmq.SUB) as socket:
        socket.rcvhwm = QUEUES[small]
        socket.subscribe(b"")
        socket.connect("ipc://" + path)
        while True:
            yield receive(socket)


def sender(context, path, n, small):
    socket = context.socket(zmq.XPUB)
    socket.sndhwm = QUEUES[small]
    socket.setsockopt(zmq.XPUB_VERBOSE, 1)
    socket.setsockopt(zmq.XPUB_NODROP, 1)
    socket.bind("ipc://" + path)
    for _ in range(n):
        socket.recv()
    arrays = {}

    def by_pyobj(shape, write):
        frame = arrays.get(shape)
        if frame is None:
            frame = arrays[shape] = np.empty(shape, np.uint8)
        write(frame)
        socket.send_pyobj(frame)

    def by_array(shape, write):
        frame = np.empty(shape, np.uint8)
        write(frame)
        send_array(socket, frame)

    return by_pyobj if PYOBJ else by_array


def main():
    keys = [(int(n), small) for n in sys.argv[3:] for small in QUEUES]
    paths = [f"{sys.argv[1]}-{i}" for i in range(len(keys))]
    reports = [topic_turns.start(n, frames, path, small) for (n, small), path in zip(keys, paths)]
    context = zmq.Context()
    senders = [sender(context, path, *key) for key, path in zip(keys, paths)]
    topic_turns.publish(dict(zip(keys, zip(reports, senders))))
    context.destroy(linger=0)


main()
