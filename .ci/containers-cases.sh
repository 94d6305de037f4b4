# shellcheck shell=bash disable=SC2154
# containers-cases.sh: the cases of containers-test.sh, which sources this file and runs its functions test_* in this
# order. Each holds one behaviour. They use its functions dc, builder, start_w, in_w, is, fail and within, and its
# variables project, work, top, uid and gid.

size() { # PICTURE
  builder -- identify -format '%wx%h' "$1"
}

no_leftovers() { # OUT
  local left
  left=$(find "$work/volumes/$1" -name '.data_prep*' -o -name result)
  [[ -z $left ]] || fail "left behind: $left"
}

# samples_are_right OUT: checks the results in OUT. Their size is right, the blackboard's frame is level, and the
# lecturer is at the right.
samples_are_right() { # OUT
  local n found coat=(0 874 762 849)
  for n in 1 2 3; do
    found=$(builder -- convert "$1/lecture-$n.png" -format \
      '%wx%h %[fx:p{100,108}.r<0.55&&p{300,108}.r<0.55&&p{500,108}.r<0.55&&p{700,108}.r<0.55&&p{900,108}.r<0.55&&p{500,80}.r>0.8&&p{500,140}.r<0.25] '"%[fx:p{${coat[n]},560}.b>p{${coat[n]},560}.g+0.05]" info:)
    is "lecture-$n.png (size, frame level, lecturer at the right)" "$found" "1024x687 1 1"
  done
}

# One command makes the sample pictures. It also builds the images if the engine hasn't got them.
test_sample_run() {
  local got
  got=$(dc run --rm -T builder pipelines/data_prep.sh images/in images/out) || fail "data_prep.sh ended with status $?"
  is "its last line" "$(tail -n 1 <<<"$got")" "3 pictures: 3 done, 0 failed"
  samples_are_right images/out
  no_leftovers images/out
  is "the results' owner" "$(stat -c %u:%g "$work/volumes/images/out/lecture-1.png")" "$uid:$gid"
  got=$(dc run --rm -T builder pipelines/data_prep.sh images/in images/again | tail -n 1) || fail "the second run ended with status $?"
  is "the second run's last line" "$got" "3 pictures: 3 done, 0 failed"
}

# A builder with nothing installed runs a pipeline through shims: plain nona runs in Hugin's container.
test_shims() {
  local got status=0 name
  bare() { dc run --rm -T builder-bare "$@"; }
  got=$(bare pipelines/flatten.sh images/in images/flat) || fail "flatten.sh ended with status $?: $got"
  is "its last line" "$(tail -n 1 <<<"$got")" "3 pictures: 3 done, 0 failed"
  for name in 1 2 3; do
    is "the header of lecture-$name.png" "$(head -c 8 "$work/volumes/images/flat/lecture-$name.png" | od -An -c | tr -d ' ')" '211PNG\r\n032\n'
  done
  is "everything in OUT" "$(find "$work/volumes/images/flat" -mindepth 1 | wc -l)" 3
  is "the result's owner" "$(stat -c %u:%g "$work/volumes/images/flat/lecture-1.png")" "$uid:$gid"
  is "where nona comes from" "$(bare sh -c 'command -v nona; cat /tools/nona' | head -n 2)" $'/tools/nona\n#!/tools/rpc --shim=hugin'
  is "its packages" "$(bare sh -c 'dpkg-query -W | grep -ci "hugin\|imagemagick\|python"')" 0
  # A command's status, a directory that isn't shared, and what none may write.
  bare sh -c 'cd images && nona -o x nosuch.pto' >/dev/null 2>&1 || status=$?
  is "the status of nona without a project" $status 1
  got=$(bare sh -c 'cd /usr && nona' 2>&1) && fail "nona runs in a directory that isn't shared"
  [[ $got == *'"/usr"'*RPC_CHDIR* ]] || fail "nona in a directory that isn't shared says: $got"
  got=$(bare sh -c 'rpc-rsh hugin nona; echo x >/tools/nona' 2>&1) && fail "a builder can write its tools"
  [[ $got == *'no procedure "sh"'*'Read-only file system'* ]] || fail "it says: $got"
  # A second run brings the volume up to date.
  got=$(dc run --rm -T tools) || fail "tools.sh ended with status $?"
  is "its line" "$(tail -n 1 <<<"$got")" "/tools: 8 shims of hugin (0 new)"
}

