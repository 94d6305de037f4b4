# The report on --status-fd says that the worker was busy.
#
# serve: --max-calls 1
# serve: --queue 0
# use: report

rpc $W sh -c ': >up; while [ ! -e go ]; do sleep 0.02; done' &
wait_for test -e up
report $W true
: >go
wait

# stdout:
#| {"outcome":"busy","started":false,"status":125,"signal":"","worker":"$W","call":"","seconds":N,"user_seconds":N,"system_seconds":N}
