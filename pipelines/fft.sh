#!/usr/bin/env bash
# fft.sh: Fourier transforms by a pool of warm workers: a ventilator, `rpc map` over all replicas, a sink.
#
#   fft.sh [OPTION...]
#
# The ventilator (fft.py send) writes arrays. `rpc map` gives each to the procedure `fft2d` of a replica of the worker
# `fft` that is free. The results come back in the order of the arrays, whoever was first. The sink (fft.py check) checks
# every one against numpy in its own process. At the end the job log is checked: each array was answered once, with
# status 0. The last lines say how many, and how many each replica did.
#
# A worker process or a whole replica may be killed meanwhile. What it had in hand runs once more elsewhere. What had been
# answered doesn't.
#
#   -n N            so many arrays (200)
#   --size N        each N x N (256)
#   --joblog FILE   keep the job log there
#   -h, --help      this text
#
# RPC_WORKER names the worker (fft). RPC_WAIT is how long to wait for it (30s). rpc's other variables count, too.
#
# In containers, with four replicas (`docker-compose up -d --scale fft=8 fft` before that makes them eight):
#
#   docker-compose run --rm -T builder-fft pipelines/fft.sh
#
# Exit status: 0 all well; 1 a transform is wrong or missing, or the job log; 2 nothing was begun; 128+N signal N.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
worker=${RPC_WORKER:-fft}
export RPC_WAIT=${RPC_WAIT:-30s} RPC_CHDIR=${RPC_CHDIR:-/}
count=200 size=256 joblog=''

say() { printf 'fft.sh: %s\n' "$1" >&2; }

refuse() { # MESSAGE: nothing was begun
  say "$1"
  exit 2
}

number() { # OPTION VALUE
  [[ $2 =~ ^[1-9][0-9]{0,5}$ ]] || refuse "cannot use $1 \"$2\": not a number from 1 on (see --help)"
}

arguments() {
  while (($#)); do
    case $1 in
    -n | --size | --joblog) (($# > 1)) || refuse "cannot use $1: it needs a value (see --help)" ;;&
    -n) number -n "$2" && count=$2 && shift ;;
    --size) number --size "$2" && size=$2 && shift ;;
    --joblog) joblog=$2 && shift ;;
    -h | --help)
      sed -n '2,/^set -/{/^set -/d;s/^# \{0,1\}//;p}' "$0"
      exit 0
      ;;
    *) refuse "unknown argument \"$1\" (see --help)" ;;
    esac
    shift
  done
}

# check_log: the job log has GNU parallel's columns: Seq Host Starttime JobRuntime Send Receive Exitval Signal Command.
check_log() {
  awk -F '\t' -v count="$count" '
    function bad(why) { print "fft.sh: the job log: " why >"/dev/stderr"; wrong = 1 }
    NR == 1 { next }
    $1 in seen { bad("array " $1 " stands there twice") }
    $7 != 0 || $8 != 0 { bad("array " $1 " ended with status " $7 ", signal " $8) }
    { seen[$1] = 1; done[$2]++; n++ }
    END {
      if (n != count) bad(n + 0 " lines for " count " arrays")
      for (host in done) { each = each " " done[host]; hosts++ }
      if (!wrong) print hosts " replicas, which did" each
      exit wrong
    }' "$joblog"
}

arguments "$@"
for tool in rpc python3; do
  type -P "$tool" >/dev/null || refuse "cannot find $tool on PATH (rpc: see README.md; python3: apt-get install python3-numpy)"
done
rpc ping "$worker" >/dev/null 2>&1 || {
  say "waits for the worker $worker, up to $RPC_WAIT"
  rpc ping --wait "$RPC_WAIT" "$worker" >/dev/null || refuse "cannot begin: no worker $worker"
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
joblog=${joblog:-$work/joblog}

status=0
"$here/fft.py" send "$count" "$size" |
  rpc map --framing npy --halt soon --joblog "$joblog" "$worker" fft2d |
  "$here/fft.py" check "$count" "$size" || status=$?
((status != 2)) || exit 2
((status == 0)) || exit 1
check_log
