# A worker that can start no process refuses calls in words, answers questions, and recovers.
#
# on: users
# use: shortage hold
# fault: 20

chmod 777 .
hold 1
as_rpcd prlimit --pid $RPCD --nproc=1:
for p in all none; do
  rpc --pass $p $W true
  echo $?
done
for i in {1..40}; do rpc $W true 2>/dev/null & done
wait $(jobs -p | tail -n +2)
rpc ping $W >/dev/null
echo $?
as_rpcd prlimit --pid $RPCD --nproc=$(ulimit -Su):
rpc $W echo again
release

# stdout:
#| 125
#| 125
#| 0
#| again
# stderr:
#| rpc: $W cannot run "true": resource temporarily unavailable (its limits of processes...
#| rpc: $W cannot run "true": resource temporarily unavailable...
