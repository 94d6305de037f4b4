# A process that has got hold of what the leader of a terminal's session talks through, and has left the call, doesn't
# hold up the call's status.
#
# on: passed
# needs: root
# fault: 205

cat >hold.py <<'END'
import ctypes, os, time

leader = os.getppid()
pidfd = os.pidfd_open(leader)
for n in os.listdir(f"/proc/{leader}/fd"):
    ctypes.CDLL(None).syscall(438, pidfd, int(n), 0)  # pidfd_getfd(2)
if os.fork() == 0:
    os.setsid()
    for n in 0, 1, 2:
        os.close(n)
    os.unlink("up")
    time.sleep(99)
    os._exit(0)
while os.path.exists("up"):
    time.sleep(0.01)
os._exit(7)
END
: >up
procedure holder "$(python3 -c 'import sys; print(sys.executable)')" # python3 may be a script that asks which
rpc -t --timeout 10s $W holder "$PWD/hold.py" </dev/null
echo $?

# stdout:
#| 7
