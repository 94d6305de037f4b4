# A PWD that names another directory, or none, or holds a dot-dot is no name of the caller's: the procedure's PWD is the
# directory's own name.

mkdir real
ln -s real link
ln -s none dangling
ln -s link again
cd real
pwd_of() { rpc $W env | sed -n "s/^PWD=//p"; }
for PWD in /usr '' . real ../real "$D/cwd/dangling" "$D/cwd/link/../real" "$D/cwd/./link" /no/such "$D/cwd/real" \
  "/$(printf %05000d 1)" /proc/self/cwd; do
  pwd_of
done
unset PWD
pwd_of
export PWD="$D/cwd/link"
pwd_of
PWD="$D//cwd/again/"
pwd_of

# stdout:
#| $D/cwd/real
#| $D/cwd/real
#| $D/cwd/real
#| $D/cwd/real
#| $D/cwd/real
#| $D/cwd/real
#| $D/cwd/real
#| $D/cwd/real
#| $D/cwd/real
#| $D/cwd/real
#| $D/cwd/real
#| $D/cwd/real
#| $D/cwd/real
#| $D/cwd/link
#| $D//cwd/again/
