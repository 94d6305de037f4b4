# A procedure runs where its caller is, and the name of that directory may hold blanks and other letters.
#
# fault: moby-directory

rpc $W pwd
rpc $W sh -c 'echo $PWD'
mkdir -p "a b/ü"
cd "a b/ü"
rpc $W touch here
ls
rpc $W pwd

# stdout:
#| $D/cwd
#| $D/cwd
#| here
#| $D/cwd/a b/ü
