# An allow file says who may call its procedure. An empty one admits nobody.

procedure mine sh
procedure theirs sh
procedure nobody sh
echo "uid $UID" >$D/ex/mine/allow
echo 'uid 4294967294' >$D/ex/theirs/allow
: >$D/ex/nobody/allow
rpc $W mine -c 'echo ran'
for p in theirs nobody; do
  rpc $W $p -c 'echo ran' 2>err
  echo $? $(wc -l <err)
done

# stdout:
#| ran
#| 126 1
#| 126 1
