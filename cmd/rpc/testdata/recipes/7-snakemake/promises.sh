# shellcheck shell=bash
# RPCD_0 and RPCD_1 are the replicas' processes.
takes() { pgrep -P "$1" -x sort >"$1.job"; }
either() { takes "$RPCD_0" || takes "$RPCD_1"; }

# A tool that fails fails its job, and leaves no file.
rm c.*
mkdir c.reads
snakemake -q -j 3 2>err || echo "status $?" # prints: status 1
grep -c '^sort: ' err                       # prints: 3
ls -- *.sorted
# prints: a.sorted
# prints: b.sorted

# A replica dies: its job runs again on the other one.
rmdir c.reads
mkfifo c.reads
snakemake -q -j 3 2>err &
wait_for either
dies=$RPCD_0 lives=$RPCD_1
takes "$dies" || dies=$RPCD_1 lives=$RPCD_0
takes "$dies"
kill -KILL "$dies"
kill -KILL "$(<"$dies.job")" || true # with its container
wait_for takes "$lives"
echo 'read 3' >c.reads
wait $! && cat c.sorted # prints: read 3
cat err                 # prints: rpc: lost the connection to hts ...
