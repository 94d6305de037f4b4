# prelude.sh: what the scripts of the table share. Go puts it before each of them.
# shellcheck shell=bash disable=SC2034

# wait_for COMMAND...: until it succeeds; 2 minutes at most.
wait_for() {
  local limit=$((SECONDS + 120))
  until "$@" 2>/dev/null; do
    if ((SECONDS > limit)); then
      echo "waited in vain: $*"
      return 1
    fi
    sleep 0.025
  done
}

# state PID: its letter of ps(1), X when there is no such process.
state() {
  local s
  s=$(cat "/proc/$1/stat" 2>/dev/null) || {
    echo X
    return
  }
  s=${s##*) }
  echo "${s%% *}"
}
is() { [[ $(state "$2") == "$1" ]]; }

# minds SIGNAL PID: it has a handler for that signal's number, or holds it back until it has looked at it (proc(5)).
minds() {
  local caught blocked
  caught=$(sed -n 's/^SigCgt:\t//p' "/proc/$2/status")
  blocked=$(sed -n 's/^SigBlk:\t//p' "/proc/$2/status")
  ((16#$caught >> ($1 - 1) & 1 || 16#$blocked >> ($1 - 1) & 1))
}

# watches PID: rpc looks at the signals of job control, which it does once it forwards the others.
watches() { find "/proc/$1/fd" -lname '*signalfd*' 2>/dev/null | grep -q .; }

# gone PID...: none of them lives.
gone() {
  local p
  for p; do
    case $(state "$p") in X | Z) ;; *) return 1 ;; esac
  done
}

# lines FILE N: it has at least N.
lines() { (($(wc -l <"$1") >= $2)); }

# died COMMAND...: says how it ended, as its parent sees it.
died() {
  # shellcheck disable=SC2016 # perl's variables
  perl -e 'system { $ARGV[0] } @ARGV;
    print $? & 127 ? "signal " . ($? & 127) : "exit " . ($? >> 8), $? & 128 ? " and a core\n" : "\n"' "$@"
}

# listens PATH...: somebody does at each, as it was bound: absolute, since other tests' sockets are in the list, too. A
# socket's file is there before (bind(2), listen(2)), and asking costs the listener nothing.
listens() {
  local p
  for p; do grep -q "^[^ ]* [^ ]* [^ ]* 00010000 .* $p\$" /proc/net/unix || return 1; done # __SO_ACCEPTCON
}

# procedure NAME COMMAND: a folder in the exports, for small files.
procedure() {
  mkdir "$D/ex/$1"
  ln -s "$(type -P "$2")" "$D/ex/$1/run"
}

# now: seconds, with their fraction cut off.
now() { echo "${EPOCHREALTIME%.*}"; }

# call ARG...: rpc in the background. $rpc is its number, $job that of the shell around it, which wait takes and which
# never stops itself (when a job stops, bash's wait is confused, and its loops end early, wait_for's too); the status
# goes to the file rc.
call() {
  {
    rpc "$@"
    echo $? >rc
  } &
  job=$!
  wait_for has_child "$job"
  rpc=$(tr -d ' ' <"/proc/$job/task/$job/children")
}
has_child() { [[ -n $(cat "/proc/$1/task/$1/children") ]]; }
