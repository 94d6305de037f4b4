# A -C that is empty, over the kernel's limit, a file or a circle is refused with 125, and the error says which.
#
# fault: 66

: >file
ln -s circle circle
long=$(printf %0255d 1)
for i in {1..4}; do long+=/$long; done
calls() {
  for c in "$@"; do rpc --status-fd 1 -C "$c" $W pwd | cut -d, -f1,2; done
}
calls '' /$long $long file circle $D/cwd/file/ /$(printf %0256d 1)
RPC_CHDIR='' rpc $W pwd
RPC_CHDIR=/ rpc -C '' $W pwd
echo $?
rpc doctor -C '' $W
echo $?

# stdout:
#| {"outcome":"no-directory","started":false
#| {"outcome":"no-directory","started":false
#| {"outcome":"no-directory","started":false
#| {"outcome":"no-directory","started":false
#| {"outcome":"no-directory","started":false
#| {"outcome":"no-directory","started":false
#| $D/cwd
#| 125
#| 2
# stderr:
#| rpc: cannot use --chdir "": it names no directory (leave it out for the one here)
#| rpc: cannot call $W in "/000...": its name has ... bytes, the kernel's limit is 4095
#| rpc: cannot call $W in "000...": its name has ... bytes, the kernel's limit is 4095
#| rpc: $W has no directory "$D/cwd/file": not a directory
#| rpc: $W cannot enter the directory "$D/cwd/circle": a circle of links, or a link of /proc
#| rpc: $W has no directory "$D/cwd/file/": not a directory
#| rpc: $W cannot enter the directory "/000...": file name too long
#| rpc: cannot use --chdir "": it names no directory (leave it out for the one here)
#| rpc: cannot use --chdir "": it names no directory (leave it out for the one here)
