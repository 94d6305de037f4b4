# One argument has the kernel's limit: 131071 bytes arrive, and a byte more is 126.
#
# fault: 53

a=$(printf %0131071d 1)
((${#a} == 131071)) && rpc $W printf %s "$a" | wc -c
rpc $W true "${a}0" 2>/dev/null
echo $?

# stdout:
#| 131071
#| 126
