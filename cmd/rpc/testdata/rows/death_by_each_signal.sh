# A procedure that dies by a signal makes rpc die by the same signal, and no core file appears at the caller.
#
# fault: 51

ulimit -c unlimited
for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 24 25 26 27 29 30 31 34 64; do
  died rpc $W sh -c "ulimit -c 0; kill -$n \$\$"
done
ls

# stdout:
#| signal 1
#| signal 2
#| signal 3
#| signal 4
#| signal 5
#| signal 6
#| signal 7
#| signal 8
#| signal 9
#| signal 10
#| signal 11
#| signal 12
#| signal 13
#| signal 14
#| signal 15
#| signal 16
#| signal 24
#| signal 25
#| signal 26
#| signal 27
#| signal 29
#| signal 30
#| signal 31
#| signal 34
#| signal 64
