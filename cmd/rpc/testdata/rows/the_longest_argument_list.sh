# 1.9 MB of arguments arrive, and 2.2 MB are refused with 126 and a line that names the limit.
#
# fault: 53

ulimit -s 65536 || exit 0
a=$(printf %0100000d 1)
s=()
for i in {1..19}; do s+=("$a"); done
rpc $W sh -c 'echo $#' sh "${s[@]}"
for i in {20..22}; do s+=("$a"); done
rpc $W true "${s[@]}" 2>e
echo $? $(wc -l <e) $(grep -c 'too long.*\(131071\|MiB\)' e)

# stdout:
#| 19
#| 126 1 1
