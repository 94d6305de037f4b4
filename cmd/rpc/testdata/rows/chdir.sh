# Option -C and RPC_CHDIR name another directory, relative to the caller's own, and -C wins over RPC_CHDIR.
#
# fault: moby-directory

rpc -C / $W pwd
rpc --chdir $D/ex $W pwd
mkdir sub
rpc -C sub $W pwd
rpc -C .. $W pwd
RPC_CHDIR=/ rpc $W pwd
RPC_CHDIR=/ rpc -C $D $W pwd

# stdout:
#| /
#| $D/ex
#| $D/cwd/sub
#| $D
#| /
#| $D
