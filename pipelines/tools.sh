#!/bin/sh
# tools.sh: fills a volume with the static rpc and with shims, for builders that have nothing installed.
#
#   tools.sh DIR WORKER...
#
# DIR gets rpc, rpc-rsh and a shim for each procedure of the WORKERs. A builder mounts DIR read-only under the same path,
# and has it last on PATH, so that no worker's name hides a command of the builder's own. The workers don't mount it: no
# builder runs a file that a worker wrote. Run again it brings DIR up to date. Exit status: 0, or 1 if a shim can't be made.
set -eu

dir=$1
shift
# A builder may run the old one meanwhile. So the new one takes its place at once.
cp "$(command -v rpc)" "$dir/.rpc.new"
chmod 755 "$dir/.rpc.new"
mv -f "$dir/.rpc.new" "$dir/rpc"
ln -sfn rpc "$dir/rpc-rsh"
status=0
for worker; do
  rpc shim "$worker" --dir "$dir" --rpc "$dir/rpc" || status=1
done
exit $status