test_real_recording() {
  local psnr out=$work/volumes/images/real-out in=$work/volumes/images/real
  mkdir -p "$in" && cp "$recording/fisheye.jpg" "$recording"/*.pto "$recording/fisheye_flat.png" "$in/"
  mkdir "$in/in" && mv "$in/fisheye.jpg" "$in/in/"
  dc run --rm -T builder pipelines/data_prep.sh --keep-steps --flat images/real/flat-1024.pto \
    --perspective images/real/perspective-2162.pto images/real/in images/real-out || fail "data_prep.sh ended with status $?"
  is "the size after step one" "$(size images/real-out/steps/fisheye-flat.png)" 2162x1805
  is "the size after step two" "$(size images/real-out/steps/fisheye-perspective.png)" 1493x1038
  is "the result's width" "$(size images/real-out/fisheye.png)" 1024x712
  builder -- convert images/real-out/steps/fisheye-flat.png +repage -alpha off -resize '1024x855!' images/real-out/small.png
  psnr=$(builder -- compare -metric PSNR images/real-out/small.png images/real/fisheye_flat.png null: 2>&1 || true)
  echo "PSNR to the published result: $psnr dB"
  awk -v psnr="$psnr" 'BEGIN { exit !(psnr >= 30) }' || fail "PSNR to the published result is $psnr dB, under 30"
  [[ -s $out/fisheye.png ]]
}

# A broken project gives Hugin's own messages and status, as in a container without rpc.
test_broken_project() {
  local dir=$work/volumes/images/broken container got status there here
  mkdir -p "$dir" && cp "$work"/volumes/images/in/{lecture-1.jpg,perspective.pto} "$dir/"
  echo 'this is no project' >"$dir/flat.pto"
  sed 's/image.jpg/absent.jpg/' "$work/volumes/images/in/flat.pto" >"$dir/absent.pto"
  sed 's/image.jpg/lecture-1.jpg/' "$work/volumes/images/in/flat.pto" >"$dir/good.pto"
  chown -R "$uid:$gid" "$dir"

  status=0
  got=$(dc run --rm -T builder pipelines/data_prep.sh images/broken images/broken-out 2>&1) || status=$?
  is "the pipeline's status" $status 1
  # The engine joins stdout and stderr in an order of its own.
  [[ $got == *"Project file contains no images"* ]] || fail "no message of Hugin's in: $got"
  [[ $got == *"1 pictures: 0 done, 1 failed"* ]] || fail "no summary in: $got"
  no_leftovers images/broken-out
  [[ ! -e $work/volumes/images/broken-out/lecture-1.png ]] || fail "a result of a broken project"

  container=$(dc ps -q hugin)
  for project_file in flat absent good; do
    local command=(hugin_executor --stitching --prefix=result "$project_file.pto")
    here=0 there=0
    docker exec -w /work/images/broken "$container" "${command[@]}" >"$work/local.out" 2>"$work/local.err" </dev/null || here=$?
    builder -v "${project}_hugin-socket:/run/rpc/hugin:ro" -w /work/images/broken -- rpc hugin "${command[@]}" \
      >"$work/rpc.out" 2>"$work/rpc.err" </dev/null || there=$?
    echo "$project_file.pto: status $there, locally $here"
    is "rpc's status of $project_file.pto" $there $here
    # Times and the names of temporary files differ from run to run.
    diff <(sed -E 's/[0-9:.]{8,}//; s|/tmp/[A-Za-z0-9]+||' "$work/local.err") \
      <(sed -E 's/[0-9:.]{8,}//; s|/tmp/[A-Za-z0-9]+||' "$work/rpc.err") || fail "other words on stderr for $project_file.pto"
  done
}

test_broken_picture_among_good() {
  local dir=$work/volumes/images/mixed out=$work/volumes/images/mixed-out got status=0
  mkdir -p "$dir" && cp "$work"/volumes/images/in/* "$dir/"
  echo 'no picture' >"$dir/lecture-2.jpg"
  head -c 30000 "$work/volumes/images/in/lecture-1.jpg" >"$dir/cut.jpg"
  got=$(dc run --rm -T builder pipelines/data_prep.sh -j 3 images/mixed images/mixed-out 2>&1) || status=$?
  is "the pipeline's status" $status 1
  [[ $got == *"lecture-2.jpg: fisheye correction failed: hugin_executor ended with status 1"* ]] || fail "no word of the broken picture in: $got"
  [[ $got == *"did not find a matching file type"* ]] || fail "no message of Hugin's in: $got"
  [[ $got == *"cut.jpg: fisheye correction failed: the picture is cut short"* ]] || fail "no word of the cut picture in: $got"
  [[ $got == *"4 pictures: 2 done, 2 failed"* ]] || fail "no summary in: $got"
  is "the results" "$(cd "$out" && find . -type f | sort | xargs)" "./lecture-1.png ./lecture-3.png"
  is "lecture-3.png's size" "$(size images/mixed-out/lecture-3.png)" 1024x687
  is "everything in OUT" "$(find "$out" -mindepth 1 | wc -l)" 2
}

idle() { # CONTAINER
  docker exec "$1" rpc ping /run/rpc/hugin/ | grep -q ' 0 running'
}

# A pipeline that runs as PID 1 is ended from outside. It leaves no half-done files, and no call at the worker.
test_interrupted_run() {
  local name=$project-b2 out=$work/volumes/images/interrupted status=0 job container
  dc up -d hugin pictures
  container=$(dc ps -q hugin)
  builder --name "$name" -v "${project}_hugin-socket:/run/rpc/hugin:ro" -e RPC_WAIT=30s -- \
    pipelines/data_prep.sh -j 2 images/in images/interrupted </dev/null &
  job=$!
  within 60 compgen -G "$out/.data_prep.*/*/flat0000.tif" >/dev/null || fail "Hugin has not begun"
  docker stop -t 30 "$name" >/dev/null
  wait $job || status=$?
  is "the status" $status 143
  is "what is left" "$(find "$out" -mindepth 1)" ""
  within 60 idle "$container" || fail "the worker still has calls: $(docker exec "$container" rpc ping /run/rpc/hugin/)"
}

