# A stream socket crosses, both ways, and the end of what is read from it.
#
# fault: 196
# on: passed none bridge

cat >talk.py <<'P'
import os, socket, subprocess
ours, theirs = socket.socketpair()
os.dup2(theirs.fileno(), 50)
script = 'read a <&50; echo "got $a" >&50; cat <&50 >&50; echo "no more" >&50'
call = subprocess.Popen(["rpc", "--fd", "50", os.environ["W"], "bash", "-c", script], close_fds=False)
theirs.close()
os.close(50)
said = ours.makefile()
ours.sendall(b"question\n")
print(said.readline(), end="")
ours.sendall(b"text\n")
ours.shutdown(socket.SHUT_WR)
print(said.read(), end="")
print(call.wait())
# Its reader says that it has enough, or leaves with bytes unread: the procedure's writer ends.
for enough in lambda: ours.shutdown(socket.SHUT_RD), lambda: ours.close():
    ours, theirs = socket.socketpair()
    os.dup2(theirs.fileno(), 50)
    script = "yes >&50 2>/dev/null; echo ended"
    call = subprocess.Popen(["rpc", "--fd", "50", os.environ["W"], "bash", "-c", script], close_fds=False, stdout=subprocess.PIPE)
    theirs.close()
    os.close(50)
    ours.recv(1)
    enough()
    print(call.communicate()[0].decode(), end="")
    print(call.wait())
# A procedure that closes it, and goes on, is seen.
ours, theirs = socket.socketpair()
os.dup2(theirs.fileno(), 50)
call = subprocess.Popen(["rpc", "--fd", "50", os.environ["W"], "bash", "-c", "read a <&50; exec 50>&-; cat"], close_fds=False, stdin=subprocess.PIPE)
theirs.close()
os.close(50)
ours.sendall(b"text\n")
try:
    while True:
        ours.sendall(bytes(1000))
except (BrokenPipeError, ConnectionResetError):
    print("closed")
call.stdin.close()
print(call.wait())
P
timeout 120 python3 talk.py

# stdout:
#| got question
#| text
#| no more
#| 0
#| ended
#| 0
#| ended
#| 0
#| closed
#| 0
