# shellcheck shell=bash
cat site/style.css # prints: h1 { color: red }

# A command ends with its caller.
for signal in TERM KILL; do
  rm -f pid
  rpc-rsh box 'echo $$ >pid; exec sleep 300' 2>/dev/null &
  wait_for test -s pid
  kill -"$signal" $!
  wait $! || true
  wait_for gone "$(<pid)"
done

# What the text says instead of a forced command.
printf '#!/bin/sh\necho restarted\n' >"$D/box/exports/restart-site"
chmod +x "$D/box/exports/restart-site"
rm "$D/box/exports/sh"
rpc box restart-site                           # prints: restarted
rpc-rsh box id 2>/dev/null || echo "status $?" # prints: status 255