# If the folders belong to another user, the error is one line that says what to set.
test_unwritable_pictures() {
  local dir=$work/volumes/images/foreign got status=0
  mkdir -p "$dir" && chmod 755 "$dir"
  docker run --rm --network none -u 0:0 -v "$dir:/foreign" rpc-builder chown 4242:4242 /foreign
  dc run --rm -T builder pipelines/data_prep.sh images/in images/foreign 2>"$work/err" || status=$?
  is "the status" $status 2
  got=$(grep '^data_prep.sh' "$work/err")
  is "the number of lines" "$(wc -l <<<"$got")" 1
  [[ $got == *"belongs to 4242:4242, this runs as $uid:$gid"*"set RPC_UID and RPC_GID"* ]] || fail "it says: $got"
}

# A procedure of another user opens its streams by name. It can do so if they are pipes of the builder's shell.
# fault: 61
test_two_users() {
  local pass rows got status=0
  start_w
  rows=$(
    cat <<'ROWS'
row() { # NAME GOT WANTED
  [[ $2 == "$3" ]] || { echo "$1: \"$2\", not \"$3\""; bad=1; }
}
row 'uid of the procedure' "$(rpc w sh -c 'id -u')" "$(stat -c %u /run/rpc/w/*.sock)"
row 'stdin by name' "$(echo x | rpc w cat /dev/stdin | cat)" x
row 'stdout by name' "$(rpc w sh -c 'echo y >/dev/stdout' | cat)" y
row 'stderr by name' "$(rpc w sh -c 'echo z >/dev/stderr' 2>&1 >/dev/null | cat)" z
row 'all three by name' "$(echo x | rpc w sh -c 'cat /dev/stdin >/dev/stdout; echo e >/dev/stderr' 2>&1 | cat)" $'x\ne'
row 'stdin by number' "$(echo x | rpc w cat /proc/self/fd/0 | cat)" x
row 'stdout by number' "$(rpc w sh -c 'echo y >/proc/self/fd/1' | cat)" y
row 'stderr by number' "$(rpc w sh -c 'echo z >/dev/fd/2' 2>&1 >/dev/null | cat)" z
row 'appended by tee' "$(echo x | rpc w tee -a /dev/stdout /dev/stderr 2>&1 | cat | sort | uniq -c | xargs)" '3 x'
row 'large, by name' "$(head -c 3000000 /dev/zero | rpc w sh -c 'cat /dev/stdin >/dev/stdout' | wc -c)" 3000000
row 'status' "$(echo x | rpc w sh -c 'cat /dev/stdin >/dev/stdout; exit 9' | cat; echo ${PIPESTATUS[1]})" $'x\n9'
exit ${bad:-0}
ROWS
  )
  for pass in all none; do
    in_w --user 1001:1001 --group-add "$gid" -e RPC_PASS=$pass -- bash -c "$rows" </dev/null || fail "with --pass $pass"
    # The engine makes two pipes here, and joins their output in an order of its own.
    is "the engine's own pipes, --pass $pass" "$(echo x | in_w --user 1001:1001 --group-add "$gid" -e RPC_PASS=$pass -- \
      rpc w sh -c 'cat /dev/stdin >/dev/stdout; echo e >/dev/stderr' 2>&1 | sort)" $'e\nx'
  done
  # The error of a caller without the group has the uids and gids of both sides.
  got=$(in_w --user 1001:1001 -- rpc w true 2>&1) || status=$?
  is "a stranger's status" $status 125
  [[ $got == "rpc: "*"1001"* && $(wc -l <<<"$got") == 1 ]] || fail "a stranger reads: $got"
}

