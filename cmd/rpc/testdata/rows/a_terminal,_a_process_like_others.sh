# The procedure of a terminal has the same signals, limits, descriptors and directory as without: the process that
# leads its session leaves no trace in it.

mkdir "sub dir"
cd "sub dir"
umask 027
# shellcheck disable=SC2016
look='umask; pwd; ulimit -a; grep -E "^(Sig(Blk|Ign|Cgt)|ShdPnd|NoNewPrivs|Cap)" /proc/self/status; ls -1 /proc/self/fd; [ "$(cut -d" " -f1,5 /proc/$$/stat)" = "$$ $$" ] && echo leads'
for i in "" -t; do
  rpc $i $W sh -c "$look" </dev/null | tr -d '\r' >"look$i"
  rpc $i $W env </dev/null | tr -d '\r' | grep -v -e TERM= -e CALL_ID >"env$i"
done
cmp look look-t && cmp env env-t && grep leads look-t

# stdout:
#| leads
