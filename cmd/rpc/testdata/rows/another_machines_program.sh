# A program of another machine's architecture is refused with 126, and the error names it.
#
# fault: 52

{
  printf '\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\2\0\2\0\1\0\0\0'
  head -c 400 /dev/zero
} >$D/ex/sparc
chmod +x $D/ex/sparc
rpc $W sparc
echo $?
rpc $W true
echo $?

# stdout:
#| 126
#| 0
# stderr:
#| rpc: $W cannot run "sparc": "$D/ex/sparc" is for another processor, ...