# rpc as PID 1 can't die of a signal N, so it exits with 128+N instead.
# fault: 76
test_rpc_as_pid_1() {
  local row status name
  start_w
  for row in 'exit 0:0' 'exit 7:7' 'exit 255:255' 'kill -9 $$:137' 'kill -15 $$:143' 'kill -1 $$:129' 'kill -2 $$:130' \
    'kill -3 $$:131' 'kill -6 $$:134' 'kill -13 $$:141' 'kill -10 $$:138'; do
    status=0
    in_w --entrypoint rpc -- w sh -c "${row%:*}" </dev/null || status=$?
    is "the status of ${row%:*}" $status "${row##*:}"
  done
  is "its output" "$(echo x | in_w --entrypoint rpc -- w cat)" x
  # The signal of docker stop reaches the procedure.
  name=$project-b1
  mkfifo "$work/pid1"
  in_w --name "$name" --entrypoint rpc -- w sh -c 'trap "echo got TERM; exit 3" TERM; echo started; sleep 60 & wait' >"$work/pid1" </dev/null &
  local caller=$! line
  exec 7<"$work/pid1"
  read -r -t 60 line <&7 || fail "the procedure has not started"
  docker stop -t 20 "$name" >/dev/null
  read -r -t 20 line <&7 || fail "the procedure got no TERM"
  is "the procedure's word" "$line" "got TERM"
  status=0
  wait $caller || status=$?
  is "the stopped caller's status" $status 3
}

zombies() {
  docker exec "$w" sh -c 'cat /proc/[0-9]*/stat 2>/dev/null' | grep -cE '^[0-9]+ \(.*\) Z '
}
no_zombies() { [[ $(zombies) == 0 ]]; }

# rpcd as PID 1 reaps the processes that calls leave behind. Their statuses don't mix with those of calls.
# fault: 75
test_orphans_are_reaped() {
  start_w
  in_w -- bash -s <<'CALLS' || fail "a call's status was wrong" # rpc -n doesn't read the script from stdin
    calls() {
      for ((i = 0; i < 50; i++)); do
        status=0
        rpc -n w sh -c "(setsid sh -c 'sleep 0.01; exit 9' &) ; (sleep 0.01 &) ; exit $((i % 100 + 1))" || status=$?
        [[ $status == $((i % 100 + 1)) ]] || { echo "status $status, not $((i % 100 + 1))"; return 1; }
      done
    }
    for job in 1 2 3 4; do calls & pids+=($!); done
    for pid in "${pids[@]}"; do wait "$pid" || exit 1; done
CALLS
  within 60 no_zombies || fail "$(zombies) zombies in the worker"
}

test_no_volume() {
  local status=0
  builder -- rpc hugin nona >"$work/out" 2>"$work/err" </dev/null || status=$?
  is "the status" $status 125
  is "its lines on stderr" "$(grep -c '' "$work/err")" 1
  is "its bytes on stdout" "$(wc -c <"$work/out")" 0
  cat "$work/err"
  [[ $(<"$work/err") == "rpc: "*hugin* ]] || fail "it says: $(<"$work/err")"
}

