# shortage.sh: takes something away from rpcd and measures it, for rows that say `use: shortage`.
# shellcheck shell=bash

# as_rpcd COMMAND...: runs it as rpcd's user, who may change rpcd's limits.
as_rpcd() {
  setpriv --reuid "$(stat -c %u "$W")" --regid "$(stat -c %g "$W")" --clear-groups -- "$@"
}

# times PID: its user and system time, in clock ticks.
times() { cut -d' ' -f14,15 "/proc/$1/stat"; }

# still PID: it used no processor time for 0.2 s.
still() {
  local t
  t=$(times "$1")
  sleep 0.2
  [[ $(times "$1") == "$t" ]]
}

# peak PID: the most memory that it had, in MiB.
peak() { awk '/^VmHWM/ { print int($2 / 1024) }' "/proc/$1/status"; }
