# No name, argument or label makes a record of its own in a log of JSON.
#
# serve: --log-format json
# fault: 56

procedure p sh
: >$D/ex/p/log-args
a=$'x\n{"@level":"info","@message":"forged"}\e\xff"}'
rpc --label "$a" $W p -c : "$a"
rpc $W "$a" 2>/dev/null
rpc $W p -c : last
wait_for grep -q last $D/log
perl -MJSON::PP -ne '
  my $line = decode_json($_);
  $n++ if $line->{"@message"} eq "forged";
  END { print $n + 0, "\n" }
' $D/log
LC_ALL=C grep -c $'[\e\xff]' $D/log
:

# stdout:
#| 0
#| 0