# rpc doctor says why a builder's calls fail, and names the cure.
test_doctor() {
  local got status
  ill() { # STATUS FINDING CURE OPTION... -- COMMAND...
    status=0
    got=$(builder "${@:4}" </dev/null) || status=$?
    echo "$got"
    is "doctor's status" $status "$1"
    [[ $got == *"$2"* && $got == *"$3"* ]] || fail "it finds neither \"$2\" nor \"$3\""
  }
  # shellcheck disable=SC2016 # compose's words
  ill 1 'bad   RPC_DIR: "/run/rpc" does not exist' 'cure: mount the volume that w'"'"'s rpcd listens in (compose: volumes: ["w-socket:/run/rpc/w:ro"]' -- rpc doctor w
  start_w
  ill 1 'bad   folder: no socket in "/run/rpc/w"' 'cure: start it' --tmpfs /run/rpc/w -- rpc doctor w # another volume
  ill 1 'permission denied: the folder "/run/rpc/w" is '"$uid:$gid"' 0770, you are 1001:1001' "group_add: [\"$gid\"]" \
    -v "$w:/run/rpc/w:ro" --user 1001:1001 -- rpc doctor w
  ill 1 "bad   directory: the worker has no \"/work/images\"" 'cure: mount the same volume' -v "$w:/run/rpc/w:ro" -w /work/images -- rpc doctor w
  ill 0 "note  directory: $uid:$gid may read, not write \"/\"" "note  files: calls run as $uid:$gid" \
    -v "$w:/run/rpc/w:ro" -e RPC_CHDIR=/ --user 1001:1001 --group-add "$gid" -- rpc doctor w
  ill 0 'ok    descriptors: they arrive' "ok    files: calls run as $uid:$gid" -v "$w:/run/rpc/w:ro" -e RPC_CHDIR=/ -- rpc doctor w
}

# A worker runs as root with only the capabilities that it needs to become its callers.
# fault: 57
test_run_as_caller() {
  local got status=0 dir=$work/volumes/images/theirs line caller
  stop_w
  docker volume create --opt type=tmpfs --opt device=tmpfs --opt o=size=1m,uid=0,gid=0,mode=0755 "$w" >/dev/null
  docker run -d --name "$w" --network none --read-only --cap-drop ALL --cap-add SETUID --cap-add SETGID --cap-add KILL \
    --security-opt no-new-privileges --tmpfs /tmp --user 0:0 -v "$w:/run/rpc/w" -v "$work/volumes/images:/work/images" \
    rpc-hugin rpcd serve --listen /run/rpc/w/ --all-commands --mode 0666 --run-as caller --grace 1s >/dev/null
  timeout 90 docker exec "$w" rpc ping --wait 60s /run/rpc/w/ >/dev/null || fail "the worker w does not answer: $(docker logs "$w" 2>&1 | tail -n 3)"
  mkdir -m 700 "$dir" && chown 1001:1001 "$dir"
  as1001() { in_w --user 1001:1001 --group-add 1234 "$@"; }

  is "who runs it" "$(as1001 -- rpc w id </dev/null)" "uid=1001 gid=1001 groups=1001,1234"
  is "its capabilities" "$(as1001 -- rpc w grep CapEff /proc/self/status </dev/null | tr -d 'CapEf:\t0')" ""
  as1001 -- rpc -C /work/images/theirs w touch file </dev/null # root without capabilities can't enter this folder
  is "the file's owner" "$(stat -c %u:%g "$dir/file")" 1001:1001
  for pass in all none; do
    is "streams by name, --pass $pass" "$(as1001 -e RPC_PASS=$pass -- sh -c "echo x | rpc w sh -c 'cat /dev/stdin >/dev/stdout' | cat")" x
  done
  is "a root caller's user" "$(in_w --user 0:0 -- rpc w id -u </dev/null)" 0
  got=$(in_w --user 65534:65534 -- rpc w id 2>&1 </dev/null) || status=$?
  is "a stranger's status" $status 126
  [[ $got == *"cannot run your calls as you"*65534* ]] || fail "a stranger reads: $got"

  # Signals reach the procedure, and a procedure that ignores them is killed.
  mkfifo "$work/runas"
  as1001 --name "$project-b3" --entrypoint rpc -- w sh -c 'trap "echo got TERM; exit 3" TERM; echo started; sleep 60 & wait' >"$work/runas" </dev/null &
  caller=$!
  exec 9<"$work/runas"
  read -r -t 60 line <&9 || fail "the procedure has not started"
  docker stop -t 20 "$project-b3" >/dev/null
  read -r -t 20 line <&9 || fail "the procedure got no TERM"
  is "the procedure's word" "$line" "got TERM"
  status=0
  wait $caller || status=$?
  is "the stopped caller's status" $status 3
  status=0
  as1001 -- rpc --timeout 0.5s w sh -c 'trap "" TERM; while :; do sleep 0.1; done' </dev/null || status=$?
  is "the status of what ignores TERM" $status 124
  within 60 nobody_1001 || fail "calls of 1001 live on: $(docker exec "$w" sh -c 'grep -l "^Uid:.1001" /proc/[0-9]*/status')"
  stop_w

  status=0
  got=$(docker run --rm --network none --cap-drop ALL --cap-add SETUID --user 0:0 rpc-hugin \
    rpcd serve --listen /tmp/w.sock --all-commands --run-as caller 2>&1) || status=$?
  is "rpcd's status without the capabilities" $status 1
  [[ $got == *"rpcd lacks CAP_SETGID and CAP_KILL"* ]] || fail "rpcd without the capabilities says: $got"
}
nobody_1001() { ! docker exec "$w" sh -c 'grep -q "^Uid:.1001" /proc/[0-9]*/status 2>/dev/null'; }

