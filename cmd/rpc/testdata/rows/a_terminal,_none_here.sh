# With -t the procedure has a terminal also where the caller has none, as in cron or CI: what comes by stdin is typed, and
# at its end the end-of-file character. The size isn't known then. A stderr of its own stays that. TERM crosses.

TERM=vt220 rpc -t $W sh -c '
  [ -t 0 ] && [ -t 1 ] && echo terminal
  [ -t 2 ] || echo "stderr is apart"
  echo err >&2
  : </dev/tty && echo controlling
  stty size
  echo $TERM' </dev/null | tr -d '\r'
rpc -t $W sh -c '[ -t 2 ] && echo "stderr, too"' 2>&1 </dev/null | tr -d '\r'
echo "# lines, and their end"
printf 'one\ntwo' | rpc -t $W sh -c '{ while read -r a; do echo "got $a"; done; echo "and $a"; } >lines' >/dev/null
rpc -n -t $W sh -c 'cat; echo "cat ended" >>lines' >/dev/null
cat lines
echo "# -e TERM"
rpc -t -e TERM=mine $W sh -c 'echo $TERM' </dev/null | tr -d '\r'
rpc -t -e OTHER=x $W true 2>/dev/null
echo $?

# stdout:
#| terminal
#| stderr is apart
#| controlling
#| 0 0
#| vt220
#| stderr, too
#| # lines, and their end
#| got one
#| and two
#| cat ended
#| # -e TERM
#| mine
#| 126
# stderr:
#| err
