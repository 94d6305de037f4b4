# The caller's umask holds for the procedure.
#
# on: passed none bridge users

for m in 0 022 027 077 777; do
  umask $m
  rpc $W sh -c umask
done
umask 027
rpc $W sh -c 'd=$(mktemp -d) && cd "$d" && : >f && stat -c %a f; rm -r "$d"'

# stdout:
#| 0000
#| 0022
#| 0027
#| 0077
#| 0777
#| 640
