"""pyzmq, REQ and REP over ipc://. zmq_pair.py SOCKET pyobj|array

pyobj is send_pyobj, which pickles. array is the pair of functions that pyzmq's own guide has for NumPy arrays
(https://pyzmq.readthedocs.io/en/latest/howto/serialization.html).
"""

import sys
from multiprocessing import Process

import numpy as np
import turns
import zmq


def send_array(socket, a):
    socket.send_json({"dtype": str(a.dtype), "shape": a.shape}, zmq.SNDMORE)
    socket.send(a, copy=False)


def recv_array(socket):
    said = socket.recv_json()
    return np.frombuffer(socket.recv(copy=False), said["dtype"]).reshape(said["shape"])


if sys.argv[2] == "pyobj":
    send, receive = zmq.Socket.send_pyobj, zmq.Socket.recv_pyobj
else:
    send, receive = send_array, recv_array


def serve():
    with zmq.Context() as context, context.socket(zmq.REP) as socket:
        socket.bind("ipc://" + sys.argv[1])
        while True:
            send(socket, receive(socket))


def main():
    Process(target=serve, daemon=True).start()
    with zmq.Context() as context, context.socket(zmq.REQ) as socket:
        socket.connect("ipc://" + sys.argv[1])

        def echo(frame):
            send(socket, frame)
            return receive(socket)

        turns.ask(echo)


main()
