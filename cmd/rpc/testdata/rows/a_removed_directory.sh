# A caller in a removed directory is refused with 125, unless it names another with -C.
#
# fault: 66

mkdir x
cd x
rmdir ../x
rpc $W pwd
echo $?
rpc -C / $W pwd

# stdout:
#| 125
#| /
# stderr:
#| rpc: cannot call $W from here: the directory here was removed (cd to another, or give -C DIR)
