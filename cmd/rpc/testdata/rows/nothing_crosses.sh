# No variable of the caller's crosses unasked. HOME is the worker's own.
#
# fault: 67 69

export FOO=1 HOME=/nowhere LC_TIME=x
rpc $W sh -c 'echo "<$FOO><$LC_TIME>"; [ "$HOME" = /nowhere ] || echo own'

# stdout:
#| <><>
#| own
