# Errors of rpc's hold no control byte of a name, and stay one line.
#
# fault: 56

rpc $W $'a\e[31mb\nc' 2>e
echo $?
wc -l <e
LC_ALL=C grep -c $'\e' e
:

# stdout:
#| 127
#| 1
#| 0
