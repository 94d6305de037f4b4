# shellcheck shell=bash
# The last one is at it still.
flock reindex.lock ./nightly reindex && echo "status $?" # prints: status 0

# Time runs out, and the job's processes are gone. Nobody's there.
mkdir "$D/db/exports/hang"
printf '#!/bin/sh\nsleep 300\n' >"$D/db/exports/hang/run"
chmod +x "$D/db/exports/hang/run"
sed 's/50m/0.2s/; s/1m/0.1s/' nightly >quick
bash quick hang >out || echo "status $?"                    # prints: status 124
tail -n 1 out                                               # prints: hang: status 124
RPC_DIR=/nowhere bash quick vacuum >out || echo "status $?" # prints: status 125
head -n 1 out                                               # prints: rpc: cannot reach db: ...

# Nobody but the script holds the lock.
flock -n hang.lock echo free # prints: free
