# What follows the procedure's name is never read as an option of rpc.
#
# fault: 54

rpc $W printf '<%s>' --help -x -h -- -n -C / --timeout 0
echo
rpc $W env --version | head -1 | grep -c coreutils

# stdout:
#| <--help><-x><-h><--><-n><-C></><--timeout><0>
#| 1
