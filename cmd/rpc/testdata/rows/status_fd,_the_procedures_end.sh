# The report on --status-fd says how the procedure ended, and what it used.
#
# use: report

report $W true
report $W sh -c 'exit 7'
report $W sh -c 'kill -9 $$'
report $W sh -c 'kill -USR1 $$'
:

# stdout:
#| {"outcome":"exited","started":true,"status":0,"signal":"","worker":"$W","call":N,"seconds":N,"user_seconds":N,"system_seconds":N}
#| {"outcome":"exited","started":true,"status":7,"signal":"","worker":"$W","call":N,"seconds":N,"user_seconds":N,"system_seconds":N}
#| {"outcome":"signaled","started":true,"status":137,"signal":"...KILL","worker":"$W","call":N,"seconds":N,"user_seconds":N,"system_seconds":N}
#| {"outcome":"signaled","started":true,"status":138,"signal":"...USR1","worker":"$W","call":N,"seconds":N,"user_seconds":N,"system_seconds":N}
