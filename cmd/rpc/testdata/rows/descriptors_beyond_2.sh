# An argument that names a descriptor of the caller's beyond 2, as bash's <(...) does, brings it: alone, behind = @ : or
# a comma, and as the value of -e. One that isn't open here is the procedure's own affair, and so is what stands in text.
#
# on: passed none bridge users

procedure p sh
echo 'F*' >"$D/ex/p/env"
show='for f; do case $f in *[=@:]*) f=${f#*[=@:]} ;; esac; cat "$f"; done'
rpc $W cat <(echo alone)
rpc $W cat /proc/self/fd/7 7< <(echo by proc)
rpc $W sh -c "$show" sh --in=<(echo behind =) @<(echo behind @) pipe:<(echo behind :)
rpc $W sh -c 'IFS=,; for f in $1; do cat "$f"; done' sh /dev/fd/7,/dev/fd/8 7< <(echo one) 8< <(echo two)
rpc -e F=/dev/fd/7 $W p -c 'cat "$F"' 7< <(echo a variable)
rpc $W sh -c 'exec 8</dev/null; cat "$1"; echo $?' sh /dev/fd/8
rpc $W sh -c 'exec 7</dev/null; cat /dev/fd/7; echo $?' 7< <(echo never read)
for word in /dev/fd/07 /dev/fd/7x x/dev/fd/7 '/dev/fd/7 ' -f/dev/fd/7 /dev/fd/; do
  rpc $W sh -c '[ ! -e /proc/self/fd/7 ] || echo "$1 brings it"' sh "$word" 7</dev/null
done
echo b | rpc $W cat /dev/fd/0
# The calls of map are many.
echo a | rpc map $W cat <(echo a) 2>&1 | sed 's,fd/[0-9]*,fd/N,'

# stdout:
#| alone
#| by proc
#| behind =
#| behind @
#| behind :
#| one
#| two
#| a variable
#| 0
#| 0
#| b
#| rpc: cannot give "/dev/fd/N" to many calls (write it to a file)
