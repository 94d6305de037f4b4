# A procedure starts with no signal ignored or blocked, whatever its caller ignores.
#
# fault: 46

trap '' PIPE HUP
rpc $W bash -c 'trap; grep -E "Sig(Ign|Blk)" /proc/$$/status' </dev/null

# stdout:
#| SigBlk:	0000000000000000
#| SigIgn:	0000000000000000
