# resident.sh: calls of a resident procedure. Go puts prelude.sh before it, and says in $RESIDENT which program the
# worker is.
# shellcheck shell=bash disable=SC2154

mkdir "$D/ex/r"
echo 1 >"$D/ex/r/workers"
echo 'X_*' >"$D/ex/r/env"
ln -s "$RESIDENT" "$D/ex/r/run"

echo "# as a process: arguments, streams, status, directory, umask, variables"
rpc "$W" r say a '' 'b c'
rpc "$W" r complain loud
printf 'in\n' | rpc "$W" r cat
head -c 1000000 /dev/zero | rpc "$W" r cat | wc -c
rpc "$W" r exit 7
echo $?
[[ $(rpc "$W" r pwd) == "$PWD true" || $(rpc "$W" r pwd) == "$PWD True" ]] || echo "another directory"
(umask 077 && rpc "$W" r touch private)
stat -c %a private
rpc -e X_A=1 "$W" r env X_A
rpc -e Y=1 "$W" r env Y 2>/dev/null
echo $?
[[ $(rpc "$W" r pid) == "$(rpc "$W" r pid)" ]] || echo "not the same worker"
{
  rpc "$W" r say one
  rpc "$W" r complain two
} >both 2>&1
cat both

echo "# descriptors beyond 2, and one too many"
rpc --fd 3 "$W" r fd by number 3>far
cat far
(
  flags=()
  for n in {3..252}; do
    eval "exec $n</dev/null"
    flags+=(--fd "$n")
  done
  rpc "${flags[@]}" "$W" r fd x 2>err
  echo $?
  sed 's/^rpc: [^ ]* /rpc: W /' err
)

echo "# ends: a signal, a limit, kill, a caller that has left"
ends() { wait_for grep -q up up; }
: >up
call "$W" r wait 2>>up
ends
kill -INT "$rpc"
wait "$job"
cat rc
rpc --timeout 0.2 "$W" r wait 2>/dev/null
echo $?
: >up
call "$W" r wait 2>>up
ends
grep -q ' r .*running' <(rpc ps "$W") || rpc ps "$W"
rpc kill "$W" "$(rpc ps "$W" | awk '/running/ { print $2 }')"
wait "$job"
cat rc
: >up
call "$W" r wait 2>>up
ends
kill -KILL "$rpc"
wait "$job"
rpc "$W" r say free again

echo "# one that never answers is killed and replaced, a crash fails its call alone"
before=$(rpc "$W" r pid)
rpc --timeout 0.2 "$W" r hang 2>/dev/null
echo $?
[[ $(rpc "$W" r pid) != "$before" ]] || echo "the same worker"
rpc --status-fd 9 "$W" r crash 9>status 2>err
echo $?
sed 's/^rpc: [^ ]* /rpc: W /' err
jq -c '[.outcome, .started, .reason]' status
for entry in '' off; do
  RPC_TEST_ENTRY=$entry rpc "$W" r crash >out 2>err
  echo $?
  sed 's/^rpc: [^ ]* /rpc: W /' err
done
rpc "$W" r say and again

echo "# what ls says"
rpc ls -l "$W" | grep -o 'resident .*'
rpc ls --json "$W" | jq -c '.[0].procedures[] | select(.name == "r") | [.kind, .workers.wanted, .workers.warm, .workers.busy, .workers.restarts, .workers.trouble]'

echo "# 16 callers"
for i in {1..16}; do
  for j in {1..5}; do
    [[ $(rpc "$W" r say "$i" "$j") == "$i|$j" ]] || echo "wrong"
  done &
done
wait

echo "# gone with its entry"
rm -r "$D/ex/r"
rpc "$W" r say x 2>/dev/null
echo $?
