# report.sh: the report of --status-fd, for rows that say `use: report`.
# shellcheck shell=bash

# report ARG...: runs a call with --status-fd and prints the report, with N for the numbers that differ from run to run.
# The memory is left out: it is there when it is known.
report() {
  rpc --status-fd 9 "$@" 9>report 2>/dev/null
  sed -E -e 's/"call":"[0-9]+"/"call":N/' -e 's/seconds":[0-9.e-]+/seconds":N/g' \
    -e 's/,"max_rss_kb":[1-9][0-9]*//' report
}