# A call that takes all memory of the worker is killed. rpcd serves the next one.
# fault: 21
test_out_of_memory() {
  local status=0 got
  stop_w
  docker volume create --opt type=tmpfs --opt device=tmpfs --opt "o=size=1m,uid=$uid,gid=$gid,mode=0770" "$w" >/dev/null
  docker run -d --name "$w" --network none --read-only --cap-drop ALL --security-opt no-new-privileges --memory 100m --memory-swap 100m \
    --user "$uid:$gid" -v "$w:/run/rpc/w" rpc-hugin rpcd serve --listen /run/rpc/w/ --all-commands >/dev/null
  timeout 90 docker exec "$w" rpc ping --wait 60s /run/rpc/w/ >/dev/null || fail "the worker w does not answer: $(docker logs "$w" 2>&1 | tail -n 3)"
  got=$(in_w -- rpc w tail /dev/zero </dev/null 2>&1) || status=$?
  is "the status of what took all memory" $status 137
  [[ $got == *"rpc: w ran out of memory, and its kernel ended \"tail\" after "* ]] || fail "who took all memory reads: $got"
  # The same holds if many calls take little memory each: the kernel kills some of them, but not rpcd.
  in_w -- sh -c 'for i in 1 2 3 4 5 6 7 8 9 10 11 12; do rpc -n w sh -c "head -c 9m /dev/zero | tail -n 1 | sleep 3" & done; wait' </dev/null >/dev/null 2>&1 || true
  is "the next call" "$(in_w -- rpc w echo next </dev/null)" next
  is "what the engine saw" "$(docker inspect -f '{{.State.Running}} {{.RestartCount}}' "$w")" "true 0"
  is "a call's oom_score_adj" "$(in_w -- rpc w cat /proc/self/oom_score_adj </dev/null)" \
    $(($(docker exec "$w" cat /proc/1/oom_score_adj) + 200))
  stop_w
}

# If a worker is stopped during a call, the caller fails.
# fault: 76 moby-stop
test_stop_with_a_call_in_flight() {
  local procedure line status caller wanted
  for procedure in 'exec sleep 60' 'trap "" TERM; while :; do sleep 1; done'; do
    stop_w
    start_w
    rm -f "$work/flight" && mkfifo "$work/flight"
    in_w -- rpc w sh -c "echo started; $procedure" >"$work/flight" 2>"$work/err" </dev/null &
    caller=$!
    exec 8<"$work/flight"
    read -r -t 60 line <&8 || fail "the procedure has not started"
    docker stop -t 12 "$w" >/dev/null
    status=0
    wait $caller || status=$?
    wanted='125|143'
    [[ $procedure == exec* ]] || wanted='125|137'
    [[ $status =~ ^($wanted)$ ]] || fail "the caller of \"$procedure\" ends with $status, not $wanted"
    # 137 would mean that the engine killed the worker after 12 s.
    status=$(docker inspect -f '{{.State.ExitCode}}' "$w")
    [[ $status != 137 ]] || fail "rpcd did not end within 12 s"
    exec 8<&-
  done
}

# A call to a paused worker (cgroup freezer) fails in time. After unpause calls succeed.
# fault: 14 moby-paused
test_paused_worker() {
  local status=0 begin
  stop_w # the case before may have left a stopped worker
  start_w
  docker pause "$w" >/dev/null
  begin=$SECONDS
  in_w -- rpc w true 2>"$work/err" </dev/null || status=$?
  docker unpause "$w" >/dev/null
  cat "$work/err"
  is "the status of a call to a paused worker" $status 125
  ((SECONDS - begin < 40)) || fail "it took $((SECONDS - begin)) s"
  [[ $(<"$work/err") == "rpc: "* && $(wc -l <"$work/err") == 1 ]] || fail "it says: $(<"$work/err")"
  is "the next call" "$(in_w -- rpc w echo next </dev/null)" next
}

# The kernel ignores INT for a PID 1 without a handler. rpcd has a handler, and drains.
# fault: 76
test_interrupted_worker() {
  stop_w
  start_w
  docker kill -s INT "$w" >/dev/null
  within 60 stopped || fail "INT does not end rpcd"
  is "rpcd's status" "$(docker inspect -f '{{.State.ExitCode}}' "$w")" 0
  stop_w
}
stopped() { [[ $(docker inspect -f '{{.State.Status}}' "$w") == exited ]]; }

