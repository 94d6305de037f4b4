# A procedure that dies with a signal that dumps core makes rpc die without a core file of its own.
#
# fault: 51

ulimit -c unlimited
mkdir sub
cd sub
died rpc $W sh -c 'kill -SEGV $$'
ls -d core* 2>/dev/null
:

# stdout:
#| signal 11
