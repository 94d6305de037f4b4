# shellcheck shell=bash
# A failing R is a failing rule, and its file goes.
echo x >>data-b.csv
make -s -j3 2>err || echo "status $?" # prints: status 2
head -n 1 err                         # prints: Error in read.csv: no number: x
ls fit-?.txt
# prints: fit-a.txt
# prints: fit-c.txt

# Ctrl-C ends R, and the half of its file goes, too.
seq 3 >data-b.csv
rm data-c.csv fit-c.txt
mkfifo data-c.csv
touch fit.R
env --default-signal=INT setsid make -s -j3 >/dev/null 2>&1 &
wait_for test -s fit-c.txt
kill -INT -- -$!
wait $! || echo failed                # prints: failed
ls fit-c.txt 2>/dev/null || echo gone # prints: gone
