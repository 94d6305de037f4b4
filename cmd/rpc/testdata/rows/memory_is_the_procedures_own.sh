# The memory that a call's report names is the procedure's own, and none of rpcd's: it is left out where the procedure
# had less than rpcd ever had.

memory() {
  rpc --status-fd 9 $W "$@" 9>report >/dev/null
  sed -nE 's/.*"max_rss_kb":([0-9]+).*/\1/p' report
}
memory true
head -c 50000000 /dev/zero | rpc --pass none $W cat >/dev/null # rpcd has more than before
memory true
kib=$(memory dd if=/dev/zero of=/dev/null bs=96M count=1 2>/dev/null)
((kib >= 96 * 1024 && kib < 120 * 1024)) && echo 96 MiB
wait_for test "$(grep -c 'end: .* procedure=true' $D/log)" = 2
grep -c 'procedure=true .*max_rss_kb' $D/log
grep -c "procedure=dd .*max_rss_kb=$kib" $D/log

# stdout:
#| 96 MiB
#| 0
#| 1
