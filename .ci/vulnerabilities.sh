#!/usr/bin/env bash
# vulnerabilities.sh [OPTION...]: runs govulncheck, with its OPTIONs, over the module and Go's standard library.
#
# It fails if our code reaches a known vulnerability, or if the checker doesn't work. If the checker or its database
# can't be fetched, it says so in one line and passes, since a machine may have no network.
set -euo pipefail
cd "$(dirname "$0")/.."

tool=golang.org/x/vuln/cmd/govulncheck@v1.8.0
bin=${XDG_CACHE_HOME:-$HOME/.cache}/rpcd/bin
log=$(mktemp)
trap 'rm -f "$log"' EXIT

unreached() {
  echo "vulnerabilities.sh: NOT CHECKED, $1: $(grep -E "$2" "$log" | tail -n 1)"
  exit 0
}

# The checker is installed, since `go run` would turn its status 3 (a finding) into 1.
if ! GOBIN=$bin timeout 300 go install "$tool" >"$log" 2>&1; then
  grep -qE 'dial tcp|lookup|Forbidden|timeout|module lookup disabled' "$log" && unreached "the checker can't be fetched" 'dial tcp|lookup|Forbidden|timeout|disabled'
  cat "$log" >&2
  exit 1
fi
status=0
timeout 300 "$bin/govulncheck" "$@" ./... >"$log" 2>&1 || status=$?
case $status in
0) echo "vulnerabilities.sh: none known" ;;
3)
  cat "$log"
  exit 1
  ;;
*)
  grep -q 'fetching vulnerabilities: ' "$log" && unreached "the database can't be reached" 'fetching vulnerabilities: '
  cat "$log" >&2
  exit 1
  ;;
esac
