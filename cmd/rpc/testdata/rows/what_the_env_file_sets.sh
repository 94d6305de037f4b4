# The env file can set a variable, HOME included. A caller can't change a variable that the file only sets.
#
# fault: moby-environment

procedure p sh
printf '# comment\nMODEL=a b\nHOME=/h\n' >$D/ex/p/env
HOME=/nowhere rpc $W p -c 'echo $MODEL $HOME'
rpc -e MODEL=c $W p -c 'echo ran' 2>/dev/null
echo $?

# stdout:
#| a b /h
#| 126