test_compose_v2() {
  local got
  compose=("$("$top/.ci/compose-v2.sh")") project=${project}v2
  echo "${compose[0]} $("${compose[0]}" version --short)"
  got=$(dc run --rm -T builder pipelines/data_prep.sh images/in images/out-v2) || fail "data_prep.sh ended with status $?"
  is "its last line" "$(tail -n 1 <<<"$got")" "3 pictures: 3 done, 0 failed"
  samples_are_right images/out-v2
  got=0
  dc run --rm -T builder sh -c 'exit 7' || got=$?
  is "a status through v2" $got 7
  dc down -v -t 1 >/dev/null 2>&1 || fail "down ended with status $?"
}

odd=$project-bo
# no_odd_worker removes the odd worker and its volume.
no_odd_worker() {
  docker ps -aq --filter "volume=$odd" | xargs -r docker rm -f >/dev/null # with callers that a failed case left
  docker volume ls -q --filter "name=^$odd$" | xargs -r docker volume rm >/dev/null
}

# odd_worker OPTION... -- IMAGE COMMAND...: a second worker, named o, in a volume of its own. of_odd_worker OPTION... --
# COMMAND... is a builder that can call it. Both end with the case.
odd_worker() {
  trap 'no_odd_worker && docker images -q "$project-bare" | xargs -r docker rmi -f >/dev/null' EXIT
  no_odd_worker
  docker volume create --opt type=tmpfs --opt device=tmpfs --opt "o=size=1m,uid=$uid,gid=$gid,mode=0770" "$odd" >/dev/null
  local options=()
  while [[ $1 != -- ]]; do options+=("$1") && shift; done
  shift
  docker run -d --name "$odd" --network none --read-only --cap-drop ALL --security-opt no-new-privileges \
    --user "$uid:$gid" -v "$odd:/run/rpc/o" "${options[@]}" "$@" >/dev/null
  timeout 90 docker run --rm --network none --user "$uid:$gid" -v "$odd:/run/rpc/o:ro" rpc-builder rpc ping --wait 60s o >/dev/null ||
    fail "the worker does not answer: $(docker logs "$odd" 2>&1 | tail -n 3)"
}
of_odd_worker() { builder -v "$odd:/run/rpc/o:ro" -e RPC_CHDIR=/ "$@"; }

# what_calls_do is a builder's script. Its output is the same for every worker that has a shell.
# shellcheck disable=SC2016 # the builder's variables
what_calls_do='
rpc o sh -c "echo out; echo err >&2; exit 7" 2>&1 | cat; echo ${PIPESTATUS[0]}
echo in | rpc o cat; echo relayed | rpc --pass none o cat | cat
{ rpc o sh -c "kill -9 \$\$"; echo $?; } 2>/dev/null
rpc --timeout 0.5s o sh -c "sleep 60 & sleep 60" 2>/dev/null; echo $?
rpc o nosuch 2>/dev/null; echo $?
rpc o cat /proc/self/timerslack_ns | cmp - /proc/self/timerslack_ns
rpc o sh -c "trap \"echo told; exit 5\" TERM; echo up; sleep 60 & wait" >/tmp/up & until [[ -s /tmp/up ]]; do sleep 0.05; done
kill $!; wait $!; echo $? $(</tmp/up)'
what_they_answer=$'out\nerr\n7\nin\nrelayed\n137\n124\n127\n5 up told'

