# A make at the worker takes its places from the jobserver of the caller's make: of two places both, and never three.
#
# on: passed users

procedure make make
echo MAKEFLAGS >"$D/ex/make/env"
mkdir -m 777 up
cat >Makefile <<'M'
all:
	+@fds=$$(echo "$$MAKEFLAGS" | sed 's/.*--jobserver-auth=\([0-9]*\),\([0-9]*\).*/--fd \1 --fd \2/'); \
	rpc -e MAKEFLAGS $$fds $$W make --no-print-directory -f sub.mk
M
cat >sub.mk <<'M'
all: 1 2 3 4 5 6
1 2:
	@>up/$@; until [ -e up/1 ] && [ -e up/2 ]; do sleep 0.02; done
3 4 5 6: | 1 2
	@mkdir up/busy.$@; ls up | grep -c busy >>up/counts; rmdir up/busy.$@
M
make --no-print-directory -j2 2>&1
wc -l <up/counts
sort -n up/counts | tail -n 1 | grep '[12]' | sed s/1/2/

# stdout:
#| 4
#| 2
