# shellcheck shell=bash disable=SC2016,SC2034,SC2154,SC2317
# systemd-cases.sh: the cases of systemd-test.sh, which sources this file and runs its functions test_* in this order.
# Each holds one behaviour. They use functions and variables of systemd-test.sh.

test_units_are_clean() {
  local got status=0
  got=$(in_s systemd-analyze verify rpcd.service rpcd.socket rpcd@hugin.service rpcd@hugin.socket 2>&1) || status=$?
  is "the status of verify" $status 0
  is "what it says" "$got" ""
}

# A builder's first call starts the worker. The builder has no network, and the socket's volume is read-only.
test_activation_by_the_first_call() {
  local status=0 got
  fresh hugin
  is "the service before" "$(sc is-active rpcd@hugin.service || true)" inactive
  in_b sh -c 'test ! -w /run/rpc/hugin && ! cat /sys/class/net/eth0/address 2>/dev/null' || fail "the builder has too many rights"
  got=$(in_b rpc hugin sh -c 'echo "$RPC_WORKER $(id -u)"; exit 7' </dev/null) || status=$?
  is "the first call's status" $status 7
  is "what it says" "$got" "hugin 1000"
  is "the service after" "$(sc is-active rpcd@hugin.service)" active
  is "the socket" "$(in_b stat -c '%a %u:%g' "/run/rpc/hugin/$s.sock")" "660 1000:1000"
  is "the child's view of systemd" "$(in_b rpc hugin sh -c 'tr "\0" "\n" </proc/self/environ | grep -cE "^(LISTEN|NOTIFY|WATCHDOG)_"' </dev/null || true)" 0
  # rpcd.service is the worker that has the machine's name.
  is "the one of rpcd.service" "$(in_s rpc "$s" sh -c 'echo "$RPC_WORKER"')" "$s"
  # Stopping the socket stops the worker for good, and leaves nothing in the volume.
  sc stop rpcd@hugin.socket
  is "the folder after a stop" "$(in_b ls -A /run/rpc/hugin)" ""
  is "the service after a stop of its socket" "$(sc is-active rpcd@hugin.service || true)" inactive
}

# `systemctl start` returns once calls are served, and fails if rpcd can't serve them.
test_readiness() {
  local status=0
  fresh hugin
  sc start rpcd@hugin.service
  is "the status text" "$(show rpcd@hugin.service StatusText)" "serving hugin: 0 of 1024 calls running, 0 of 1024 waiting"
  fresh hugin
  in_s sh -c 'echo RPCD_EXPORTS=/missing >/etc/rpcd/hugin.conf'
  sc start rpcd@hugin.service 2>/dev/null || status=$?
  is "the status of a start that can't serve" $status 1
  logged rpcd@hugin.service 'rpcd: .*"/missing"' || fail "no word of the cause in the journal"
}

test_status_text() {
  fresh hugin
  text_is() { [[ $(show rpcd@hugin.service StatusText) == "serving hugin: $1 of 1024 calls running, 0 of 1024 waiting" ]]; }
  in_b sh -c 'rm -f go; mkfifo go'
  call hugin sh -c 'echo started; read line <go; exit 3'
  within 60 text_is 1 || fail "the text is: $(show rpcd@hugin.service StatusText)"
  in_b sh -c 'echo >go'
  ended
  is "the call's status" "$status" 3
  within 60 text_is 0 || fail "the text is: $(show rpcd@hugin.service StatusText)"
}

restarted() { (($(show "$1" NRestarts) > $2)); } # UNIT TIMES

# The watchdog ends a daemon that is stuck. Its callers fail, its calls end, and a new daemon takes over.
test_watchdog_bites() {
  local first call_pid
  fresh hugin
  drop_in rpcd@hugin.service <<<"$quick_stop"$'\nWatchdogSec=2s'
  call hugin sh -c 'echo $$; exec sleep 1000'
  call_pid=$line first=$(pid_of rpcd@hugin.service)
  in_s sh -c "kill -STOP $first"
  ended
  is "the caller's status" "$status" 125
  cat "$work/err"
  within 60 restarted rpcd@hugin.service 0 || fail "systemd did not restart it"
  logged rpcd@hugin.service 'Watchdog timeout' || fail "it was not the watchdog"
  within 60 gone "$call_pid" || fail "the call lives on"
  in_b rpc hugin true </dev/null || fail "no calls after the restart"
  # The watchdog leaves a daemon alone that answers for longer than the limit.
  first=$(pid_of rpcd@hugin.service)
  is "the limit" "$(show rpcd@hugin.service WatchdogUSec)" 2s
  heard=$(show rpcd@hugin.service WatchdogTimestampMonotonic)
  beats() { (($(show rpcd@hugin.service WatchdogTimestampMonotonic) > heard + 4000000)); }
  within 60 beats || fail "no beats"
  is "the daemon that beats" "$(pid_of rpcd@hugin.service)" "$first"
}

