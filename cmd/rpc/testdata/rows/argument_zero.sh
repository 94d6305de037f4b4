# A procedure's argument zero is the path of its export.

rpc $W cat /proc/self/cmdline | tr '\0' '\n' | sed "s,$D/,,"

# stdout:
#| ex/cat
#| /proc/self/cmdline
