# A file that is open for reading and writing crosses as it is.
#
# on: passed users

echo one >file && chmod 666 file
rpc --fd 6 $W sh -c 'read x <&6; echo "two, behind $x" >&6' 6<>file
cat file

# stdout:
#| one
#| two, behind one