# fault: 5
test_kill_9_with_a_call_in_flight() {
  local call_pid escaped
  fresh hugin
  drop_in rpcd@hugin.service <<<"$quick_stop"
  call hugin sh -c 'setsid sleep 1000 & echo $$ $!; exec sleep 1000'
  read -r call_pid escaped <<<"$line"
  in_s sh -c "kill -9 $(pid_of rpcd@hugin.service)"
  ended
  is "the caller's status" "$status" 125
  within 60 gone "$call_pid" || fail "the call lives on"
  within 60 gone "$escaped" || fail "what the call put into a session of its own lives on"
  in_b rpc hugin true </dev/null || fail "no calls after the restart"
  is "the restarts" "$(show rpcd@hugin.service NRestarts)" 1
}

draining() { [[ $(show "$1" StatusText) == draining* ]]; }

# A stop lets calls end. A call that doesn't end gets TERM, and then KILL. The drain may be longer than TimeoutStopSec,
# since rpcd asks systemd for more time.
# fault: 7
test_drain_on_stop() {
  local short stop
  fresh hugin
  in_s sh -c 'printf "%s\n" RPCD_DRAIN=20 RPCD_GRACE=1 >/etc/rpcd/hugin.conf'
  drop_in rpcd@hugin.service <<<$'[Service]\nTimeoutStopSec=1s'
  in_b sh -c 'rm -f go long; mkfifo go'
  (call hugin sh -c 'echo started; read line <go; exit 3' && touch "$work/started" && ended && exit "$status") &
  short=$!
  within 60 test -e "$work/started" || fail "the short call has not started"
  in_b rpc -n hugin sh -c 'trap "echo TERM >>long" TERM; echo started >long; while :; do sleep 0.1; done' </dev/null >/dev/null 2>"$work/err" &
  caller=$!
  long_started() { in_b grep -q started long 2>/dev/null; }
  within 60 long_started || fail "the long call has not started"
  sc stop rpcd@hugin.service &
  stop=$!
  within 60 draining rpcd@hugin.service || fail "it does not drain"
  in_b sh -c 'echo >go'
  status=0
  wait $short || status=$?
  is "the short call's status" "$status" 3
  ended
  is "the long call's status" $status 137
  is "what the long call got" "$(in_b cat long | xargs)" "started TERM"
  wait $stop
  logged rpcd@hugin.service 'end a call: rpcd stops' || fail "the end of the long call is not logged"
  is "the service's end" "$(show rpcd@hugin.service Result)" success
}

# During restarts accepted calls end by themselves, and other calls wait for the next daemon. None is refused or lost.
# fault: moby-restart 165
test_restart_under_load() {
  local calls restarts=0
  fresh hugin
  in_b bash -s >"$work/calls" 2>&1 <<'CALLS' &
    some() {
      for ((i = 1; i <= 10; i++)); do
        status=0
        rpc -n hugin sh -c "sleep 0.05; exit $i" || status=$?
        [[ $status == "$i" ]] || { echo "status $status, not $i"; exit 1; }
      done
    }
    for n in 1 2 3 4; do some & pids+=($!); done
    for pid in "${pids[@]}"; do wait "$pid" || exit 1; done
CALLS
  calls=$!
  while kill -0 $calls 2>/dev/null; do
    sc restart rpcd@hugin.service
    restarts=$((restarts + 1))
  done
  wait $calls || fail "a call failed: $(<"$work/calls")"
  ((restarts > 1)) || fail "no restart under load"
  echo "$restarts restarts"
}

test_one_unit_a_worker() {
  local status=0
  fresh a
  fresh b
  is "the worker a" "$(in_b rpc a only </dev/null)" "a alone"
  in_b rpc b only 2>"$work/err" </dev/null || status=$?
  is "a's procedure at b" $status 127
  is "the worker b" "$(in_b rpc b sh -c 'echo "$RPC_WORKER"' </dev/null)" b
  [[ $(pid_of rpcd@a.service) != "$(pid_of rpcd@b.service)" ]]
  sc stop rpcd@a.socket
  in_b rpc b true </dev/null || fail "a's stop took b with it"
  status=0
  in_b rpc a true 2>/dev/null </dev/null || status=$?
  is "the status of a call to a" $status 125
}

