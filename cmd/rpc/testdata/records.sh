# records.sh: writers whose writes can be told apart, and their reader.
# shellcheck shell=bash disable=SC2016,SC2034,SC2086 # perl's variables, used by the rows; no word of $W has a blank

# side_by_side PERL: runs it in four calls at once, with 1 to 4 as their argument.
side_by_side() {
  local k calls=()
  for k in 1 2 3 4; do
    rpc $W env perl -e "$1" $k &
    calls+=($!)
  done
  wait "${calls[@]}"
}

# Each writer writes records: their length in five digits, then the writer's number again and again. odd writes one of
# any length up to PIPE_BUF at once. full writes so much each time, blocks lets stdio do it, and many writes 16 at once.
odd='srand $ARGV[0]; for (1 .. 1500) { my $n = 6 + int rand 4091; syswrite STDOUT, sprintf("%05d", $n) . $ARGV[0] x ($n - 5) }'
full='syswrite STDOUT, "04096" . $ARGV[0] x 4091 for 1 .. 2000'
blocks='print "04096" . $ARGV[0] x 4091 for 1 .. 2000'
many='syswrite STDOUT, ("04096" . $ARGV[0] x 4091) x 16 for 1 .. 125'
small='for (1 .. 5000) { my $n = 6 + $_ % 95; syswrite STDOUT, sprintf("%05d", $n) . $ARGV[0] x ($n - 5) }'

# whole: says how many records came before the first that another writer has cut.
whole() {
  perl -e 'undef $/; my $all = <STDIN>; my ($at, $count) = (0, 0);
    while ($at < length $all) {
      my $n = substr $all, $at, 5;
      last if $n !~ /^\d{5}$/ or $n < 6 or substr($all, $at + 5, $n - 5) !~ /^(\d)\1*\z/;
      $at += $n; $count++;
    }
    print $at == length $all ? "$count whole\n" : "$count, then a broken one\n"'
}
