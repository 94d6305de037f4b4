# A caller whose own directory is closed to it, as root's is after su, calls from there all the same, as it would run a
# local command.
#
# on: passed none
# needs: root

chmod 777 $D/sock/*
mkdir -m 700 mine
cd mine
setpriv --reuid 1234 --regid 1234 --clear-groups rpc $W pwd

# stdout:
#| $D/cwd/mine
