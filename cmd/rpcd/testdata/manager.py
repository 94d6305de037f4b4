"""manager.py SOCKET... -- COMMAND...: a service manager for tests.

Makes the sockets, starts the command with them (sd_listen_fds(3)) and starts
it again whenever it ends, until TERM or INT. Writes the command's number to the
file pid, the sockets' inodes to inodes, what it is told (sd_notify(3)) to
notified, and its exit statuses to statuses. A file once: it is started once.
$MANAGER_PID: another LISTEN_PID.
"""
import os, signal, socket, sys, threading

# Blocked and waited for: none is taken between two steps.
EVENTS = {signal.SIGCHLD, signal.SIGTERM, signal.SIGINT}
signal.pthread_sigmask(signal.SIG_BLOCK, EVENTS)

cut = sys.argv.index("--")
sockets = []
for path in sys.argv[1:cut]:
    s = socket.socket(socket.AF_UNIX)
    s.bind(path)
    s.listen(128)
    sockets.append(s)
note = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
note.bind("notify")


def write(name, text, mode="a"):
    with open(name, mode) as f:
        f.write(text + "\n")


def listen():
    while True:
        write("notified", note.recv(4096).decode())


def start():
    pid = os.fork()
    if pid:
        return pid
    high = [os.dup(s.fileno()) for s in sockets]
    high = [os.dup2(fd, 100 + i) for i, fd in enumerate(high)]
    for i, fd in enumerate(high):
        os.dup2(fd, 3 + i)  # inheritable, without close-on-exec
        os.close(fd)
    os.environ["LISTEN_PID"] = os.environ.get("MANAGER_PID", str(os.getpid()))
    os.environ["LISTEN_FDS"] = str(len(sockets))
    os.environ["LISTEN_FDNAMES"] = ":".join(f"name{i}" for i in range(len(sockets)))
    os.environ["NOTIFY_SOCKET"] = os.path.abspath("notify")
    signal.pthread_sigmask(signal.SIG_UNBLOCK, EVENTS)
    os.execvp(sys.argv[cut + 1], sys.argv[cut + 1 :])


write("inodes", "\n".join(str(os.fstat(s.fileno()).st_ino) for s in sockets))
threading.Thread(target=listen, daemon=True).start()
ended = False
while not ended:
    child = start()
    write("pid.new", str(child), "w")
    os.rename("pid.new", "pid")
    ended = signal.sigwait(EVENTS) != signal.SIGCHLD
    if ended:
        os.kill(child, signal.SIGTERM)
    _, status = os.waitpid(child, 0)
    write("statuses", str(os.waitstatus_to_exitcode(status)))
    ended = ended or os.path.exists("once")
