# The report on --status-fd says that the output couldn't be written.
#
# on: none bridge
# use: report

report $W yes >/dev/full 2>/dev/null
grep -o '^.*"status":125' report

# stdout:
#| {"outcome":"write-error","started":true,"status":125