# rpcd works in an image with only the two static binaries, and in one with busybox besides. Its user has no name there,
# and HOME is unset.
# fault: 84 85
test_scratch_and_busybox() {
  local image=$project-bare root=$work/bare name got
  mkdir -p "$root"/{ex,bin,tmp,run/rpc/o} && cp "$top"/bin/{rpc,rpcd} "$root/"
  ln -s /rpc "$root/ex/again"
  tar -C "$root" --owner 0 --group 0 -c . | docker import - "$image:scratch" >/dev/null
  odd_worker -- "$image:scratch" /rpcd serve --listen /run/rpc/o/ --exports /ex
  is "a call into scratch" "$(of_odd_worker -- rpc o again version </dev/null)" "$("$root/rpc" version)"
  got=$(docker run --rm --network none --user "$uid:$gid" -v "$odd:/run/rpc/o:ro" "$image:scratch" /rpc -C / --pass none o again version </dev/null)
  is "a call from scratch" "$got" "$("$root/rpc" version)"
  docker stop -t 20 "$odd" >/dev/null
  is "rpcd's status" "$(docker inspect -f '{{.State.ExitCode}}' "$odd")" 0

  cp "$(type -P busybox)" "$root/bin/busybox"
  for name in sh cat sleep; do ln -s busybox "$root/bin/$name" && ln -s /bin/busybox "$root/ex/$name"; done
  tar -C "$root" --owner 0 --group 0 -c . | docker import - "$image:busybox" >/dev/null
  odd_worker -e PATH=/bin -- "$image:busybox" /rpcd serve --listen /run/rpc/o/ --exports /ex
  is "what calls of busybox do" "$(of_odd_worker -- bash -c "$what_calls_do" 2>&1 </dev/null)" "$what_they_answer"
  got=$(docker run --rm -i --network none --user "$uid:$gid" -v "$odd:/run/rpc/o:ro" "$image:busybox" \
    /bin/sh -c 'echo from busybox | /rpc -C / o cat | /bin/cat; /rpc -C / o sh -c "exit 7"; echo $?' </dev/null)
  is "calls from busybox" "$got" $'from busybox\n7'
}

# rpcd works under a seccomp filter that denies system calls which old kernels lack. The filter gives EPERM, and then
# ENOSYS.
# fault: 85
test_denied_syscalls() {
  local errno
  for errno in 1 38; do
    cat >"$work/seccomp.json" <<JSON
{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"action": "SCMP_ACT_ERRNO", "errnoRet": $errno, "names": ["pidfd_open",
  "pidfd_send_signal", "clone3", "openat2", "close_range", "kcmp", "faccessat2", "epoll_pwait2"]}]}
JSON
    odd_worker --tmpfs /tmp --security-opt "seccomp=$work/seccomp.json" -- rpc-hugin rpcd serve --listen /run/rpc/o/ --all-commands
    # 434 is pidfd_open(2), 437 is openat2(2).
    is "the filter's answer" "$(docker exec "$odd" perl -e 'for (434, 437) { $! = 0; syscall($_, $$, 0, 0, 0); print $! + 0, "\n" }')" "$errno"$'\n'"$errno"
    is "what calls do, errno $errno" "$(of_odd_worker --security-opt "seccomp=$work/seccomp.json" -- bash -c "$what_calls_do" 2>&1 </dev/null)" "$what_they_answer"
  done
}

served() { of_odd_worker -- rpc o true </dev/null 2>/dev/null; }

# A fork bomb takes all processes of the worker's container, but rpcd survives, and ends the bomb when its caller is gone.
# In perl the bomb goes on after a fork has failed; in bash it would end.
# fault: 74
test_fork_bomb() {
  local caller=$project-b-bomb
  odd_worker --tmpfs /tmp --pids-limit 200 -- rpc-hugin rpcd serve --listen /run/rpc/o/ --all-commands --grace 1s
  # shellcheck disable=SC2016 # perl's variable
  of_odd_worker --name "$caller" -- rpc o perl -e '$SIG{TERM} = "IGNORE"; for (;;) { fork // select undef, undef, undef, 0.02 }' >/dev/null 2>&1 </dev/null &
  within 60 bombed || fail "the bomb doesn't go off: $(cat "$(pids_file)" 2>&1)"
  # Calls during the bomb may fail. They make rpcd start threads.
  of_odd_worker -- bash -c '{ for i in {1..30}; do rpc o true & done; wait; } >/dev/null 2>&1; exec rpc ping --wait 60s o' </dev/null ||
    fail "rpcd does not answer beside the bomb: $(docker logs "$odd" 2>&1 | grep -m 1 fatal)"
  bombed || fail "the bomb was over before ping's answer"
  docker kill "$caller" >/dev/null
  wait $! || true
  within 60 served || fail "no call any more: $(of_odd_worker -- rpc o true 2>&1 </dev/null)"
  within 60 defused || fail "the bomb's processes live on: $(cat "$(pids_file)")"
  is "the worker's state" "$(docker inspect -f '{{.State.Status}} {{.RestartCount}}' "$odd")" "running 0"
}
pids_file() { compgen -G "/sys/fs/cgroup/*/docker/$(docker inspect -f '{{.Id}}' "$odd")/pids.current" || compgen -G "/sys/fs/cgroup/system.slice/docker-$(docker inspect -f '{{.Id}}' "$odd").scope/pids.current"; }
bombed() { (($(cat "$(pids_file)") > 190)); }
defused() { (($(cat "$(pids_file)") < 100)); }