test_run_as_caller() {
  local got
  fresh hugin
  drop_in rpcd@hugin.service <"$top/systemd/run-as-caller.conf"
  # shellcheck disable=SC2016
  got=$(docker exec -i -u 1234:1000 "$b" rpc hugin sh -c 'echo "$(id -u):$(id -g) $(grep CapEff /proc/self/status)"' </dev/null)
  is "who runs" "$got" $'1234:1000 CapEff:\t0000000000000000'
}

# If systemd may make mounts, the sandbox takes effect, and calls still work in it.
test_sandbox_is_enforced() {
  local name=$project-admin denied
  boot "$name" --cap-add SYS_ADMIN -v "$project-work:/work" # without the volumes of sockets
  in_admin() { docker exec -i -u 1000:1000 -w /work "$name" rpc hugin sh -c "$1" </dev/null; }
  is "a job's result" "$(in_admin 'echo x >result && perl -e "print qq(it is x\n) if <> eq qq(x\n)" <result')" "it is x"
  is "status" "$(in_admin 'grep -E "^(NoNewPrivs|Seccomp|CapBnd):" /proc/self/status' | tr -d '\t' | xargs)" "CapBnd:0000000000000000 NoNewPrivs:1 Seccomp:2"
  for denied in 'mount | grep -E " /usr .*[(]rw"' 'setarch i386 true' 'echo 1 >/proc/sys/kernel/printk'; do
    ! in_admin "$denied" 2>/dev/null || fail "not denied: $denied"
  done
  # /usr is read-only even for root, for whom file modes don't count.
  is "/usr" "$(in_admin 'grep -E " /usr " /proc/self/mountinfo | cut -d" " -f6 | cut -d, -f1' | sort -u)" ro
  is "/etc" "$(in_admin 'grep -E " /etc " /proc/self/mountinfo | cut -d" " -f6 | cut -d, -f1' | sort -u)" ro
  docker rm -f "$name" >/dev/null
}

# Without systemd rpcd is PID 1. One call leaves it 10,000 orphans, which it reaps, while other calls get their own
# statuses.
# fault: 75
test_pid_1_reaps_10000_orphans() {
  local name=$project-one got
  docker run -d --name "$name" --network none --read-only --cap-drop ALL --user 1000:1000 --tmpfs /tmp \
    -v "$project-one:/run/rpc/one" rpc-systemd rpcd serve --listen /run/rpc/one/ --all-commands >/dev/null
  timeout 90 docker exec "$name" rpc ping --wait 60s one >/dev/null || fail "rpcd does not answer"
  is "PID 1" "$(docker exec "$name" cat /proc/1/comm)" rpcd
  # An orphan ends once its parent is PID 1, with a status that no call has.
  got=$(
    timeout 600 docker exec -i "$name" bash -s <<'CALLS'
    others() { # makes calls with statuses of their own until the orphans are done
      until [[ -e /tmp/done ]]; do
        for n in 1 7 100; do
          status=0
          rpc -n one sh -c "exit $n" || status=$?
          [[ $status == "$n" ]] || { echo "status $status, not $n"; exit 1; }
        done
      done
    }
    others &
    rpc -n one perl -e '
      pipe(R, W) or die; $SIG{PIPE} = "IGNORE";
      sub born { my $p = fork; die "fork: $!" unless defined $p; $p }
      sub orphan { select(undef, undef, undef, 0.001) until getppid == 1; syswrite W, "x"; exit 9 }
      for (1 .. 1000) {
        my $child = born();
        if (!$child) { for (1 .. 10) { born() or orphan() } exit 0 }
        waitpid $child, 0;
      }
      close W; my $all = join "", <R>; print length $all, " orphans\n"; exit 3'
    echo "status $?"
    >/tmp/done
    wait $!
CALLS
  ) || fail "a call beside the orphans failed, or it takes over 600 s: $got"
  is "the call that leaves them" "$got" $'10000 orphans\nstatus 3'
  alone() { [[ $(docker exec "$name" sh -c 'cat /proc/[0-9]*/stat 2>/dev/null | grep -cE "^[0-9]+ \((rpcd|perl|rpc)\)"') == 1 ]]; }
  within 60 alone || fail "left: $(docker exec "$name" sh -c 'cat /proc/[0-9]*/stat' | cut -d' ' -f1-4 | sort | uniq -c | head)"
  docker rm -f "$name" >/dev/null
}
