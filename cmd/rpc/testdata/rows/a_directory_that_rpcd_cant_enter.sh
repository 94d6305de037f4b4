# A directory that rpcd's user can't enter is refused with 125, and the error says why.
#
# on: users
# fault: 66

mkdir -m 700 mine
cd mine
rpc $W pwd
echo $?
rpc -C . $W pwd
echo $?
mkdir sub
cd sub
rpc $W pwd
echo $?

# stdout:
#| 125
#| 125
#| 125
# stderr:
#| rpc: $W cannot enter the directory "$D/cwd/mine": permission denied...
#| rpc: $W cannot enter the directory "$D/cwd/mine": permission denied...
#| rpc: $W cannot enter the directory "$D/cwd/mine/sub": permission denied (rpcd runs as 54321:54321: ...)
