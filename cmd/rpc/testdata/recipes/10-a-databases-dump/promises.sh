# shellcheck shell=bash
find . -name 'part.*'

# TERM for the script: the last dump stays, and no part of another.
echo 'of yesterday' | gzip >endless.sql.gz
sed 's/^dump shop/dump endless/' "$D/recipe.sh" >script
setsid bash script 2>/dev/null &
runs() { rpc ps db | grep -q running; }
wait_for runs
kill -TERM -- -$!
wait $! || echo "status $?" # prints: status 143
zcat endless.sql.gz         # prints: of yesterday
find . -name 'part.*'

# A gzip that fails ends pg_dump. Time runs out; the worker dies.
rpc -C / db pg_dump endless | head -c 100 | wc -c || echo "${PIPESTATUS[0]}"
# prints: 100
# prints: 141
rpc -C / --timeout 0.2s db pg_dump endless 2>/dev/null | gzip >/dev/null || echo "${PIPESTATUS[0]}" # prints: 124
{ rpc -C / db pg_dump endless 2>/dev/null | gzip >/dev/null || echo "${PIPESTATUS[0]}"; } &         # prints: 125
wait_for pgrep -P "$RPCD_0" -x yes >job
kill -KILL "$RPCD_0"
kill -KILL "$(<job)" || true # with its container
wait $!
