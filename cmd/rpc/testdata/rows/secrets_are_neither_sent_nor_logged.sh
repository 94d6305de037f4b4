# Variables that aren't asked for aren't sent. Arguments and input aren't logged.
#
# fault: 69

procedure p sh
: >$D/ex/p/log-args
export SECRET=hunter2
rpc $W sh -c 'env; : hunter3' | grep -c hunter
rpc $W printf %s hunter4 >/dev/null
rpc $W sh -c ': $0' hunter5 <<<hunter6
rpc $W p -c ': shown'
wait_for grep -q shown $D/log
grep -c hunter $D/log
:

# stdout:
#| 0
#| 0
