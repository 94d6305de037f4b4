# shellcheck shell=bash
# Without the worker the commit is made.
echo 'print(2' >two.py
git add two.py
RPC_DIR=/nowhere git commit -qm second 2>err && grep -c '^rpc: cannot reach lint' err # prints: 1
git rm -q two.py
git commit -qm third

# git's variables stay here.
ln -s "$(command -v env)" "$D/lint/exports/"
GIT_DIR=x rpc -C / lint env | grep "^GIT_DIR" || echo none # prints: none

# A bad file is one also where the worker goes behind it.
rm "$D/lint/exports/ruff"
# shellcheck disable=SC2016
printf '#!/bin/sh\n[ "$4" = bad.py ] && exit 1\nexit 125 # as rpc, when its worker has gone\n' >"$D/lint/exports/ruff"
chmod +x "$D/lint/exports/ruff"
touch bad.py gone.py
git add bad.py gone.py
git commit -qm bad 2>/dev/null || echo "status $?" # prints: status 1
git rm -qf bad.py gone.py

# Ctrl-C ends hook and commit.
rm "$D/lint/exports/ruff"
printf '#!/usr/bin/env python3\nimport signal\nsignal.pause()\n' >"$D/lint/exports/ruff"
chmod +x "$D/lint/exports/ruff"
echo 'print(4)' >four.py
git add four.py
env --default-signal=INT setsid git commit -qm fourth >/dev/null 2>&1 &
runs() { rpc ps lint | grep -q running; }
wait_for runs
kill -INT -- -$!
wait $! || true
git log -n 1 --format=%s # prints: third
