# The report on --status-fd says that the time limit ended the call.
#
# use: report

report --timeout 0.3s $W sleep 99
report --timeout 4s $W sh -c 'trap "exit 0" TERM; sleep 99 & wait'
:

# stdout:
#| {"outcome":"timeout","started":true,"status":124,"signal":"...","reason":"caller-timeout","worker":"$W","call":N,"seconds":N,"user_seconds":N,"system_seconds":N}
#| {"outcome":"timeout","started":true,"status":124,"signal":"","reason":"caller-timeout","worker":"$W","call":N,"seconds":N,"user_seconds":N,"system_seconds":N}
