# --fd lets descriptors cross under their numbers: here-strings, files to read, to write and to append to. One that the
# caller has open twice is open twice there, and its order holds.
#
# on: passed none bridge users

mkdir -m 777 out
printf '%s\n' one two three >list
rpc --fd 3 --fd 9 --fd 200 $W bash -c 'cat <&200 >&9; cat <&3 >&9' 3<<<here 9>out/a 200<list
cat out/a
rpc --fd 7 $W sh -c 'echo b >&7' 7>>out/a
tail -n 1 out/a
rpc --fd 3 --fd 4 --fd 5 $W sh -c 'for n in 1 2 3; do echo $n; echo $n >&3; echo $n >&5; done; echo 4 >&4' 2>&1 3>&1 4>&2 5>&3 | xargs
# 0 to 2 cross in any case, and a number may come twice.
echo in | rpc --fd 0 --fd 1 --fd 3 --fd=3 $W sh -c 'cat; cat <&3' 3<<<three
rpc --fd 3 $W sh -c 'cat <&3; echo $? >&3' 3<>/dev/null
# The next reader goes on where the procedure stopped.
exec 6<list
rpc --fd 6 $W bash -c 'dd bs=4 count=1 <&6' 2>/dev/null
cat <&6

# stdout:
#| one
#| two
#| three
#| here
#| b
#| 1 1 1 2 2 2 3 3 3 4
#| in
#| three
#| one
#| two
#| three
