# The caller's umask holds for the procedure.
#
# on: passed none bridge users

for m in 0 022 027 077 777; do
  umask $m
  rpc $W sh -c umask
done
umask 027
rpc $W sh -c 'cd /tmp; f=rpcd-mask-$$; : >$f; stat -c %a $f; unlink $f 2>/dev/null || rm $f'

# stdout:
#| 0000
#| 0022
#| 0027
#| 0077
#| 0777
#| 640
